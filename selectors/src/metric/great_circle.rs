//! `great-circle`: the shortest distance over the globe.

use std::sync::Arc;

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex};
use super::locations::{LocationIndex, Space};
use crate::location::{Location, on_unit_sphere};
use crate::peer::Peer;

/// Haversine distance in meters over the globe, taken as a sphere of the mean radius 6,371,008.8 m.
///
/// Computed with `libm`, since std's sine differs between platforms. Undefined for latitudes beyond the poles.
#[derive(Clone, Copy, Debug, Default)]
pub struct GreatCircle;

/// Mean radius R1 of the GRS80 ellipsoid, in meters (Moritz, "Geodetic Reference System 1980").
const RADIUS: f64 = 6_371_008.771_4;

impl GreatCircle {
    /// The distance of two peers in meters; `None` unless both are on the globe.
    pub(crate) fn meters(self, a: &Peer, b: &Peer) -> Option<u64> {
        Some(self.distance(&self.locate(a)?, &self.locate(b)?))
    }
}

impl Metric for GreatCircle {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        Arc::new(LocationIndex::new(*self, roster))
    }
}

/// Locations are points of the unit sphere: the longer the chord, the longer the arc.
impl Space<3> for GreatCircle {
    fn locate(&self, peer: &Peer) -> Option<[f64; 3]> {
        let Some(Location::Globe { lat, lon }) = peer.location else { return None };
        if !(lat.abs() <= 90.0 && lon.is_finite()) {
            return None;
        }
        Some(on_unit_sphere(lat, lon))
    }

    fn distance(&self, a: &[f64; 3], b: &[f64; 3]) -> u64 {
        let square = |x: f64| x * x;
        let length = |sign: f64| (0..3).map(|i| square(a[i] + sign * b[i])).sum::<f64>().sqrt();
        // Accurate for close points and for antipodes alike, unlike the arc sine of half the chord.
        libm::round(RADIUS * 2.0 * libm::atan2(length(-1.0), length(1.0))) as u64
    }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    let about = "Shortest distance over the globe between latitudes and longitudes.";
    registry.register("great-circle", about, vec![], |_, _| Ok(Arc::new(GreatCircle)));
}

#[cfg(test)]
mod tests {
    use geo::{Distance, Haversine, Point};
    use proptest::prelude::*;

    use super::*;

    fn at(lat: f64, lon: f64) -> Peer {
        Peer { location: Some(Location::Globe { lat, lon }), ..Peer::new(1) }
    }

    fn meters(a: (f64, f64), b: (f64, f64)) -> u64 {
        GreatCircle.index(&[]).distance(&at(a.0, a.1), &at(b.0, b.1))
    }

    #[test]
    fn a_quarter_of_the_globe_is_ten_thousand_kilometers() {
        assert_eq!(meters((0.0, 0.0), (90.0, 77.0)), 10_007_557);
        assert_eq!(meters((0.0, -90.0), (0.0, 90.0)), 20_015_114);
        assert_eq!(meters((12.0, 180.0), (12.0, -180.0)), 0);
        assert_eq!(meters((91.0, 0.0), (0.0, 0.0)), crate::UNKNOWN_DISTANCE);
    }

    proptest! {
        #[test]
        fn agrees_with_the_haversine_formula_of_geo(
            a in (-90.0..=90.0f64, -180.0..=180.0f64),
            b in (-90.0..=90.0f64, -180.0..=180.0f64),
            near in (-1e-3..=1e-3f64, -1e-3..=1e-3f64),
        ) {
            let beside = ((a.0 + near.0).clamp(-90.0, 90.0), a.1 + near.1);
            for b in [b, beside] {
                let theirs = Haversine.distance(Point::new(a.1, a.0), Point::new(b.1, b.0));
                let ours = meters(a, b) as f64;
                // Half a meter is our rounding; the rest is geo's own error near antipodes.
                prop_assert!((ours - theirs).abs() <= 0.6, "{ours} against {theirs}");
            }
        }
    }
}
