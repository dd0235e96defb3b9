//! Members on real sockets: the protocol of [`protocol`](crate::protocol), driven over UDP and TCP.
//!
//! SWIM's members are processes that exchange datagrams (Das, Gupta, Motivala, DSN 2002). What surrounds the protocol
//! here follows two systems that run it in production:
//!
//! - [memberlist](https://github.com/hashicorp/memberlist): one port for UDP and TCP; state sync and what exceeds a
//!   datagram go over TCP; a keyring that is rotated while the cluster runs.
//! - [Serf](https://www.serf.io): application events, a local socket for commands, and a snapshot of the members'
//!   addresses by which a restarted cluster finds itself again.
//!
//! Two types matter. A [`Builder`] holds the settings of a member and starts it. An [`Agent`] is the handle of a
//! running member: its methods ask and command, and its events arrive as [`AgentEvent`] values. An agent is one task of
//! a tokio runtime that owns a [`Member`](crate::protocol::Member), its sockets and its timers, and one more that
//! accepts streams. It has no thread of its own, so that thousands fit into a process.
//!
//! ```
//! use swimlab::agent::Agent;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let first = Agent::builder().name("first").spawn().await?;
//! let second = Agent::builder().name("second").join([first.addr().to_string()]).spawn().await?;
//! let mut events = first.events();
//! while first.members().await?.len() < 2 {
//!     println!("{:?}", events.next().await);
//! }
//! second.leave().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | task | item |
//! |---|---|
//! | follow members and application events | [`Agent::events`], [`Builder::spawn_watched`] |
//! | ask members something, and answer | [`Agent::query`], [`AgentEvent::Query`] |
//! | find services, and publish own ones | [`Agent::discovery`], [`Agent::describe`] |
//! | encrypt packets, and change the key | [`Security`], [`Agent::install_key`] |
//! | let a restarted cluster find itself again | [`Builder::state_dir`] |
//! | export metrics to Prometheus | `serve_metrics` (feature `discovery`), [`Info::to_prometheus`] |
//! | answer other programs over HTTP and DNS | `serve_http`, `serve_dns` (feature `discovery`) |
//! | let other processes talk to the agent | [`control`] |
//! | put an experiment's network between agents | [`testing`] |
//!
//! docs/operations.md is the guide for operators of agents; `swimlab agent` runs one from the command line.

mod accept_failures;
mod address;
mod admission;
mod arrival;
mod builder;
mod checks;
mod clock;
mod command;
mod contacts;
#[cfg(unix)]
pub mod control;
mod delay_queue;
mod discovery;
mod distance;
#[cfg(feature = "discovery")]
mod dns;
mod driver;
mod event;
mod event_hub;
mod exit;
mod generation_limit;
mod handle;
mod histogram;
#[cfg(feature = "discovery")]
mod http;
mod join;
mod json_error;
mod launch;
#[cfg(test)]
mod limit_table;
mod meta;
mod metrics;
mod overview;
mod packet_codec;
mod packet_error;
mod packet_hook;
mod packet_io;
mod prometheus;
mod query;
mod reachability;
mod rejection_log;
mod rejoin;
mod reply_budget;
mod round_trip;
mod seed;
mod seed_filter;
mod seeds;
mod server;
mod snapshot;
mod snapshot_writer;
mod sockets;
mod spawn;
mod spawn_error;
mod streams;
pub mod testing;
#[cfg(test)]
mod tests;
mod traffic;
mod wall_clock;
mod zone_names;

pub use address::{parse_socket_addr, to_address, to_socket};
pub use builder::{Builder, Security, check_name, id_of};
pub use checks::{ClockOffset, Warning};
pub use command::CommandError;
pub use discovery::{
    CatalogMemberSummary, Discovery, InstanceSummary, ServiceSummary, SharedSummary, Watch, WatchEvent,
};
pub use distance::Distance;
#[cfg(feature = "discovery")]
pub use dns::{DnsDomain, DnsSockets, DomainError, serve_dns};
pub use event::{AgentEvent, MemberChange, MemberInfo};
pub use event_hub::Events;
pub use exit::{Closed, ExitReason};
pub use handle::Agent;
pub use histogram::Histogram;
#[cfg(feature = "discovery")]
pub use http::{serve_http, serve_metrics};
pub use join::{ContactFailure, JoinError, SeedContact};
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use meta::{Meta, MetaError};
pub use metrics::{Counters, Info, Metrics, Names};
pub use query::{IncomingQuery, Query, QueryAnswer, QueryAnswers, QueryEnd, QueryError, QueryTotals, RespondError};
pub use reachability::{ReachabilityError, Reached};
pub use round_trip::{RoundTrip, RoundTripError, RoundTripSource};
pub use seed::{DEFAULT_PORT, SeedError, check_seed};
pub use snapshot::StateError;
pub use spawn_error::SpawnError;
pub use traffic::{DropReason, Traffic};
