//! Linear search: a query compares all points.

use std::num::NonZero;

/// Points of a `D`-dimensional space, numbered in the given order.
pub(in crate::metric) struct Tree<const D: usize> {
    points: Vec<[f64; D]>,
}

impl<const D: usize> Tree<D> {
    /// Set of these points.
    pub(in crate::metric) fn new(points: &[[f64; D]]) -> Self {
        Self { points: points.to_vec() }
    }

    /// Returns the numbers of the `count` points nearest to `from`, nearest first; `torus` has the circumferences, if
    /// any.
    pub(in crate::metric) fn nearest(
        &self,
        from: &[f64; D],
        torus: Option<&[f64; D]>,
        count: NonZero<usize>,
    ) -> Vec<u32> {
        let along = |point: &[f64; D], axis: usize| {
            let straight = (point[axis] - from[axis]).abs();
            torus.map_or(straight, |torus| straight.min(torus[axis] - straight))
        };
        let square = |point: &[f64; D]| (0..D).map(|axis| along(point, axis) * along(point, axis)).sum();
        let mut found: Vec<(f64, u32)> = self.points.iter().map(square).zip(0..).collect();
        if count.get() < found.len() {
            found.select_nth_unstable_by(count.get() - 1, |a, b| a.0.total_cmp(&b.0));
            found.truncate(count.get());
        }
        found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        found.into_iter().map(|(_, number)| number).collect()
    }
}
