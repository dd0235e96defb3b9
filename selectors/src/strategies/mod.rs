//! The strategies: one file each.

mod permutation;
mod rounds;
mod shuffle;
mod uniform;

pub use permutation::Permutation;
pub use shuffle::{Shuffle, ShuffleState};
pub use uniform::Uniform;
