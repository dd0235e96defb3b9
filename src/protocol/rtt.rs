//! Round-trip time estimates of slow peers, which get a longer probe timeout.

use std::collections::BTreeMap;

use swimlab_selectors::Slot;

use super::renumbering::Renumbering;
use super::time::Span;

/// Jacobson/Karels estimates (gains 1/8 and 1/4, timeout = mean + 4 deviations), as TCP and go-swim use them.
///
/// Only peers with an RTT of at least a third of the configured timeout are remembered, at most [`SlowPeers::LIMIT`] of
/// them: the estimates of others would not exceed the configured timeout.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct SlowPeers(BTreeMap<Slot, Estimate>);

#[derive(Clone, Copy, Debug, Hash)]
struct Estimate {
    mean_us: u32,
    deviation_us: u32,
}

impl SlowPeers {
    /// The most peers remembered.
    pub(super) const LIMIT: usize = 64;

    /// Takes a sample of a peer's round-trip time.
    pub(super) fn sample(&mut self, slot: Slot, rtt: Span, configured: Span) {
        let us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX / 8);
        if let Some(estimate) = self.0.get_mut(&slot) {
            estimate.take(us);
            if estimate.timeout() < configured && !Self::is_slow(rtt, configured) {
                self.0.remove(&slot);
            }
        } else if Self::is_slow(rtt, configured) && self.0.len() < Self::LIMIT {
            self.0.insert(slot, Estimate { mean_us: us, deviation_us: us / 2 });
        }
    }

    /// Whether a sample may lengthen the timeout: a first sample sets it to three times itself.
    pub(super) fn is_slow(rtt: Span, configured: Span) -> bool {
        rtt * 3 >= configured
    }

    /// Gives peers their new slots.
    pub(super) fn renumber(&mut self, renumbering: &Renumbering) {
        let old = std::mem::take(&mut self.0);
        self.0 = old.into_iter().filter_map(|(slot, estimate)| Some((renumbering.slot(slot)?, estimate))).collect();
    }

    /// Whether no slow peer is known.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets a peer.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.0.remove(&slot);
    }

    /// The probe timeout for a peer in a period of this length: its estimate, at least `configured`, and not so long that
    /// helpers are asked in vain.
    pub(super) fn timeout(&self, slot: Slot, configured: Span, period: Span) -> Span {
        if self.0.is_empty() {
            return configured;
        }
        let bounded = |estimate: &Estimate| estimate.timeout().min(estimate.latest(period)).max(configured);
        self.0.get(&slot).map_or(configured, bounded)
    }
}

impl Estimate {
    fn take(&mut self, us: u32) {
        let error = us.abs_diff(self.mean_us);
        self.deviation_us = self.deviation_us - self.deviation_us / 4 + error / 4;
        self.mean_us = self.mean_us - self.mean_us / 8 + us / 8;
    }

    /// The latest time in a period at which helpers are asked: early enough for a detour twice as long as the direct way,
    /// but not before the direct answer is due, and within two thirds of the period.
    fn latest(&self, period: Span) -> Span {
        let [period_us, way_us] = [period.as_micros(), u64::from(self.mean_us)];
        let before_detour = period_us.saturating_sub(2 * way_us);
        Span::from_micros(before_detour.max(way_us * 9 / 8).min(period_us * 2 / 3))
    }

    fn timeout(&self) -> Span {
        Span::from_micros(u64::from(self.mean_us) + 4 * u64::from(self.deviation_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIGURED: Span = Span::from_millis(300);
    const PERIOD: Span = Span::from_secs(1);

    #[test]
    fn a_fast_peer_leaves_no_trace() {
        let mut peers = SlowPeers::default();
        peers.sample(1, Span::from_millis(50), CONFIGURED);
        assert!(peers.0.is_empty());
        assert_eq!(peers.timeout(1, CONFIGURED, PERIOD), CONFIGURED);
    }

    #[test]
    fn a_slow_and_steady_peer_gets_a_timeout_just_above_its_rtt() {
        let mut peers = SlowPeers::default();
        (0..50).for_each(|_| peers.sample(1, Span::from_millis(400), CONFIGURED));
        let timeout = peers.timeout(1, CONFIGURED, PERIOD).as_secs_f64();
        assert!((0.4..0.41).contains(&timeout), "{timeout}");
    }

    #[test]
    fn the_timeout_leaves_room_for_a_detour_that_can_still_succeed() {
        // The first sample alone would give three times the round trip.
        for (rtt_ms, timeout_ms) in [(120, 360), (200, 600), (330, 371), (400, 450), (500, 562), (900, 666)] {
            let mut peers = SlowPeers::default();
            peers.sample(1, Span::from_millis(rtt_ms), CONFIGURED);
            let timeout = peers.timeout(1, CONFIGURED, PERIOD);
            assert_eq!(timeout.as_micros() / 1000, timeout_ms, "{rtt_ms} ms");
        }
    }

    #[test]
    fn memory_is_bounded() {
        let mut peers = SlowPeers::default();
        (0..10_000).for_each(|slot| peers.sample(slot, Span::from_millis(400), CONFIGURED));
        assert_eq!(peers.0.len(), SlowPeers::LIMIT);
    }
}
