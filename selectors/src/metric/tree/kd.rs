//! k-d tree: kiddo's immutable one, since the mutable one refuses the 33rd point that shares a coordinate.

use std::num::NonZero;

use kiddo::{ImmutableKdTree, SquaredEuclidean};

/// Points of a `D`-dimensional space, numbered in the given order.
pub(in crate::metric) struct Tree<const D: usize> {
    tree: ImmutableKdTree<f64, D>,
}

impl<const D: usize> Tree<D> {
    /// Tree of these points, of which there is at least one.
    pub(in crate::metric) fn new(points: &[[f64; D]]) -> Self {
        let tree =
            ImmutableKdTree::new_from_slice(points).expect("slots are u32, so that points can be numbered in u32");
        Self { tree }
    }

    /// Returns the numbers of the `count` points nearest to `from`, nearest first; `torus` has the circumferences, if
    /// any.
    pub(in crate::metric) fn nearest(
        &self,
        from: &[f64; D],
        torus: Option<&[f64; D]>,
        count: NonZero<usize>,
    ) -> Vec<u32> {
        let query = self.tree.query(from);
        let found = match torus {
            Some(torus) => query.periodic_boundary_condition(torus).nearest_n::<SquaredEuclidean<f64>>(count).execute(),
            None => query.nearest_n::<SquaredEuclidean<f64>>(count).execute(),
        };
        found.iter().map(|point| point.item).collect()
    }
}
