//! What an application sees: members, and what happens to them, as values.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;

use super::address::to_socket;
use super::handle::ExitReason;
use crate::protocol::{Id, Incarnation, NodeInfo, Status, UserEvent};

/// A member in the eyes of another.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberInfo {
    /// Its card: id, name, address, place, metadata.
    pub node: Arc<NodeInfo>,
    /// Its state.
    pub state: Status,
    /// How new the record is.
    pub incarnation: Incarnation,
}

/// What happened to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberChange {
    /// It is new, or back from the dead.
    Joined,
    /// Somebody got no answer from it.
    Suspected,
    /// It was suspected, and spoke up.
    Refuted,
    /// It is dead.
    Died,
    /// It left of its own will.
    Left,
    /// Its address or metadata changed.
    Updated,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentEvent {
    /// To a member.
    Member(MemberChange, MemberInfo),
    /// An application's event, from a member.
    User {
        /// The sender.
        from: Id,
        /// Its name, where it is known.
        from_name: Box<str>,
        /// The event.
        event: Arc<UserEvent>,
    },
    /// Another process took this agent's name and keeps it, by the rule in docs/operations.md: this agent has ended.
    Displaced,
    /// The reader was too slow: so many notices are lost. [`super::Agent::members`] tells how things stand.
    Missed(u64),
}

/// A reader of what happens. Each reader sees everything from its creation on, at its own pace; one that falls behind by
/// more than the agent's buffer is told how much it missed.
#[derive(Debug)]
pub struct Events {
    pub(super) events: broadcast::Receiver<AgentEvent>,
    pub(super) end: watch::Receiver<Option<ExitReason>>,
}

impl Events {
    /// Waits for the next event; `None` once the agent has ended.
    pub async fn next(&mut self) -> Option<AgentEvent> {
        let received = tokio::select! {
            biased;
            received = self.events.recv() => received,
            _ = self.end.wait_for(Option::is_some) => Err(RecvError::Closed),
        };
        match received {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(AgentEvent::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}

impl MemberInfo {
    /// Its id.
    pub fn id(&self) -> Id {
        self.node.peer.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.node.name
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        to_socket(self.node.address)
    }

    /// Its metadata.
    pub fn meta(&self) -> &[u8] {
        &self.node.meta
    }
}

impl MemberChange {
    /// Its name in logs and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Suspected => "suspected",
            Self::Refuted => "refuted",
            Self::Died => "died",
            Self::Left => "left",
            Self::Updated => "updated",
        }
    }
}

impl fmt::Display for MemberChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
