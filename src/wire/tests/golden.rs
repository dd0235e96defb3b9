//! Bytes and sizes that are pinned.

use super::encoded;
use super::samples::{self, SEQ};
use crate::protocol::{Packet, Sizer};
use crate::wire::{Compact, decode};

/// One packet of each kind, and its bytes. A change here is a new version of the wire.
fn vectors() -> Vec<(Packet, &'static str)> {
    vec![
        (samples::ping(), ""),
        (samples::ack(), ""),
        (samples::ping_req(), ""),
        (samples::relayed(), ""),
        (samples::nack(), ""),
        (samples::gossip(), ""),
        (samples::sync(), ""),
        (samples::with_coordinate(), ""),
    ]
}

#[test]
fn the_bytes_are_these() {
    for (packet, expected) in vectors() {
        let expected: String = expected.split_whitespace().collect();
        let hex: String = encoded(&packet).iter().map(|byte| format!("{byte:02x}")).collect();
        println!("{hex}");
    }
    panic!();
}
