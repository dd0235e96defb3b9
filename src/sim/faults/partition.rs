//! `partition`: members are cut off from all others.

use swimlab_selectors::{Params, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::members::MemberSet;
use super::params::{Crossing, Direction, build, common_and, direction, lasts, span};
use crate::protocol::Span;
use crate::sim::link::{LinkPacket, LinkRule, LinkVerdict};
use crate::sim::observer::MemberIndex;

/// Cuts off the targets from all other members; among themselves they are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Partition {
    /// Dropped packets, as seen from the targets.
    pub direction: Direction,
    /// Duration.
    pub lasts: Span,
}

/// Drops packets that enter or leave a group.
#[derive(Debug)]
pub(super) struct Isolation {
    group: MemberSet,
    direction: Direction,
}

impl Isolation {
    /// The isolation of these members, in a world of `hosts`.
    pub(super) fn new(group: &[MemberIndex], hosts: u32, direction: Direction) -> Self {
        Self { group: MemberSet::new(group, hosts), direction }
    }
}

impl Partition {
    /// A partition in both directions, for this time.
    pub const fn lasting(lasts: Span) -> Self {
        Self { direction: Direction::Both, lasts }
    }

    pub(super) fn of(params: &Params) -> Result<Self, String> {
        Ok(Self { direction: Direction::of(params)?, lasts: span(params, "lasts")? })
    }
}

impl FaultKind for Partition {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        let rule = Isolation::new(&targets, activation.hosts(), self.direction);
        activation.add_rule_for(self.lasts, rule, targets);
    }
}

impl LinkRule for Isolation {
    fn on_packet(&self, packet: &LinkPacket) -> LinkVerdict {
        let (to, from) = (self.group.contains(packet.to), self.group.contains(packet.from));
        let crossing = Crossing { into: to && !from, out_of: from && !to };
        if self.direction.includes(crossing) { LinkVerdict::Cut } else { LinkVerdict::Pass }
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    registry.register(
        "partition",
        "All packets between the targets and the other members are lost.",
        common_and(&[lasts(), direction("both")]),
        |p, ()| build(p, Partition::of(p)?),
    );
}
