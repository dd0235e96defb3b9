//! `join`: new members join.

use swimlab_selectors::Registry;

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and};

/// Starts new members, as many as the target means; they join through seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Join;

impl FaultKind for Join {
    fn activate(&self, activation: &mut Activation<'_>) {
        activation.join(activation.most_targets());
    }

    fn starts_joiners(&self) -> bool {
        true
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register("join", "New members join through seeds.", common_and(&[]), |p, ()| build(p, Join));
}
