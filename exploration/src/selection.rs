//! Peer selection without state and without random numbers, so that the exploration branches on nothing but its own steps.

use swimlab_selectors::rng::mix;
use swimlab_selectors::{Bound, Context, DynSelector, Helpers, Peer, Selector, Slot, View};

/// A selector that counts periods: pings go round the pingable members in the order of their slots. Gossip goes to the
/// members from a position on that a hash of the period chooses; three or more receivers are everybody in a group of four.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counting;

/// Helpers in the order of their slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FirstHelpers;

impl Counting {
    pub(crate) fn boxed() -> DynSelector {
        DynSelector::new("counting", Self)
    }
}

impl Selector for Counting {
    type RosterIndex = ();
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), _: &mut Context<'_>) {}

    fn targets(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        pick_from(ctx.view, ctx.period, want, picks);
    }

    fn gossip(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        pick_from(ctx.view, mix(ctx.period), want, picks);
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(u64::from(n.saturating_sub(1).div_ceil(direct.max(1))).max(1))
    }
}

impl Helpers for FirstHelpers {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = ctx.view;
        let fits = |slot: &Slot| view.pingable(*slot) && !view.suspect(*slot) && !targets.contains(slot);
        picks.extend((0..view.slots()).filter(fits).take(want));
    }
}

/// Adds up to `want` pingable slots, in a circle from the position `from` on.
fn pick_from(view: &dyn View, from: u64, want: usize, picks: &mut Vec<Slot>) {
    let count = view.pingable_count();
    if count == 0 {
        return;
    }
    let pingable = || (0..view.slots()).filter(|slot| view.pingable(*slot));
    let first = (from % u64::from(count)) as usize;
    picks.extend(pingable().skip(first).chain(pingable().take(first)).take(want));
}
