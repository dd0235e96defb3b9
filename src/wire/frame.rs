//! Packets on a stream: each follows its length, four bytes in network byte order.

use super::error::{DecodeError, Invalid};
use super::limits::{FRAME_PREFIX, Limited};
use super::size::encoded_len;
use super::{encode, valid};
use crate::protocol::Packet;

/// Appends the length of a packet and its encoding to `out`.
///
/// # Errors
/// If no receiver would accept the packet; `out` is unchanged then.
pub fn frame(packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
    valid::packet(packet)?;
    let len = encoded_len(packet);
    Limited::Frame.check(len as usize)?;
    out.extend(len.to_be_bytes());
    encode::append(packet, out);
    Ok(())
}

/// The length of the packet that follows this prefix. It is not trustworthy: read as the bytes come in instead of
/// allocating it beforehand.
///
/// # Errors
/// If it is more than [`FRAME_LIMIT`](super::FRAME_LIMIT).
pub fn frame_len(prefix: [u8; FRAME_PREFIX]) -> Result<usize, DecodeError> {
    let len = u32::from_be_bytes(prefix) as usize;
    Limited::Frame.check(len)?;
    Ok(len)
}
