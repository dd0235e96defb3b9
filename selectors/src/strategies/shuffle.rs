//! `shuffle`: SWIM's round robin over a shuffled list.

use std::sync::Arc;

use super::SelectorRegistry;
use super::round_robin::{RoundRobin, periods, two_traversals};
use crate::metric::MetricRegistry;
use crate::peer::{Peer, Slot};
use crate::selector::{Bound, DynSelector, Selector};
use crate::view::{Context, Observation};

/// SWIM's round robin (Das, Gupta, Motivala, DSN 2002, section 4.3): all other members in a shuffled order, shuffled
/// again after each traversal; a joiner is inserted at a random position.
///
/// The order is computed from a key and not stored, so that a member's state is a few words whatever n.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shuffle;

/// Position of one member in its current traversal.
#[derive(Debug)]
pub struct ShuffleState(RoundRobin);

pub(super) fn register(registry: &mut SelectorRegistry, _: &Arc<MetricRegistry>) {
    let about = "SWIM's round robin over a shuffled list.";
    registry.register("shuffle", about, vec![], |_, _| Ok(DynSelector::new("shuffle", Shuffle)));
}

impl Selector for Shuffle {
    type RosterIndex = ();
    type State = ShuffleState;

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), ctx: &mut Context<'_>) -> ShuffleState {
        ShuffleState(RoundRobin::begin(ctx))
    }

    fn targets(&self, (): &(), state: &mut ShuffleState, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        let first = picks.len();
        for _ in 0..want.min(ctx.view.pingable_count() as usize) {
            match state.0.pick(ctx, &picks[first..], |_, _| false) {
                Some(slot) => picks.push(slot),
                None => return,
            }
        }
    }

    fn upcoming(&self, state: &ShuffleState) -> Option<Slot> {
        state.0.upcoming()
    }

    fn observe(&self, (): &(), state: &mut ShuffleState, ctx: &mut Context<'_>, observation: Observation) {
        if let Observation::Joined(slot) = observation {
            state.0.joined(slot, ctx);
        }
    }

    /// Two traversals: a peer can be first in one and last in the next.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(periods(two_traversals(n), n, direct))
    }
}
