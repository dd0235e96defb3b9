//! Index of the metrics over coordinates: a k-d tree over the distinct points, each with the members at it.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use super::distance::{MetricIndex, UNKNOWN_DISTANCE};
use super::tied::{Groups, Hashed, visit_tied};
use super::tree::Tree;
use crate::peer::{Peer, Slot};

/// Space of `D` coordinates in which distances are ordered as straight lines are.
pub(super) trait Space<const D: usize>: Send + Sync + 'static {
    /// Returns the peer's point, with finite coordinates; `None` if it has no location in this space.
    fn locate(&self, peer: &Peer) -> Option<[f64; D]>;

    /// Returns the distance of two points, rounded to the unit of the metric.
    ///
    /// It must not decrease, except by one unit of rounding, where the straight line (around the [`Space::torus`], if
    /// there is one) increases.
    fn distance(&self, a: &[f64; D], b: &[f64; D]) -> u64;

    /// Returns the point for the tree, with all coordinates within the [`Space::torus`], if there is one.
    fn embed(&self, point: &[f64; D]) -> [f64; D] {
        *point
    }

    /// Circumferences, if the space is a torus.
    fn torus(&self) -> Option<[f64; D]> {
        None
    }
}

/// Number of points in the first query of the tree; each further query asks for four times as many.
const FIRST_POINTS: usize = 32;

/// Index of a metric over coordinates.
///
/// The tree has each point once: a million members of one rack are one point. It finds points in the order of
/// floating-point distances. The order of peers is that of rounded distances and ties, so a point is visited only after
/// all points that could precede it have been found.
pub(super) struct LocationIndex<S, const D: usize> {
    space: S,
    /// `None` without any point: an empty tree cannot be queried.
    tree: Option<Tree<D>>,
    points: Vec<[f64; D]>,
    /// One group per point, and a last one of the peers without.
    groups: Groups,
    everyone: OnceLock<Vec<Hashed>>,
}

impl<S: Space<D>, const D: usize> LocationIndex<S, D> {
    pub(super) fn new(space: S, roster: &[Peer]) -> Self {
        let located: Vec<_> = roster.iter().map(|peer| space.locate(peer)).collect();
        // Points are compared by their bits, and adding 0 leaves only one of the two zeros.
        let bits = |point: &[f64; D]| point.map(|x| (x + 0.0).to_bits());
        let mut numbers: BTreeMap<[u64; D], u32> = located.iter().flatten().map(|point| (bits(point), 0)).collect();
        for (next, number) in (0..).zip(numbers.values_mut()) {
            *number = next;
        }
        let points: Vec<_> = numbers.keys().map(|bits| bits.map(f64::from_bits)).collect();
        let number = |point: &Option<[f64; D]>| point.map_or(points.len() as u32, |point| numbers[&bits(&point)]);
        let members = (0..).zip(roster.iter().zip(&located)).map(|(slot, (peer, at))| (number(at), peer.id, slot));
        let groups = Groups::new(points.len() + 1, members);
        let embedded: Vec<_> = points.iter().map(|point| space.embed(point)).collect();
        let tree = (!embedded.is_empty()).then(|| Tree::new(&embedded));
        Self { space, tree, points, groups, everyone: OnceLock::new() }
    }

    /// Returns `(distance, point)` of the `count` points that the tree finds nearest, nearest first.
    fn query(&self, tree: &Tree<D>, from: &[f64; D], count: usize) -> Vec<(u64, u32)> {
        let count = NonZero::new(count).expect("the first count is not 0 and it grows");
        let found = tree.nearest(&self.space.embed(from), self.space.torus().as_ref(), count);
        found.into_iter().map(|point| (self.space.distance(from, &self.points[point as usize]), point)).collect()
    }

    fn visit_points(
        &self,
        tree: &Tree<D>,
        from: &Peer,
        point: &[f64; D],
        visit: &mut dyn FnMut(Slot) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut count = FIRST_POINTS;
        // Distances below this one have been visited.
        let mut done = 0;
        loop {
            let mut found = self.query(tree, point, count.min(self.points.len()));
            // A point that was not found is at least as far as the last one found, but for rounding.
            let certain = match found.last() {
                Some(&(last, _)) if found.len() < self.points.len() => last.saturating_sub(1),
                _ => u64::MAX,
            };
            found.retain(|&(distance, _)| (done..certain).contains(&distance));
            found.sort_unstable();
            for equally_far in found.chunk_by(|a, b| a.0 == b.0) {
                let groups: Vec<_> = equally_far.iter().map(|&(_, point)| self.groups.group(point as usize)).collect();
                visit_tied(&groups, from, visit)?;
            }
            if certain == u64::MAX {
                return ControlFlow::Continue(());
            }
            done = done.max(certain);
            count *= 4;
        }
    }
}

impl<S: Space<D>, const D: usize> MetricIndex for LocationIndex<S, D> {
    fn distance(&self, from: &Peer, to: &Peer) -> u64 {
        match (self.space.locate(from), self.space.locate(to)) {
            (Some(from), Some(to)) => self.space.distance(&from, &to),
            _ => UNKNOWN_DISTANCE,
        }
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        match (self.space.locate(from), &self.tree) {
            (Some(point), Some(tree)) => {
                self.visit_points(tree, from, &point, visit)?;
                visit_tied(&[self.groups.group(self.points.len())], from, visit)
            }
            _ => {
                let everyone = self.everyone.get_or_init(|| self.groups.united());
                visit_tied(&[everyone], from, visit)
            }
        }
    }
}
