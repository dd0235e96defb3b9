//! Whom swimlab is compared with.

mod foca;
mod naive;

pub use foca::breed as foca_breed;
pub use naive::Naive;
