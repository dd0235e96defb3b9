//! Packets on a stream: each follows its length, four bytes in network order.

use super::{DecodeError, Invalid, Limited, encode, encoded_len, valid};
use crate::protocol::Packet;

/// Bytes before each packet on a stream.
pub const FRAME_PREFIX: usize = 4;

/// The longest packet on a stream, in bytes: room for the table of a million members.
pub const FRAME_LIMIT: usize = 1 << 27;

/// Appends a packet and its length to `out`; refuses what a reader would refuse, and then leaves `out` as it was.
pub fn frame(packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
    valid::packet(packet)?;
    let len = encoded_len(packet);
    Limited::Frame.check(len as usize)?;
    out.extend(len.to_be_bytes());
    encode::append(packet, out);
    Ok(())
}

/// The length of the packet that follows this prefix. It is the sender's word: read as the bytes come in, do not
/// allocate it beforehand.
pub fn frame_len(prefix: [u8; FRAME_PREFIX]) -> Result<usize, DecodeError> {
    let len = u32::from_be_bytes(prefix) as usize;
    Limited::Frame.check(len)?;
    Ok(len)
}
