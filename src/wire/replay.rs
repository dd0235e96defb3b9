//! Replay protection: packets that have been accepted, so that none is accepted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::error::OpenError;

/// Ids of accepted packets, for as long as their stamps are fresh.
///
/// Forgotten packets count as accepted, too, since the clock may be set back to a time at which they are fresh. Each sealer
/// has a floor of its own for that: its stamps only rise, while those of others say nothing about it. With a single floor
/// a group whose clocks were ahead for a while would refuse everything until that time comes round.
#[derive(Debug, Default)]
pub(super) struct ReplayWindow {
    packets: BTreeSet<PacketId>,
    /// The newest forgotten stamp of each sealer, by its salt: its packets up to there count as accepted.
    floors: BTreeMap<u64, u64>,
    /// The floor of the sealers whose own was forgotten.
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

    /// The most sealers of forgotten packets. With more, the half with the lowest floors gets a common one.
    pub(super) const SEALER_LIMIT: usize = 1 << 14;

    /// The most by which a packet's stamp may be ahead of the clock while as many packets are remembered as may be, in
    /// microseconds. A packet that is remembered then takes the place of the oldest one, whose stamp becomes a floor: no
    /// floor is further ahead than this, whatever stamps the holders of a key choose.
    pub(super) const LEAD_WHEN_FULL: u64 = 1_000_000;

    /// Checks that a packet is neither old, nor from the future, nor a replay.
    pub(super) fn check(&self, packet: PacketId, now: u64, tolerance: u64) -> Result<(), OpenError> {
        let micros = |by| Duration::from_micros(by);
        let floor = self.floors.get(&packet.salt).map_or(self.floor, |&own| own.max(self.floor));
        let lead = if self.packets.len() < Self::LIMIT { tolerance } else { tolerance.min(Self::LEAD_WHEN_FULL) };
        if packet.stamp > now.saturating_add(lead) {
            Err(OpenError::Early(micros(packet.stamp - now)))
        } else if packet.stamp.saturating_add(tolerance) < now {
            Err(OpenError::Stale(micros(now - packet.stamp)))
        } else if self.packets.contains(&packet) {
            Err(OpenError::Replayed)
        } else if packet.stamp <= floor {
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
            // Packets are forgotten in the order of their stamps, unless the clock was set back in between.
            let floor = self.floors.entry(oldest.salt).or_default();
            *floor = oldest.stamp.max(*floor);
        }
        if self.floors.len() > Self::SEALER_LIMIT {
            self.merge_lowest_floors();
        }
    }

    /// The number of packets remembered.
    pub(super) fn len(&self) -> usize {
        self.packets.len()
    }

    /// Replaces the lower half of the sealers' floors by a common one.
    fn merge_lowest_floors(&mut self) {
        let mut stamps: Vec<u64> = self.floors.values().copied().collect();
        let middle = stamps.len() / 2;
        let median = *stamps.select_nth_unstable(middle).1;
        self.floor = self.floor.max(median);
        self.floors.retain(|_, floor| *floor > median);
    }
}
