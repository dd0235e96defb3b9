//! A world in virtual time: members, the network between them, and what breaks.

pub mod fault;
pub mod machine;
pub mod observer;
pub mod setup;
pub mod swim;

pub use fault::{Direction, Fault, FaultKind, Target, faults};
pub use machine::Machine;
pub use observer::{Effect, Fate, Index, Observer, Sent, Strike};
pub use setup::{Phases, Setup, Start, joiners_needed};
pub use swim::Outcome;
