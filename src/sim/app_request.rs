//! Requests of applications, as faults make them.

use crate::protocol::Incarnation;

/// Request of an application to its own member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppRequest {
    /// Sends an application event.
    Broadcast {
        /// Length of its payload, in bytes.
        bytes: u32,
    },
    /// Replaces the member's metadata by others.
    SetMeta {
        /// Length of the new metadata, in bytes.
        bytes: u32,
    },
}

impl AppRequest {
    /// Name of the events.
    pub const EVENT: &str = "load";

    /// The event's payload or the metadata, for a member at this incarnation: metadata differ from incarnation to
    /// incarnation.
    pub fn content(self, incarnation: Incarnation) -> Vec<u8> {
        match self {
            Self::Broadcast { bytes } => vec![0; bytes as usize],
            Self::SetMeta { bytes } => vec![b'a' + (incarnation.refutations % 26) as u8; bytes as usize],
        }
    }
}
