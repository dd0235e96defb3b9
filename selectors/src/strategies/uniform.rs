//! `uniform`: basic SWIM. Every period a member drawn at random, without memory.

use crate::selector::{Bound, Selector, pick_uniform};
use crate::{Context, Peer, Slot};

/// Basic SWIM (section 3.1): this period's targets are drawn uniformly among all pingable members.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uniform;

impl Selector for Uniform {
    type RosterIndex = ();
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, _: &(), _: &mut Context<'_>) {}

    fn targets(&self, _: &(), _: &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        pick_uniform(ctx, want, picks, |_| true);
    }

    /// The share of the others that is pinged each period.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let others = n.saturating_sub(1);
        Bound::PerPeriod(if direct >= others { 1.0 } else { f64::from(direct) / f64::from(others) })
    }
}
