//! `slow`: members whose packets are delayed while their timers run, the anomaly of the Lifeguard paper.

use swimlab_selectors::{Param, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{QUEUE, build, common_and, lasts, queue, span};
use crate::protocol::Span;
use crate::sim::environment::{Impairment, QueuePolicy};

/// Lets the targets' timers run while their sends are held and received packets queue up; all are processed in order at
/// the end (Dadgar, Phillips and Currey, "Lifeguard: Local Health Awareness for More Accurate Failure Detection",
/// 2018).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slow {
    /// Whether a task that sends blocks in the send, as a thread does, instead of continuing.
    pub blocking: bool,
    /// Duration.
    pub lasts: Span,
    /// The most packets queued in each direction; further ones are dropped.
    pub queue: u32,
    /// Processing time of each queued packet afterwards; later packets wait for earlier ones, and take as long, until none
    /// waits. A time longer than that between two arrivals therefore keeps the host slow for good, as a host is whose
    /// packets cost more than it can do; `queue` bounds how many wait.
    pub catch_up: Span,
}

impl Slow {
    /// An anomaly of this length: sends do not block, 4096 packets queue up in each direction and are processed at
    /// once.
    pub const fn lasting(lasts: Span) -> Self {
        Self { blocking: false, lasts, queue: QUEUE, catch_up: Span::ZERO }
    }
}

impl FaultKind for Slow {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        let impairment = if self.blocking { Impairment::Blocked } else { Impairment::Slow };
        let policy = QueuePolicy { limit: self.queue, per_packet: self.catch_up };
        activation.impair(&targets, impairment, policy, self.lasts);
    }

    /// A full queue takes four seconds at 1 ms a packet; at more, packets may arrive faster than they are handled.
    fn may_outlast_its_end(&self) -> bool {
        self.catch_up > Span::from_millis(1)
    }

    fn simulator_only(&self) -> Option<&'static str> {
        Some(
            "fault slow: an agent cannot hold its packets back while its timers run, so it is not run in real time; \
             pause stops an agent altogether",
        )
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    let sends = "whether packets to send are queued, or block the probe loop and the gossip loop at their next one";
    let catch_up = "time that each queued packet takes afterwards; 0s: none";
    registry.register(
        "slow",
        "Sent and received packets are held back while timers run, and released at the end (Lifeguard's anomaly).",
        common_and(&[
            lasts(),
            queue(),
            Param::choice("sends", &["queue", "block"], "queue", sends),
            Param::span("catch_up", 0.0, 60.0, "0s", catch_up),
        ]),
        |p, ()| {
            let blocking = p.text("sends")? == "block";
            let (lasts, queue, catch_up) = (span(p, "lasts")?, p.count("queue")?, span(p, "catch_up")?);
            build(p, Slow { blocking, lasts, queue, catch_up })
        },
    );
}
