//! Memory prefetching for drivers of more members than the cache holds.

use std::mem::offset_of;

use swimlab_selectors::{Slot, prefetch};

use super::Member;
use crate::protocol::message::{Body, Packet};

impl Member {
    /// The number of leading bytes that every call reads.
    pub const HOT_BYTES: usize = offset_of!(Self, seq);
    /// The number of leading bytes that [`Member::wake`] reads.
    pub const WAKE_BYTES: usize = offset_of!(Self, since_epoch);

    /// Prefetches the memory that [`Member::wake`] will read outside this value's first [`Member::WAKE_BYTES`] bytes.
    pub fn prefetch_wake(&self) {
        self.selector.prefetch();
        self.table.prefetch(self.upcoming);
        self.queue.prefetch();
        if let Some(deadlines) = &self.deadlines {
            prefetch(&**deadlines);
        }
    }

    /// Prefetches the memory that handling this packet will read outside this value's first [`Member::HOT_BYTES`]
    /// bytes. `sender` is the slot that the sender most likely has.
    pub fn prefetch_handle(&self, packet: &Packet, sender: Slot) {
        if let Body::Ack { .. } = packet.body {
            prefetch(&self.selector);
            // The round holds the slot of a target that answers; the table is not read.
            if packet.updates.is_empty() {
                return;
            }
        }
        self.table.prefetch_index(packet.from);
        self.table.prefetch(sender);
        self.queue.prefetch();
    }
}
