//! Locations as whole numbers, on which all members agree to the last bit.

use crate::location::{Location, on_unit_sphere};

/// A location on a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    /// The space that it lies in.
    pub(super) space: Space,
    /// Its coordinates, each below two to the power of [`Space::bits`]; unused ones are zero.
    pub(super) axes: [u32; 3],
}

/// Kind of a location. Points of different spaces have no distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Space {
    /// Learned from round-trip times.
    Learned,
    Plane,
    /// Cubes around the globe, which have no date line and no poles.
    Globe,
}

impl Point {
    pub(super) fn of(location: Location) -> Self {
        match location {
            Location::Learned { at: [x, y, z] } => {
                let fixed = |axis: i16| u32::from(axis as u16 ^ 1 << 15);
                Self { space: Space::Learned, axes: [fixed(x), fixed(y), fixed(z)] }
            }
            Location::Plane { x, y } => {
                // In thousandths of the plane's unit, up to a million units to each side.
                let fixed = |v: f64| ((v + f64::from(1 << 20)) * 1024.0).clamp(0.0, f64::from(i32::MAX)) as u32;
                Self { space: Space::Plane, axes: [fixed(x), fixed(y), 0] }
            }
            Location::Globe { lat, lon } => {
                // The smallest cubes are six meters wide.
                let fixed = |v: f64| ((v + 1.0) * f64::from(1 << 20)).clamp(0.0, f64::from((1 << 21) - 1)) as u32;
                Self { space: Space::Globe, axes: on_unit_sphere(lat, lon).map(fixed) }
            }
        }
    }

    /// The square of the distance between two points of one space.
    pub(super) fn squared_distance(&self, other: &Self) -> u64 {
        let squares = self.axes.iter().zip(other.axes).map(|(&a, b)| u64::from(a.abs_diff(b)).pow(2));
        squares.fold(0, u64::saturating_add)
    }
}

impl Space {
    pub(super) fn axes(self) -> usize {
        match self {
            Self::Plane => 2,
            Self::Learned | Self::Globe => 3,
        }
    }

    /// Bits of a coordinate.
    pub(super) fn bits(self) -> u32 {
        match self {
            Self::Learned => 16,
            Self::Plane => 31,
            Self::Globe => 21,
        }
    }
}
