//! Distances on the globe, and the time that light takes for them.

use std::sync::OnceLock;

use swimlab_selectors::Location;

use super::units::{round, whole_us};

/// The mean radius of the Earth in meters (IUGG).
const RADIUS_M: f64 = 6_371_008.8;

/// The speed of light in vacuum, meters per microsecond: the bound for any delay.
pub(super) const LIGHT_M_PER_US: f64 = 299.792_458;

/// The refractive index of the core of a common single-mode fiber: the factor by which light is slower in it.
pub(super) const FIBER_INDEX: f64 = 1.468;

/// The most sites whose delays are kept once they are computed, which takes 4 MB: 25 million pairs of cities would take
/// 100 MB.
const MAX_KEPT_SITES: usize = 1_024;

/// Sites on the globe with a delay by distance.
#[derive(Debug)]
pub(super) struct Globe {
    points: Box<[Point]>,
    /// The delays from each site to all, made when they are asked for first: a group lives at few of the sites, and to
    /// look up a delay is several times cheaper than an arc sine. Empty for more than [`MAX_KEPT_SITES`].
    rows: Box<[OnceLock<Box<[u32]>>]>,
    us_per_meter: f64,
    access_us: f64,
}

/// A point of the globe as a unit vector.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point([f64; 3]);

impl Globe {
    /// Sites with a one-way delay of `us_per_meter` along the great circle plus `access_us` for both ends together.
    pub(super) fn new(points: impl IntoIterator<Item = Point>, us_per_meter: f64, access_us: f64) -> Self {
        let points: Box<[Point]> = points.into_iter().collect();
        let kept = if points.len() <= MAX_KEPT_SITES { points.len() } else { 0 };
        Self { points, rows: vec![OnceLock::new(); kept].into(), us_per_meter, access_us }
    }

    pub(super) fn sites(&self) -> u32 {
        self.points.len() as u32
    }

    #[inline]
    pub(super) fn one_way_us(&self, from: u32, to: u32) -> u32 {
        let start = self.points[from as usize];
        let delay = |end: &Point| self.delay_us(start.square_chord(*end));
        match self.rows.get(from as usize) {
            Some(row) => row.get_or_init(|| self.points.iter().map(delay).collect())[to as usize],
            None => delay(&self.points[to as usize]),
        }
    }

    /// The shortest delay: that within a site.
    pub(super) fn shortest_us(&self) -> u32 {
        self.delay_us(0.0)
    }

    /// The longest delay between any two of these sites: that of the longest chord.
    pub(super) fn longest_us(&self, sites: &[u32]) -> u32 {
        let points: Vec<Point> = sites.iter().map(|&site| self.points[site as usize]).collect();
        let pairs = points.iter().enumerate().flat_map(|(i, &a)| points[i..].iter().map(move |&b| a.square_chord(b)));
        pairs.reduce(f64::max).map_or(0, |square| self.delay_us(square))
    }

    #[inline]
    fn delay_us(&self, square_chord: f64) -> u32 {
        whole_us(meters(square_chord) * self.us_per_meter + self.access_us)
    }
}

impl Point {
    /// The point at this latitude and longitude in degrees.
    pub(super) fn new(lat: f64, lon: f64) -> Self {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        Self([libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon), libm::sin(lat)])
    }

    /// Meters along the great circle, rounded to whole ones.
    #[cfg(any(feature = "experiments", test))]
    pub(super) fn meters_to(self, other: Self) -> f64 {
        meters(self.square_chord(other))
    }

    fn square_chord(self, other: Self) -> f64 {
        let d = [self.0[0] - other.0[0], self.0[1] - other.0[1], self.0[2] - other.0[2]];
        d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
    }
}

/// Whole meters along the great circle over a chord between unit vectors. Half a chord is the sine of half the angle.
fn meters(square_chord: f64) -> f64 {
    round(2.0 * RADIUS_M * libm::asin((square_chord.sqrt() / 2.0).min(1.0)))
}

/// The point of a site, if it is on the globe.
pub(super) fn point(location: Option<Location>) -> Option<Point> {
    match location {
        Some(Location::Globe { lat, lon }) => Some(Point::new(lat, lon)),
        _ => None,
    }
}

/// The least round trip between two points in microseconds: by light, in vacuum, there and back.
#[cfg(any(feature = "experiments", test))]
pub(super) fn light_rtt_us(a: Point, b: Point) -> f64 {
    2.0 * a.meters_to(b) / LIGHT_M_PER_US
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::{Distance, Haversine};

    #[test]
    fn distances_agree_with_the_haversine_of_the_geo_crate_to_a_meter() {
        let places =
            [(0.0, 0.0), (51.5, -0.13), (48.86, 2.35), (-33.87, 151.21), (90.0, 0.0), (-90.0, 7.0), (0.0, 179.9)];
        for a in places {
            for b in places {
                let ours = Point::new(a.0, a.1).meters_to(Point::new(b.0, b.1));
                let theirs = Haversine.distance(geo::Point::new(a.1, a.0), geo::Point::new(b.1, b.0));
                assert!((ours - theirs).abs() <= 1.0, "{a:?} {b:?}: {ours} {theirs}");
            }
        }
    }

    #[test]
    fn light_takes_133_ms_around_the_globe() {
        let antipodes = (Point::new(0.0, 0.0), Point::new(0.0, 180.0));
        assert_eq!(light_rtt_us(antipodes.0, antipodes.1).round(), 133_526.0);
    }

    #[test]
    fn the_longest_delay_is_that_of_the_farthest_pair() {
        let globe = Globe::new([(0.0, 0.0), (10.0, 20.0), (-40.0, 170.0)].map(|(a, b)| Point::new(a, b)), 0.01, 7.0);
        let delays = (0..3).flat_map(|i| (0..3).map(move |j| (i, j))).map(|(i, j)| globe.one_way_us(i, j));
        assert_eq!(globe.longest_us(&[0, 1, 2]), delays.max().unwrap());
        assert_eq!(globe.longest_us(&[1]), 7);
        assert_eq!(globe.longest_us(&[]), 0);
    }
}
