//! Estimates about the network path between two peers, by their zone paths, locations and sites.

use std::hash::{Hash, Hasher};

use crate::location::Location;
use crate::metric::GreatCircle;
use crate::peer::{Peer, Slot, ZonePath};
use crate::view::View;

/// Penalty of a shared zone; that of a shared region is 1, so that one zone outweighs any number of regions.
pub(super) const SHARED_ZONE: u64 = 1 << 16;

/// Round-trip times between peers of different regions, of one region, of one zone and of one rack, in microseconds,
/// where their locations are not known.
const BY_SHARED_LEVELS_US: [f64; 4] = [100_000.0, 1_000.0, 300.0, 100.0];

/// Round-trip time per kilometer, in microseconds: twice the way through fiber, half as long again as the great circle.
const US_PER_KM: f64 = 15.0;

/// All that [`distance_us`] looks at of a peer: those that agree in it are equally far from any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whereabouts {
    zone: ZonePath,
    /// The kind of location, and its coordinates.
    location: (u8, [u64; 2]),
}

impl Whereabouts {
    pub(super) fn of(peer: &Peer) -> Self {
        let location = peer.location.map_or((0, [0, 0]), |location| match location {
            Location::Plane { x, y } => (1, [x.to_bits(), y.to_bits()]),
            Location::Globe { lat, lon } => (2, [lat.to_bits(), lon.to_bits()]),
            Location::Learned { at } => (3, [at.iter().fold(0, |all, &axis| all << 16 | u64::from(axis as u16)), 0]),
        });
        Self { zone: peer.zone, location }
    }
}

impl Hash for Whereabouts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (kind, [first, second]) = self.location;
        let area = self.zone.levels().iter().fold(0, |all, &level| (all << 20) ^ u64::from(level));
        state.write_u64(area ^ first ^ second.rotate_left(32) ^ u64::from(kind));
    }
}

/// Estimates how much of their network paths two peers share.
pub(super) fn path_overlap(a: &Peer, b: &Peer) -> u64 {
    let both_known = !a.zone.levels().is_empty() && !b.zone.levels().is_empty();
    match a.zone.shared_levels(&b.zone) {
        0 if both_known => 0,
        0 => u64::from(a.site.is_some() && a.site == b.site) * SHARED_ZONE,
        1 => 1,
        2 => SHARED_ZONE,
        _ => SHARED_ZONE << 16,
    }
}

/// Estimates the round-trip time between two peers, in microseconds; `None` if neither zones nor locations tell. A plane
/// has no unit: there, one unit counts as a millisecond.
pub(super) fn distance_us(a: &Peer, b: &Peer) -> Option<f64> {
    let shared = a.zone.shared_levels(&b.zone);
    let are_zoned = !a.zone.levels().is_empty() && !b.zone.levels().is_empty();
    let by_location = || match (a.location?, b.location?) {
        (Location::Plane { x, y }, Location::Plane { x: other_x, y: other_y }) => {
            Some(length([x - other_x, y - other_y, 0.0]) * 1_000.0)
        }
        (Location::Learned { at }, Location::Learned { at: other }) => {
            let axis = |i: usize| f64::from(at[i]) - f64::from(other[i]);
            Some(length([axis(0), axis(1), axis(2)]) * f64::from(Location::STEP_US))
        }
        _ => GreatCircle.meters(a, b).map(|meters| meters as f64 * US_PER_KM / 1_000.0),
    };
    // A zone may be a continent.
    match (by_location(), shared) {
        (Some(way), 0) => Some(way),
        (Some(way), _) => Some(way.max(BY_SHARED_LEVELS_US[shared])),
        (None, _) => are_zoned.then_some(BY_SHARED_LEVELS_US[shared]),
    }
}

/// Moves up to `want` candidates to `picks`, one by one: each time the one that shares the least of its paths with those
/// in `avoided` and those picked before, the first one among equals.
pub(super) fn pick_apart(
    view: &dyn View,
    candidates: Vec<Slot>,
    avoided: Vec<Slot>,
    want: usize,
    picks: &mut Vec<Slot>,
) {
    let mut candidates: Vec<(u64, &Peer, Slot)> =
        candidates.into_iter().map(|slot| (0, view.peer(slot), slot)).collect();
    let avoid = |candidates: &mut Vec<(u64, &Peer, Slot)>, other: &Peer| {
        candidates.iter_mut().for_each(|(overlap, peer, _)| *overlap += path_overlap(peer, other));
    };
    avoided.into_iter().for_each(|slot| avoid(&mut candidates, view.peer(slot)));
    for _ in 0..want {
        let Some(least) = (0..candidates.len()).min_by_key(|&at| candidates[at].0) else { return };
        let (_, peer, slot) = candidates.remove(least);
        avoid(&mut candidates, peer);
        picks.push(slot);
    }
}

fn length([x, y, z]: [f64; 3]) -> f64 {
    libm::sqrt(x * x + y * y + z * z)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(zone: &str, location: Option<Location>) -> Peer {
        Peer { zone: ZonePath::parse(zone), location, ..Peer::new(0) }
    }

    #[test]
    fn only_peers_that_are_equally_far_have_the_same_whereabouts() {
        let learned = |at| Some(Location::Learned { at });
        let (plane, globe) = (Location::Plane { x: 1.0, y: 2.0 }, Location::Globe { lat: 1.0, lon: 2.0 });
        let places = [
            ("", None),
            ("eu", None),
            ("eu/a", None),
            ("", Some(plane)),
            ("", Some(globe)),
            ("eu", Some(globe)),
            ("", learned([-1, 0, 0])),
            ("", learned([0, -1, 0])),
            ("", learned([0, 0, -1])),
        ];
        for (n, (zone, location)) in places.into_iter().enumerate() {
            for (m, (other, elsewhere)) in places.into_iter().enumerate() {
                let same = Whereabouts::of(&peer(zone, location)) == Whereabouts::of(&peer(other, elsewhere));
                assert_eq!(same, n == m, "{zone} {location:?}, {other} {elsewhere:?}");
            }
        }
    }

    #[test]
    fn zones_tell_the_distance_within_a_region_and_locations_beyond_it() {
        let at = |lat, lon| Some(Location::Globe { lat, lon });
        let (frankfurt, virginia) = (at(50.1, 8.7), at(38.9, -77.4));
        let us = |a: &Peer, b: &Peer| distance_us(a, b).unwrap();
        let across = us(&peer("eu/a", frankfurt), &peer("us/a", virginia));
        // Some 6,600 km; measured 88 to 93 ms between these regions of AWS.
        assert!((95_000.0..102_000.0).contains(&across), "{across}");
        assert_eq!(us(&peer("eu/a", frankfurt), &peer("eu/b", frankfurt)), 1_000.0);
        assert_eq!(us(&peer("world/eu", frankfurt), &peer("world/us", virginia)), across);
        assert_eq!(us(&peer("eu/a", None), &peer("us/a", virginia)), 100_000.0);
        assert_eq!(us(&peer("", frankfurt), &peer("us/a", frankfurt)), 0.0);
        assert_eq!(distance_us(&peer("", None), &peer("us", virginia)), None);
    }
}
