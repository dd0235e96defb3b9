//! Distances that one member learns: its own coordinate, and the nearest peers among those it has heard of.

use crate::coordinate::{Coordinate, RttFilter, Vivaldi};
use crate::metric::{Nearness, tie_break};
use crate::peer::Slot;
use crate::rng::{Rng, bits};
use crate::selector::NearPeer;
use crate::view::{Context, View};

/// A member's network coordinate, and a bounded list of the nearest peers that it has heard of: O(r).
///
/// Distances to pinged peers are measured, those to others estimated. Too short an estimate does no lasting harm: the
/// peer becomes a neighbor, is pinged, and its distance is then a measured one.
#[derive(Debug)]
pub(super) struct LearnedNeighbors {
    vivaldi: Vivaldi,
    /// Sender and value of the latest coordinate. That of an ack comes right before the round-trip time of its ping.
    latest: Option<(Slot, Coordinate)>,
    /// By slot.
    known: Vec<KnownPeer>,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct KnownPeer {
    slot: Slot,
    nearness: Nearness,
    measured: RttFilter,
    coordinate: Option<Coordinate>,
}

/// Largest sum of the relative errors of two coordinates from which a distance is estimated.
const MAX_ERROR_SUM: f32 = 1.0;

impl LearnedNeighbors {
    /// Keeps the distances of `limit` peers at most.
    pub(super) fn new(limit: usize) -> Self {
        Self { vivaldi: Vivaldi::default(), latest: None, known: Vec::new(), limit }
    }

    pub(super) fn coordinate(&self) -> Coordinate {
        self.vivaldi.coordinate()
    }

    /// Takes the coordinate of a message's sender.
    pub(super) fn received(&mut self, view: &dyn View, slot: Slot, coordinate: Coordinate) {
        if !coordinate.is_plausible() {
            return;
        }
        self.latest = Some((slot, coordinate));
        match self.find(slot) {
            Ok(i) if !self.known[i].measured.is_empty() => self.known[i].coordinate = Some(coordinate),
            _ => {
                if let Some(rtt_us) = estimate(&self.coordinate(), &coordinate) {
                    self.note(view, slot, rtt_us, RttFilter::default(), Some(coordinate));
                }
            }
        }
    }

    /// Takes the round-trip time of a ping.
    pub(super) fn measured(&mut self, view: &dyn View, slot: Slot, rtt_us: u32, rng: &mut Rng) {
        let mut measured = self.find(slot).map_or(RttFilter::default(), |i| self.known[i].measured);
        let rtt_us = measured.take(rtt_us);
        let coordinate = self.latest.filter(|latest| latest.0 == slot).map(|latest| latest.1);
        if let Some(coordinate) = coordinate {
            self.vivaldi.update(&coordinate, rtt_us, rng);
        }
        self.note(view, slot, rtt_us, measured, coordinate);
    }

    /// Takes a pinged peer's recommendation, unless the distance of the recommended peer is known already.
    pub(super) fn hinted(&mut self, view: &dyn View, slot: Slot, rtt_us: u32) {
        if self.find(slot).is_err() {
            self.note(view, slot, rtt_us, RttFilter::default(), None);
        }
    }

    /// Forgets a peer that left: another one may take its slot.
    pub(super) fn forget(&mut self, slot: Slot) {
        self.latest = self.latest.filter(|latest| latest.0 != slot);
        if let Ok(i) = self.find(slot) {
            self.known.remove(i);
        }
    }

    /// Nearness of a peer, if it is kept.
    pub(super) fn nearness(&self, slot: Slot) -> Option<Nearness> {
        self.find(slot).ok().map(|i| self.known[i].nearness)
    }

    /// Slots of all kept peers.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.known.iter().map(|known| known.slot)
    }

    /// Returns the kept peer that is probably nearest to `to`; `None` unless `to` sent the latest coordinate.
    ///
    /// A random half of the kept peers is left out, so that repeated hints name different peers.
    pub(super) fn neighbor_hint(&self, ctx: &mut Context<'_>, to: Slot) -> Option<NearPeer> {
        let (_, theirs) = self.latest.filter(|latest| latest.0 == to)?;
        let mut coins = 0;
        let mut drawn = 0;
        let mut toss = |rng: &mut Rng| {
            if drawn % 64 == 0 {
                coins = bits(rng);
            }
            drawn += 1;
            coins = u64::rotate_left(coins, 1);
            coins & 1 == 1
        };
        let fits =
            |known: &&KnownPeer| known.slot != to && ctx.view.pingable(known.slot) && !ctx.view.suspect(known.slot);
        let candidates = self.known.iter().filter(fits).filter(|_| toss(ctx.rng));
        let estimates = candidates.filter_map(|known| Some((estimate(&known.coordinate?, &theirs)?, known.slot)));
        estimates.min().map(|(rtt_us, slot)| NearPeer { slot, rtt_us })
    }

    fn note(&mut self, view: &dyn View, slot: Slot, rtt_us: u32, measured: RttFilter, coordinate: Option<Coordinate>) {
        let tie_break = tie_break(view.peer(view.me()), view.peer(slot));
        let nearness = Nearness { distance: rounded(rtt_us), tie_break };
        let known = KnownPeer { slot, nearness, measured, coordinate };
        match self.find(slot) {
            Ok(i) => self.known[i] = KnownPeer { coordinate: coordinate.or(self.known[i].coordinate), ..known },
            Err(i) => {
                self.known.insert(i, known);
                if self.known.len() > self.limit {
                    let farthest = (0..self.known.len()).max_by_key(|&i| self.known[i].nearness).expect("at least one");
                    self.known.remove(farthest);
                }
            }
        }
    }

    fn find(&self, slot: Slot) -> Result<usize, usize> {
        self.known.binary_search_by_key(&slot, |known| known.slot)
    }
}

/// Estimates the round-trip time between two coordinates; `None` if their errors are too large.
fn estimate(from: &Coordinate, to: &Coordinate) -> Option<u32> {
    (from.error + to.error <= MAX_ERROR_SUM).then(|| from.rtt_us(to))
}

/// Rounds a time down to its three leading bits, so that jitter does not move peers in and out of the neighborhood and
/// the tie-break can spread the pings evenly.
fn rounded(us: u32) -> u64 {
    let bits = (u32::BITS - us.leading_zeros()).saturating_sub(3);
    u64::from(us >> bits << bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_monotonic_and_loses_at_most_a_fifth() {
        assert_eq!([0, 1, 7, 8, 9, 10, 1000, 1023, 1024].map(rounded), [0, 1, 7, 8, 8, 10, 896, 896, 1024]);
        assert!((0..100_000).all(|us| rounded(us) <= rounded(us + 1) && rounded(us) * 5 >= u64::from(us) * 4));
    }
}
