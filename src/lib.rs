//! swimlab: a laboratory for SWIM.

pub mod topology;
