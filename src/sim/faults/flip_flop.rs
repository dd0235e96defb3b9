//! `flip-flop`: a partition that comes and goes.

use swimlab_selectors::{Param, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::params::{Direction, build, common_and, direction, lasts, span};
use super::partition::Isolation;
use crate::protocol::{Span, Time};
use crate::sim::observer::MemberIndex;

/// Cuts off the targets from all other members, again and again (Suresh et al., "Stable and Consistent Membership at
/// Scale with Rapid", USENIX ATC 2018, section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlipFlop {
    /// Dropped packets, as seen from the targets.
    pub direction: Direction,
    /// Duration of each disconnection.
    pub on: Span,
    /// Duration of each connection between two disconnections.
    pub off: Span,
    /// Total duration.
    pub lasts: Span,
}

impl FlipFlop {
    /// A partition of packets to the targets that comes and goes every 20 s, for this time, as in the paper.
    pub const fn lasting(lasts: Span) -> Self {
        Self { direction: Direction::In, on: Span::from_secs(20), off: Span::from_secs(20), lasts }
    }

    /// Cuts off the targets, and schedules the end and the next time.
    fn cut(self, targets: Vec<MemberIndex>, until: Time, activation: &mut Activation<'_>) {
        if activation.now() >= until {
            return;
        }
        let lasts = self.on.min(until.since(activation.now()));
        let rule = Isolation::new(&targets, activation.hosts(), self.direction);
        let id = activation.add_rule(rule, &targets);
        activation.after(lasts, move |later| {
            later.remove_rule(id, &targets);
            later.after(self.off, move |later| self.cut(targets, until, later));
        });
    }
}

impl FaultKind for FlipFlop {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        self.cut(targets, activation.now() + self.lasts, activation);
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "flip-flop",
        "A partition that alternates with normal operation (Rapid's one-way flip-flop by default).",
        common_and(&[
            lasts(),
            direction("in"),
            Param::span("on", 1e-3, 1e6, "20s", "duration of each partition"),
            Param::span("off", 1e-3, 1e6, "20s", "time between two partitions"),
        ]),
        |p, ()| {
            let (on, off) = (span(p, "on")?, span(p, "off")?);
            build(p, FlipFlop { direction: Direction::of(p)?, on, off, lasts: span(p, "lasts")? })
        },
    );
}
