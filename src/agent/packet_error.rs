//! Reasons why bytes are not accepted as a packet.

use std::fmt;

use super::traffic::DropReason;
use crate::wire::{DecodeError, LABEL_VERSION, OpenError, SEAL_VERSION};

/// Reason why bytes are not accepted as a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PacketError {
    Decode(DecodeError),
    Open(OpenError),
    /// This generation is in the future.
    Future(u32),
}

impl PacketError {
    /// The reason under which the packet is counted.
    pub(super) fn drop_reason(self) -> DropReason {
        match self {
            Self::Decode(DecodeError::Label | DecodeError::Version(LABEL_VERSION | SEAL_VERSION)) => DropReason::Forged,
            Self::Decode(_) | Self::Open(OpenError::Packet(_)) => DropReason::Malformed,
            Self::Open(OpenError::Stale(_) | OpenError::Early(_) | OpenError::Replayed) => DropReason::Stale,
            Self::Future(_) => DropReason::Future,
            Self::Open(OpenError::Short(_) | OpenError::NotSealed(_) | OpenError::Forged) => DropReason::Forged,
        }
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Open(error) => error.fmt(f),
            Self::Future(generation) => {
                write!(f, "generation {generation}, a start in seconds since 1970, is more than a day in the future")
            }
        }
    }
}
