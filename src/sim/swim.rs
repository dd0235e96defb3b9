//! A world of SWIM members.

use std::sync::Arc;

use swimlab_selectors::Strategy;

use super::observer::Observer;
use super::setup::Setup;
use crate::protocol::{Kit, Time};

/// What a run leaves behind, besides what its observer saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Deliveries, periods and timers that fired.
    pub events: u64,
    /// A hash of all that happened, in order: equal hashes, equal runs.
    pub trace_hash: u64,
    /// What the checkers object to, as sentences; empty for a sound run.
    pub violations: Vec<String>,
    /// When the world ended: warm-up plus duration.
    pub end: Time,
}

/// Runs one trial: a world of SWIM members with this strategy.
pub fn run(_setup: &Setup, _kit: &Arc<Kit>, _strategy: &Strategy, _observer: &mut impl Observer) -> Outcome {
    unimplemented!("the world is being built")
}
