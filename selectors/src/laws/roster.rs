//! Generators of peers for the scenarios.

use crate::location::Location;
use crate::peer::{Peer, ZonePath};
use crate::rng::{Rng, below, bits};

/// Generator of random peers with unique ids.
pub type PeerGenerator = fn(&mut Rng) -> Peer;

/// Default generators: of peers with an id only, of peers at one location, of peers at shared and separate locations in
/// a small plane, and of peers in a few cities of the globe.
pub fn peer_generators() -> Vec<PeerGenerator> {
    vec![id_only, at_one_location, in_a_plane, in_cities]
}

fn id_only(rng: &mut Rng) -> Peer {
    Peer::new(bits(rng))
}

pub(super) fn at_one_location(rng: &mut Rng) -> Peer {
    let location = Some(Location::Plane { x: 0.0, y: 0.0 });
    Peer { location, zone: ZonePath::parse("eu/eu-1/r1"), site: Some(0), ..id_only(rng) }
}

fn in_a_plane(rng: &mut Rng) -> Peer {
    let (x, y) = (below(rng, 5), below(rng, 4));
    let location = Some(Location::Plane { x: f64::from(x), y: f64::from(y) });
    // A fifth has no zone and no site, since real data are incomplete.
    let zone = if x > 0 { ZonePath::parse(&format!("{x}/{y}")) } else { ZonePath::default() };
    Peer { location, zone, site: Some(x).filter(|&x| x > 0), ..id_only(rng) }
}

fn in_cities(rng: &mut Rng) -> Peer {
    let cities = [
        (47.4, 8.5, "europe/zurich"),
        (48.9, 2.4, "europe/paris"),
        (40.7, -74.0, "america/new-york"),
        (-23.5, -46.6, "america/sao-paulo"),
        (35.7, 139.7, "asia/tokyo"),
        (-36.8, 174.8, "oceania/auckland"),
    ];
    let city = below(rng, cities.len() as u32);
    let (lat, lon, name) = cities[city as usize];
    let zone = ZonePath::parse(&format!("{name}/{}", below(rng, 2)));
    Peer { location: Some(Location::Globe { lat, lon }), zone, site: Some(city), ..id_only(rng) }
}
