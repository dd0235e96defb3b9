//! Packets in flight.

use swimlab_selectors::prefetch;

use super::observer::MemberIndex;
use crate::protocol::Time;

/// A packet in flight.
pub(super) struct InFlight<T> {
    pub header: PacketHeader,
    pub message: T,
}

/// Record of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketHeader {
    pub sent_at: Time,
    pub arrives_at: Time,
    pub from: MemberIndex,
    pub bytes: u32,
    pub direct_ping: bool,
    /// It came over a new stream, on which it can be answered.
    pub is_request: bool,
}

/// Packets in flight, in reused slots: the most recently freed first, while it is still in the cache.
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

struct Slot<T> {
    header: PacketHeader,
    message: Option<T>,
}

impl<T> Slab<T> {
    /// Stores a packet, and returns its slot.
    #[inline(always)]
    pub(super) fn insert(&mut self, header: PacketHeader, message: T) -> u32 {
        if let Some(at) = self.free.pop() {
            let slot = &mut self.slots[at as usize];
            slot.header = header;
            // A free slot holds no message: checking whether there is one to drop would cost as much as moving the
            // packet.
            std::mem::forget(slot.message.replace(message));
            return at;
        }
        self.slots.push(Slot { header, message: Some(message) });
        self.slots.len() as u32 - 1
    }

    /// The packet in this slot.
    pub(super) fn get(&self, at: u32) -> (&PacketHeader, &T) {
        let Slot { header, message } = &self.slots[at as usize];
        (header, message.as_ref().expect("each packet is taken once"))
    }

    /// Prefetches a slot.
    pub(super) fn prefetch(&self, at: u32) {
        prefetch(&self.slots[at as usize]);
    }

    /// Prefetches the slot that is taken after this number of others.
    pub(super) fn prefetch_free(&self, others: usize) {
        let at = self.free.len().checked_sub(others + 1).map(|at| self.free[at]);
        if let Some(at) = at {
            self.prefetch(at);
        }
    }

    /// Removes and returns a packet.
    pub(super) fn take(&mut self, at: u32) -> InFlight<T> {
        self.free.push(at);
        let Slot { header, message } = &mut self.slots[at as usize];
        InFlight { header: *header, message: message.take().expect("each packet is taken once") }
    }

    /// Removes and drops a packet.
    pub(super) fn clear(&mut self, at: u32) {
        self.free.push(at);
        self.slots[at as usize].message = None;
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}
