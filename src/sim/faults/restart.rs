//! `restart`: members stop and come back in their next generation.

use swimlab_selectors::{Param, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{build, common_and, span};
use crate::protocol::Span;

/// Stops the targets and starts them again: same id, next generation, joining through seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Restart {
    /// Downtime.
    pub down: Span,
}

impl Restart {
    /// A restart after this time.
    pub const fn after(down: Span) -> Self {
        Self { down }
    }
}

impl FaultKind for Restart {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        activation.crash(&targets);
        for member in targets {
            activation.after(self.down, move |later| {
                if !later.is_up(member) {
                    later.restart(member);
                }
            });
        }
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "restart",
        "Members crash and restart with the same id and the next generation, joining through seeds.",
        common_and(&[Param::span("down", 0.0, 1e6, "5s", "time between crash and restart")]),
        |p, ()| build(p, Restart { down: span(p, "down")? }),
    );
}
