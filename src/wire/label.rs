//! Labels of clusters that send plain text: packets of clusters with different labels are told apart.

use std::sync::Arc;

use super::encode;
use super::error::{DecodeError, Invalid, Part};
use super::layout::{LABEL_VERSION, VERSION};
use super::limits::{FRAME_PREFIX, Limited};
use super::size::{PlainSizer, encoded_len};
use super::{decode, valid};
use crate::protocol::{Packet, Sizer, Update};

/// Bytes before each packet of a cluster with a label: a version and the label's hash.
pub const LABEL_OVERHEAD: usize = 9;

/// The label of a cluster that sends plain text. It separates clusters by accident, not by intent: anybody can write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label([u8; LABEL_OVERHEAD]);

/// The sizes of packets with a [`Label`].
#[derive(Clone, Copy, Debug, Default)]
pub struct LabelSizer;

impl Label {
    /// The label with this text, of which a hash of 64 bits is sent (FNV-1a).
    pub fn new(text: &str) -> Self {
        let hash = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut bytes = [LABEL_VERSION; LABEL_OVERHEAD];
        bytes[1..].copy_from_slice(&hash.to_be_bytes());
        Self(bytes)
    }

    /// Appends the label and the encoding of a packet.
    ///
    /// # Errors
    /// If no receiver would accept the packet; `out` is unchanged then.
    pub fn encode(&self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        valid::packet(packet)?;
        self.append(packet, out);
        Ok(())
    }

    /// Decodes a packet of the cluster with this label.
    ///
    /// # Errors
    /// [`DecodeError::Label`] for a packet without this label; others as of [`decode`](super::decode).
    pub fn decode(&self, bytes: &[u8]) -> Result<Packet, DecodeError> {
        match bytes.split_first_chunk() {
            Some((label, packet)) if *label == self.0 => decode(packet),
            _ => Err(match bytes.first() {
                None => DecodeError::Truncated(Part::Envelope),
                Some(&(VERSION | LABEL_VERSION)) => DecodeError::Label,
                Some(&version) => DecodeError::Version(version),
            }),
        }
    }

    /// Appends the length of a packet with its label, then both, for a stream.
    ///
    /// # Errors
    /// If no receiver would accept the packet; `out` is unchanged then.
    pub fn frame(&self, packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
        valid::packet(packet)?;
        let len = encoded_len(packet) + LABEL_OVERHEAD as u32;
        Limited::Frame.check(len as usize)?;
        let prefix: [u8; FRAME_PREFIX] = len.to_be_bytes();
        out.extend(prefix);
        self.append(packet, out);
        Ok(())
    }

    /// Computes the sizes of packets with a label.
    pub fn sizer(&self) -> Arc<dyn Sizer> {
        Arc::new(LabelSizer)
    }

    fn append(&self, packet: &Packet, out: &mut Vec<u8>) {
        out.extend(self.0);
        encode::append(packet, out);
    }
}

impl Sizer for LabelSizer {
    #[inline]
    fn bare(&self, packet: &Packet) -> u32 {
        LABEL_OVERHEAD as u32 + PlainSizer.bare(packet)
    }

    #[inline]
    fn update(&self, update: &Update) -> u32 {
        PlainSizer.update(update)
    }
}
