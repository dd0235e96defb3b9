//! The seam: [`Selector`] answers who is pinged and who is gossiped with, [`Helpers`] who is asked for indirect pings.

use std::fmt;
use std::sync::Arc;

use crate::coordinate::Coordinate;
use crate::peer::{Location, Peer, Slot};
use crate::prefetch::prefetch;
use crate::rng::below;
use crate::view::{Context, Observation};

/// Who is pinged, and who is gossiped with.
///
/// One value of the implementing type holds the configuration and is shared by all members. An index over a roster
/// ([`Selector::RosterIndex`]) is shared by all members of that roster; what one member must remember is a
/// [`Selector::State`]. A strategy must keep the laws that the crate's `laws` kit checks.
pub trait Selector: Send + Sync + 'static {
    /// An index over a roster, shared by its members; `()` if none is needed.
    type RosterIndex: Send + Sync + 'static;
    /// EventKind one member remembers: O(r), not O(n), wherever the metric allows.
    type State: Send + 'static;

    /// Builds the shared index. `roster[slot]` is the peer in `slot`.
    fn build_index(&self, roster: &[Peer]) -> Self::RosterIndex;

    /// The state of a member that begins.
    fn new_state(&self, index: &Self::RosterIndex, ctx: &mut Context<'_>) -> Self::State;

    /// Adds up to `want` distinct pingable slots to `picks`: this period's direct pings.
    fn targets(
        &self,
        index: &Self::RosterIndex,
        state: &mut Self::State,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    );

    /// Whom it will most likely pick next, if it knows that at no cost: a driver of many members has what it needs of that
    /// peer read ahead of time.
    fn upcoming(&self, _state: &Self::State) -> Option<Slot> {
        None
    }

    /// Adds up to `want` distinct pingable slots to `picks`: who gets a gossip message that carries no ping.
    /// Has a cursor of its own; uniform unless the strategy says otherwise.
    fn gossip(
        &self,
        _survey: &Self::RosterIndex,
        _state: &mut Self::State,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        pick_uniform(ctx, want, picks, |_| true);
    }

    /// Takes note of what happened.
    fn observe(
        &self,
        _survey: &Self::RosterIndex,
        _state: &mut Self::State,
        _turn: &mut Context<'_>,
        _what: Observation,
    ) {
    }

    /// The member's network coordinate, for its pings and acks to carry. Those of a member that learns none carry none,
    /// and cost nothing. Whoever learns has one from the beginning.
    fn coordinate(&self, _state: &Self::State) -> Option<Coordinate> {
        None
    }

    /// Whom to recommend to a peer that is being answered and has just told its coordinate: somebody that is likely to be
    /// near it, and how many microseconds away. Its ack carries that.
    fn neighbor_hint(&self, _state: &Self::State, _turn: &mut Context<'_>, _to: Slot) -> Option<(Slot, u32)> {
        None
    }

    /// Where the member should tell everybody from now on that it is; `None` while what its card says is good enough. Asked
    /// at the beginning of each period of those who learn, before targets are. Whoever says something here sends news to
    /// all: rarely is best.
    fn advertised_location(&self, _state: &Self::State, _turn: &mut Context<'_>) -> Option<Location> {
        None
    }

    /// The index was built anew over a longer roster, and `survey` is the new one. Slots keep their peers, so the state
    /// stays valid; only what was derived from the old index (a rank, a shortlist) has to be refreshed.
    fn reindexed(&self, _survey: &Self::RosterIndex, _state: &mut Self::State) {}

    /// EventKind is promised about coverage of a group of `n` members, oneself among them, with `direct` pings per period.
    ///
    /// Under churn `n` is the largest size meanwhile, counted in the slots of the member's table: the dead who are not
    /// yet forgotten are in it.
    fn bound(&self, n: u32, direct: u32) -> Bound;
}

/// How long a member can stay unpinged while all are alive and known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The most periods between two pings of one member by one other. A joiner waits for at most one traversal more.
    Periods(u64),
    /// The most periods between two pings of one member by anybody, as long as all know the same members alive and count
    /// the same periods; none of a given other is promised. UpdateKind may take some of the pings.
    Anybody(u64),
    /// The least probability per period that a member is pinged by a given other.
    PerPeriod(f64),
}

/// Who is asked to ping the silent targets.
pub trait Helpers: Send + Sync + 'static {
    /// Adds up to `want` distinct pingable slots to `picks`, none of them a target, none suspected.
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>);
}

/// A selector with its label, ready to be shared among members.
#[derive(Clone)]
pub struct DynSelector {
    label: Arc<str>,
    inner: Arc<dyn AnySelector>,
}

impl DynSelector {
    /// Wraps a selector. The label is its name in tables and files: `kind` or `kind:key=value,...`.
    pub fn new<S: Selector>(label: impl Into<Arc<str>>, selector: S) -> Self {
        Self { label: label.into(), inner: Arc::new(Shared(Arc::new(selector))) }
    }

    /// The name in tables and files.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The same strategy under another label.
    pub fn relabel(&self, label: impl Into<Arc<str>>) -> Self {
        Self { label: label.into(), inner: Arc::clone(&self.inner) }
    }

    /// Indexes a roster once for all its members.
    pub fn build_index(&self, roster: &[Peer]) -> IndexedSelector {
        self.inner.build_index(roster)
    }

    /// See [`Selector::bound`].
    pub fn bound(&self, n: u32, direct: u32) -> Bound {
        self.inner.bound(n, direct)
    }
}

impl fmt::Debug for DynSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DynSelector").field(&self.label).finish()
    }
}

/// A strategy together with its index over one roster.
#[derive(Clone)]
pub struct IndexedSelector(Arc<dyn AnySurveyed>);

impl IndexedSelector {
    /// EventKind one member chooses with.
    pub fn new_state(&self, ctx: &mut Context<'_>) -> Box<dyn MemberSelector> {
        self.0.new_state(ctx)
    }
}

impl fmt::Debug for IndexedSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexedSelector")
    }
}

/// One member's selector: the shared strategy, the shared index and the member's own state.
pub trait MemberSelector: Send {
    /// See [`Selector::targets`].
    fn targets(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>);
    /// See [`Selector::upcoming`].
    fn upcoming(&self) -> Option<Slot>;
    /// See [`Selector::gossip`].
    fn gossip(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>);
    /// See [`Selector::observe`].
    fn observe(&mut self, ctx: &mut Context<'_>, what: Observation);
    /// See [`Selector::coordinate`].
    fn coordinate(&self) -> Option<Coordinate>;
    /// See [`Selector::tip`].
    fn neighbor_hint(&self, ctx: &mut Context<'_>, to: Slot) -> Option<(Slot, u32)>;
    /// See [`Selector::place`].
    fn advertised_location(&self, ctx: &mut Context<'_>) -> Option<Location>;
    /// Takes a new index over the same slots, after the member folded its differences into a new roster. Slots keep
    /// their peers, so the state stays valid.
    fn reindex(&mut self, roster: &[Peer]);
    /// Has the state read ahead of time; see [`prefetch`](crate::prefetch).
    fn prefetch(&self);
}

/// Adds up to `want` distinct pingable slots that `accept` allows, uniformly without replacement.
///
/// Draws at random first and, should luck fail (few slots left to find), walks from a random slot on: it always ends,
/// and finds `want` slots if there are so many.
pub fn pick_uniform(ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>, accept: impl Fn(Slot) -> bool) {
    let slots = ctx.view.slots();
    let first = picks.len();
    if slots == 0 {
        return;
    }
    let fits = |slot: Slot, picks: &[Slot]| ctx.view.pingable(slot) && !picks[first..].contains(&slot) && accept(slot);
    let mut tries = 4 * want + 8;
    while picks.len() - first < want && tries > 0 {
        let slot = below(ctx.rng, slots);
        if fits(slot, picks) {
            picks.push(slot);
        }
        tries -= 1;
    }
    while picks.len() - first < want {
        // Few are left: choose among them exactly.
        let left: Vec<Slot> = (0..slots).filter(|&slot| fits(slot, picks)).collect();
        if left.is_empty() {
            return;
        }
        picks.push(left[below(ctx.rng, left.len() as u32) as usize]);
    }
}

trait AnySelector: Send + Sync {
    fn build_index(&self, roster: &[Peer]) -> IndexedSelector;
    fn bound(&self, n: u32, direct: u32) -> Bound;
}

trait AnySurveyed: Send + Sync {
    fn new_state(&self, ctx: &mut Context<'_>) -> Box<dyn MemberSelector>;
}

struct Shared<S>(Arc<S>);

struct SharedIndex<S: Selector> {
    selector: Arc<S>,
    index: Arc<S::RosterIndex>,
}

struct Own<S: Selector> {
    selector: Arc<S>,
    index: Arc<S::RosterIndex>,
    state: S::State,
}

impl<S: Selector> AnySelector for Shared<S> {
    fn build_index(&self, roster: &[Peer]) -> IndexedSelector {
        let index = Arc::new(self.0.build_index(roster));
        IndexedSelector(Arc::new(SharedIndex { selector: Arc::clone(&self.0), index }))
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        self.0.bound(n, direct)
    }
}

impl<S: Selector> AnySurveyed for SharedIndex<S> {
    fn new_state(&self, ctx: &mut Context<'_>) -> Box<dyn MemberSelector> {
        let state = self.selector.new_state(&self.index, ctx);
        Box::new(Own { selector: Arc::clone(&self.selector), index: Arc::clone(&self.index), state })
    }
}

impl<S: Selector> MemberSelector for Own<S> {
    fn targets(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        self.selector.targets(&self.index, &mut self.state, ctx, want, picks);
    }

    fn upcoming(&self) -> Option<Slot> {
        self.selector.upcoming(&self.state)
    }

    fn gossip(&mut self, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        self.selector.gossip(&self.index, &mut self.state, ctx, want, picks);
    }

    fn observe(&mut self, ctx: &mut Context<'_>, what: Observation) {
        self.selector.observe(&self.index, &mut self.state, ctx, what);
    }

    fn coordinate(&self) -> Option<Coordinate> {
        self.selector.coordinate(&self.state)
    }

    fn neighbor_hint(&self, ctx: &mut Context<'_>, to: Slot) -> Option<(Slot, u32)> {
        self.selector.neighbor_hint(&self.state, ctx, to)
    }

    fn advertised_location(&self, ctx: &mut Context<'_>) -> Option<Location> {
        self.selector.advertised_location(&self.state, ctx)
    }

    fn prefetch(&self) {
        prefetch(self);
    }

    fn reindex(&mut self, roster: &[Peer]) {
        self.index = Arc::new(self.selector.build_index(roster));
        self.selector.reindexed(&self.index, &mut self.state);
    }
}
