//! Paths and what answers them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::deadline::Deadline;
use super::error::Refusal;
use super::watch::Streams;
use super::{members, openapi, own, services, shared, targets, watch};
use crate::agent::discovery::Discovery;
use crate::agent::handle::Agent;

/// The longest target of a request, in bytes: path and query.
pub(super) const LONGEST_TARGET: usize = 4096;

/// The paths of a server.
#[derive(Clone)]
pub(super) struct Routes(TowerToHyperService<Router>);

impl Routes {
    /// All of an agent that has this handle.
    pub(super) fn all(agent: Agent, discovery: Discovery, epoch: u64) -> Self {
        Self::new(of_agent(agent).merge(of_discovery(discovery, epoch)))
    }

    /// Those that tell of the agent itself.
    pub(super) fn of_agent(agent: Agent) -> Self {
        Self::new(of_agent(agent))
    }

    /// Those that tell of services and members.
    pub(super) fn of_discovery(discovery: Discovery, epoch: u64) -> Self {
        Self::new(of_discovery(discovery, epoch))
    }

    fn new(router: Router) -> Self {
        Self(TowerToHyperService::new(router.fallback(not_found).method_not_allowed_fallback(not_allowed)))
    }

    /// The answer to a request, whose body is not read.
    pub(super) async fn answer<B>(&self, request: Request<B>, deadline: Arc<Deadline>) -> Response<Body> {
        let (mut head, _) = request.into_parts();
        let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
        if target > LONGEST_TARGET {
            let error = format!("a target of {target} bytes is longer than {LONGEST_TARGET}");
            return Refusal::new(StatusCode::URI_TOO_LONG, error).into_response();
        }
        let length = head.headers.get(header::CONTENT_LENGTH);
        let is_read = matches!(head.method, Method::GET | Method::HEAD);
        if is_read
            && (length.is_some_and(|length| length != "0") || head.headers.contains_key(header::TRANSFER_ENCODING))
        {
            return Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "no request has a body").into_response();
        }
        head.extensions.insert(deadline);
        match self.0.call(Request::from_parts(head, Body::empty())).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn of_agent(agent: Agent) -> Router {
    Router::new().route("/healthz", get(own::healthz)).route("/metrics", get(own::metrics)).with_state(agent)
}

fn of_discovery(discovery: Discovery, epoch: u64) -> Router {
    let streams =
        Router::new().route("/v1/watch", get(watch::watch)).with_state(Streams::new(discovery.clone(), epoch));
    Router::new()
        .route("/v1/services", get(services::services))
        .route("/v1/services/{name}", get(services::instances))
        .route("/v1/members", get(members::members))
        .route("/v1/sd", get(targets::targets))
        .route("/v1/shared", get(shared::shared))
        .route("/v1/openapi.json", get(openapi::openapi))
        .with_state(discovery)
        .merge(streams)
}

async fn not_found(uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, format!("there is no {}", uri.path()))
}

async fn not_allowed() -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "there is only GET and HEAD")
}
