//! Members and their changes as an application sees them.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use swimlab_selectors::Location;

use super::address::to_socket;
use super::meta::Meta;
use super::query::IncomingQuery;
use super::zone_names::apart;
use crate::protocol::{EventKind, Id, Incarnation, MembershipTable, NodeInfo, Status, UserEvent};

/// An agent's record of one member.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemberInfo {
    /// Id, name, address, location and metadata.
    pub node: Arc<NodeInfo>,
    /// The member's state.
    pub state: Status,
    /// The incarnation that the record is about.
    pub incarnation: Incarnation,
}

impl MemberInfo {
    /// The records of all members.
    pub(super) fn all(table: &MembershipTable) -> Vec<Self> {
        let record = |(_, state, incarnation, node): (_, _, _, &Arc<NodeInfo>)| Self {
            node: Arc::clone(node),
            state,
            incarnation,
        };
        table.entries().map(record).collect()
    }

    /// The record of a member.
    pub(super) fn of(table: &MembershipTable, id: Id) -> Option<Self> {
        let slot = table.slot(id)?;
        let (node, state) = (Arc::clone(table.node(slot)), table.status(slot)?);
        Some(Self { node, state, incarnation: table.incarnation(slot) })
    }

    /// The member's id.
    pub fn id(&self) -> Id {
        self.node.peer.id
    }

    /// The member's name.
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// The address that the member advertises.
    pub fn addr(&self) -> SocketAddr {
        to_socket(self.node.address)
    }

    /// The member's metadata.
    pub fn meta(&self) -> &[u8] {
        &self.node.meta
    }

    /// The member's metadata as pairs, without the names of its zone path.
    pub fn pairs(&self) -> Meta {
        apart(&self.node).0
    }

    /// The member's zone path: its names, or, where the member does not tell them, `#` and a hash for each level. `None`
    /// if it has none.
    pub fn zone(&self) -> Option<String> {
        apart(&self.node).1
    }

    /// Latitude and longitude of the member in degrees, if it has them.
    pub fn place(&self) -> Option<(f64, f64)> {
        match self.node.peer.location {
            Some(Location::Globe { lat, lon }) => Some((lat, lon)),
            _ => None,
        }
    }
}

/// An event of an agent.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum AgentEvent {
    /// A member's record changed; the record is the one after the change.
    Member(MemberChange, MemberInfo),
    /// A member, perhaps this one, broadcast an application event.
    User {
        /// The sender.
        from: Id,
        /// The sender's name; empty if the sender is not known.
        from_name: Box<str>,
        /// The event.
        event: Arc<UserEvent>,
    },
    /// A member, perhaps this one, asks something, and collects answers for a while.
    Query(IncomingQuery),
    /// Another process took this agent's name and keeps it, by the rule in docs/operations.md: this agent has ended.
    Displaced,
    /// The reader was too slow and lost this number of events. [`Agent::members`](super::Agent::members) has the
    /// current state.
    Missed(u64),
}

/// Change of a member's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MemberChange {
    /// It is new, or has returned with a higher incarnation after its death.
    Joined,
    /// It is suspected.
    Suspected,
    /// It was suspected, and refuted.
    Refuted,
    /// It is dead.
    Died,
    /// It left of its own accord.
    Left,
    /// Its address, location or metadata changed.
    Updated,
}

impl MemberChange {
    /// All changes.
    pub const ALL: [Self; 6] = [Self::Joined, Self::Suspected, Self::Refuted, Self::Died, Self::Left, Self::Updated];

    /// The change that an event of the protocol reports, if it reports one.
    pub(super) fn of(event: &EventKind) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.as_event() == *event)
    }

    /// The member's state after the change.
    pub(super) const fn state(self) -> Status {
        match self {
            Self::Joined | Self::Refuted | Self::Updated => Status::Alive,
            Self::Suspected => Status::Suspect,
            Self::Died => Status::Dead,
            Self::Left => Status::Left,
        }
    }

    /// The name in logs and files: that of the protocol's event.
    pub fn name(self) -> &'static str {
        self.as_event().name()
    }

    const fn as_event(self) -> EventKind {
        match self {
            Self::Joined => EventKind::Joined,
            Self::Suspected => EventKind::Suspected,
            Self::Refuted => EventKind::Refuted,
            Self::Died => EventKind::Died,
            Self::Left => EventKind::Left,
            Self::Updated => EventKind::Updated,
        }
    }
}

impl fmt::Display for MemberChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
