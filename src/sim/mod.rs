//! A world in virtual time: members, the network between them, and what breaks.

pub mod checker;
pub mod detector;
pub mod fault;
mod fault_injector;
mod host;
pub mod id_index;
mod in_flight;
mod network;
pub mod observer;
mod queue;
pub mod setup;
pub mod stream;
pub mod swim;
pub mod trace;
pub mod world;

pub use checker::{Checker, Guarantees};
pub use detector::FailureDetector;
pub use fault::{Direction, Fault, FaultKind, Target, faults};
pub use fault_injector::{FaultEnvironment, FaultInjector, Impairment, QueuePolicy, check_targets};
pub use id_index::IdIndex;
pub use network::{Network, Transport, address_of, index_of};
pub use observer::{Delivery, Effect, FaultEvent, MemberIndex, Observer, Sent};
pub use setup::{Phases, Setup, Start, joiners_needed};
pub use world::{DetectorFactory, Outcome, SEEDS, World};

#[cfg(test)]
pub(crate) mod log;
#[cfg(test)]
mod tests;
