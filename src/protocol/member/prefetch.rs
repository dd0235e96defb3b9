//! EventKind memory the next call will read: asked for ahead of time by drivers of more members than the cache holds.

use std::mem::offset_of;

use swimlab_selectors::{prefetch, prefetch_first};

use super::*;

impl Member {
    /// How many of its first bytes every call reads.
    pub const HOT_BYTES: usize = offset_of!(Self, seq);
    /// How many of its first bytes [`Member::wake`] reads.
    pub const WAKE_BYTES: usize = offset_of!(Self, since_epoch);

    /// Has memory read ahead of time that [`Member::wake`] will need, [`Member::WAKE_BYTES`] of this value aside.
    pub fn prefetch_wake(&self) {
        self.selector.prefetch();
        self.table.prefetch(self.upcoming);
        self.queue.prefetch();
        if let Some(cold) = &self.cold {
            prefetch_first(ColdState::HOT_BYTES, &**cold);
        }
    }

    /// The same for handling this packet, [`Member::HOT_BYTES`] of this value aside. Its sender most likely has this slot.
    pub fn prefetch_handle(&self, packet: &Packet, sender: Slot) {
        if let Body::Ack { .. } = packet.body {
            prefetch(&self.selector);
            // Whose answer is awaited is known.
            if packet.updates.is_empty() {
                return;
            }
        }
        self.table.prefetch_index(packet.from);
        self.table.prefetch(sender);
        self.queue.prefetch();
    }
}

impl ColdState {
    const HOT_BYTES: usize = offset_of!(Self, suspicions);
}
