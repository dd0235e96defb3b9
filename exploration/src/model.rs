//! The model: what is explored, from where, and within which bounds.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use swimlab::protocol::{
    Address, Config, Id, Identity, Incarnation, Member, MemberConfig, NodeInfo, Packet, Roster, Span, Time,
};
use swimlab::sim::address_of;
use swimlab::wire::PlainSizer;
use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{IndexedSelector, Peer};

use crate::selection::{Counting, FirstHelpers};

/// Function from a packet that arrives to the packet that the member handles: the same one, unless a test plants a fault.
pub type Intake = fn(&Member, Packet) -> Packet;

/// A group of members, the state that the exploration starts from, and its bounds.
pub struct Model {
    /// Bounds of the exploration.
    pub bounds: Bounds,
    /// The state that the exploration starts from.
    pub start: Start,
    pub(crate) intake: Intake,
    members: usize,
    config: Arc<MemberConfig>,
    nodes: Vec<Arc<NodeInfo>>,
    roster: Arc<Roster>,
    indexed: IndexedSelector,
}

/// Bounds of an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most steps in a schedule.
    pub depth: u32,
    /// The most packets that are lost.
    pub losses: u8,
    /// The most packets that are duplicated.
    pub duplicates: u8,
    /// The most members that crash.
    pub crashes: u8,
    /// The most members that leave.
    pub leaves: u8,
    /// The most departures from the order in which a fair network and exact timers would proceed; `None`: any order.
    pub delays: Option<u8>,
    /// The most of all these together: losses, duplicates, crashes, leaves and delays.
    pub faults: u8,
    /// The most packets held back in the network while timers fire.
    pub in_flight: u8,
    /// The longest time by which a timer fires late while another member's fires.
    pub skew: Span,
    /// The time within which members agree once the network is fair.
    pub agreement: Span,
}

/// State that an exploration starts from. All members know each other at first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The first period begins.
    Steady,
    /// Member 1 was cut off from the fifth period on, until another member suspected it. Nobody knows of the suspicion yet,
    /// and the network is whole again.
    Suspected,
    /// The same, until another member declared it dead.
    Declared,
    /// The same, and then the network was fair until member 1 learned that it had been declared dead. It has just raised its
    /// incarnation.
    Refuted,
}

impl Bounds {
    /// Any order of few steps.
    pub const fn any_order() -> Self {
        Self {
            depth: 7,
            losses: 1,
            duplicates: 1,
            crashes: 1,
            leaves: 0,
            delays: None,
            faults: 3,
            in_flight: 6,
            skew: Span::from_millis(500),
            agreement: Span::from_secs(300),
        }
    }

    /// Many steps, of which few depart from the order of sending and of timers.
    pub const fn few_faults() -> Self {
        Self { depth: 60, losses: 2, duplicates: 2, leaves: 1, delays: Some(2), faults: 2, ..Self::any_order() }
    }
}

impl Model {
    /// The group of this size that runs this profile (a label such as `swim` or `swim:suspicion=2s`).
    ///
    /// # Errors
    /// If the label names no valid profile, or the group has fewer than two members or more than eight.
    pub fn new(profile: &str, members: usize, start: Start, bounds: Bounds) -> Result<Self, String> {
        if !(2..=MOST_MEMBERS).contains(&members) {
            return Err(format!("--members must be from 2 to {MOST_MEMBERS}, not {members}"));
        }
        let config: Config = profile.parse().map_err(|error| format!("{error}"))?;
        let config = MemberConfig::new(config, Arc::new(PlainSizer)).map_err(|error| error.to_string())?;
        let node = |index: usize| Arc::new(NodeInfo::new(Peer::new(id_of(index)), address_of(index as u32)));
        let nodes: Vec<_> = (0..members).map(node).collect();
        let roster = Arc::new(Roster::of_members(nodes.iter().cloned()));
        let indexed = Counting::boxed().build_index(roster.peers());
        let config = Arc::new(config.with_helpers(Arc::new(FirstHelpers)));
        Ok(Self { bounds, start, intake: |_, packet| packet, members, config, nodes, roster, indexed })
    }

    /// The same model with a fault in what members understand of packets.
    #[must_use]
    pub fn with_intake(self, intake: Intake) -> Self {
        Self { intake, ..self }
    }

    /// The number of members.
    pub fn members(&self) -> usize {
        self.members
    }

    /// The protocol configuration of all members.
    pub fn config(&self) -> &Config {
        self.config.protocol()
    }

    /// A member that has just started. Members' periods begin evenly spread.
    pub(crate) fn member(&self, index: usize) -> Member {
        let identity = Identity {
            incarnation: Incarnation::default(),
            since_epoch: Span::ZERO,
            strategy_rng: stream(1, Purpose::Selector, index as u64),
            rng: stream(1, Purpose::Protocol, index as u64),
        };
        let roster = Arc::clone(&self.roster);
        let mut member = Member::new(Arc::clone(&self.config), identity, roster, &self.indexed, index as u32);
        let phase = self.config().period.as_micros() * index as u64 / self.members as u64;
        member.start(EPOCH, EPOCH + Span::from_micros(phase));
        member
    }

    pub(crate) fn fork(&self, member: &Member) -> Member {
        member.fork(&self.indexed)
    }

    /// Whether members try those again that they hold dead, so that a split group reunites.
    pub(crate) fn reunites(&self) -> bool {
        let config = self.config();
        config.reconnect_every > 0 && config.anti_entropy && !config.dead_final
    }

    /// The member that listens at this address.
    pub(crate) fn index_of(&self, address: Address) -> Option<usize> {
        self.nodes.iter().position(|node| node.address == address)
    }

    /// The address of a member.
    pub(crate) fn address(&self, index: usize) -> Address {
        self.nodes[index].address
    }
}

/// The largest group.
pub(crate) const MOST_MEMBERS: usize = 8;

/// The time at which members start: late enough that no interval reaches back beyond time zero.
pub(crate) const EPOCH: Time = Time::from_micros(3_600_000_000);

/// The id of a member.
pub(crate) fn id_of(index: usize) -> Id {
    index as Id + 1
}

impl Start {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Steady, Self::Suspected, Self::Declared, Self::Refuted];

    /// Name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Suspected => "suspected",
            Self::Declared => "declared",
            Self::Refuted => "refuted",
        }
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Start {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let start = Self::ALL.into_iter().find(|start| start.name() == name);
        start.ok_or_else(|| format!("--start must be steady, suspected, declared, refuted or all, not {name}"))
    }
}
