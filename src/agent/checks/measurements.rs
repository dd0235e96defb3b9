//! Measurements of other members: round trips, and the clocks of those that seal their packets.

use std::collections::BTreeMap;

use swimlab_selectors::Coordinate;

use crate::protocol::{Id, Span, Time};

/// The most members of which measurements are kept.
pub(in crate::agent) const MEASURED_LIMIT: usize = 1024;

/// Periods for which a clock counts after its latest packet; at least [`CLOCK_AGE`].
const CLOCK_PERIODS: u64 = 60;

/// The least time for which a clock counts after its latest packet.
const CLOCK_AGE: Span = Span::from_secs(60);

/// Measurements by member; of those beyond [`MEASURED_LIMIT`], none.
#[derive(Default)]
pub(in crate::agent) struct Measurements(BTreeMap<Id, Measured>);

/// Measurements of one member.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::agent) struct Measured {
    /// The shortest round trip of a direct ping, in microseconds. A longer one raises it by an eighth of the difference,
    /// so that it follows a path that has become longer.
    pub rtt_us: Option<u32>,
    /// The member's latest network coordinate.
    pub coordinate: Option<Coordinate>,
    /// The time at which a packet arrived, and the microseconds by which its stamp was ahead of this clock then.
    clock: Option<(Time, i64)>,
}

/// The difference between an agent's clock and those of other members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockOffset {
    /// The microseconds by which the agent's clock is ahead of the median of the others; negative if it is behind.
    pub ahead_us: i64,
    /// The number of members whose packets were compared.
    pub peers: usize,
}

impl Measurements {
    /// Takes the round trip of a direct ping.
    pub(in crate::agent) fn note_rtt(&mut self, id: Id, rtt: Span) {
        let us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        if let Some(measured) = self.entry(id) {
            measured.rtt_us = Some(measured.rtt_us.map_or(us, |least| least.min(us) + us.saturating_sub(least) / 8));
        }
    }

    /// Takes the network coordinate on a member's packet.
    pub(in crate::agent) fn note_coordinate(&mut self, id: Id, coordinate: Coordinate) {
        if coordinate.is_plausible()
            && let Some(measured) = self.entry(id)
        {
            measured.coordinate = Some(coordinate);
        }
    }

    /// Takes the stamp of a sealed datagram: the microseconds by which it was ahead of this clock.
    pub(in crate::agent) fn note_clock(&mut self, now: Time, id: Id, ahead_us: i64) {
        if let Some(measured) = self.entry(id) {
            measured.clock = Some((now, ahead_us));
        }
    }

    /// Keeps the members that `is_known` knows, and the clocks that were seen lately.
    pub(super) fn retain(&mut self, now: Time, period: Span, is_known: impl Fn(Id) -> bool) {
        self.0.retain(|&id, _| is_known(id));
        let age = CLOCK_AGE.max(period * CLOCK_PERIODS);
        for measured in self.0.values_mut() {
            measured.clock = measured.clock.filter(|&(at, _)| at + age >= now);
        }
    }

    /// Measurements of a member.
    pub(in crate::agent) fn of(&self, id: Id) -> Option<&Measured> {
        self.0.get(&id)
    }

    /// The microseconds by which each member's clock is ahead of this one.
    pub(super) fn clocks(&self) -> impl Iterator<Item = (Id, i64)> {
        self.0.iter().filter_map(|(&id, measured)| Some((id, measured.ahead_us()?)))
    }

    /// Estimates the difference between this clock and the others: the median over members of the stamp of their latest
    /// packet, less the time at which it arrived, plus half a round trip where one was measured. `None` if no member has
    /// sent sealed packets lately.
    pub(super) fn clock_offset(&self) -> Option<ClockOffset> {
        let mut ahead: Vec<i64> = self.clocks().map(|(_, ahead)| ahead).collect();
        let peers = ahead.len();
        let (_, &mut median, _) = (peers > 0).then(|| ahead.select_nth_unstable(peers / 2))?;
        Some(ClockOffset { ahead_us: -median, peers })
    }

    fn entry(&mut self, id: Id) -> Option<&mut Measured> {
        let has_room = self.0.len() < MEASURED_LIMIT || self.0.contains_key(&id);
        has_room.then(|| self.0.entry(id).or_default())
    }
}

impl Measured {
    /// The microseconds by which the member's clock is ahead of this one: those of its stamp, and the time that its packet
    /// was under way, half a round trip, where that is known.
    fn ahead_us(&self) -> Option<i64> {
        Some(self.clock?.1 + i64::from(self.rtt_us.unwrap_or(0) / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_are_the_shortest_and_follow_longer_ones_slowly() {
        let mut all = Measurements::default();
        let mut noted = |us| {
            all.note_rtt(1, Span::from_micros(us));
            all.of(1).unwrap().rtt_us.unwrap()
        };
        assert_eq!([noted(800), noted(1600), noted(500)], [800, 900, 500]);
        (0..100).for_each(|_| _ = noted(10_000));
        assert!(noted(10_000) > 9_900);
    }

    #[test]
    fn members_beyond_the_limit_are_not_measured_until_others_are_gone() {
        let mut all = Measurements::default();
        let limit = MEASURED_LIMIT as u64;
        (0..=limit).for_each(|id| all.note_rtt(id, Span::from_millis(1)));
        assert!(all.of(limit - 1).is_some() && all.of(limit).is_none());
        all.retain(Time::ZERO, Span::from_secs(1), |id| id > 0);
        all.note_rtt(limit, Span::from_millis(1));
        assert!(all.of(limit).is_some());
    }

    #[test]
    fn a_clock_counts_for_a_minute_and_half_the_round_trip_is_added() {
        let mut all = Measurements::default();
        let at = |second| Time::ZERO + Span::from_secs(second);
        all.note_clock(at(0), 1, -40_000);
        all.note_rtt(1, Span::from_millis(80));
        all.note_clock(at(0), 2, 5);
        all.retain(at(60), Span::from_secs(1), |_| true);
        assert_eq!(all.clocks().collect::<Vec<_>>(), [(1, 0), (2, 5)]);
        all.retain(at(61), Span::from_secs(1), |_| true);
        assert_eq!(all.clocks().count(), 0);
    }
}
