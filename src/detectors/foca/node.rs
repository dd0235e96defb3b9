//! Identity of a member.

use ::foca::Identity;
use serde::{Deserialize, Serialize};

use super::machine::Name;
use crate::protocol::Incarnation;
use crate::sim::MemberIndex;

/// An identity as foca's users have it: an IPv4 address, all ports being equal, and what tells a member's lives apart.
/// A member that hears of its own death comes back under a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Node {
    ip: u32,
    generation: u16,
    renewals: u16,
}

/// 10.0.0.0/8.
const NETWORK: u32 = 10 << 24;

impl Name for Node {
    const NUMBERS: usize = 3;

    fn new(member: MemberIndex, generation: u32) -> Self {
        let generation = u16::try_from(generation).expect("fewer lives than 65,536");
        Self { ip: NETWORK + member, generation, renewals: 0 }
    }

    fn index(self) -> MemberIndex {
        self.ip - NETWORK
    }

    fn incarnation(self) -> Incarnation {
        Incarnation { generation: self.generation.into(), refutations: self.renewals.into() }
    }
}

impl Identity for Node {
    type Addr = u32;

    fn renew(&self) -> Option<Self> {
        let renewals = self.renewals.checked_add(1)?;
        Some(Self { renewals, ..*self })
    }

    fn addr(&self) -> u32 {
        self.ip
    }

    fn win_addr_conflict(&self, other: &Self) -> bool {
        self.incarnation() > other.incarnation()
    }
}
