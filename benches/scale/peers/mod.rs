//! Whom swimlab is compared with.

mod foca;
mod naive;

pub use foca::FocaBreed;
pub use naive::Naive;
