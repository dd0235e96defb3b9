//! Packets to bytes and back, sealed or in plain text: the one place where an agent knows which.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::packet_error::PacketError;
use super::rejection_log::RejectionLog;
use crate::protocol::{Packet, Sizer};
use crate::wire::{
    FRAME_PREFIX, Invalid, Keyring, Label, PlainSizer, SEALED_PREFIX, Seal, SealedSizer, decode, encode, frame,
    frame_len,
};

/// Codec of an agent's packets.
#[derive(Debug)]
pub(super) enum PacketCodec {
    Plain,
    /// Plain text of a cluster with a label.
    Labeled(Label),
    Sealed(Box<Seal>),
}

/// A codec that an agent's task shares with its streams.
#[derive(Clone)]
pub(super) struct SharedCodec(Arc<(Mutex<PacketCodec>, RejectionLog)>);

impl SharedCodec {
    pub(super) fn new(codec: PacketCodec) -> Self {
        Self(Arc::new((Mutex::new(codec), RejectionLog::default())))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PacketCodec> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The log of packets that the codec refuses.
    pub(super) fn rejections(&self) -> &RejectionLog {
        &self.0.1
    }
}

impl PacketCodec {
    /// Computes the sizes of encoded packets.
    pub(super) fn sizer(&self) -> Arc<dyn Sizer> {
        match self {
            Self::Plain => Arc::new(PlainSizer),
            Self::Labeled(label) => label.sizer(),
            Self::Sealed(_) => Arc::new(SealedSizer),
        }
    }

    /// Appends a datagram.
    pub(super) fn encode(&mut self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        match self {
            Self::Plain => encode(packet, out),
            Self::Labeled(label) => label.encode(packet, out),
            Self::Sealed(seal) => seal.encode(SystemTime::now(), packet, out),
        }
    }

    /// Decodes a datagram, or what followed the prefix on a stream.
    pub(super) fn decode(&mut self, bytes: &mut [u8]) -> Result<Packet, PacketError> {
        match self {
            Self::Plain => decode(bytes).map_err(PacketError::Decode),
            Self::Labeled(label) => label.decode(bytes).map_err(PacketError::Decode),
            Self::Sealed(seal) => seal.decode(SystemTime::now(), bytes).map_err(PacketError::Open),
        }
    }

    /// Appends a packet with its prefix, for a stream.
    pub(super) fn frame(&mut self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        match self {
            Self::Plain => frame(packet, out),
            Self::Labeled(label) => label.frame(packet, out),
            Self::Sealed(seal) => seal.frame(SystemTime::now(), packet, out),
        }
    }

    /// Bytes of the prefix of each packet on a stream.
    pub(super) fn prefix_len(&self) -> usize {
        match self {
            Self::Plain | Self::Labeled(_) => FRAME_PREFIX,
            Self::Sealed(_) => SEALED_PREFIX,
        }
    }

    /// Reads how many bytes follow a prefix of [`PacketCodec::prefix_len`] bytes.
    pub(super) fn frame_len(&mut self, prefix: &mut [u8]) -> Result<usize, PacketError> {
        const LENGTH: &str = "callers read as many bytes as prefix_len says";
        match self {
            Self::Plain | Self::Labeled(_) => frame_len(prefix.try_into().expect(LENGTH)).map_err(PacketError::Decode),
            Self::Sealed(seal) => {
                seal.frame_len(SystemTime::now(), prefix.try_into().expect(LENGTH)).map_err(PacketError::Open)
            }
        }
    }

    /// Whether a packet proves that its sender has the key.
    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    /// Microseconds by which the clock of the sender of the packet decoded last was ahead of this one, less the time that
    /// it was under way; `None` without seals, whose stamps tell it.
    pub(super) fn sender_ahead_us(&self) -> Option<i64> {
        match self {
            Self::Plain | Self::Labeled(_) => None,
            Self::Sealed(seal) => Some(seal.sender_ahead_us()),
        }
    }

    pub(super) fn keyring_mut(&mut self) -> Option<&mut Keyring> {
        match self {
            Self::Plain | Self::Labeled(_) => None,
            Self::Sealed(seal) => Some(seal.keyring_mut()),
        }
    }
}
