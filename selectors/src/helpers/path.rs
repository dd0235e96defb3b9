//! Estimates about the network path between two peers, by their zone paths, locations and sites.

use crate::location::Location;
use crate::peer::Peer;

/// Penalty of a shared zone; that of a shared region is 1, so that one zone outweighs any number of regions.
pub(super) const SHARED_ZONE: u64 = 1 << 16;

/// Round-trip times between peers of different regions, of one region, of one zone and of one rack, in microseconds,
/// where their locations are not known.
const BY_SHARED_LEVELS_US: [f64; 4] = [100_000.0, 1_000.0, 300.0, 100.0];

/// Round-trip time per kilometer, in microseconds: twice the way through fiber, half as long again as the great circle.
const US_PER_KM: f64 = 15.0;

/// Radius of the earth in kilometers.
const EARTH_KM: f64 = 6_371.0;

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
        (Location::Globe { lat, lon }, Location::Globe { lat: other_lat, lon: other_lon }) => {
            let (a, b) = (on_sphere(lat, lon), on_sphere(other_lat, other_lon));
            let half_chord = length([a[0] - b[0], a[1] - b[1], a[2] - b[2]]) / 2.0;
            Some(2.0 * libm::asin(half_chord.min(1.0)) * EARTH_KM * US_PER_KM)
        }
        (Location::Plane { x, y }, Location::Plane { x: other_x, y: other_y }) => {
            Some(length([x - other_x, y - other_y, 0.0]) * 1_000.0)
        }
        (Location::Learned { at }, Location::Learned { at: other }) => {
            let axis = |i: usize| f64::from(at[i]) - f64::from(other[i]);
            Some(length([axis(0), axis(1), axis(2)]) * f64::from(Location::STEP_US))
        }
        _ => None,
    };
    // A zone may be a continent.
    match (by_location(), shared) {
        (Some(way), 0) => Some(way),
        (Some(way), _) => Some(way.max(BY_SHARED_LEVELS_US[shared])),
        (None, _) => are_zoned.then_some(BY_SHARED_LEVELS_US[shared]),
    }
}

/// The point of a sphere of radius 1.
fn on_sphere(lat: f64, lon: f64) -> [f64; 3] {
    let (lat, lon) = (lat.to_radians(), lon.to_radians());
    [libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon), libm::sin(lat)]
}

fn length([x, y, z]: [f64; 3]) -> f64 {
    libm::sqrt(x * x + y * y + z * z)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::ZonePath;

    fn peer(zone: &str, location: Option<Location>) -> Peer {
        Peer { zone: ZonePath::parse(zone), location, ..Peer::new(0) }
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
