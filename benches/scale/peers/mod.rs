//! The implementations that swimlab is compared with.

mod foca;
mod naive;

pub use foca::factory as foca_breed;
pub use naive::Naive;
