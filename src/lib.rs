//! swimlab: a laboratory for SWIM.

pub mod protocol;
pub mod sim;
pub mod topology;
pub mod wire;
