//! Integer positions on a ring, a grid or a torus; delay by hops.

use std::f64::consts::TAU;

use swimlab_selectors::Place;

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
    /// `sites` positions (at least one), as square as it gets; one-way delays of a hop and within a position.
    pub fn new(shape: Shape, sites: u32, hop_us: u32, local_us: u32) -> Self {
        let sites = sites.max(1);
        let width = match shape {
            Shape::Ring => sites,
            Shape::Grid | Shape::Torus => (sites - 1).isqrt() + 1,
        };
        Self { shape, sites, width, height: sites.div_ceil(width), hop_us, local_us }
    }

    pub fn sites(&self) -> u32 {
        self.sites
    }

    /// A ring bends into a circle with one unit of arc per step, so that near on the ring is near in the plane.
    pub fn place(&self, site: u32) -> Place {
        match self.shape {
            Shape::Ring => {
                let (radius, angle) = (f64::from(self.sites) / TAU, TAU * f64::from(site) / f64::from(self.sites));
                Place::Plane { x: radius * libm::cos(angle), y: radius * libm::sin(angle) }
            }
            Shape::Grid | Shape::Torus => {
                let (x, y) = self.column_and_row(site);
                Place::Plane { x: f64::from(x), y: f64::from(y) }
            }
        }
    }

    pub fn name(&self, site: u32) -> String {
        match (self.shape, self.column_and_row(site)) {
            (Shape::Ring, _) => site.to_string(),
            (_, (x, y)) => format!("{x},{y}"),
        }
    }

    pub fn hops(&self, from: u32, to: u32) -> u32 {
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
    pub fn one_way_us(&self, from: u32, to: u32) -> u32 {
        if from == to { self.local_us } else { self.hops(from, to).saturating_mul(self.hop_us) }
    }

    /// The longest way between any two positions.
    pub fn longest_us(&self) -> u32 {
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
