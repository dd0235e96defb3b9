//! A member in the real world: the protocol of `protocol`, driven over UDP and TCP.
//!
//! [`Agent::builder`] sets up a member, [`Builder::spawn`] starts it as one task of a tokio runtime; no thread is its
//! own, so that thousands fit into a process. The handle asks and commands; what happens arrives as [`Notice`] values.
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
mod departures;
mod driver;
mod exposition;
pub mod figures;
mod handle;
mod http;
pub mod lab;
mod meta;
mod notice;
mod seeds;
mod snapshot;
mod streams;
mod voice;

pub use address::{to_address, to_socket};
pub use builder::{Builder, Security, SpawnError, id_of};
pub use handle::{Agent, End, Gone, Info, Refusal};
pub use http::serve_metrics;
pub use meta::{Meta, MetaError};
pub use notice::{Change, Events, MemberInfo, Notice};
pub use seeds::DEFAULT_PORT;
