//! EventKind one member learns about distances: its own coordinate, and the nearest peers that it has heard of.

use crate::coordinate::{Coordinate, Filter, Vivaldi};
use crate::metric::{Nearness, tie};
use crate::peer::Slot;
use crate::rng::{Rng, bits};
use crate::view::{Context, View};

/// A coordinate, and a bounded list of acquaintances: the nearest that were ever heard of, O(r) of them.
///
/// Distances to peers that were pinged are measured ones, to others estimates. An estimate that is too short does no
/// lasting harm: such a peer becomes a neighbour, is pinged, and is known better from then on.
#[derive(Debug)]
pub(crate) struct LearnedNeighbors {
    vivaldi: Vivaldi,
    /// Who told its coordinate last. An answer's comes just before the round trip that it ended.
    told: Option<(Slot, Coordinate)>,
    /// By slot.
    known: Vec<Known>,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    slot: Slot,
    nearness: Nearness,
    measured: Filter,
    at: Option<Coordinate>,
}

/// Two coordinates whose errors add up to more say nothing about their distance.
const VAGUE: f32 = 1.0;

impl LearnedNeighbors {
    /// Remembers `limit` acquaintances at most.
    pub fn new(limit: usize) -> Self {
        Self { vivaldi: Vivaldi::default(), told: None, known: Vec::new(), limit }
    }

    pub fn coordinate(&self) -> Coordinate {
        self.vivaldi.coordinate()
    }

    /// A peer told its coordinate.
    pub fn told(&mut self, view: &dyn View, slot: Slot, at: Coordinate) {
        if !at.is_plausible() {
            return;
        }
        self.told = Some((slot, at));
        match self.find(slot) {
            Ok(i) if !self.known[i].measured.is_empty() => self.known[i].at = Some(at),
            _ => {
                if let Some(us) = estimate(&self.coordinate(), &at) {
                    self.note(view, slot, us, Filter::default(), Some(at));
                }
            }
        }
    }

    /// A ping took so long.
    pub fn measured(&mut self, view: &dyn View, slot: Slot, us: u32, rng: &mut Rng) {
        let mut measured = self.find(slot).map_or(Filter::default(), |i| self.known[i].measured);
        let us = measured.take(us);
        let at = self.told.filter(|told| told.0 == slot).map(|told| told.1);
        if let Some(at) = at {
            self.vivaldi.update(&at, us, rng);
        }
        self.note(view, slot, us, measured, at);
    }

    /// Somebody whom the member pinged says that this peer is near it. EventKind the member knows by itself it knows better.
    pub fn hinted(&mut self, view: &dyn View, slot: Slot, us: u32) {
        if self.find(slot).is_err() {
            self.note(view, slot, us, Filter::default(), None);
        }
    }

    /// The peer is gone, and another one may take its slot.
    pub fn forget(&mut self, slot: Slot) {
        self.told = self.told.filter(|told| told.0 != slot);
        if let Ok(i) = self.find(slot) {
            self.known.remove(i);
        }
    }

    /// How near a peer is, if that was learnt.
    pub fn nearness(&self, slot: Slot) -> Option<Nearness> {
        self.find(slot).ok().map(|i| self.known[i].nearness)
    }

    /// All acquaintances.
    pub fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.known.iter().map(|known| known.slot)
    }

    /// The acquaintance that is probably nearest to this peer, and how many microseconds apart they are; `None` if the
    /// peer has not just told where it is. Half of the acquaintances, drawn anew each time, are passed over: who asks
    /// again hears of others.
    pub fn neighbor_hint(&self, ctx: &mut Context<'_>, to: Slot) -> Option<(Slot, u32)> {
        let (_, theirs) = self.told.filter(|told| told.0 == to)?;
        let mut coins = 0;
        let mut drawn = 0;
        let mut coin = |rng: &mut Rng| {
            if drawn % 64 == 0 {
                coins = bits(rng);
            }
            drawn += 1;
            coins = u64::rotate_left(coins, 1);
            coins & 1 == 1
        };
        let fit = |known: &&Known| known.slot != to && ctx.view.pingable(known.slot) && !ctx.view.suspect(known.slot);
        let tips = self.known.iter().filter(fit).filter(|_| coin(ctx.rng));
        let tips = tips.filter_map(|known| Some((estimate(&known.at?, &theirs)?, known.slot)));
        tips.min().map(|(us, slot)| (slot, us))
    }

    fn note(&mut self, view: &dyn View, slot: Slot, us: u32, measured: Filter, at: Option<Coordinate>) {
        let tie = tie(view.peer(view.me()), view.peer(slot));
        let known = Known { slot, nearness: Nearness { distance: class(us), tie }, measured, at };
        match self.find(slot) {
            Ok(i) => self.known[i] = Known { at: at.or(self.known[i].at), ..known },
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

/// The round trip between two coordinates, unless they are too vague to tell.
fn estimate(from: &Coordinate, to: &Coordinate) -> Option<u32> {
    (from.error + to.error <= VAGUE).then(|| from.rtt_us(to))
}

/// Times whose three leading bits agree are the same distance, so that jitter makes nobody a neighbour or an outsider,
/// and the tie-break can share the pings out evenly.
fn class(us: u32) -> u64 {
    let bits = (u32::BITS - us.leading_zeros()).saturating_sub(3);
    u64::from(us >> bits << bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_within_a_quarter_may_be_one_distance_and_longer_ones_are_never_nearer() {
        assert_eq!([0, 1, 7, 8, 9, 10, 1000, 1023, 1024].map(class), [0, 1, 7, 8, 8, 10, 896, 896, 1024]);
        assert!((0..100_000).all(|us| class(us) <= class(us + 1) && class(us) * 5 >= u64::from(us) * 4));
    }
}
