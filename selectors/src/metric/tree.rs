//! Nearest points of a fixed set, by squared straight-line distance, on a torus where the space is one.
//!
//! With the feature `kd-tree` a query costs O(log n) comparisons, without it O(n): right for one member that asks once per
//! roster (an agent, a small world in a browser), too slow for a world of thousands that all ask. Both give the same
//! order but for points whose distances differ by less than rounding, which [`LocationIndex`](super::locations) sorts
//! itself.

#[cfg(feature = "kd-tree")]
mod kd;
#[cfg(not(feature = "kd-tree"))]
mod scan;

#[cfg(feature = "kd-tree")]
pub(super) use kd::Tree;
#[cfg(not(feature = "kd-tree"))]
pub(super) use scan::Tree;
