//! Which packets have been taken already, so that none is taken twice.

use std::collections::BTreeSet;
use std::time::Duration;

use super::OpenError;

/// EventKind is remembered of the packets that were taken: all of them, as long as their stamps would still pass as fresh.
#[derive(Debug, Default)]
pub(super) struct ReplayWindow {
    packets: BTreeSet<PacketId>,
    /// The newest stamp that was forgotten: all up to it counts as taken.
    floor: u64,
}

/// EventKind tells packets apart. No two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PacketId {
    /// When it was sealed, in microseconds since 1970, or a little later: no two of one sealer are equal.
    pub stamp: u64,
    /// Which sealer: a random number.
    pub salt: u64,
}

impl ReplayWindow {
    /// The most packets that are remembered. Who gets more of them within the tolerance is less tolerant meanwhile.
    pub const LIMIT: usize = 1 << 16;

    /// Whether a packet could be taken: it is neither old, nor of the future, nor a repetition.
    pub fn check(&self, mark: PacketId, now: u64, tolerance: u64) -> Result<(), OpenError> {
        let micros = |by| Duration::from_micros(by);
        if mark.stamp > now.saturating_add(tolerance) {
            Err(OpenError::Early(micros(mark.stamp - now)))
        } else if mark.stamp.saturating_add(tolerance) < now {
            Err(OpenError::Stale(micros(now - mark.stamp)))
        } else if self.packets.contains(&mark) {
            Err(OpenError::Replayed)
        } else if mark.stamp <= self.floor {
            Err(OpenError::Stale(micros(now.saturating_sub(mark.stamp))))
        } else {
            Ok(())
        }
    }

    /// Remembers a packet that was taken, and forgets those that have become too old to pass.
    pub fn insert(&mut self, mark: PacketId, now: u64, tolerance: u64) {
        self.packets.insert(mark);
        while let Some(&oldest) = self.packets.first()
            && (oldest.stamp.saturating_add(tolerance) < now || self.packets.len() > Self::LIMIT)
        {
            self.packets.pop_first();
            self.floor = oldest.stamp;
        }
    }

    /// How many packets are remembered.
    pub fn len(&self) -> usize {
        self.packets.len()
    }
}
