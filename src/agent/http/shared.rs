//! `/v1/shared`: the values that the group shares.

use axum::Json;
use axum::extract::State;

use crate::agent::discovery::{Discovery, SharedSummary};

/// All shared values, and the items of all shared sets.
#[utoipa::path(get, path = "/v1/shared", responses((status = 200, body = SharedSummary)))]
pub(super) async fn shared(State(discovery): State<Discovery>) -> Json<SharedSummary> {
    Json(discovery.snapshot().shared().into())
}
