//! `shuffle`: SWIM's round robin over a shuffled list.

use super::round_robin::RoundRobin;
use crate::selector::{Bound, Selector};
use crate::{Context, Observation, Peer, Slot};

/// SWIM's round robin (section 4.3): all others in a shuffled order, shuffled anew after each traversal; a joiner goes
/// in at a random place. The order is computed from a key, so a member's state is a few words, whatever n.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shuffle;

/// One member's place in its current traversal.
#[derive(Debug)]
pub struct ShuffleState(RoundRobin);

impl Selector for Shuffle {
    type RosterIndex = ();
    type State = ShuffleState;

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, _: &(), ctx: &mut Context<'_>) -> ShuffleState {
        ShuffleState(RoundRobin::begin(ctx))
    }

    fn targets(&self, _: &(), state: &mut ShuffleState, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
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

    fn observe(&self, _: &(), state: &mut ShuffleState, ctx: &mut Context<'_>, what: Observation) {
        if let Observation::Joined(slot) = what {
            state.0.joined(slot, ctx);
        }
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(periods(two_traversals(n), n, direct))
    }
}

/// The most picks from one ping of a member to the next when every traversal visits each of the `n - 1` others once:
/// first in one traversal, last in the next (SWIM section 4.3, which counts `2n - 1` as it has n others).
pub(crate) fn two_traversals(n: u32) -> u64 {
    (2 * u64::from(n.saturating_sub(1))).saturating_sub(1)
}

/// Periods that so many picks take, `direct` each; one if everybody is pinged in every period.
pub(crate) fn periods(picks: u64, n: u32, direct: u32) -> u64 {
    if direct >= n.saturating_sub(1) { 1 } else { picks.div_ceil(u64::from(direct.max(1))) }
}
