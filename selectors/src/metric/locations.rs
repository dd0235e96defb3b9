//! Nearest peers among coordinates: a k-d tree over the distinct places, each with the members that stand there.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use super::tied::{Groups, Hashed, visit_tied};
use super::tree::Tree;
use super::{MetricIndex, UNKNOWN};
use crate::peer::{Peer, Slot};

/// A space of `D` coordinates in which the straight line tells what is nearer.
pub(super) trait Space<const D: usize>: Send + Sync + 'static {
    /// The peer's point; `None` where it has no place in this space. Coordinates are finite.
    fn locate(&self, peer: &Peer) -> Option<[f64; D]>;

    /// Their distance, rounded to the metric's unit. Must not fall where the straight line (around the torus, where
    /// there is one) grows, but for one unit of rounding.
    fn distance(&self, a: &[f64; D], b: &[f64; D]) -> u64;

    /// The point as the tree takes it: with all coordinates within the [`Space::torus`], if there is one.
    fn embed(&self, point: &[f64; D]) -> [f64; D] {
        *point
    }

    /// The circumferences of the torus that the space is.
    fn torus(&self) -> Option<[f64; D]> {
        None
    }
}

/// Places asked of the tree at first; four times as many each time that they were not enough.
const FIRST_PLACES: usize = 32;

/// The index of a metric over coordinates.
///
/// The tree holds each place once: a million members of one rack are one point. It proposes places in the order of
/// floating-point distances; what counts is the order of rounded distances and ties, so places are released only when
/// everything that could precede them has been proposed.
pub(super) struct LocationIndex<S, const D: usize> {
    space: S,
    /// `None` without any place: a tree of nothing cannot be asked.
    tree: Option<Tree<D>>,
    places: Vec<[f64; D]>,
    /// One group per place, and a last one of those without.
    groups: Groups,
    everyone: OnceLock<Vec<Hashed>>,
}

impl<S: Space<D>, const D: usize> LocationIndex<S, D> {
    pub fn new(space: S, roster: &[Peer]) -> Self {
        let points: Vec<_> = roster.iter().map(|peer| space.locate(peer)).collect();
        // Zero has two signs; bits are compared, so only one may occur.
        let bits = |point: &[f64; D]| point.map(|x| (x + 0.0).to_bits());
        let mut numbers: BTreeMap<[u64; D], u32> = points.iter().flatten().map(|point| (bits(point), 0)).collect();
        for (number, place) in (0..).zip(numbers.values_mut()) {
            *place = number;
        }
        let places: Vec<_> = numbers.keys().map(|bits| bits.map(f64::from_bits)).collect();
        let place = |point: &Option<[f64; D]>| point.map_or(places.len() as u32, |point| numbers[&bits(&point)]);
        let members = (0..).zip(roster.iter().zip(&points)).map(|(slot, (peer, point))| (place(point), peer.id, slot));
        let groups = Groups::new(places.len() + 1, members);
        let embedded: Vec<_> = places.iter().map(|place| space.embed(place)).collect();
        let tree = (!embedded.is_empty()).then(|| Tree::new(&embedded));
        Self { space, tree, places, groups, everyone: OnceLock::new() }
    }

    /// `(distance, place)` of the `count` places that the tree finds nearest, nearest first.
    fn propose(&self, tree: &Tree<D>, from: &[f64; D], count: usize) -> Vec<(u64, u32)> {
        let count = NonZero::new(count).expect("the first count is not 0 and it grows");
        let found = tree.nearest(&self.space.embed(from), self.space.torus().as_ref(), count);
        found.into_iter().map(|place| (self.space.distance(from, &self.places[place as usize]), place)).collect()
    }

    fn visit_places(
        &self,
        tree: &Tree<D>,
        from: &Peer,
        point: &[f64; D],
        visit: &mut dyn FnMut(Slot) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut count = FIRST_PLACES;
        // Distances below this one are done.
        let mut done = 0;
        loop {
            let mut proposed = self.propose(tree, point, count.min(self.places.len()));
            // Whoever was not proposed is at least as far as the last, but for rounding.
            let certain = match proposed.last() {
                Some(&(last, _)) if proposed.len() < self.places.len() => last.saturating_sub(1),
                _ => u64::MAX,
            };
            proposed.retain(|&(distance, _)| (done..certain).contains(&distance));
            proposed.sort_unstable();
            for equally_far in proposed.chunk_by(|a, b| a.0 == b.0) {
                let groups: Vec<_> = equally_far.iter().map(|&(_, place)| self.groups.group(place as usize)).collect();
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
            _ => UNKNOWN,
        }
    }

    fn visit(&self, from: &Peer, visit: &mut dyn FnMut(Slot) -> ControlFlow<()>) -> ControlFlow<()> {
        match (self.space.locate(from), &self.tree) {
            (Some(point), Some(tree)) => {
                self.visit_places(tree, from, &point, visit)?;
                visit_tied(&[self.groups.group(self.places.len())], from, visit)
            }
            _ => {
                let everyone = self.everyone.get_or_init(|| self.groups.united());
                visit_tied(&[everyone], from, visit)
            }
        }
    }
}
