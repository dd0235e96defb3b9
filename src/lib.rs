//! swimlab: a laboratory for SWIM.

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "cli")]
pub mod cli;
pub mod detectors;
#[cfg(feature = "lab")]
pub mod experiment;
pub mod protocol;
#[cfg(feature = "lab")]
pub mod report;
#[cfg(feature = "lab")]
pub mod reproduce;
pub mod sim;
pub mod topology;
pub mod wire;

/// The guide's snippets are doctests.
#[cfg(all(doctest, feature = "lab"))]
#[doc = include_str!("../docs/variants/README.md")]
struct Variants;
