//! Tests of the partition: areas of any size, with zone paths, locations and both.

use super::*;
use crate::location::Location;
use crate::peer::ZonePath;
use crate::rng::mix;

fn zoned(zones: &[(&str, u64)]) -> Vec<Peer> {
    let peers = zones.iter().flat_map(|&(zone, count)| (0..count).map(move |_| zone));
    let peer = |(zone, i): (&str, u64)| Peer { zone: ZonePath::parse(zone), ..Peer::new(mix(i)) };
    peers.zip(0..).map(peer).collect()
}

/// Members at these places, each with a number of members: latitude, longitude.
fn placed(places: &[(f64, f64, u64)]) -> Vec<Peer> {
    let peers = places.iter().flat_map(|&(lat, lon, count)| (0..count).map(move |_| Location::Globe { lat, lon }));
    peers.zip(0..).map(|(location, i)| Peer { location: Some(location), ..Peer::new(mix(i)) }).collect()
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
    assert_eq!(sizes.len() as u32, partition.len(), "each number is used");
    sizes.into_iter().map(|(_, size)| size).collect()
}

const FRANKFURT: (f64, f64) = (50.1, 8.7);
const PARIS: (f64, f64) = (48.9, 2.4);
const VIRGINIA: (f64, f64) = (38.9, -77.4);
const SINGAPORE: (f64, f64) = (1.3, 103.9);

#[test]
fn regions_of_two_and_more_members_are_never_joined() {
    for members in 2..20 {
        let regions: Vec<(String, u64)> = (0..9).map(|i| (format!("region-{i}"), members)).collect();
        let regions: Vec<(&str, u64)> = regions.iter().map(|(name, count)| (name.as_str(), *count)).collect();
        assert_eq!(sizes(&zoned(&regions), 8), [members as usize; 9], "{members} members per region");
    }
}

#[test]
fn small_zones_of_a_region_belong_to_its_large_ones_and_form_one_of_their_own_when_they_are_enough() {
    assert_eq!(sizes(&zoned(&[("eu/a", 8), ("eu/b", 9), ("us/a", 5), ("us/b", 4)]), 8), [8, 9, 9]);
    let mut small = sizes(&zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 2), ("eu/d", 3)]), 8);
    small.sort_unstable();
    assert!(small == [8, 14] || small == [9, 13], "{small:?}");
    assert_eq!(sizes(&zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 5), ("eu/d", 3)]), 8), [8, 9, 8]);
    assert_eq!(sizes(&zoned(&[("eu/a", 8), ("eu/b", 9), ("eu/c", 5)]), 100), [22]);
}

#[test]
fn regions_with_one_member_are_one_neighborhood_without_locations_and_join_the_nearest_with_them() {
    assert_eq!(sizes(&zoned(&[("eu", 3), ("us", 4), ("sa", 1), ("af", 1)]), 8), [3, 4, 2]);
    assert_eq!(sizes(&zoned(&[("eu", 1), ("us", 1), ("sa", 1), ("af", 1)]), 8), [4]);
    let mut peers = placed(&[(FRANKFURT.0, FRANKFURT.1, 3), (VIRGINIA.0, VIRGINIA.1, 3), (PARIS.0, PARIS.1, 1)]);
    for (peer, zone) in peers.iter_mut().zip(["de", "de", "de", "us", "us", "us", "fr"]) {
        peer.zone = ZonePath::parse(zone);
    }
    assert_eq!(sizes(&peers, 8), [4, 3]);
}

#[test]
fn without_zones_squares_and_cubes_are_neighborhoods() {
    let plane = |x, y| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(0) };
    let grid: Vec<Peer> = (0..256).map(|i| plane(f64::from(i % 16), f64::from(i / 16))).collect();
    assert_eq!(sizes(&grid, 16), [16; 16]);
    let cities = |n| [FRANKFURT, VIRGINIA, SINGAPORE].map(|(lat, lon)| (lat, lon, n));
    for members in 2..20 {
        assert_eq!(sizes(&placed(&cities(members)), 8), [members as usize; 3]);
    }
    assert_eq!(sizes(&placed(&cities(1)), 8), [3]);
}

#[test]
fn small_places_join_a_near_one_and_not_one_across_the_ocean() {
    let places = [
        (FRANKFURT.0, FRANKFURT.1, 9),
        (PARIS.0, PARIS.1, 3),
        (VIRGINIA.0, VIRGINIA.1, 9),
        (SINGAPORE.0, SINGAPORE.1, 3),
    ];
    assert_eq!(sizes(&placed(&places), 8), [12, 9, 3]);
}

#[test]
fn members_of_one_large_region_are_divided_by_their_locations() {
    let mut peers = placed(&[(FRANKFURT.0, FRANKFURT.1, 9), (VIRGINIA.0, VIRGINIA.1, 9)]);
    for peer in &mut peers {
        peer.zone = ZonePath::parse("world");
    }
    assert_eq!(sizes(&peers, 8), [9, 9]);
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

#[test]
fn one_member_more_or_less_moves_no_more_than_the_members_of_one_area() {
    let mut places: Vec<Peer> = (0..200)
        .map(|i| {
            let unit = |n: u64| (mix(i * 2 + n) % 10_000) as f64 / 10_000.0;
            let location = Location::Globe { lat: 180.0 * unit(0) - 90.0, lon: 360.0 * unit(1) - 180.0 };
            Peer { location: Some(location), ..Peer::new(mix(i)) }
        })
        .collect();
    let groups = |peers: &[Peer]| {
        let (_, of) = Partition::divide(peers.iter(), 8);
        let companions = |slot: usize| -> Vec<u64> {
            (0..of.len()).filter(|&other| of[other] == of[slot]).map(|other| peers[other].id).collect()
        };
        (0..peers.len()).map(companions).collect::<Vec<_>>()
    };
    let mut most = 0;
    while places.len() > 100 {
        let before = groups(&places);
        let gone = places.pop().expect("a peer");
        let after = groups(&places);
        let is_moved = |slot: &usize| {
            let left: Vec<u64> = before[*slot].iter().copied().filter(|&id| id != gone.id).collect();
            left != after[*slot]
        };
        most = most.max((0..places.len()).filter(is_moved).count());
    }
    assert!(most <= 48, "{most} members have other companions");
}
