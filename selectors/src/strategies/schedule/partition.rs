//! Partition of a roster into neighborhoods that all members derive alike from zone paths, or else from locations.

use crate::location::Location;
use crate::peer::{Peer, Slot, ZonePath};

/// Neighborhoods of a roster: the smallest areas that hold enough members.
///
/// Areas are nested: a rack in a zone in a region, or a square in one of twice its width. An area is divided as soon as
/// one of the smaller areas in it has enough members; members of those that have too few stay together. So one member
/// more or less changes the partition only where an area crosses that limit, and no messages are needed to agree on it.
///
/// Neighborhoods are numbered such that those within one area have consecutive numbers.
#[derive(Debug, Default)]
pub(super) struct Partition(Vec<Area>);

/// Path of ever smaller areas to a peer, as digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct AreaPath {
    /// From the highest bit on: the kind of path, then the digits.
    bits: u128,
    /// Bits per digit.
    width: u8,
    /// Number of used bits.
    len: u8,
}

/// All paths with a common prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Area {
    bits: u128,
    len: u8,
}

/// Number of bits for the kind of path: unknown or learned, plane, globe, zones.
const KIND_BITS: u8 = 2;

impl Partition {
    /// Returns the neighborhoods of at least `least` members, where that many exist, and the neighborhood of each slot.
    pub(super) fn divide<'a>(peers: impl Iterator<Item = &'a Peer>, least: usize) -> (Self, Vec<u32>) {
        let mut sorted: Vec<(AreaPath, Slot)> = peers.map(AreaPath::of).zip(0..).collect();
        sorted.sort_unstable();
        let mut areas = vec![Area { bits: 0, len: 0 }; sorted.len()];
        divide(&sorted, Area { bits: 0, len: 0 }, least.max(1), &mut areas);
        let mut partition = areas.clone();
        partition.sort_unstable();
        partition.dedup();
        let number = |area: &Area| partition.binary_search(area).expect("every area is listed") as u32;
        let by_slot = areas.iter().map(number).collect();
        (Self(partition), by_slot)
    }

    /// Number of neighborhoods.
    pub(super) fn len(&self) -> u32 {
        self.0.len() as u32
    }

    /// Returns the neighborhood of a peer that was not in the roster.
    pub(super) fn of(&self, peer: &Peer) -> u32 {
        let path = AreaPath::of(peer);
        let areas = (0..=path.len).rev().map(|len| path.area(len));
        let found = areas.filter_map(|area| self.0.binary_search(&area).ok()).next();
        let beside = || self.0.partition_point(|area| area.bits < path.bits).min(self.0.len().saturating_sub(1));
        found.unwrap_or_else(beside) as u32
    }
}

/// Sets the areas of these slots, which lie within `whole`.
fn divide(sorted: &[(AreaPath, Slot)], whole: Area, least: usize, areas: &mut [Area]) {
    for part in sorted.chunk_by(|(a, _), (b, _)| a.within(whole) == b.within(whole)) {
        match part[0].0.within(whole) {
            Some(area) if part.len() >= least => divide(part, area, least, areas),
            _ => part.iter().for_each(|&(_, slot)| areas[slot as usize] = whole),
        }
    }
}

impl AreaPath {
    fn of(peer: &Peer) -> Self {
        match (peer.zone.levels(), peer.location) {
            ([], None) => Self::new(0, 1, &[]),
            ([], Some(Location::Learned { at })) => {
                // Halves and not eighths: learned locations are sparse, and most of eight parts would stay too small.
                // Peers that have not learned a location yet are in the same area as all that have.
                let fixed = at.map(|number| u32::from(number as u16 ^ 1 << 15));
                let halves = (0..16).rev().flat_map(|bit| fixed.map(|axis| axis >> bit & 1));
                Self::new(0, 1, &halves.collect::<Vec<_>>())
            }
            ([], Some(Location::Plane { x, y })) => {
                // In thousandths of the plane's unit, up to a million units to each side.
                let fixed = |v: f64| ((v + f64::from(1 << 20)) * 1024.0).clamp(0.0, f64::from(i32::MAX)) as u32;
                Self::new(1, 2, &interleaved([fixed(x), fixed(y)], 31))
            }
            ([], Some(Location::Globe { lat, lon })) => {
                // Cubes around the globe have no date line and no poles; the smallest are six meters wide.
                let (lat, lon) = (lat.to_radians(), lon.to_radians());
                let (x, y) = (libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon));
                let fixed = |v: f64| ((v + 1.0) * f64::from(1 << 20)).clamp(0.0, f64::from((1 << 21) - 1)) as u32;
                Self::new(2, 3, &interleaved([x, y, libm::sin(lat)].map(fixed), 21))
            }
            (levels, _) => Self::new(3, 32, levels),
        }
    }

    fn new(kind: u32, width: u8, digits: &[u32]) -> Self {
        let mut path = Self { bits: u128::from(kind) << (128 - KIND_BITS), width, len: KIND_BITS };
        for &digit in digits {
            path.len += width;
            path.bits |= u128::from(digit) << (128 - path.len);
        }
        path
    }

    /// Returns the area of the next digit within a larger one; `None` if the path has no further digit.
    fn within(&self, whole: Area) -> Option<Area> {
        let len = if whole.len == 0 { KIND_BITS } else { whole.len + self.width };
        (len <= self.len).then(|| self.area(len))
    }

    fn area(&self, len: u8) -> Area {
        let rest = u128::MAX.checked_shr(len.into()).unwrap_or(0);
        Area { bits: self.bits & !rest, len }
    }
}

/// Returns one digit for each bit of the coordinates, highest first.
fn interleaved<const N: usize>(coordinates: [u32; N], bits: u32) -> Vec<u32> {
    let digit = |bit: u32| coordinates.iter().fold(0, |digit, c| digit << 1 | (c >> bit & 1));
    (0..bits).rev().map(digit).collect()
}

const _: () = assert!(KIND_BITS as usize + 32 * ZonePath::LEVELS <= 128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::mix;

    fn zoned(zones: &[(&str, u64)]) -> Vec<Peer> {
        let peers = zones.iter().flat_map(|&(zone, count)| (0..count).map(move |_| zone));
        let peer = |(zone, i): (&str, u64)| Peer { zone: ZonePath::parse(zone), ..Peer::new(mix(i)) };
        peers.zip(0..).map(peer).collect()
    }

    /// Sizes of the neighborhoods, in the order of their first members.
    fn sizes(peers: &[Peer], least: usize) -> Vec<usize> {
        let (partition, of) = Partition::divide(peers.iter(), least);
        let mut sizes: Vec<(u32, usize)> = Vec::new();
        for &neighborhood in &of {
            assert!(neighborhood < partition.len());
            match sizes.iter_mut().find(|(other, _)| *other == neighborhood) {
                Some((_, size)) => *size += 1,
                None => sizes.push((neighborhood, 1)),
            }
        }
        sizes.into_iter().map(|(_, size)| size).collect()
    }

    #[test]
    fn zones_with_enough_members_are_neighborhoods_and_smaller_ones_are_merged() {
        let peers = zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 2), ("eu/d", 3), ("us/a", 5), ("us/b", 4), ("sa/a", 1)]);
        assert_eq!(sizes(&peers, 8), [8, 9, 5, 9, 1]);
        assert_eq!(sizes(&peers, 3), [8, 9, 2, 3, 5, 4, 1]);
        assert_eq!(sizes(&peers, 100), [32]);
    }

    #[test]
    fn without_zones_squares_and_cubes_are_neighborhoods() {
        let plane = |x, y| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(0) };
        let grid: Vec<Peer> = (0..256).map(|i| plane(f64::from(i % 16), f64::from(i / 16))).collect();
        assert_eq!(sizes(&grid, 16), [16; 16]);
        let city =
            |lat, lon| (0..10).map(move |_| Peer { location: Some(Location::Globe { lat, lon }), ..Peer::new(0) });
        let cities: Vec<Peer> = city(50.1, 8.7).chain(city(38.9, -77.4)).chain(city(1.3, 103.9)).collect();
        assert_eq!(sizes(&cities, 8), [10; 3]);
    }

    #[test]
    fn learned_locations_are_divided_by_repeated_halving() {
        let learned = |at| Peer { location: Some(Location::Learned { at }), ..Peer::new(0) };
        let corner = |i: i16| [i & 1, i >> 1 & 1, i >> 2].map(|side| 100 * (2 * side - 1));
        let corners = |i: i16| (0..9).map(move |j| learned(corner(i).map(|axis| axis + j)));
        let mut peers: Vec<Peer> = (0..8).flat_map(corners).collect();
        assert_eq!(sizes(&peers, 8), [9; 8]);
        // Peers without a learned location stay together.
        peers.extend((0..3).map(Peer::new));
        assert_eq!(sizes(&peers, 8), [9, 9, 9, 9, 9, 9, 9, 9, 3]);
    }

    #[test]
    fn peers_without_zone_and_location_are_one_neighborhood() {
        let peers: Vec<Peer> = (0..50).map(Peer::new).collect();
        assert_eq!(sizes(&peers, 8), [50]);
        assert_eq!(sizes(&[], 8), []);
    }

    #[test]
    fn joiners_get_the_neighborhood_that_the_roster_would_give_them() {
        let peers = zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 2), ("us/a", 5), ("us/b", 4), ("sa/a", 1)]);
        let (partition, of) = Partition::divide(peers.iter(), 8);
        for (peer, neighborhood) in peers.iter().zip(of) {
            assert_eq!(partition.of(peer), neighborhood);
        }
        // A peer of no known area gets some neighborhood, too.
        assert!(partition.of(&Peer::new(7)) < partition.len());
    }
}
