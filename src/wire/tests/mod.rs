//! Sizes and bytes that are pinned, laws that hold for all packets, and what is refused.

mod golden;
#[cfg(feature = "seal")]
mod keys;
mod labels;
mod laws;
mod refusals;
#[cfg(feature = "seal")]
mod replays;
mod samples;
#[cfg(feature = "seal")]
mod sealing;

use super::encode;
use crate::protocol::Packet;

/// A packet's bytes.
fn encoded(packet: &Packet) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(packet, &mut bytes).expect("a valid packet");
    bytes
}
