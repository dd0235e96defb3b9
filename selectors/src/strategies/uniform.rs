//! `uniform`: basic SWIM, targets drawn at random without memory.

use std::sync::Arc;

use super::SelectorRegistry;
use crate::metric::MetricRegistry;
use crate::peer::{Peer, Slot};
use crate::selector::{Bound, DynSelector, Selector, pick_uniform};
use crate::view::Context;

/// Basic SWIM (Das, Gupta, Motivala, DSN 2002, section 3.1): each period's targets are drawn uniformly among all
/// pingable members.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uniform;

pub(super) fn register(registry: &mut SelectorRegistry, _: &Arc<MetricRegistry>) {
    let about = "Basic SWIM: targets drawn at random, without memory.";
    registry.register("uniform", about, vec![], |_, _| Ok(DynSelector::new("uniform", Uniform)));
}

impl Selector for Uniform {
    type RosterIndex = ();
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), _: &mut Context<'_>) {}

    fn targets(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        pick_uniform(ctx, want, picks, |_| true);
    }

    fn keeps_slots(&self, (): &()) -> bool {
        false
    }

    /// Share of the other members that is pinged in each period.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let others = n.saturating_sub(1);
        Bound::PerPeriod(if direct >= others { 1.0 } else { f64::from(direct) / f64::from(others) })
    }
}
