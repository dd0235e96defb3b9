//! Packets on their way.

use swimlab_selectors::prefetch;

use super::observer::MemberIndex;
use crate::protocol::Time;

/// A packet on its way.
pub struct InFlight<T> {
    pub header: PacketHeader,
    pub message: T,
}

/// What the world notes of a packet.
#[derive(Clone, Copy, Debug)]
pub struct PacketHeader {
    pub sent_at: Time,
    pub arrives_at: Time,
    pub from: MemberIndex,
    pub bytes: u32,
    pub direct_ping: bool,
    /// It came over a stream of its own, on which it can be answered.
    pub is_question: bool,
}

/// Packets on their way, in reused places: the most recently freed first, while it is still in the cache.
pub struct Slab<T> {
    places: Vec<SlabEntry<T>>,
    free: Vec<u32>,
}

struct SlabEntry<T> {
    header: PacketHeader,
    message: Option<T>,
}

impl<T> Slab<T> {
    /// Puts one in, and tells its place.
    #[inline(always)]
    pub fn insert(&mut self, header: PacketHeader, message: T) -> u32 {
        if let Some(at) = self.free.pop() {
            let place = &mut self.places[at as usize];
            place.header = header;
            // What is free is empty: looking whether there is anything to drop would cost as much as moving the packet.
            std::mem::forget(place.message.replace(message));
            return at;
        }
        self.places.push(SlabEntry { header, message: Some(message) });
        self.places.len() as u32 - 1
    }

    /// The one at this place.
    pub fn get(&self, at: u32) -> (&PacketHeader, &T) {
        let SlabEntry { header, message } = &self.places[at as usize];
        (header, message.as_ref().expect("each packet is taken once"))
    }

    /// Has one read ahead of time.
    pub fn prefetch(&self, at: u32) {
        prefetch(&self.places[at as usize]);
    }

    /// Takes one out.
    pub fn take(&mut self, at: u32) -> InFlight<T> {
        self.free.push(at);
        let SlabEntry { header, message } = &mut self.places[at as usize];
        InFlight { header: *header, message: message.take().expect("each packet is taken once") }
    }

    /// Drops one.
    pub fn clear(&mut self, at: u32) {
        self.free.push(at);
        self.places[at as usize].message = None;
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}
