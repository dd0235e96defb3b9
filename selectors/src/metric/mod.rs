//! How near is a peer: [`Metric`], one file per metric, and the shared index that finds the nearest.

mod euclid;
mod finger;
mod great_circle;
mod hierarchy;
mod ids;
mod locations;
mod ring;
mod rtt;
mod tied;
mod tree;
mod vivaldi;
mod xor;

use std::ops::ControlFlow;
use std::sync::Arc;

use crate::build_context::BuildContext;
use crate::peer::{Peer, Slot};
use crate::registry::{Registry, Spec};
use crate::rng::mix;

pub use euclid::Euclid;
pub use finger::Finger;
pub use great_circle::GreatCircle;
pub use hierarchy::Hierarchy;
pub use ring::Ring;
pub use rtt::Rtt;
pub use vivaldi::Vivaldi;
pub use xor::Xor;

/// A way to say how near a peer is.
pub trait Metric: Send + Sync + 'static {
    /// EventKind distances count: "m", "us", "ids", ...
    fn unit(&self) -> &'static str;

    /// Indexes a roster for all its members: `roster[slot]` is the peer in `slot`.
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex>;

    /// Whether distances are not in the index but are learnt by each member from its own pings. A strategy that takes
    /// such a metric has to learn from what it observes; others refuse it ([`build_shared_metric`]).
    fn learned(&self) -> bool {
        false
    }
}

/// Distances between peers, and the peers of one roster in the order of their distance.
pub trait MetricIndex: Send + Sync {
    /// How far `to` is from `from`, both of them in the roster or not, rounded to the metric's unit; [`UNKNOWN`] if
    /// one of them is where the metric does not reach.
    fn distance(&self, from: &Peer, to: &Peer) -> u64;

    /// Shows the roster's slots in the order of their [`Nearness`] to `from`, until `visit` breaks. `from` itself is
    /// somewhere among them where it is in the roster.
    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()>;

    /// The nearness of the peer at this `rank` of the order that [`MetricIndex::visit`] shows, not counting `from` itself
    /// (rank 0 is the nearest other), where that is known without walking there.
    fn at_rank(&self, _from: &Peer, _rank: u32) -> Option<Nearness> {
        None
    }

    /// The distance together with the tie-break.
    fn nearness(&self, from: &Peer, to: &Peer) -> Nearness {
        Nearness { distance: self.distance(from, to), tie: tie(from, to) }
    }

    /// Adds the `count` nearest slots that `accept` takes to `found`, nearest first; fewer if there are fewer.
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

/// The distance of a peer of which the metric knows no place: the farthest.
pub const UNKNOWN: u64 = u64::MAX;

/// The order of peers by how near they are; no two peers of different id are equally near.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nearness {
    /// In the metric's unit.
    pub distance: u64,
    /// See [`tie`].
    pub tie: u64,
}

/// The order among peers at the same distance: clockwise by hashed id, starting from one's own.
///
/// Of m peers at one place, each is thus among the r nearest of exactly r others: nobody is overlooked by all, and
/// nobody is everybody's favourite. (A plain hash of both ids would overlook a share of e^-r.) And since all members
/// share the one hashed order, an index finds the first of any of them by bisection.
pub fn tie(from: &Peer, to: &Peer) -> u64 {
    mix(to.id).wrapping_sub(mix(from.id))
}

/// The built-in metrics.
pub fn metrics() -> Registry<Arc<dyn Metric>, BuildContext> {
    let mut registry = Registry::new("metric");
    ring::register(&mut registry);
    xor::register(&mut registry);
    finger::register(&mut registry);
    euclid::register(&mut registry);
    great_circle::register(&mut registry);
    rtt::register(&mut registry);
    hierarchy::register(&mut registry);
    vivaldi::register(&mut registry);
    registry
}

/// Builds the metric that a selector's parameter names: `ring`, or with parameters of its own, `euclid;width=16`.
///
/// A metric's label inside another label has `;` where a label of its own has `:` and `,`.
///
/// # Errors
/// Says what is wrong, with the nearest valid names.
pub fn build_metric(
    registry: &Registry<Arc<dyn Metric>, BuildContext>,
    label: &str,
    context: &BuildContext,
) -> Result<Arc<dyn Metric>, String> {
    let label = label.replacen(';', ":", 1).replace(';', ",");
    Spec::parse(&label).and_then(|spec| registry.build(&spec, context)).map_err(|error| error.to_string())
}

/// The same for strategies that need distances to everybody, which no member learns.
///
/// # Errors
/// As of [`build_metric`], and for a metric that is learned.
pub fn build_shared_metric(
    registry: &Registry<Arc<dyn Metric>, BuildContext>,
    label: &str,
    context: &BuildContext,
) -> Result<Arc<dyn Metric>, String> {
    let metric = build_metric(registry, label, context)?;
    if metric.learned() {
        return Err(format!("{label} is learned: a member knows the distances to a few peers only; take neighborhood"));
    }
    Ok(metric)
}

#[cfg(test)]
mod tests;
