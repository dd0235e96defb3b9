//! Replay protection: packets that have been accepted, so that none is accepted twice.

use std::collections::BTreeSet;
use std::time::Duration;

use super::error::OpenError;

/// Ids of accepted packets, for as long as their stamps are fresh.
#[derive(Debug, Default)]
pub(super) struct ReplayWindow {
    packets: BTreeSet<PacketId>,
    /// The newest stamp that was forgotten: packets up to it count as accepted.
    floor: u64,
}

/// Unique id of a sealed packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PacketId {
    /// The time of sealing, in microseconds since 1970, or a little later, so that no two of one sealer are equal.
    pub stamp: u64,
    /// A random number that identifies the sealer.
    pub salt: u64,
}

impl ReplayWindow {
    /// The most packets remembered. With more of them within the tolerance, the oldest ones count as stale.
    pub(super) const LIMIT: usize = 1 << 16;

    /// Checks that a packet is neither old, nor from the future, nor a replay.
    pub(super) fn check(&self, packet: PacketId, now: u64, tolerance: u64) -> Result<(), OpenError> {
        let micros = |by| Duration::from_micros(by);
        if packet.stamp > now.saturating_add(tolerance) {
            Err(OpenError::Early(micros(packet.stamp - now)))
        } else if packet.stamp.saturating_add(tolerance) < now {
            Err(OpenError::Stale(micros(now - packet.stamp)))
        } else if self.packets.contains(&packet) {
            Err(OpenError::Replayed)
        } else if packet.stamp <= self.floor {
            Err(OpenError::Stale(micros(now.saturating_sub(packet.stamp))))
        } else {
            Ok(())
        }
    }

    /// Remembers an accepted packet, and forgets those that have become stale.
    pub(super) fn insert(&mut self, packet: PacketId, now: u64, tolerance: u64) {
        self.packets.insert(packet);
        while let Some(&oldest) = self.packets.first()
            && (oldest.stamp.saturating_add(tolerance) < now || self.packets.len() > Self::LIMIT)
        {
            self.packets.pop_first();
            self.floor = oldest.stamp;
        }
    }

    /// The number of packets remembered.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }
}
