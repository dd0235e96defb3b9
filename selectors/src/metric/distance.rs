//! The seam of this module: [`Metric`] and its index over a roster, [`MetricIndex`].

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::peer::{Peer, Slot};
use crate::rng::mix;

/// Measure of how near peers are to each other.
///
/// ```
/// use swimlab_selectors::{Metric, Peer, Ring};
///
/// let roster: Vec<Peer> = [10, 40, 20, 30].map(Peer::new).to_vec();
/// let index = Ring.index(&roster);
/// assert_eq!(index.distance(&roster[0], &roster[2]), 10);
///
/// let mut nearest = Vec::new();
/// index.nearest(&roster[0], 2, &mut |slot| slot != 0, &mut nearest);
/// assert_eq!(nearest, [2, 3]);
/// ```
pub trait Metric: Send + Sync + 'static {
    /// Builds an index over a roster, for all its members; `roster[slot]` is the peer in `slot`.
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex>;

    /// Whether each member learns distances from its own pings, so that the index has none.
    ///
    /// A selector over such a metric has to learn from what it observes; others refuse it
    /// ([`build_shared_metric`](crate::build_shared_metric)).
    fn learned(&self) -> bool {
        false
    }

    /// Whether distances depend on ids alone. They are known for all peers then, and differ between peers at one
    /// location, so that a selector over the metric need not ping these equally often (law
    /// [`EvenLoad`](crate::laws::Law::EvenLoad) of the feature `laws`).
    fn compares_ids(&self) -> bool {
        false
    }
}

/// Distances between peers, and the peers of one roster in the order of their distance.
pub trait MetricIndex: Send + Sync {
    /// Returns the distance from one peer to another, in or outside the roster, rounded to the unit of the metric;
    /// [`UNKNOWN_DISTANCE`] if the metric is not defined for one of them.
    fn distance(&self, from: &Peer, to: &Peer) -> u64;

    /// Visits the slots of the roster in the order of their [`Nearness`] to `from`, until `visit` breaks.
    ///
    /// If `from` is in the roster, its own slot is visited too, at any position.
    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()>;

    /// Returns the nearness of the peer at this rank of the order that [`MetricIndex::visit`] has, without counting
    /// `from` itself: rank 0 is the nearest other peer.
    ///
    /// `None` beyond the last peer, and always if the rank is not known without visiting all peers before it.
    fn at_rank(&self, _from: &Peer, _rank: u32) -> Option<Nearness> {
        None
    }

    /// Returns the distance together with the tie-break.
    fn nearness(&self, from: &Peer, to: &Peer) -> Nearness {
        Nearness { distance: self.distance(from, to), tie_break: tie_break(from, to) }
    }

    /// Adds the `count` nearest slots that `accept` allows to `found`, nearest first; fewer if fewer exist.
    fn nearest(&self, from: &Peer, count: usize, accept: &mut dyn FnMut(Slot) -> bool, found: &mut Vec<Slot>) {
        let enough = found.len() + count;
        if count == 0 {
            return;
        }
        let _ = self.visit(from, &mut |slot| {
            if accept(slot) {
                found.push(slot);
            }
            if found.len() < enough { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
    }
}

/// Distance of a peer for which the metric is not defined: larger than any other.
pub const UNKNOWN_DISTANCE: u64 = u64::MAX;

/// Total order of peers by distance; no two peers with different ids are equally near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nearness {
    /// Distance, in the unit of the metric.
    pub distance: u64,
    /// Order among peers at the same distance. See [`tie_break()`].
    pub tie_break: u64,
}

/// Returns the order among peers at the same distance: clockwise by hashed id, from the member's own hash on.
///
/// So of m peers at one location each is among the r nearest of exactly r others: none is missed by all and none
/// preferred by all. (A hash of both ids would miss a share of e^-r.) And since all members share one order of hashed
/// ids, an index finds the first peer for any of them by bisection.
pub fn tie_break(from: &Peer, to: &Peer) -> u64 {
    mix(to.id).wrapping_sub(mix(from.id))
}
