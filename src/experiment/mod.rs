//! The question: an experiment file becomes trials, trials become measures, measures become statistics.

pub mod measures;
mod recorder;
pub mod results;
pub mod statistics;
