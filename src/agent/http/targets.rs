//! `/v1/sd`: targets for Prometheus' `http_sd`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::error::{ErrorBody, Refusal};
use crate::agent::discovery::{Discovery, InstanceSummary};
use crate::discovery::Filter;

/// A target with its labels.
#[derive(Serialize, ToSchema)]
pub(super) struct TargetGroup {
    /// One address, `IP:PORT`.
    targets: [String; 1],
    /// `__meta_swimlab_` and `service`, `member`, `id`, `zone`, `kind`, `health`, `readiness`, `weight`, `tags` and
    /// `capabilities` (lists with a comma around each word), and `meta_KEY` for each pair of the metadata.
    labels: BTreeMap<String, String>,
}

/// Choice of targets.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetChoice {
    /// The service; without one, all services.
    service: Option<String>,
    /// Conditions that must all hold, as in `kind=backend,tag=metrics`.
    r#where: Option<String>,
}

/// Instances of a service, or of all, as targets: suspected and failing ones, too, as a scrape shows whether they answer.
/// Those of the dead and departed are gone.
#[utoipa::path(
    get,
    path = "/v1/sd",
    params(TargetChoice),
    responses(
        (status = 200, body = Vec<TargetGroup>),
        (status = 400, description = "A filter that does not parse", body = ErrorBody),
    )
)]
pub(super) async fn targets(
    State(discovery): State<Discovery>,
    choice: Result<Query<TargetChoice>, QueryRejection>,
) -> Result<Json<Vec<TargetGroup>>, Refusal> {
    let Query(choice) = choice?;
    let filter: Filter = choice.r#where.as_deref().unwrap_or_default().parse()?;
    let service = choice.service.map(|name| name.to_ascii_lowercase());
    let snapshot = discovery.snapshot();
    let instances = snapshot.filtered(&filter);
    let asked = instances.filter(|instance| service.as_ref().is_none_or(|name| **name == *instance.service.name));
    Ok(Json(asked.map(|instance| group(InstanceSummary::from(instance))).collect()))
}

fn group(instance: InstanceSummary) -> TargetGroup {
    // Prometheus' own mechanisms write lists so that `,word,` is found in all of them.
    let list = |words: std::collections::BTreeSet<String>| match words.len() {
        0 => String::new(),
        _ => format!(",{},", Vec::from_iter(words).join(",")),
    };
    let own = [
        ("service", instance.service),
        ("member", instance.member),
        ("id", instance.id),
        ("zone", instance.zone),
        ("kind", instance.kind.unwrap_or_default()),
        ("health", instance.health),
        ("readiness", instance.readiness),
        ("weight", instance.weight.to_string()),
        ("tags", list(instance.tags)),
        ("capabilities", list(instance.capabilities)),
    ];
    let meta = instance.meta.into_iter().map(|(key, value)| (format!("meta_{}", label(&key)), value));
    let labels = own.map(|(key, value)| (key.to_owned(), value)).into_iter().chain(meta);
    TargetGroup {
        targets: [SocketAddr::from((instance.address, instance.port)).to_string()],
        labels: labels.map(|(key, value)| (format!("__meta_swimlab_{key}"), value)).collect(),
    }
}

/// A key as a part of a label's name: letters, digits and underscores.
fn label(key: &str) -> String {
    key.replace(|letter: char| !letter.is_ascii_alphanumeric(), "_")
}
