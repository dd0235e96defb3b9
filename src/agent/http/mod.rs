//! HTTP server of an agent: services, members and changes in JSON, targets and metrics for Prometheus. It only reads.
//!
//! | path | answer |
//! |---|---|
//! | `/v1/services`, `/v1/services/NAME` | the services, the instances of one |
//! | `/v1/members` | the alive and suspected members |
//! | `/v1/watch` | a stream of changes (server-sent events) |
//! | `/v1/sd` | targets for Prometheus (`http_sd`) |
//! | `/v1/openapi.json` | the description of all of this |
//! | `/healthz`, `/metrics` | whether the agent runs, and its metrics |

mod connection;
mod deadline;
mod error;
#[cfg(test)]
mod limit_table;
mod members;
mod openapi;
mod own;
mod routes;
mod server;
mod services;
mod shared;
mod targets;
#[cfg(test)]
mod tests;
mod watch;

#[cfg(test)]
pub(super) use limit_table::stated_limits;
pub(super) use server::in_memory;
#[cfg(test)]
pub(super) use server::{HTTP_LIMITS, METRICS_LIMITS};
pub use server::{serve_http, serve_metrics};
