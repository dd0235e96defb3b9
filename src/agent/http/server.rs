//! The servers behind `--http` and `--metrics`.

use std::time::Duration;

use tokio::io::{AsyncRead, join};
use tokio::net::TcpListener;

use super::connection::{HEAD_TIMEOUT, serve_connection};
use super::deadline::{ANSWER_TIMEOUT, STREAM_TIMEOUT};
use super::routes::Routes;
use crate::agent::discovery::Discovery;
use crate::agent::handle::Agent;
use crate::agent::server::{ServerLimits, serve};

pub(in crate::agent) const HTTP_LIMITS: ServerLimits = ServerLimits {
    clients: "clients over HTTP",
    connections: 256,
    per_source: 128,
    first_byte: Duration::from_secs(2),
    timeout: STREAM_TIMEOUT,
};

pub(in crate::agent) const METRICS_LIMITS: ServerLimits = ServerLimits {
    clients: "clients of the metrics",
    connections: 64,
    per_source: 8,
    first_byte: Duration::from_secs(2),
    timeout: HEAD_TIMEOUT.saturating_add(ANSWER_TIMEOUT),
};

/// Serves services, members, changes, targets and metrics over HTTP, until the agent ends.
pub async fn serve_http(listener: TcpListener, agent: Agent, discovery: Discovery) {
    // Where the system has no random numbers, readers of streams do not notice a restart.
    let epoch = getrandom::u64().unwrap_or_default();
    let routes = Routes::all(agent.clone(), discovery, epoch);
    serve_routes(listener, agent, routes, HTTP_LIMITS, true).await;
}

/// Serves an agent's metrics to Prometheus at `/metrics`, and `/healthz`, until the agent ends.
pub async fn serve_metrics(listener: TcpListener, agent: Agent) {
    let routes = Routes::of_agent(agent.clone());
    serve_routes(listener, agent, routes, METRICS_LIMITS, false).await;
}

async fn serve_routes(listener: TcpListener, agent: Agent, routes: Routes, limits: ServerLimits, keeps_alive: bool) {
    let respond = move |stream, place: crate::agent::server::Place| {
        let routes = routes.clone();
        async move { serve_connection(stream, routes, keeps_alive, move || place.has_asked()).await.map(drop) }
    };
    tokio::select! {
        () = serve(&listener, limits, respond) => {}
        _ = agent.ended() => {}
    }
}

/// The bytes that a client gets who sends these in pieces and then closes its side, from a server without an agent.
pub(in crate::agent) async fn in_memory(discovery: Discovery, reader: impl AsyncRead + Unpin) -> Vec<u8> {
    let io = join(reader, Vec::new());
    let served = serve_connection(io, Routes::of_discovery(discovery, 0), false, || {}).await;
    served.expect("memory can be read and written").into_inner().1
}
