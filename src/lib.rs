//! swimlab: a laboratory for SWIM.

#[cfg(feature = "agent")]
pub mod agent;
pub mod experiment;
pub mod protocol;
pub mod report;
pub mod reproduce;
pub mod rivals;
pub mod sim;
pub mod topology;
pub mod wire;
