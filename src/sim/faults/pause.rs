//! `pause`: members stand still, as under SIGSTOP.

use swimlab_selectors::Registry;

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{QUEUE, build, common_and, lasts, queue, span};
use crate::protocol::Span;
use crate::sim::environment::{Impairment, QueuePolicy};

/// Stops the targets' timers and queues their packets (SIGSTOP). Afterwards queued packets are processed before overdue
/// timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pause {
    /// Duration.
    pub lasts: Span,
    /// The most packets queued; further ones are dropped.
    pub queue: u32,
}

impl Pause {
    /// A pause of this length, with room for 4096 packets in each direction.
    pub const fn lasting(lasts: Span) -> Self {
        Self { lasts, queue: QUEUE }
    }
}

impl FaultKind for Pause {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        let policy = QueuePolicy { limit: self.queue, per_packet: Span::ZERO };
        activation.impair(&targets, Impairment::Paused, policy, self.lasts);
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "pause",
        "Members are suspended with their timers (SIGSTOP); afterwards they process queued packets before overdue timers.",
        common_and(&[lasts(), queue()]),
        |p, ()| build(p, Pause { lasts: span(p, "lasts")?, queue: p.count("queue")? }),
    );
}
