//! The simulator: a world of members in virtual time, the network between them, and faults.
//!
//! A [`Setup`] describes one trial: the members' placement, the network's loss, the faults, the seed. A [`World`] runs
//! it: it owns the clock, the packets and the random streams, and drives one sans-I/O [`FailureDetector`] per member,
//! which for SWIM is the very [`Member`](crate::protocol::Member) that agents run on real sockets. An [`Observer`] sees
//! every packet, event and fault; all measures are made from that. A run depends on its setup alone, to the last bit:
//! the [`Outcome`]'s trace hash proves it.
//!
//! A hundred SWIM members, one of which crashes:
//!
//! ```
//! use std::sync::Arc;
//!
//! use swimlab::protocol::{Config, Event, EventKind, MemberConfig, Span, Time};
//! use swimlab::sim::{Crash, Fault, MemberIndex, Observer, Setup, run_swim};
//! use swimlab::topology::{TopologyContext, topologies};
//! use swimlab::wire::PlainSizer;
//! use swimlab_selectors::{DynSelector, Shuffle, Spec};
//!
//! /// Counts the members that learn of a death.
//! #[derive(Default)]
//! struct Deaths(u32);
//!
//! impl Observer for Deaths {
//!     fn event(&mut self, _at: Time, _member: MemberIndex, event: &Event) {
//!         self.0 += u32::from(event.kind == EventKind::Died);
//!     }
//! }
//!
//! let aws = topologies().build(&Spec::of("aws"), &TopologyContext::default())?;
//! let mut crash = Fault::new(Crash);
//! crash.at = Span::from_secs(5);
//! let setup = Setup::new(&aws, 100, 1, vec![crash]);
//! let config = MemberConfig::new(Config::swim(), Arc::new(PlainSizer))?;
//!
//! let mut deaths = Deaths::default();
//! let outcome = run_swim(&setup, &Arc::new(config), &DynSelector::new("shuffle", Shuffle), &mut deaths);
//! assert_eq!((deaths.0, outcome.violations.len()), (99, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The protocol is that of Das, Gupta and Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group
//! Membership Protocol" (DSN 2002). Streams, which carry whole tables, lose time under packet loss as TCP does (RFC
//! 6298); see [`Network::delivery`].

mod app_request;
mod checker;
mod detector;
mod environment;
mod fault_injector;
mod faults;
mod host;
mod hosts;
mod id_index;
mod in_flight;
#[cfg(test)]
mod limit_table;
mod link;
mod network;
mod observer;
mod prefetch;
mod queue;
mod ring;
mod scheduled;
mod setup;
mod shard;
mod shard_log;
mod sharding;
mod sink;
mod stream;
mod swim;
mod threads;
mod trace;
mod windows;
mod world;

pub use app_request::AppRequest;
pub use checker::{Checker, Guarantees};
pub use detector::FailureDetector;
pub use environment::{FaultEnvironment, Impairment, QueuePolicy};
pub use fault_injector::FaultInjector;
pub use faults::{
    Activation, Broadcast, Churn, Crash, Direction, Fault, FaultKind, FlipFlop, FollowUp, Join, Leave, Loss, Metadata,
    PartialPartition, Partition, Pause, Restart, Slow, Target, check_targets, faults,
};
pub use id_index::IdIndex;
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use link::{LinkPacket, LinkRule, LinkVerdict, RuleId, Transport};
pub use network::{Network, address_of, index_of};
pub use observer::{Delivery, Effect, FaultEvent, MemberIndex, Observer, Sent};
pub use setup::{NetworkDraws, Phases, Setup, Start, joiners_needed};
pub use sharding::SingleThread;
pub use swim::{SwimFactory, run_swim};
pub use threads::{Job, ThreadStarter, Threads};
pub use trace::Trace;
pub use world::{DetectorFactory, Outcome, SEEDS, World};

#[cfg(test)]
pub(crate) mod log;
#[cfg(test)]
mod tests;
