//! `/v1/services`: services and their instances.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ErrorBody, Refusal};
use crate::agent::discovery::{Discovery, InstanceSummary};
use crate::discovery::{Filter, Instance};

/// A service with the number of its instances.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceCount {
    name: String,
    /// All instances.
    instances: usize,
    /// Those that are ready or degraded.
    healthy: usize,
}

/// Choice of instances.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// Conditions that must all hold, as in `kind=backend,capability=gpu`.
    r#where: Option<String>,
    /// Whether to leave out instances that are suspected or failing.
    #[serde(default)]
    healthy: bool,
    /// A tag that the service must have.
    tag: Option<String>,
}

impl Choice {
    /// Those of these instances that are chosen.
    pub(super) fn of<'a>(
        &self,
        instances: impl Iterator<Item = &'a Instance>,
    ) -> Result<impl Iterator<Item = &'a Instance>, Refusal> {
        let filter: Filter = self.r#where.as_deref().unwrap_or_default().parse()?;
        Ok(instances.filter(move |instance| {
            filter.allows(instance)
                && (!self.healthy || instance.readiness.is_healthy())
                && self.tag.as_deref().is_none_or(|tag| instance.service.tags.contains(tag))
        }))
    }
}

/// Names of all services that have an instance, in alphabetic order, with the numbers of their instances.
#[utoipa::path(get, path = "/v1/services", responses((status = 200, body = Vec<ServiceCount>)))]
pub(super) async fn services(State(discovery): State<Discovery>) -> Json<Vec<ServiceCount>> {
    let snapshot = discovery.snapshot();
    let counts = snapshot.services().map(|name| {
        let instances = snapshot.instances(name);
        let healthy = instances.iter().filter(|instance| instance.readiness.is_healthy()).count();
        ServiceCount { name: name.to_owned(), instances: instances.len(), healthy }
    });
    Json(counts.collect())
}

/// Instances of a service, the readiest first, then by name. A service that nobody offers has none.
#[utoipa::path(
    get,
    path = "/v1/services/{name}",
    params(("name" = String, Path, description = "Name of the service, in any case"), Choice),
    responses(
        (status = 200, body = Vec<InstanceSummary>),
        (status = 400, description = "A filter that does not parse", body = ErrorBody),
    )
)]
pub(super) async fn instances(
    State(discovery): State<Discovery>,
    name: Result<Path<String>, PathRejection>,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Result<Json<Vec<InstanceSummary>>, Refusal> {
    let (Path(name), Query(choice)) = (name?, choice?);
    let snapshot = discovery.snapshot();
    Ok(Json(choice.of(snapshot.instances(&name).iter())?.map(InstanceSummary::from).collect()))
}
