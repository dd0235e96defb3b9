//! The messages between members and registries. All go over streams, as those of real registries do.

use std::sync::Arc;

use crate::detectors::Heartbeat;
use crate::detectors::message::{HEAD, ID};
use crate::protocol::{Id, MessageKind};
use crate::wire::uint32_len;

/// A message to or from a registry.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LeaseMessage {
    /// Renews the sender's lease, or ends it when the sender leaves.
    Renew(Heartbeat),
    /// Asks for the list, unless it is still that of this version.
    Ask(Option<ListVersion>),
    /// The answer.
    List {
        version: ListVersion,
        /// The holders of leases by id; `None` if the asker has this version.
        holders: Option<Arc<[Heartbeat]>>,
    },
}

/// A version of a registry's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListVersion {
    pub registry: Id,
    /// The registry's life.
    pub generation: u32,
    /// Number of changes of the list in it.
    pub changes: u32,
}

impl ListVersion {
    fn bytes(self) -> u32 {
        ID + uint32_len(self.generation) + uint32_len(self.changes)
    }
}

impl LeaseMessage {
    /// Its size, counted as that of heartbeats is.
    pub(super) fn bytes(&self) -> u32 {
        HEAD + match self {
            Self::Renew(holder) => holder.bytes(),
            Self::Ask(known) => known.map_or(1, ListVersion::bytes),
            Self::List { version, holders } => {
                version.bytes() + holders.iter().flat_map(|holders| holders.iter()).map(Heartbeat::bytes).sum::<u32>()
            }
        }
    }

    pub(super) fn kind(&self) -> MessageKind {
        if matches!(self, Self::Renew(_)) { MessageKind::Gossip } else { MessageKind::Sync }
    }
}
