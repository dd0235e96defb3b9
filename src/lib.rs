//! swimlab: a laboratory for SWIM.

pub mod experiment;
pub mod protocol;
pub mod report;
pub mod sim;
pub mod topology;
pub mod wire;
