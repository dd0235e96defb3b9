//! The implementations that swimlab is compared with.

mod foca;
mod naive;

pub(crate) use foca::factory as foca_factory;
pub(crate) use naive::Naive;
