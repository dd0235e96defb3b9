//! Peers for the benchmarks, and a member's view of them.

use std::time::Duration;

use criterion::Criterion;
use swimlab_selectors::rng::{Purpose, below, mix, stream, unit};
use swimlab_selectors::{Location, Peer, Slot, View, ZonePath};

/// View in which all members are alive.
pub(crate) struct AllAlive(pub Vec<Peer>);

impl View for AllAlive {
    fn me(&self) -> Slot {
        0
    }

    fn slots(&self) -> u32 {
        self.0.len() as u32
    }

    fn indexed(&self) -> u32 {
        self.slots()
    }

    fn peer(&self, slot: Slot) -> &Peer {
        &self.0[slot as usize]
    }

    fn pingable(&self, slot: Slot) -> bool {
        slot != 0
    }

    fn suspect(&self, _: Slot) -> bool {
        false
    }

    fn pingable_count(&self) -> u32 {
        self.slots() - 1
    }
}

/// Peers at random locations in the plane or on the globe, in sixty sites and as many zones.
pub(crate) fn scattered(n: u32, globe: bool) -> Vec<Peer> {
    let mut rng = stream(1, Purpose::Placement, 0);
    let mut peer = |i: u32| {
        let (a, b) = (unit(&mut rng), unit(&mut rng));
        let location = if globe {
            Location::Globe { lat: 180.0 * a - 90.0, lon: 360.0 * b - 180.0 }
        } else {
            Location::Plane { x: 1000.0 * a, y: 1000.0 * b }
        };
        let site = below(&mut rng, 60);
        let zone = ZonePath::parse(&format!("{}/{site}/{}", site / 3, i % 10));
        Peer { id: mix(i.into()), location: Some(location), zone, site: Some(site) }
    };
    (0..n).map(&mut peer).collect()
}

/// Short measurements: an accuracy of a tenth is enough.
pub(crate) fn short() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300))
}
