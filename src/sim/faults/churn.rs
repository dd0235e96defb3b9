//! `churn`: members crash and others take their place.

use swimlab_selectors::Registry;

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and};

/// Crashes the targets and starts as many new members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Churn;

impl FaultKind for Churn {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        activation.crash(&targets);
        activation.join(targets.len() as u32);
    }

    fn starts_joiners(&self) -> bool {
        true
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "churn",
        "Members crash and as many new ones join; times and every repeat it.",
        common_and(&[]),
        |p, ()| build(p, Churn),
    );
}
