//! One member with its selector.

use super::group::{Group, Standing};
use crate::peer::{Peer, Slot};
use crate::rng::{Purpose, Rng, stream};
use crate::selector::{DynSelector, MemberSelector};
use crate::view::{Context, Observation, View};

/// One member with its selector, as the laws drive it: also for tests of what a strategy does beyond them.
pub struct Member {
    /// Its view.
    pub group: Group,
    /// Whether it has news that nobody has been told yet.
    pub news: bool,
    selector: Box<dyn MemberSelector>,
    rng: Rng,
    period: u64,
}

impl Member {
    /// A member that begins, in period 0; its luck is the seed's.
    pub fn new(strategy: &DynSelector, group: Group, seed: u64) -> Self {
        let indexed = strategy.build_index(group.roster());
        let mut rng = stream(seed, Purpose::Selector, u64::from(group.me()));
        let selector = indexed.new_state(&mut Context {
            view: &group,
            period: 0,
            shared_period: 0,
            has_updates: false,
            rng: &mut rng,
        });
        Self { group, news: false, selector, rng, period: 0 }
    }

    /// This period's targets; the period is over then.
    pub fn ping(&mut self, want: usize) -> Vec<Slot> {
        let mut picks = Vec::new();
        self.targets(want, &mut picks);
        picks
    }

    /// The next period is this one.
    pub fn is_in(&mut self, period: u64) {
        self.period = period;
    }

    /// Which one that is.
    pub fn period(&self) -> u64 {
        self.period
    }

    /// A peer joins, and the selector hears of it.
    pub fn joins(&mut self, peer: Peer) -> Slot {
        let slot = self.group.join(peer);
        self.observe(Observation::Joined(slot));
        slot
    }

    /// A peer dies, and the selector hears of it. Nothing happens if it is the member itself.
    pub fn dies(&mut self, slot: Slot) {
        if slot != self.group.me() {
            self.group.mark(slot, Standing::Dead);
            self.observe(Observation::Left(slot));
        }
    }

    /// The selector hears of something.
    pub fn observe(&mut self, what: Observation) {
        self.ctx(false, |selector, ctx| selector.observe(ctx, what));
    }

    /// The index is built anew over the roster as the group knows it.
    pub fn reindex(&mut self) {
        self.group.reindex();
        self.selector.reindex(self.group.roster());
    }

    /// The same as [`Member::ping`], after those that were picked already.
    pub(super) fn targets(&mut self, want: usize, picks: &mut Vec<Slot>) {
        self.ctx(self.news, |selector, ctx| selector.targets(ctx, want, picks));
        self.period += 1;
    }

    pub(super) fn gossip(&mut self, want: usize, picks: &mut Vec<Slot>) {
        self.ctx(true, |selector, ctx| selector.gossip(ctx, want, picks));
    }

    fn ctx<T>(&mut self, news: bool, act: impl FnOnce(&mut dyn MemberSelector, &mut Context<'_>) -> T) -> T {
        let (period, shared_period) = (self.period, self.period);
        act(
            &mut *self.selector,
            &mut Context { view: &self.group, period, shared_period, has_updates: news, rng: &mut self.rng },
        )
    }
}
