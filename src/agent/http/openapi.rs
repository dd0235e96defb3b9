//! `/v1/openapi.json`: the description of the interface.

use axum::Json;
use utoipa::OpenApi;

use super::{members, own, services, shared, targets, watch};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "swimlab agent",
        description = "Services and members of a cluster, as one agent knows them. Reads only. Errors have a body with \
                       `error`. Paths that do not exist answer 404, methods other than GET and HEAD 405, targets and \
                       heads that are too long 414 and 431, requests with a body 413, slow heads 408.",
    ),
    paths(
        services::services,
        services::instances,
        members::members,
        watch::watch,
        targets::targets,
        shared::shared,
        own::healthz,
        own::metrics,
        openapi,
    )
)]
pub(super) struct Description;

/// This description.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    responses((status = 200, description = "An OpenAPI document", content_type = "application/json"))
)]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(Description::openapi())
}
