//! Duplicate detection for application events.

use std::collections::VecDeque;

use crate::protocol::message::Id;

/// Application events seen, so that each is reported once.
#[derive(Debug, Default)]
pub(super) struct UserEvents {
    own: u32,
    /// Sender, generation and sequence number of the latest events.
    seen: VecDeque<(Id, u32, u32)>,
}

impl UserEvents {
    /// The most events remembered.
    const LIMIT: usize = 512;

    /// The sequence number of the member's next own event.
    pub(super) fn next_own(&mut self) -> u32 {
        self.own += 1;
        self.own
    }

    /// Whether an event was not seen before; from then on it was.
    pub(super) fn is_new(&mut self, key: (Id, u32, u32)) -> bool {
        if self.seen.contains(&key) {
            return false;
        }
        if self.seen.len() == Self::LIMIT {
            self.seen.pop_front();
        }
        self.seen.push_back(key);
        true
    }
}
