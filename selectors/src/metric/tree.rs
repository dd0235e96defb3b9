//! Nearest points of a fixed set, by squared straight-line distance, on a torus if the space is one.
//!
//! With the feature `kd-tree` a query takes O(log n) comparisons, without it O(n): enough for a member that queries
//! once per roster (an agent, a small world in a browser), too slow for a world of thousands of members. Both find the
//! points in the same order, except for points whose distances differ by less than rounding; the callers of
//! [`Tree::nearest`] sort these.

#[cfg(feature = "kd-tree")]
mod kd;
#[cfg(not(feature = "kd-tree"))]
mod scan;

#[cfg(feature = "kd-tree")]
pub(super) use kd::Tree;
#[cfg(not(feature = "kd-tree"))]
pub(super) use scan::Tree;
