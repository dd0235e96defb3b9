//! A member in the real world: the protocol of `protocol`, driven over UDP and TCP.
//!
//! [`Agent::builder`] sets up a member, [`Builder::spawn`] starts it as one task of a tokio runtime; no thread is its
//! own, so that thousands fit into a process. The handle asks and commands; what happens arrives as [`AgentEvent`] values.
//! docs/operations.md is for whoever runs agents.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use swimlab::agent::Agent;
//!
//! let first = Agent::builder().name("first").spawn().await?;
//! let second = Agent::builder().name("second").join([first.addr().to_string()]).spawn().await?;
//! let mut news = first.events();
//! while first.members().await?.len() < 2 {
//!     println!("{:?}", news.next().await);
//! }
//! second.leave().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod builder;
#[cfg(unix)]
pub mod control;
mod delay_queue;
mod driver;
mod event;
mod families;
mod handle;
mod http;
mod meta;
pub mod metrics;
mod packet_codec;
mod prometheus;
mod seeds;
mod snapshot;
mod streams;
pub mod testing;
#[cfg(test)]
mod tests;

pub use address::{to_address, to_socket};
pub use builder::{Builder, Security, SpawnError, id_of};
pub use event::{AgentEvent, Events, MemberChange, MemberInfo};
pub use families::metrics_markdown;
pub use handle::{Agent, Closed, CommandError, ExitReason, Info};
pub use http::serve_metrics;
pub use meta::{Meta, MetaError};
pub use seeds::DEFAULT_PORT;
