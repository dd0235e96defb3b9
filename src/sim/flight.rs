//! Packets on their way.

use swimlab_selectors::prefetch::prefetch;

use super::observer::Index;
use crate::protocol::Time;

/// A packet on its way.
pub struct Flight<T> {
    pub sent_at: Time,
    pub arrives_at: Time,
    pub from: Index,
    pub bytes: u32,
    pub direct_ping: bool,
    /// It came over a stream of its own, on which it can be answered.
    pub is_question: bool,
    pub message: T,
}

/// Packets on their way, in reused places: the most recently freed first, while it is still in the cache.
pub struct Slab<T> {
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// Puts one in, and tells its place.
    #[inline(always)]
    pub fn insert(&mut self, value: T) -> u32 {
        if let Some(at) = self.free.pop() {
            // What is free is empty: looking whether there is anything to drop would cost as much as moving the packet.
            std::mem::forget(self.places[at as usize].replace(value));
            return at;
        }
        self.places.push(Some(value));
        self.places.len() as u32 - 1
    }

    /// The one at this place.
    pub fn get(&self, at: u32) -> &T {
        self.places[at as usize].as_ref().expect("each packet is taken once")
    }

    /// Has one read ahead of time.
    pub fn prefetch(&self, at: u32) {
        prefetch(&self.places[at as usize]);
    }

    /// Takes one out.
    pub fn take(&mut self, at: u32) -> T {
        self.free.push(at);
        self.places[at as usize].take().expect("each packet is taken once")
    }

    /// Drops one.
    pub fn clear(&mut self, at: u32) {
        self.free.push(at);
        self.places[at as usize] = None;
    }
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }
}
