//! `euclid`: the straight line in the plane, or on a torus.

use std::sync::Arc;

use super::locations::{LocationIndex, Space};
use super::{Metric, MetricIndex};
use crate::build_context::BuildContext;
use crate::peer::{Location, Peer};
use crate::registry::{Param, Registry};

/// The straight-line distance between places of the plane, in thousandths of its unit.
///
/// Either axis can be closed to a circle, which makes the plane a cylinder or a torus. Places beyond a thousand million
/// units from the origin are unknown: their thousandths could not be told apart.
#[derive(Clone, Copy, Debug, Default)]
pub struct Euclid {
    circumferences: [Option<f64>; 2],
}

/// The farthest coordinate, in units of the plane.
const FARTHEST: f64 = 1e9;

impl Euclid {
    /// The plane that closes after `width` units along x and `height` along y, where they are given.
    ///
    /// # Panics
    /// If a circumference is not above 0 and at most 1e9.
    pub fn new(width: Option<f64>, height: Option<f64>) -> Self {
        for side in [width, height].into_iter().flatten() {
            assert!(side > 0.0 && side <= FARTHEST, "a circumference of {side} units is not between 0 and {FARTHEST}");
        }
        Self { circumferences: [width, height] }
    }
}

impl Metric for Euclid {
    fn unit(&self) -> &'static str {
        "1/1000"
    }

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
        // A square root is exact to the last bit on every machine, unlike sine and the like.
        libm::round((along(0) * along(0) + along(1) * along(1)).sqrt() * 1000.0) as u64
    }

    fn embed(&self, point: &[f64; 2]) -> [f64; 2] {
        // An open axis of a cylinder is a circle so large that the way around is never the shorter one.
        let open_axis = |x: f64| if self.torus().is_some() { x + 2.0 * FARTHEST } else { x };
        let axis = |i: usize| if self.circumferences[i].is_some() { point[i] } else { open_axis(point[i]) };
        [axis(0), axis(1)]
    }

    fn torus(&self) -> Option<[f64; 2]> {
        let closed = self.circumferences.iter().any(Option::is_some);
        closed.then(|| self.circumferences.map(|side| side.unwrap_or(8.0 * FARTHEST)))
    }
}

/// `x` moved by whole circumferences into `0..side`.
fn wrapped(x: f64, side: f64) -> f64 {
    let rest = x.rem_euclid(side);
    // A tiny negative x is rounded up to the side itself.
    if rest < side { rest } else { 0.0 }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Metric>, BuildContext>) {
    let side = |name, about| Param::real(name, 0.0, FARTHEST, 0.0, about).unit("units of the plane");
    registry.register(
        "euclid",
        "Straight line in the plane, or around a torus.",
        vec![
            side("width", "after how far the x axis closes to a circle; 0: never"),
            side("height", "after how far the y axis closes to a circle; 0: never"),
        ],
        |params, _| {
            let side = |name| Some(params.real(name)).filter(|&side| side > 0.0);
            Ok(Arc::new(Euclid::new(side("width"), side("height"))))
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metres(metric: Euclid, a: (f64, f64), b: (f64, f64)) -> u64 {
        let at = |(x, y)| Peer { location: Some(Location::Plane { x, y }), ..Peer::new(1) };
        metric.index(&[]).distance(&at(a), &at(b))
    }

    #[test]
    fn distances_are_thousandths_of_a_unit() {
        assert_eq!(metres(Euclid::default(), (0.0, 0.0), (3.0, 4.0)), 5000);
        assert_eq!(metres(Euclid::default(), (0.0, 0.0), (1.0, 1.0)), 1414);
        assert_eq!(metres(Euclid::default(), (0.0, 0.0), (f64::NAN, 1.0)), super::super::UNKNOWN);
    }

    #[test]
    fn a_closed_axis_is_walked_the_shorter_way() {
        let torus = Euclid::new(Some(16.0), Some(8.0));
        assert_eq!(metres(torus, (0.0, 0.0), (15.0, 7.0)), 1414);
        assert_eq!(metres(torus, (1.0, 0.0), (-31.0, 24.0)), 0);
        let cylinder = Euclid::new(Some(16.0), None);
        assert_eq!(metres(cylinder, (0.0, 0.0), (15.0, 7.0)), 7071);
    }
}
