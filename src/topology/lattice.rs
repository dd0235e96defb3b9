//! Integer positions on a ring, a grid or a torus; delay by hops.

use std::f64::consts::TAU;

use swimlab_selectors::Location;

/// Positions `0..sites`; on a grid and a torus row by row, the last row possibly short.
#[derive(Clone, Debug)]
pub(super) struct Lattice {
    shape: Shape,
    sites: u32,
    width: u32,
    height: u32,
    hop_us: u32,
    local_us: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Ring,
    Grid,
    Torus,
}

impl Lattice {
    /// `sites` positions (at least one), as square as possible; one-way delays of a hop and within a position.
    pub(super) fn new(shape: Shape, sites: u32, hop_us: u32, local_us: u32) -> Self {
        let sites = sites.max(1);
        let width = match shape {
            Shape::Ring => sites,
            Shape::Grid | Shape::Torus => (sites - 1).isqrt() + 1,
        };
        Self { shape, sites, width, height: sites.div_ceil(width), hop_us, local_us }
    }

    pub(super) fn sites(&self) -> u32 {
        self.sites
    }

    /// The location in the plane. A ring becomes a circle with one unit of arc per step, so that neighbors on the ring
    /// are neighbors in the plane.
    pub(super) fn location(&self, site: u32) -> Location {
        match self.shape {
            Shape::Ring => {
                let (radius, angle) = (f64::from(self.sites) / TAU, TAU * f64::from(site) / f64::from(self.sites));
                Location::Plane { x: radius * libm::cos(angle), y: radius * libm::sin(angle) }
            }
            Shape::Grid | Shape::Torus => {
                let (x, y) = self.column_and_row(site);
                Location::Plane { x: f64::from(x), y: f64::from(y) }
            }
        }
    }

    pub(super) fn name(&self, site: u32) -> String {
        match (self.shape, self.column_and_row(site)) {
            (Shape::Ring, _) => site.to_string(),
            (_, (x, y)) => format!("{x},{y}"),
        }
    }

    pub(super) fn hops(&self, from: u32, to: u32) -> u32 {
        let around = |steps: u32, length: u32| steps.min(length - steps);
        if self.shape == Shape::Ring {
            return around(from.abs_diff(to), self.sites);
        }
        let ((x1, y1), (x2, y2)) = (self.column_and_row(from), self.column_and_row(to));
        let (dx, dy) = (x1.abs_diff(x2), y1.abs_diff(y2));
        match self.shape {
            Shape::Torus => around(dx, self.width) + around(dy, self.height),
            _ => dx + dy,
        }
    }

    #[inline]
    pub(super) fn one_way_us(&self, from: u32, to: u32) -> u32 {
        if from == to { self.local_us } else { self.hops(from, to).saturating_mul(self.hop_us) }
    }

    /// The shortest delay between any two positions, or within one.
    pub(super) fn shortest_us(&self) -> u32 {
        self.hop_us.min(self.local_us)
    }

    /// The longest delay between any two positions.
    pub(super) fn longest_us(&self) -> u32 {
        let hops = match self.shape {
            Shape::Ring => self.sites / 2,
            Shape::Torus => self.width / 2 + self.height / 2,
            Shape::Grid => self.width + self.height - 2,
        };
        hops.saturating_mul(self.hop_us).max(self.local_us)
    }

    fn column_and_row(&self, site: u32) -> (u32, u32) {
        (site % self.width, site / self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lattice(shape: Shape, sites: u32) -> Lattice {
        Lattice::new(shape, sites, 1_000, 50)
    }

    #[test]
    fn a_ring_is_walked_the_shorter_way_round() {
        let ring = lattice(Shape::Ring, 10);
        assert_eq!([(0, 0), (0, 1), (0, 9), (2, 7), (1, 8)].map(|(a, b)| ring.hops(a, b)), [0, 1, 1, 5, 3]);
        assert_eq!((ring.one_way_us(3, 3), ring.one_way_us(0, 9)), (50, 1_000));
    }

    #[test]
    fn a_grid_counts_rows_and_columns_and_a_torus_joins_its_edges() {
        let (grid, torus) = (lattice(Shape::Grid, 20), lattice(Shape::Torus, 20));
        // Rows of five: 0 is 0,0 and 19 is 4,3.
        assert_eq!((grid.name(19), grid.hops(0, 19), torus.hops(0, 19)), ("4,3".to_owned(), 7, 2));
        assert_eq!(grid.location(7), Location::Plane { x: 2.0, y: 1.0 });
    }

    #[test]
    fn a_lattice_is_as_square_as_possible() {
        let sides = |sites| {
            let grid = lattice(Shape::Grid, sites);
            (grid.width, grid.height)
        };
        let expected = [(1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (1000, 1000)];
        assert_eq!([1, 2, 4, 6, 9, 10, 1_000_000].map(sides), expected);
        assert_eq!(sides(0), (1, 1));
    }

    #[test]
    fn the_longest_delay_is_that_of_the_farthest_pair() {
        for shape in [Shape::Ring, Shape::Grid, Shape::Torus] {
            for sites in 1..60 {
                let lattice = lattice(shape, sites);
                let pairs = (0..sites).flat_map(|a| (0..sites).map(move |b| (a, b)));
                let longest = pairs.map(|(a, b)| lattice.one_way_us(a, b)).max();
                assert_eq!(Some(lattice.longest_us()), longest, "{shape:?} of {sites}");
            }
        }
    }

    #[test]
    fn neighbors_on_a_ring_are_one_apart_in_the_plane() {
        let ring = lattice(Shape::Ring, 1_000);
        let xy = |site| match ring.location(site) {
            Location::Plane { x, y } => (x, y),
            other => unreachable!("{other:?} on a ring"),
        };
        let ((x0, y0), (x1, y1)) = (xy(0), xy(999));
        assert!(((x1 - x0).hypot(y1 - y0) - 1.0).abs() < 1e-5);
    }
}
