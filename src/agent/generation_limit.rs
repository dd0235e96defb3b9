//! Plausible generations. An agent's generation is the second in which it starts, so none is far in the future.
//!
//! The owner of a record must be able to rise above whatever others are told of it. A record of the highest generation
//! that exists would be the last one of its member: nothing overrides it, not even a restart. Packets that name a
//! generation further ahead than clocks may differ are therefore dropped as a whole, and no agent believes or passes on
//! what a member could not refute.

use std::time::Duration;

use crate::protocol::{Body, Incarnation, Packet, PeerView, Update};

/// The seconds by which a generation may be ahead of the clock.
pub(super) const TOLERANCE: u32 = 24 * 3600;

/// The beginning of 2024, in seconds since 1970. A clock that shows an earlier time was never set.
const EARLIEST_SET_CLOCK: u64 = 1_704_067_200;

/// The highest generation that is ever plausible: a member can rise above it a day's worth of times.
const LAST: u32 = u32::MAX - TOLERANCE;

/// The limit of generations in packets to one agent.
#[derive(Clone, Copy, Debug)]
pub(super) struct GenerationLimit {
    /// The agent's generation when it started. What it is raised to later, because of packets, does not count: packets
    /// could raise the limit without end.
    first: u32,
}

impl GenerationLimit {
    /// The limit for an agent that starts with this generation.
    pub(super) fn new(first: u32) -> Self {
        Self { first }
    }

    /// The highest plausible generation at this time of day.
    ///
    /// A clock that was never set tells nothing about the future: then any generation that can be risen above is
    /// plausible. With a key, such an agent hears nobody in any case.
    pub(super) fn at(self, since_1970: Duration) -> u32 {
        match since_1970.as_secs() {
            ..EARLIEST_SET_CLOCK => LAST,
            now => u32::try_from(now).unwrap_or(LAST).max(self.first).saturating_add(TOLERANCE).min(LAST),
        }
    }

    /// The first generation of a packet that is not plausible at this time of day.
    pub(super) fn excess(self, packet: &Packet, since_1970: Duration) -> Option<u32> {
        let limit = self.at(since_1970);
        generations(packet).find(|&generation| generation > limit)
    }
}

/// All generations that a packet names.
fn generations(packet: &Packet) -> impl Iterator<Item = u32> {
    let peer_view = match packet.peer_view {
        PeerView::Unknown => None,
        PeerView::Member(incarnation) | PeerView::Dead(incarnation) => Some(incarnation),
    };
    let records: &[Update] = match &packet.body {
        Body::Sync(table) => &table.records,
        _ => &[],
    };
    let updates = packet.updates.iter().chain(records).map(|update| update.incarnation);
    let incarnations = [Some(packet.incarnation), peer_view].into_iter().flatten().chain(updates);
    incarnations.map(|Incarnation { generation, .. }| generation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{StateSync, UpdateKind};

    const NOW: u32 = 1_800_000_000;
    const DAY: u32 = 86_400;

    fn limit(first: u32, now: u64) -> u32 {
        GenerationLimit::new(first).at(Duration::from_secs(now))
    }

    // A8
    #[test]
    fn a_generation_may_be_a_day_ahead_of_the_clock_or_of_the_own_start() {
        assert_eq!(limit(NOW, NOW.into()), NOW + DAY);
        assert_eq!(limit(NOW - 9 * DAY, NOW.into()), NOW + DAY);
        // A cluster whose clocks were ahead, and were set right, goes on.
        assert_eq!(limit(NOW + 2 * DAY, NOW.into()), NOW + 3 * DAY);
    }

    // A8
    #[test]
    fn a_clock_that_was_never_set_refuses_only_what_nobody_could_rise_above() {
        assert_eq!(limit(100, 100), u32::MAX - DAY);
        assert_eq!(limit(100, EARLIEST_SET_CLOCK - 1), u32::MAX - DAY);
        assert_eq!(limit(100, EARLIEST_SET_CLOCK), EARLIEST_SET_CLOCK as u32 + DAY);
        assert_eq!(limit(u32::MAX, NOW.into()), u32::MAX - DAY);
        assert_eq!(limit(NOW, u64::MAX), u32::MAX - DAY);
    }

    // A8
    #[test]
    fn each_part_of_a_packet_is_looked_at() {
        let (late, usual) = (Incarnation::of_generation(NOW + DAY + 1), Incarnation::of_generation(NOW + DAY));
        let update = |incarnation| Update { id: 1, incarnation, kind: UpdateKind::Dead };
        let sync = |incarnation| StateSync::whole(true, false, vec![update(incarnation)]);
        let packet = |incarnation, peer_view, body, update| Packet {
            from: 1,
            incarnation,
            peer_view,
            body,
            updates: [update].into_iter().collect(),
            coordinate: None,
        };
        let excess = |packet: &Packet| GenerationLimit::new(NOW).excess(packet, Duration::from_secs(NOW.into()));
        let body = || Body::Sync(Box::new(sync(usual)));
        assert_eq!(excess(&packet(usual, PeerView::Dead(usual), body(), update(usual))), None);
        for packet in [
            packet(late, PeerView::Unknown, body(), update(usual)),
            packet(usual, PeerView::Member(late), body(), update(usual)),
            packet(usual, PeerView::Dead(late), body(), update(usual)),
            packet(usual, PeerView::Unknown, body(), update(late)),
            packet(usual, PeerView::Unknown, Body::Sync(Box::new(sync(late))), update(usual)),
        ] {
            assert_eq!(excess(&packet), Some(NOW + DAY + 1), "{packet:?}");
        }
    }
}
