//! `partial-partition`: two groups that cannot reach each other, while both reach all other members.

use swimlab_selectors::{Param, Registry};

use super::activation::Activation;
use super::fault::{Fault, FaultKind};
use super::members::MemberSet;
use super::params::{Crossing, Direction, build, common_and, direction, lasts, span};
use super::target::Target;
use crate::protocol::Span;
use crate::sim::link::{LinkPacket, LinkRule, LinkVerdict};

/// Cuts off the targets from a second group; both reach all other members (Alfatafta et al., "Toward a Generic Fault
/// Tolerance Technique for Partial Network Partitioning", OSDI 2020).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PartialPartition {
    /// The second group, chosen among the members that are not targets.
    pub peers: Target,
    /// Dropped packets, as seen from the targets.
    pub direction: Direction,
    /// Duration.
    pub lasts: Span,
}

impl PartialPartition {
    /// A partition between the fault's targets and `peers` in both directions, for this time.
    pub const fn new(peers: Target, lasts: Span) -> Self {
        Self { peers, direction: Direction::Both, lasts }
    }
}

/// Drops packets between two groups.
#[derive(Debug)]
struct Separation {
    targets: MemberSet,
    peers: MemberSet,
    direction: Direction,
}

impl FaultKind for PartialPartition {
    fn activate(&self, activation: &mut Activation<'_>) {
        let targets = activation.choose_targets();
        let peers = activation.choose_others(&self.peers, &targets);
        let hosts = activation.hosts();
        let rule = Separation {
            targets: MemberSet::new(&targets, hosts),
            peers: MemberSet::new(&peers, hosts),
            direction: self.direction,
        };
        activation.add_rule_for(self.lasts, rule, [targets, peers].concat());
    }

    fn other_targets(&self) -> Vec<&Target> {
        vec![&self.peers]
    }
}

impl LinkRule for Separation {
    fn on_packet(&self, packet: &LinkPacket) -> LinkVerdict {
        let into = self.targets.contains(packet.to) && self.peers.contains(packet.from);
        let out_of = self.targets.contains(packet.from) && self.peers.contains(packet.to);
        if self.direction.includes(Crossing { into, out_of }) { LinkVerdict::Cut } else { LinkVerdict::Pass }
    }
}

pub(super) fn register(registry: &mut Registry<Fault>) {
    let peers = "the other group, written as a target; random: count members";
    registry.register(
        "partial-partition",
        "All packets between the targets and a second group are lost; both groups reach all other members.",
        common_and(&[lasts(), direction("both"), Param::text("peers", peers).or("random")]),
        |p, ()| {
            let peers = Target::parse(p.text("peers")?, p.count("count")?).map_err(|why| format!("peers: {why}"))?;
            build(p, PartialPartition { peers, direction: Direction::of(p)?, lasts: span(p, "lasts")? })
        },
    );
}
