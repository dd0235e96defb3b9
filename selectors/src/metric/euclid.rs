//! `euclid`: straight line in the plane, on a cylinder or on a torus.

use std::sync::Arc;

use super::MetricRegistry;
use super::distance::{Metric, MetricIndex};
use super::locations::{LocationIndex, Space};
use crate::location::Location;
use crate::peer::Peer;
use crate::registry::Param;

/// Straight-line distance between locations in the plane, in thousandths of its unit.
///
/// Either axis can be closed to a circle, which makes the plane a cylinder or a torus. Undefined for locations beyond
/// 1e9 units from the origin, whose thousandths have no exact representation.
///
/// ```
/// use swimlab_selectors::{Euclid, Location, Metric, Peer};
///
/// let at = |x| Peer { location: Some(Location::Plane { x, y: 0.0 }), ..Peer::new(1) };
/// let cylinder = Euclid::default().with_width(16.0);
/// assert_eq!(cylinder.index(&[]).distance(&at(0.0), &at(15.0)), 1000);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Euclid {
    circumferences: [Option<f64>; 2],
}

/// Limit of a coordinate, in units of the plane.
const FARTHEST: f64 = 1e9;

impl Euclid {
    /// Closes the x axis to a circle of this circumference, in units of the plane.
    ///
    /// # Panics
    /// If the circumference is not above 0 and at most 1e9.
    pub fn with_width(self, width: f64) -> Self {
        self.closed(0, width)
    }

    /// Closes the y axis to a circle of this circumference, in units of the plane.
    ///
    /// # Panics
    /// If the circumference is not above 0 and at most 1e9.
    pub fn with_height(self, height: f64) -> Self {
        self.closed(1, height)
    }

    fn closed(mut self, axis: usize, circumference: f64) -> Self {
        let valid = circumference > 0.0 && circumference <= FARTHEST;
        assert!(valid, "circumference {circumference} is not above 0 and at most {FARTHEST}");
        self.circumferences[axis] = Some(circumference);
        self
    }
}

impl Metric for Euclid {
    fn index(&self, roster: &[Peer]) -> Arc<dyn MetricIndex> {
        Arc::new(LocationIndex::new(*self, roster))
    }
}

impl Space<2> for Euclid {
    fn locate(&self, peer: &Peer) -> Option<[f64; 2]> {
        let Some(Location::Plane { x, y }) = peer.location else { return None };
        let within = [x, y].into_iter().all(|x| x.abs() <= FARTHEST);
        let wrap = |x: f64, side: Option<f64>| side.map_or(x, |side| wrapped(x, side));
        within.then(|| [wrap(x, self.circumferences[0]), wrap(y, self.circumferences[1])])
    }

    fn distance(&self, a: &[f64; 2], b: &[f64; 2]) -> u64 {
        let along = |axis: usize| {
            let straight = (a[axis] - b[axis]).abs();
            self.circumferences[axis].map_or(straight, |side| straight.min(side - straight))
        };
        // A square root is exact to the last bit on every platform, unlike trigonometric functions.
        libm::round((along(0) * along(0) + along(1) * along(1)).sqrt() * 1000.0) as u64
    }

    fn embed(&self, point: &[f64; 2]) -> [f64; 2] {
        // An open axis of a cylinder becomes a circle so large that the way around is never the shorter one.
        let open_axis = |x: f64| if self.torus().is_some() { x + 2.0 * FARTHEST } else { x };
        let axis = |i: usize| if self.circumferences[i].is_some() { point[i] } else { open_axis(point[i]) };
        [axis(0), axis(1)]
    }

    fn torus(&self) -> Option<[f64; 2]> {
        let closed = self.circumferences.iter().any(Option::is_some);
        closed.then(|| self.circumferences.map(|side| side.unwrap_or(8.0 * FARTHEST)))
    }
}

/// Returns `x` moved by whole circumferences into `0..side`.
fn wrapped(x: f64, side: f64) -> f64 {
    let rest = x.rem_euclid(side);
    // A tiny negative x is rounded up to the side itself.
    if rest < side { rest } else { 0.0 }
}

pub(super) fn register(registry: &mut MetricRegistry) {
    let side = |name, about| Param::real(name, 0.0, FARTHEST, 0.0, about).unit("units of the plane");
    registry.register(
        "euclid",
        "Straight line in the plane, on a cylinder or on a torus.",
        vec![
            side("width", "circumference of the x axis; 0: open"),
            side("height", "circumference of the y axis; 0: open"),
        ],
        |params, _| {
            let side = |name| Ok::<_, String>(Some(params.real(name)?).filter(|&side| side > 0.0));
            Ok(Arc::new(Euclid { circumferences: [side("width")?, side("height")?] }))
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thousandths(metric: Euclid, a: (f64, f64), b: (f64, f64)) -> u64 {
        let at = |(x, y)| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(1) };
        metric.index(&[]).distance(&at(a), &at(b))
    }

    #[test]
    fn distances_are_thousandths_of_a_unit() {
        assert_eq!(thousandths(Euclid::default(), (0.0, 0.0), (3.0, 4.0)), 5000);
        assert_eq!(thousandths(Euclid::default(), (0.0, 0.0), (1.0, 1.0)), 1414);
        assert_eq!(thousandths(Euclid::default(), (0.0, 0.0), (f64::NAN, 1.0)), crate::UNKNOWN_DISTANCE);
    }

    #[test]
    fn distances_along_a_closed_axis_take_the_shorter_way() {
        let torus = Euclid::default().with_width(16.0).with_height(8.0);
        assert_eq!(thousandths(torus, (0.0, 0.0), (15.0, 7.0)), 1414);
        assert_eq!(thousandths(torus, (1.0, 0.0), (-31.0, 24.0)), 0);
        let cylinder = Euclid::default().with_width(16.0);
        assert_eq!(thousandths(cylinder, (0.0, 0.0), (15.0, 7.0)), 7071);
    }
}
