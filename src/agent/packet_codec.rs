//! Packets to bytes and back, sealed or plain: the one place where an agent knows which.

use std::fmt;
use std::time::SystemTime;

use super::metrics::DropReason;
use crate::protocol::{Packet, Sizer};
use crate::wire::{
    DecodeError, FRAME_PREFIX, Invalid, Keyring, OpenError, PlainSizer, SEALED_PREFIX, Seal, SealedSizer, decode,
    encode, frame, frame_len,
};

/// How an agent speaks, and whom it understands.
#[derive(Debug)]
pub(super) enum PacketCodec {
    /// To everybody.
    Plain,
    /// To those who have the key.
    Sealed(Box<Seal>),
}

/// Why bytes are not taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PacketError {
    /// They are no packet.
    Decode(DecodeError),
    /// The seal is not what it should be.
    Seal(OpenError),
}

impl PacketCodec {
    /// The sizes of what it says.
    pub fn sizer(&self) -> std::sync::Arc<dyn Sizer> {
        match self {
            Self::Plain => std::sync::Arc::new(PlainSizer),
            Self::Sealed(_) => std::sync::Arc::new(SealedSizer),
        }
    }

    /// Appends a datagram.
    pub fn encode(&mut self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        match self {
            Self::Plain => encode(packet, out),
            Self::Sealed(seal) => seal.encode(SystemTime::now(), packet, out),
        }
    }

    /// Reads a datagram, or what followed the prefix on a stream.
    pub fn decode(&mut self, bytes: &mut [u8]) -> Result<Packet, PacketError> {
        match self {
            Self::Plain => decode(bytes).map_err(PacketError::Decode),
            Self::Sealed(seal) => seal.decode(SystemTime::now(), bytes).map_err(PacketError::Seal),
        }
    }

    /// Appends a packet for a stream.
    pub fn frame(&mut self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        match self {
            Self::Plain => frame(packet, out),
            Self::Sealed(seal) => seal.frame(SystemTime::now(), packet, out),
        }
    }

    /// How many bytes precede each packet on a stream.
    pub fn prefix(&self) -> usize {
        match self {
            Self::Plain => FRAME_PREFIX,
            Self::Sealed(_) => SEALED_PREFIX,
        }
    }

    /// How many bytes to read after this prefix, which has the length of [`PacketCodec::prefix`].
    pub fn frame_len(&mut self, prefix: &mut [u8]) -> Result<usize, PacketError> {
        match self {
            Self::Plain => frame_len(prefix.try_into().expect("the prefix's length")).map_err(PacketError::Decode),
            Self::Sealed(seal) => {
                let prefix = prefix.try_into().expect("the prefix's length");
                seal.frame_len(SystemTime::now(), prefix).map_err(PacketError::Seal)
            }
        }
    }

    /// Its keys, if it has any.
    pub fn keyring_mut(&mut self) -> Option<&mut Keyring> {
        match self {
            Self::Plain => None,
            Self::Sealed(seal) => Some(seal.keyring_mut()),
        }
    }
}

impl PacketError {
    /// How it is counted.
    pub fn reason(self) -> DropReason {
        match self {
            Self::Decode(_) | Self::Seal(OpenError::Packet(_)) => DropReason::Malformed,
            Self::Seal(OpenError::Stale(_) | OpenError::Early(_) | OpenError::Replayed) => DropReason::Stale,
            Self::Seal(OpenError::Short(_) | OpenError::NotSealed(_) | OpenError::Forged) => DropReason::Forged,
        }
    }
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Seal(error) => error.fmt(f),
        }
    }
}
