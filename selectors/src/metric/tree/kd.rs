//! The k-d tree: kiddo's immutable one, because the mutable one refuses the 33rd point that shares a coordinate.

use std::num::NonZero;

use kiddo::{ImmutableKdTree, SquaredEuclidean};

/// Points of a `D`-dimensional space, numbered in the order in which they were given.
pub(in crate::metric) struct Tree<const D: usize> {
    tree: ImmutableKdTree<f64, D>,
}

impl<const D: usize> Tree<D> {
    /// A tree of these points, at least one.
    pub fn new(points: &[[f64; D]]) -> Self {
        let tree = ImmutableKdTree::new_from_slice(points).expect("slots are u32, so points can be numbered in it");
        Self { tree }
    }

    /// The numbers of the `count` points nearest to `from`, nearest first. `torus`: the circumferences of the space.
    pub fn nearest(&self, from: &[f64; D], torus: Option<&[f64; D]>, count: NonZero<usize>) -> Vec<u32> {
        let query = self.tree.query(from);
        let found = match torus {
            Some(torus) => query.periodic_boundary_condition(torus).nearest_n::<SquaredEuclidean<f64>>(count).execute(),
            None => query.nearest_n::<SquaredEuclidean<f64>>(count).execute(),
        };
        found.iter().map(|point| point.item).collect()
    }
}
