//! `/healthz` and `/metrics`: the agent itself.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use tokio::time::timeout;

use super::error::{ErrorBody, Refusal};
use crate::agent::handle::Agent;
use crate::agent::metrics::Info;

/// The longest wait for the agent's task: one that does not answer by then is not alive.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// `alive` while the agent's task answers.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "agent",
    responses(
        (status = 200, description = "`alive`", body = String, content_type = "text/plain"),
        (status = 503, description = "The agent has ended, or does not answer", body = ErrorBody),
    )
)]
pub(super) async fn healthz(State(agent): State<Agent>) -> Result<&'static str, Refusal> {
    info(&agent).await.map(|_| "alive\n")
}

/// The agent's metrics in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "agent",
    responses(
        (status = 200, description = "The metrics", body = String, content_type = "text/plain; version=0.0.4"),
        (status = 503, description = "The agent has ended, or does not answer", body = ErrorBody),
    )
)]
pub(super) async fn metrics(State(agent): State<Agent>) -> Result<impl IntoResponse, Refusal> {
    let page = info(&agent).await?.to_prometheus();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page))
}

async fn info(agent: &Agent) -> Result<Info, Refusal> {
    let unavailable = |why: String| Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why);
    match timeout(PATIENCE, agent.info()).await {
        Ok(info) => info.map_err(|closed| unavailable(closed.to_string())),
        Err(_) => Err(unavailable(format!("the agent has not answered for {} s", PATIENCE.as_secs()))),
    }
}
