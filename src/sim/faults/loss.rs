//! `loss`: packets from or to members are lost at random.

use swimlab_selectors::{Params, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::members::MemberSet;
use super::params::{Crossing, Direction, build, common_and, direction, lasts, rate, span};
use crate::protocol::Span;
use crate::sim::link::{LinkPacket, LinkRule, LinkVerdict};

/// Loses packets from or to the targets at random, in addition to the network's own loss.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Loss {
    /// The probability for each packet.
    pub rate: f64,
    /// Affected packets, as seen from the targets. Packets between two targets count in both directions.
    pub direction: Direction,
    /// Duration.
    pub lasts: Span,
}

#[derive(Debug)]
struct LossyMembers {
    members: MemberSet,
    rate: f64,
    direction: Direction,
}

impl Loss {
    /// Loss of packets in both directions, with this probability, for this time.
    pub const fn new(rate: f64, lasts: Span) -> Self {
        Self { rate, direction: Direction::Both, lasts }
    }

    pub(super) fn of(params: &Params) -> Result<Self, String> {
        Ok(Self { rate: params.real("rate")?, direction: Direction::of(params)?, lasts: span(params, "lasts")? })
    }
}

impl FaultKind for Loss {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        let members = MemberSet::new(&targets, activation.hosts());
        let rule = LossyMembers { members, rate: self.rate, direction: self.direction };
        activation.add_rule_for(self.lasts, rule, targets);
    }
}

impl LinkRule for LossyMembers {
    fn on_packet(&self, packet: &LinkPacket) -> LinkVerdict {
        let (into, out_of) = (self.members.contains(packet.to), self.members.contains(packet.from));
        if self.direction.includes(Crossing { into, out_of }) {
            LinkVerdict::Lose(self.rate)
        } else {
            LinkVerdict::Pass
        }
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "loss",
        "Packets from or to the targets are lost at random.",
        common_and(&[lasts(), rate(), direction("both")]),
        |p, ()| build(p, Loss::of(p)?),
    );
}
