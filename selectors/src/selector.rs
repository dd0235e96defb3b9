//! The two seams of this crate: [`Selector`] picks targets of pings and of gossip, [`Helpers`] picks members that send
//! indirect pings. [`DynSelector`] is a selector without its type, as registries and worlds hold it.
//!
//! A selector has three layers: its configuration (one value, shared by all members), an index over a roster (shared by
//! the members of that roster) and the state of one member. [`DynSelector`], [`IndexedSelector`] and [`MemberSelector`]
//! are these layers with types erased.

use std::fmt;
use std::sync::Arc;

use crate::coordinate::Coordinate;
use crate::location::Location;
use crate::peer::{Peer, Slot};
use crate::prefetch::prefetch;
use crate::rng::below;
use crate::shared_indexes::SharedIndexes;
use crate::view::{Context, Observation, View};

/// Strategy that picks targets of direct pings and of gossip.
///
/// An implementation must keep the laws that the `laws` module checks.
///
/// ```
/// use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot, pick_uniform};
///
/// /// Basic SWIM (Das, Gupta, Motivala, DSN 2002, section 3.1).
/// struct Basic;
///
/// impl Selector for Basic {
///     type RosterIndex = ();
///     type State = ();
///
///     fn build_index(&self, _roster: &[Peer]) {}
///
///     fn new_state(&self, _index: &(), _ctx: &mut Context<'_>) {}
///
///     fn targets(&self, _: &(), _: &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
///         pick_uniform(ctx, want, picks, |_| true);
///     }
///
///     fn bound(&self, n: u32, direct: u32) -> Bound {
///         Bound::PerPeriod((f64::from(direct) / f64::from(n.saturating_sub(1))).min(1.0))
///     }
/// }
///
/// let selector = DynSelector::new("basic", Basic);
/// assert_eq!(selector.bound(101, 1), Bound::PerPeriod(0.01));
/// ```
pub trait Selector: Send + Sync + 'static {
    /// Index over a roster, shared by its members; `()` if none is needed.
    type RosterIndex: Send + Sync + 'static;
    /// State of one member. In large worlds it should not grow with the number n of members, but with the number of those
    /// that the selector singles out, such as neighbors.
    type State: Send + 'static;

    /// Builds the shared index over a roster; `roster[slot]` is the peer in `slot`.
    fn build_index(&self, roster: &[Peer]) -> Self::RosterIndex;

    /// Returns the initial state of one member.
    fn new_state(&self, index: &Self::RosterIndex, ctx: &mut Context<'_>) -> Self::State;

    /// Adds the targets of this period's direct pings to `picks`: `want` distinct pingable slots, or all if fewer
    /// exist.
    ///
    /// What `picks` holds before does not count: it is empty, or holds the member's own slot, never another one. Targets
    /// of earlier periods are never in it.
    fn targets(
        &self,
        index: &Self::RosterIndex,
        state: &mut Self::State,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    );

    /// Returns the most likely next target, if it is known without computation.
    ///
    /// A simulated world uses it to prefetch the memory of that member; a wrong answer costs time only.
    fn upcoming(&self, _state: &Self::State) -> Option<Slot> {
        None
    }

    /// Adds the targets of gossip messages to `picks`: `want` distinct pingable slots, or all if fewer exist. `picks`
    /// holds no more before than in [`Self::targets`].
    ///
    /// Uniform by default. An implementation that goes round robin needs a cursor separate from that of `targets`.
    fn gossip(
        &self,
        _index: &Self::RosterIndex,
        _state: &mut Self::State,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        pick_uniform(ctx, want, picks, |_| true);
    }

    /// Returns the member to compare tables with, if there is another.
    ///
    /// Uniform by default. An implementation that prefers near members chooses any other now and then: what only distant
    /// members know arrives by that.
    fn sync_partner(
        &self,
        _index: &Self::RosterIndex,
        _state: &mut Self::State,
        ctx: &mut Context<'_>,
    ) -> Option<Slot> {
        any_member(ctx)
    }

    /// Observes an event.
    fn observe(
        &self,
        _index: &Self::RosterIndex,
        _state: &mut Self::State,
        _ctx: &mut Context<'_>,
        _observation: Observation,
    ) {
    }

    /// Returns the network coordinate that the member's pings and acks carry.
    ///
    /// `None` if the member learns none, which saves the bytes; a member that learns has one from its first period on.
    fn coordinate(&self, _state: &Self::State) -> Option<Coordinate> {
        None
    }

    /// Recommends a peer that is probably near `to`, for the ack to a ping that carried the coordinate of `to`.
    fn neighbor_hint(&self, _state: &Self::State, _ctx: &mut Context<'_>, _to: Slot) -> Option<NearPeer> {
        None
    }

    /// Returns the location to advertise from now on, or `None` to keep the current one.
    ///
    /// Called at the start of each period, before `targets`, of a member that has a coordinate. Each `Some` is gossiped
    /// to the whole group, so it should be rare.
    fn advertised_location(&self, _state: &Self::State, _ctx: &mut Context<'_>) -> Option<Location> {
        None
    }

    /// Whether the selector regards a peer as near at present. `None` if it prefers no peers by distance, or knows no
    /// distances.
    fn is_near(&self, _index: &Self::RosterIndex, _state: &Self::State, _view: &dyn View, _slot: Slot) -> Option<bool> {
        None
    }

    /// Whether picks depend on [`Context::shared_period`], and so on clocks that agree.
    fn follows_clock(&self) -> bool {
        false
    }

    /// Whether pings by others in this shared period are to be observed, as [`Observation::Pinged`]. Asked in each
    /// period of a member whose selector [follows the clock](Self::follows_clock).
    fn wants_pings(&self, _state: &Self::State, _shared_period: u64) -> bool {
        false
    }

    /// Whether the member pings in shuffled order at present, as `shuffle`, because clocks do not agree.
    fn has_fallen_back(&self, _state: &Self::State) -> bool {
        false
    }

    /// Adapts the state to a new index over a longer roster.
    ///
    /// Slots keep their peers, so that the state stays valid; only what was derived from the old index (a rank, a
    /// shortlist) has to be refreshed. Peers have other slots only if the state [keeps none](Self::keeps_slots).
    fn reindexed(&self, _index: &Self::RosterIndex, _state: &mut Self::State) {}

    /// Whether the state holds slots, or an order of them, beyond what [`Self::reindexed`] drops. Peers then have the same
    /// slots for good.
    ///
    /// Members of one process whose states hold none number their peers alike, and share one roster and one index.
    fn keeps_slots(&self, _state: &Self::State) -> bool {
        true
    }

    /// Returns the guaranteed coverage of a group of `n` members, the member itself included, with `direct` pings per
    /// period.
    ///
    /// Under churn `n` is the largest number of slots in the member's table meanwhile: dead members that are not yet
    /// forgotten count.
    fn bound(&self, n: u32, direct: u32) -> Bound;
}

/// Guaranteed coverage while all members are alive and known.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Bound {
    /// Maximum number of periods between two pings of one member by the same other member.
    ///
    /// A joiner is pinged within twice as many.
    Periods(u64),
    /// Maximum number of periods between two pings of one member by any member, as long as all members know the same
    /// members, count the same periods and have no updates to spread.
    ///
    /// Nothing is guaranteed about a given other member.
    AnyMember(u64),
    /// Minimum probability per period that a member is pinged by a given other member.
    PerPeriod(f64),
}

/// Strategy that picks the members that are asked to ping silent targets (SWIM's ping-req).
///
#[cfg_attr(feature = "laws", doc = "```")]
#[cfg_attr(not(feature = "laws"), doc = "```ignore")]
/// use swimlab_selectors::laws::Group;
/// use swimlab_selectors::rng::{Purpose, stream};
/// use swimlab_selectors::{Context, Peer, helpers_named};
///
/// let group = Group::new((0..10).map(Peer::new).collect(), 0);
/// let mut rng = stream(1, Purpose::Selector, 0);
/// let mut ctx = Context { view: &group, period: 0, shared_period: 0, has_updates: false, rng: &mut rng };
/// let mut picks = Vec::new();
/// helpers_named("uniform")?.helpers(&mut ctx, &[4], 3, &mut picks);
/// assert_eq!(picks.len(), 3);
/// assert!(!picks.contains(&0) && !picks.contains(&4));
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
pub trait Helpers: Send + Sync + 'static {
    /// Adds helpers to `picks`: `want` distinct pingable slots, or all if fewer exist; none a target, none suspected.
    /// `picks` is empty before, or holds targets.
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>);
}

/// Peer with an estimated round-trip time to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NearPeer {
    /// The peer's slot.
    pub slot: Slot,
    /// Estimated round-trip time in microseconds.
    pub rtt_us: u32,
}

/// Selector with its label, its type erased; cheap to clone.
///
/// Built-in selectors are parsed from their labels:
///
/// ```
/// use swimlab_selectors::{Bound, DynSelector};
///
/// let selector: DynSelector = "bucket:buckets=2,metric=ring".parse()?;
/// assert_eq!(selector.label(), "bucket:buckets=2,metric=ring");
/// assert_eq!(selector.bound(128, 1), Bound::Periods(338));
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
#[derive(Clone)]
pub struct DynSelector {
    label: Arc<str>,
    inner: Arc<dyn ErasedSelector>,
}

impl DynSelector {
    /// Wraps a selector under a label: `kind` or `kind:key=value,...`. Where a registry builds it for an experiment, the
    /// spec in the file replaces this label.
    pub fn new<S: Selector>(label: impl Into<Arc<str>>, selector: S) -> Self {
        Self { label: label.into(), inner: Arc::new(Configured(Arc::new(selector))) }
    }

    /// Label in tables and files.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the same selector under another label.
    pub fn relabel(&self, label: impl Into<Arc<str>>) -> Self {
        Self { label: label.into(), inner: Arc::clone(&self.inner) }
    }

    /// Builds the index over a roster, for all its members. See [`Selector::build_index`].
    pub fn build_index(&self, roster: &[Peer]) -> IndexedSelector {
        self.inner.build_index(roster)
    }

    /// Returns the guaranteed coverage. See [`Selector::bound`].
    pub fn bound(&self, n: u32, direct: u32) -> Bound {
        self.inner.bound(n, direct)
    }
}

impl fmt::Debug for DynSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynSelector").field(&self.label).finish()
    }
}

/// Selector with its index over one roster, types erased.
#[derive(Clone)]
pub struct IndexedSelector(Arc<dyn ErasedIndexed>);

impl IndexedSelector {
    /// Returns the selector of one member, in its initial state. See [`Selector::new_state`].
    pub fn new_state(&self, ctx: &mut Context<'_>) -> Box<dyn MemberSelector> {
        self.0.new_state(ctx)
    }
}

impl fmt::Debug for IndexedSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexedSelector")
    }
}

/// Selector of one member: shared configuration, shared index and the member's own state, types erased.
pub trait MemberSelector: Send {
    /// See [`Selector::targets`].
    fn targets(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>);
    /// See [`Selector::upcoming`].
    fn upcoming(&self) -> Option<Slot>;
    /// See [`Selector::gossip`].
    fn gossip(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>);
    /// See [`Selector::sync_partner`].
    fn sync_partner(&mut self, ctx: &mut Context<'_>) -> Option<Slot>;
    /// See [`Selector::observe`].
    fn observe(&mut self, ctx: &mut Context<'_>, observation: Observation);
    /// See [`Selector::coordinate`].
    fn coordinate(&self) -> Option<Coordinate>;
    /// See [`Selector::neighbor_hint`].
    fn neighbor_hint(&self, ctx: &mut Context<'_>, to: Slot) -> Option<NearPeer>;
    /// See [`Selector::advertised_location`].
    fn advertised_location(&self, ctx: &mut Context<'_>) -> Option<Location>;
    /// See [`Selector::is_near`].
    fn is_near(&self, view: &dyn View, slot: Slot) -> Option<bool>;
    /// See [`Selector::follows_clock`].
    fn follows_clock(&self) -> bool;
    /// See [`Selector::wants_pings`].
    fn wants_pings(&self, shared_period: u64) -> bool;
    /// See [`Selector::has_fallen_back`].
    fn has_fallen_back(&self) -> bool;
    /// Builds a new index over a roster that the member's changes were folded into. Slots keep their peers.
    fn reindex(&mut self, roster: &[Peer]);
    /// See [`Selector::keeps_slots`].
    fn keeps_slots(&self) -> bool;
    /// Takes the index over a roster that members share, in which peers may have other slots than before. `roster` is
    /// asked for the peers if no member with the same selector has an index over it yet.
    fn share_index(&mut self, indexes: &SharedIndexes, roster: &dyn Fn() -> Vec<Peer>);
    /// Prefetches the state. See [`prefetch`](crate::prefetch()).
    fn prefetch(&self);
}

/// Adds up to `want` distinct pingable slots that `accept` allows, uniformly without replacement.
///
/// Draws slots at random first; after `4 want + 8` draws it lists the remaining ones and draws among them. So it always
/// ends, and finds `want` slots if that many exist.
pub fn pick_uniform(ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>, accept: impl Fn(Slot) -> bool) {
    let slots = ctx.view.slots();
    let first = picks.len();
    if slots == 0 {
        return;
    }
    let fits = |slot: Slot, picks: &[Slot]| ctx.view.pingable(slot) && !picks[first..].contains(&slot) && accept(slot);
    let mut draws = 4 * want + 8;
    while picks.len() - first < want && draws > 0 {
        let slot = below(ctx.rng, slots);
        if fits(slot, picks) {
            picks.push(slot);
        }
        draws -= 1;
    }
    while picks.len() - first < want {
        let left: Vec<Slot> = (0..slots).filter(|&slot| fits(slot, picks)).collect();
        if left.is_empty() {
            return;
        }
        picks.push(left[below(ctx.rng, left.len() as u32) as usize]);
    }
}

/// Draws a pingable slot uniformly; `None` if there is none.
pub(crate) fn any_member(ctx: &mut Context<'_>) -> Option<Slot> {
    let mut picks = Vec::with_capacity(1);
    pick_uniform(ctx, 1, &mut picks, |_| true);
    picks.pop()
}

trait ErasedSelector: Send + Sync {
    fn build_index(&self, roster: &[Peer]) -> IndexedSelector;
    fn bound(&self, n: u32, direct: u32) -> Bound;
}

trait ErasedIndexed: Send + Sync {
    fn new_state(&self, ctx: &mut Context<'_>) -> Box<dyn MemberSelector>;
}

struct Configured<S>(Arc<S>);

struct WithIndex<S: Selector> {
    selector: Arc<S>,
    index: Arc<S::RosterIndex>,
}

struct WithState<S: Selector> {
    selector: Arc<S>,
    index: Arc<S::RosterIndex>,
    state: S::State,
}

impl<S: Selector> ErasedSelector for Configured<S> {
    fn build_index(&self, roster: &[Peer]) -> IndexedSelector {
        let index = Arc::new(self.0.build_index(roster));
        IndexedSelector(Arc::new(WithIndex { selector: Arc::clone(&self.0), index }))
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        self.0.bound(n, direct)
    }
}

impl<S: Selector> ErasedIndexed for WithIndex<S> {
    fn new_state(&self, ctx: &mut Context<'_>) -> Box<dyn MemberSelector> {
        let state = self.selector.new_state(&self.index, ctx);
        Box::new(WithState { selector: Arc::clone(&self.selector), index: Arc::clone(&self.index), state })
    }
}

impl<S: Selector> MemberSelector for WithState<S> {
    fn targets(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        self.selector.targets(&self.index, &mut self.state, ctx, want, picks);
    }

    fn upcoming(&self) -> Option<Slot> {
        self.selector.upcoming(&self.state)
    }

    fn gossip(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        self.selector.gossip(&self.index, &mut self.state, ctx, want, picks);
    }

    fn sync_partner(&mut self, ctx: &mut Context<'_>) -> Option<Slot> {
        self.selector.sync_partner(&self.index, &mut self.state, ctx)
    }

    fn observe(&mut self, ctx: &mut Context<'_>, observation: Observation) {
        self.selector.observe(&self.index, &mut self.state, ctx, observation);
    }

    fn coordinate(&self) -> Option<Coordinate> {
        self.selector.coordinate(&self.state)
    }

    fn neighbor_hint(&self, ctx: &mut Context<'_>, to: Slot) -> Option<NearPeer> {
        self.selector.neighbor_hint(&self.state, ctx, to)
    }

    fn advertised_location(&self, ctx: &mut Context<'_>) -> Option<Location> {
        self.selector.advertised_location(&self.state, ctx)
    }

    fn is_near(&self, view: &dyn View, slot: Slot) -> Option<bool> {
        self.selector.is_near(&self.index, &self.state, view, slot)
    }

    fn follows_clock(&self) -> bool {
        self.selector.follows_clock()
    }

    fn wants_pings(&self, shared_period: u64) -> bool {
        self.selector.wants_pings(&self.state, shared_period)
    }

    fn has_fallen_back(&self) -> bool {
        self.selector.has_fallen_back(&self.state)
    }

    fn prefetch(&self) {
        prefetch(self);
    }

    fn reindex(&mut self, roster: &[Peer]) {
        self.index = Arc::new(self.selector.build_index(roster));
        self.selector.reindexed(&self.index, &mut self.state);
    }

    fn keeps_slots(&self) -> bool {
        self.selector.keeps_slots(&self.state)
    }

    fn share_index(&mut self, indexes: &SharedIndexes, roster: &dyn Fn() -> Vec<Peer>) {
        self.index = indexes.of(&self.selector, || self.selector.build_index(&roster()));
        self.selector.reindexed(&self.index, &mut self.state);
    }
}
