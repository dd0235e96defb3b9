//! The control socket, by which other processes talk to a running agent: `swimlab members`, `info`, `join`, `leave` and
//! the other commands that ask one.
//!
//! It is a Unix socket that only its owner can open. A connection serves one request: a line of JSON, answered by a
//! line of JSON. After a request to [`monitor`] it the log follows, and a query ([`start_query`]) has a line for each
//! answer. A request to leave is answered when the agent has left, and its port, its files and the socket are free
//! for the next one. [`ControlSocket`] is the agent's side, [`ask`] that of a client:
//!
//! ```
//! use swimlab::agent::Agent;
//! use swimlab::agent::control::{Answer, ControlSocket, Request, ask};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("web.sock");
//! let agent = Agent::builder().name("web").spawn().await?;
//! tokio::spawn(ControlSocket::open(&path).await?.serve(agent));
//!
//! match ask(&path, &Request::Members).await? {
//!     Answer::Members(members) => assert_eq!(members[0].name, "web"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod agent_messages;
mod client;
mod error;
mod history;
#[cfg(test)]
mod limit_table;
mod lines;
mod member_messages;
mod messages;
mod monitor;
mod overview;
mod overview_messages;
mod query;
mod query_messages;
mod server;
mod socket_file;
#[cfg(test)]
mod tests;
mod values;

pub use agent_messages::{AgentSummary, CoordinateSummary, Interfaces};
pub use client::ask;
pub use error::ControlError;
#[cfg(test)]
pub(super) use limit_table::stated_limits;
pub use member_messages::{ContactSummary, MemberSummary, ReachedSummary, RoundTripSummary};
pub use messages::{Answer, Request};
pub use monitor::{LogFields, LogHub, LogLevel, LogLine, LogRecord, Monitor, monitor};
pub use overview_messages::{EventSummary, MemberOverview, OverviewSummary, TrafficSummary};
pub use query::{QueryStream, start_query};
pub use query_messages::{QueryAnswerSummary, QueryRequest, QuerySummary};
#[cfg(test)]
pub(super) use server::LIMITS;
pub(super) use server::read_request;
pub use server::{ControlSocket, Leaving, ReloadRequest};
pub use values::{FamilyValue, FamilyValues, SecretText};
