//! `leave`: members leave gracefully.

use swimlab_selectors::Registry;

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and};

/// Lets the targets announce their departure and stops them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave;

impl FaultKind for Leave {
    fn activate(&self, activation: &mut Activation<'_>) {
        for member in activation.choose_targets() {
            activation.leave(member);
        }
    }

    fn only_stops(&self) -> bool {
        true
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register("leave", "Members announce their departure and stop.", common_and(&[]), |p, ()| build(p, Leave));
}
