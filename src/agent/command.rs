//! Requests of handles, streams and lookups to an agent's task.

use std::error::Error;
use std::fmt;

use tokio::sync::oneshot;

use super::arrival::Arrival;
use super::discovery::Discovery;
use super::event::MemberInfo;
use super::exit::Closed;
use super::meta::{Meta, MetaError};
use super::metrics::Info;
use super::overview::Overview;
use super::query::StartQuery;
use super::round_trip::{RoundTrip, RoundTripError};
use super::traffic::DropReason;
use crate::discovery::shared::{SharedError, SharedWrite};
use crate::discovery::state::StateError;
use crate::discovery::{Description, Report, ReportError};
use crate::protocol::{Address, BroadcastError, ForceLeaveError, Id, NameError, Span, TooLong};
use crate::wire::{Key, KeyId, Keyring, KeyringError};

/// A request to an agent's task.
pub(super) enum Command {
    Members(oneshot::Sender<Vec<MemberInfo>>),
    Discovery(oneshot::Sender<Discovery>),
    Describe {
        description: Box<Description>,
        reply: oneshot::Sender<Result<(), StateError>>,
    },
    Report {
        report: Report,
        reply: oneshot::Sender<Result<(), CommandError>>,
    },
    WriteShared {
        write: SharedWrite,
        reply: oneshot::Sender<Result<bool, SharedError>>,
    },
    Info(oneshot::Sender<Box<Info>>),
    Overview(oneshot::Sender<Box<Overview>>),
    SetMeta {
        meta: Vec<u8>,
        reply: oneshot::Sender<Result<(), TooLong>>,
    },
    UpdateMeta {
        set: Meta,
        unset: Vec<String>,
        reply: oneshot::Sender<Result<(), CommandError>>,
    },
    Broadcast {
        name: String,
        payload: Vec<u8>,
        reply: oneshot::Sender<Result<(), BroadcastError>>,
    },
    Query(Box<StartQuery>),
    ForceLeave {
        name: String,
        reply: oneshot::Sender<Result<(), ForceLeaveError>>,
    },
    /// The round-trip time between two members; `from` is the agent itself if it is `None`.
    RoundTrip {
        from: Option<String>,
        to: String,
        reply: oneshot::Sender<Result<RoundTrip, RoundTripError>>,
    },
    /// Ping a member directly; the reply is the round-trip time. Without an ack, it never comes.
    Ping {
        id: Id,
        answered: oneshot::Sender<Span>,
    },
    ChangeKeys {
        change: KeyChange,
        reply: oneshot::Sender<Result<(), CommandError>>,
    },
    /// The seeds' names resolve to these addresses now.
    SetSeeds {
        seeds: Vec<Address>,
        /// Whether each name has an address.
        are_all: bool,
    },
    /// A packet arrived over a stream.
    Arrived(Arrival),
    /// A stream brought no packet, or did not take one.
    StreamFailed {
        reason: DropReason,
        /// The peer, if the agent has opened the stream.
        to: Option<Address>,
    },
    /// Ask the member at this address for its table; the reply is `true` when it has answered.
    Contact {
        address: Address,
        answered: oneshot::Sender<bool>,
    },
    /// End the attempts to contact members whose callers have given up.
    EndContacts,
    /// Pause until this resolves.
    Pause(oneshot::Receiver<()>),
    Leave,
    Stop,
}

/// A step of a key rotation.
pub(super) enum KeyChange {
    Install(Key),
    Use(KeyId),
    Remove(KeyId),
    Replace(Keyring),
}

/// Reason why an agent did not carry out a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The agent has ended.
    Closed,
    /// An event cannot have this name.
    Name(NameError),
    /// An argument is longer than allowed.
    TooLong(TooLong),
    /// Too many application events wait to be sent already: to be tried again later.
    QueueFull,
    /// The metadata cannot be changed so.
    Meta(MetaError),
    /// The member cannot be made to leave.
    ForceLeave(ForceLeaveError),
    /// The keyring does not allow the change.
    Keyring(KeyringError),
    /// The agent sends plain text, without keys.
    NoKeys,
    /// The member's state cannot hold it.
    State(StateError),
    /// The report does not fit what the member offers.
    Report(ReportError),
    /// The shared value cannot be written.
    Shared(SharedError),
}

impl From<ReportError> for CommandError {
    fn from(error: ReportError) -> Self {
        Self::Report(error)
    }
}

impl From<SharedError> for CommandError {
    fn from(error: SharedError) -> Self {
        Self::Shared(error)
    }
}

impl From<StateError> for CommandError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<Closed> for CommandError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<NameError> for CommandError {
    fn from(error: NameError) -> Self {
        match error {
            NameError::TooLong(error) => Self::TooLong(error),
            error => Self::Name(error),
        }
    }
}

impl From<TooLong> for CommandError {
    fn from(error: TooLong) -> Self {
        Self::TooLong(error)
    }
}

impl From<BroadcastError> for CommandError {
    fn from(error: BroadcastError) -> Self {
        match error {
            BroadcastError::TooLong(error) => Self::TooLong(error),
            BroadcastError::Stopped => Self::Closed,
            BroadcastError::QueueFull => Self::QueueFull,
        }
    }
}

impl From<MetaError> for CommandError {
    fn from(error: MetaError) -> Self {
        Self::Meta(error)
    }
}

impl From<ForceLeaveError> for CommandError {
    fn from(error: ForceLeaveError) -> Self {
        Self::ForceLeave(error)
    }
}

impl From<KeyringError> for CommandError {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(error)
    }
}

impl Error for CommandError {}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => Closed.fmt(f),
            Self::Name(error) => write!(f, "the event's name: {error}"),
            Self::TooLong(error) => error.fmt(f),
            Self::QueueFull => BroadcastError::QueueFull.fmt(f),
            Self::Meta(error) => error.fmt(f),
            Self::ForceLeave(error) => error.fmt(f),
            Self::Keyring(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::Report(error) => error.fmt(f),
            Self::Shared(error) => error.fmt(f),
            Self::NoKeys => f.write_str("the agent sends plain text and has no keys"),
        }
    }
}
