//! A world in virtual time: members, the network between them, and what breaks.

mod chaos;
pub mod checker;
pub mod fault;
mod flight;
mod host;
pub mod ids;
pub mod machine;
mod network;
pub mod observer;
mod queue;
pub mod setup;
pub mod stream;
pub mod swim;
pub mod trace;
pub mod world;

pub use chaos::{Backlog, Chaos, Hindrance, Stage, check_targets};
pub use checker::{Checker, Promise};
pub use fault::{Direction, Fault, FaultKind, Target, faults};
pub use ids::IdIndex;
pub use machine::Machine;
pub use network::{Network, Way, address_of, index_of};
pub use observer::{Effect, Fate, Index, Observer, Sent, Strike};
pub use setup::{Phases, Setup, Start, joiners_needed};
pub use world::{Breed, Outcome, SEEDS, World};

#[cfg(test)]
pub(crate) mod log;
#[cfg(test)]
mod tests;
