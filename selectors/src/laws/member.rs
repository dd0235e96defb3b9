//! One member with its selector.

use super::group::{Group, Status};
use crate::peer::{Peer, Slot};
use crate::rng::{Purpose, Rng, stream};
use crate::selector::{DynSelector, MemberSelector};
use crate::view::{Context, Observation, View};

/// One member with its selector, driven period by period.
///
/// ```
/// use swimlab_selectors::laws::{Group, Member};
/// use swimlab_selectors::{DynSelector, Peer};
///
/// let selector: DynSelector = "shuffle".parse()?;
/// let mut member = Member::new(&selector, Group::new((0..3).map(Peer::new).collect(), 0), 1);
/// member.dies(1);
/// assert_eq!(member.ping(2), [2]);
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
pub struct Member {
    /// The member's view.
    pub group: Group,
    /// Whether updates are waiting to be piggybacked.
    pub has_updates: bool,
    selector: Box<dyn MemberSelector>,
    rng: Rng,
    period: u64,
}

impl Member {
    /// Member in period 0, with a random stream of this seed.
    pub fn new(selector: &DynSelector, group: Group, seed: u64) -> Self {
        let indexed = selector.build_index(group.roster());
        let mut rng = stream(seed, Purpose::Selector, u64::from(group.me()));
        let selector = indexed.new_state(&mut Context {
            view: &group,
            period: 0,
            shared_period: 0,
            has_updates: false,
            rng: &mut rng,
        });
        Self { group, has_updates: false, selector, rng, period: 0 }
    }

    /// Returns this period's targets, and ends the period.
    pub fn ping(&mut self, want: usize) -> Vec<Slot> {
        let mut picks = Vec::new();
        self.targets(want, &mut picks);
        picks
    }

    /// Sets the number of the current period, for itself and in the shared count.
    pub fn set_period(&mut self, period: u64) {
        self.period = period;
    }

    /// Number of the current period.
    pub fn period(&self) -> u64 {
        self.period
    }

    /// Adds a peer to the view, has the selector observe it, and returns its slot.
    pub fn joins(&mut self, peer: Peer) -> Slot {
        let slot = self.group.join(peer);
        self.observe(Observation::Joined(slot));
        slot
    }

    /// Marks a peer as dead and has the selector observe it. Does nothing if it is the member itself.
    pub fn dies(&mut self, slot: Slot) {
        if slot != self.group.me() {
            self.group.set_status(slot, Status::Dead);
            self.observe(Observation::Left(slot));
        }
    }

    /// Has the selector observe an event.
    pub fn observe(&mut self, observation: Observation) {
        self.call(false, |selector, ctx| selector.observe(ctx, observation));
    }

    /// Whether the selector has fallen back to shuffled order. See
    /// [`Selector::has_fallen_back`](crate::Selector::has_fallen_back).
    pub fn has_fallen_back(&self) -> bool {
        self.selector.has_fallen_back()
    }

    /// Builds a new index over the roster of the view.
    pub fn reindex(&mut self) {
        self.group.reindex();
        self.selector.reindex(self.group.roster());
    }

    /// As [`Member::ping`], but adds the targets to `picks`.
    pub(super) fn targets(&mut self, want: usize, picks: &mut Vec<Slot>) {
        self.call(self.has_updates, |selector, ctx| selector.targets(ctx, want, picks));
        self.period += 1;
    }

    pub(super) fn gossip(&mut self, want: usize, picks: &mut Vec<Slot>) {
        self.call(true, |selector, ctx| selector.gossip(ctx, want, picks));
    }

    fn call<T>(&mut self, has_updates: bool, act: impl FnOnce(&mut dyn MemberSelector, &mut Context<'_>) -> T) -> T {
        let (period, shared_period) = (self.period, self.period);
        let mut ctx = Context { view: &self.group, period, shared_period, has_updates, rng: &mut self.rng };
        act(&mut *self.selector, &mut ctx)
    }
}
