//! One member with its selector.

use super::group::{Group, Standing};
use crate::peer::{Peer, Slot};
use crate::rng::{Purpose, Rng, stream};
use crate::selector::{Chooser, Strategy};
use crate::view::{Observation, Turn, View};

/// One member with its selector, as the laws drive it: also for tests of what a strategy does beyond them.
pub struct Member {
    /// Its view.
    pub group: Group,
    /// Whether it has news that nobody has been told yet.
    pub news: bool,
    chooser: Box<dyn Chooser>,
    rng: Rng,
    period: u64,
}

impl Member {
    /// A member that begins, in period 0; its luck is the seed's.
    pub fn new(strategy: &Strategy, group: Group, seed: u64) -> Self {
        let surveyed = strategy.survey(group.roster());
        let mut rng = stream(seed, Purpose::Strategy, u64::from(group.me()));
        let chooser =
            surveyed.enroll(&mut Turn { view: &group, period: 0, shared_period: 0, news: false, rng: &mut rng });
        Self { group, news: false, chooser, rng, period: 0 }
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
        self.turn(false, |chooser, turn| chooser.observe(turn, what));
    }

    /// The index is built anew over the roster as the group knows it.
    pub fn resurvey(&mut self) {
        self.group.resurvey();
        self.chooser.resurvey(self.group.roster());
    }

    /// The same as [`Member::ping`], after those that were picked already.
    pub(super) fn targets(&mut self, want: usize, picks: &mut Vec<Slot>) {
        self.turn(self.news, |chooser, turn| chooser.targets(turn, want, picks));
        self.period += 1;
    }

    pub(super) fn gossip(&mut self, want: usize, picks: &mut Vec<Slot>) {
        self.turn(true, |chooser, turn| chooser.gossip(turn, want, picks));
    }

    fn turn<T>(&mut self, news: bool, act: impl FnOnce(&mut dyn Chooser, &mut Turn<'_>) -> T) -> T {
        let (period, shared_period) = (self.period, self.period);
        act(&mut *self.chooser, &mut Turn { view: &self.group, period, shared_period, news, rng: &mut self.rng })
    }
}
