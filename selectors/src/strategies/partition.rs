//! Neighbourhoods that everybody derives alike from what is known of everybody: zone paths, or else places.

use crate::peer::{Location, Peer, Slot, ZonePath};

/// The neighbourhoods of a roster: the smallest areas that hold enough members.
///
/// Areas lie within each other: a rack in a zone in a region, or a square in one of twice its width. An area is divided
/// as soon as one of the smaller ones in it has enough members; members of those that have too few stay together. So a
/// member more or less moves nobody but at the edge of too few, and nobody needs to know the others' choices.
///
/// Neighbourhoods are numbered such that those in one area follow each other.
#[derive(Debug, Default)]
pub(super) struct Partition(Vec<Area>);

/// A peer's whereabouts, as the digits that name ever smaller areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Address {
    /// From the highest bit on: what kind of address it is, then the digits.
    bits: u128,
    /// Bits per digit.
    width: u8,
    /// How many bits there are.
    len: u8,
}

/// Everything whose address begins like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Area {
    bits: u128,
    len: u8,
}

/// The first digit tells kinds of addresses apart.
const KIND: u8 = 2;

impl Partition {
    /// The neighbourhoods of at least so many members, where there are so many; and by slot, who is in which.
    pub fn divide<'a>(peers: impl Iterator<Item = &'a Peer>, least: usize) -> (Self, Vec<u32>) {
        let mut sorted: Vec<(Address, Slot)> = peers.map(Address::of).zip(0..).collect();
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

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.0.len() as u32
    }

    /// The neighbourhood of a peer that was not there when they were made.
    pub fn of(&self, peer: &Peer) -> u32 {
        let address = Address::of(peer);
        let areas = (0..=address.len).rev().map(|len| address.area(len));
        let found = areas.filter_map(|area| self.0.binary_search(&area).ok()).next();
        let beside = || self.0.partition_point(|area| area.bits < address.bits).min(self.0.len().saturating_sub(1));
        found.unwrap_or_else(beside) as u32
    }
}

/// Sets the areas of all these, which lie within `whole`.
fn divide(sorted: &[(Address, Slot)], whole: Area, least: usize, areas: &mut [Area]) {
    for part in sorted.chunk_by(|(a, _), (b, _)| a.within(whole) == b.within(whole)) {
        match part[0].0.within(whole) {
            Some(area) if part.len() >= least => divide(part, area, least, areas),
            _ => part.iter().for_each(|&(_, slot)| areas[slot as usize] = whole),
        }
    }
}

impl Address {
    fn of(peer: &Peer) -> Self {
        match (peer.zone.levels(), peer.location) {
            ([], None) => Self::new(0, 1, &[]),
            ([], Some(Location::Learned { at })) => {
                // Halves, not eighths: what is learnt is spread out thinly, and an area of eight parts leaves too many
                // over. Who has learnt nothing yet stands in the same area as all who have.
                let fixed = at.map(|number| u32::from(number as u16 ^ 1 << 15));
                let halves = (0..16).rev().flat_map(|bit| fixed.map(|axis| axis >> bit & 1));
                Self::new(0, 1, &halves.collect::<Vec<_>>())
            }
            ([], Some(Location::Plane { x, y })) => {
                // A thousandth of the plane's unit, and a million units to each side.
                let fixed = |v: f64| ((v + f64::from(1 << 20)) * 1024.0).clamp(0.0, f64::from(i32::MAX)) as u32;
                Self::new(1, 2, &interleaved([fixed(x), fixed(y)], 31))
            }
            ([], Some(Location::Globe { lat, lon })) => {
                // Cubes around the globe know no date line and no poles; the smallest are six metres wide.
                let (lat, lon) = (lat.to_radians(), lon.to_radians());
                let (x, y) = (libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon));
                let fixed = |v: f64| ((v + 1.0) * f64::from(1 << 20)).clamp(0.0, f64::from((1 << 21) - 1)) as u32;
                Self::new(2, 3, &interleaved([x, y, libm::sin(lat)].map(fixed), 21))
            }
            (levels, _) => Self::new(3, 32, levels),
        }
    }

    fn new(kind: u32, width: u8, digits: &[u32]) -> Self {
        let mut address = Self { bits: u128::from(kind) << (128 - KIND), width, len: KIND };
        for &digit in digits {
            address.len += width;
            address.bits |= u128::from(digit) << (128 - address.len);
        }
        address
    }

    /// The area of the next digit, within a larger one; `None` if the address says no more.
    fn within(&self, whole: Area) -> Option<Area> {
        let len = if whole.len == 0 { KIND } else { whole.len + self.width };
        (len <= self.len).then(|| self.area(len))
    }

    fn area(&self, len: u8) -> Area {
        let rest = u128::MAX.checked_shr(len.into()).unwrap_or(0);
        Area { bits: self.bits & !rest, len }
    }
}

/// One digit for each bit of the coordinates, highest first.
fn interleaved<const N: usize>(coordinates: [u32; N], bits: u32) -> Vec<u32> {
    let digit = |bit: u32| coordinates.iter().fold(0, |digit, c| digit << 1 | (c >> bit & 1));
    (0..bits).rev().map(digit).collect()
}

const _: () = assert!(KIND as usize + 32 * ZonePath::LEVELS <= 128);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::mix;

    fn zoned(zones: &[(&str, u64)]) -> Vec<Peer> {
        let peers = zones.iter().flat_map(|&(zone, count)| (0..count).map(move |_| zone));
        let peer = |(zone, i): (&str, u64)| Peer { zone: ZonePath::parse(zone), ..Peer::new(mix(i)) };
        peers.zip(0..).map(peer).collect()
    }

    /// How many are in each, in the order in which their first members come.
    fn sizes(peers: &[Peer], least: usize) -> Vec<usize> {
        let (partition, of) = Partition::divide(peers.iter(), least);
        let mut sizes: Vec<(u32, usize)> = Vec::new();
        for &cell in &of {
            assert!(cell < partition.len());
            match sizes.iter_mut().find(|(known, _)| *known == cell) {
                Some((_, size)) => *size += 1,
                None => sizes.push((cell, 1)),
            }
        }
        sizes.into_iter().map(|(_, size)| size).collect()
    }

    #[test]
    fn a_zone_with_enough_members_is_a_neighbourhood_and_small_ones_go_together() {
        let peers = zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 2), ("eu/d", 3), ("us/a", 5), ("us/b", 4), ("sa/a", 1)]);
        assert_eq!(sizes(&peers, 8), [8, 9, 5, 9, 1]);
        assert_eq!(sizes(&peers, 3), [8, 9, 2, 3, 5, 4, 1]);
        assert_eq!(sizes(&peers, 100), [32]);
    }

    #[test]
    fn without_zones_squares_and_cubes_are_neighbourhoods() {
        let plane = |x, y| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(0) };
        let grid: Vec<Peer> = (0..256).map(|i| plane(f64::from(i % 16), f64::from(i / 16))).collect();
        assert_eq!(sizes(&grid, 16), [16; 16]);
        let city =
            |lat, lon| (0..10).map(move |_| Peer { location: Some(Location::Globe { lat, lon }), ..Peer::new(0) });
        let cities: Vec<Peer> = city(50.1, 8.7).chain(city(38.9, -77.4)).chain(city(1.3, 103.9)).collect();
        assert_eq!(sizes(&cities, 8), [10; 3]);
    }

    #[test]
    fn of_places_that_were_learnt_the_halves_of_halves_are_neighbourhoods() {
        let learnt = |at| Peer { location: Some(Location::Learned { at }), ..Peer::new(0) };
        let corner = |i: i16| [i & 1, i >> 1 & 1, i >> 2].map(|side| 100 * (2 * side - 1));
        let corners = |i: i16| (0..9).map(move |j| learnt(corner(i).map(|axis| axis + j)));
        let mut peers: Vec<Peer> = (0..8).flat_map(corners).collect();
        assert_eq!(sizes(&peers, 8), [9; 8]);
        // Who has not learnt yet stays behind.
        peers.extend((0..3).map(Peer::new));
        assert_eq!(sizes(&peers, 8), [9, 9, 9, 9, 9, 9, 9, 9, 3]);
    }

    #[test]
    fn where_nothing_is_known_all_are_neighbours() {
        let peers: Vec<Peer> = (0..50).map(Peer::new).collect();
        assert_eq!(sizes(&peers, 8), [50]);
        assert_eq!(sizes(&[], 8), []);
    }

    #[test]
    fn a_joiner_belongs_where_it_would_have_belonged() {
        let peers = zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 2), ("us/a", 5), ("us/b", 4), ("sa/a", 1)]);
        let (partition, of) = Partition::divide(peers.iter(), 8);
        for (peer, cell) in peers.iter().zip(of) {
            assert_eq!(partition.of(peer), cell);
        }
        // Others go to somebody, too.
        assert!(partition.of(&Peer::new(7)) < partition.len());
    }
}
