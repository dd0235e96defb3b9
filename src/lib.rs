//! swimlab: a laboratory for SWIM.

pub mod protocol;
pub mod wire;
