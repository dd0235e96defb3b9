//! `crash`: members crash and stay down.

use swimlab_selectors::Registry;

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and};

/// Stops the targets for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash;

impl FaultKind for Crash {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        activation.crash(&targets);
    }

    fn only_stops(&self) -> bool {
        true
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register("crash", "Members crash and stay down.", common_and(&[]), |p, ()| build(p, Crash));
}
