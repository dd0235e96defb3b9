//! Network coordinates: points whose distance estimates the round-trip time between members that have exchanged no
//! messages.
//!
//! Vivaldi (Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004): members are masses, each measured round-trip time is the rest
//! length of a spring between two of them, and each sample moves a member a little along its spring. As in Serf, there
//! are also a height for the access link; an adjustment for what no Euclidean space can express (Lee and others, "On
//! suitability of Euclidean embedding for host-based network coordinate systems", 2010); and gravity, so that the space
//! as a whole does not drift (Ledlie, Gardner, Seltzer, NSDI 2007).

use crate::rng::{Rng, unit};

/// Dimensions of the space without the height.
const DIMENSIONS: usize = 8;

/// Largest relative error: that of a member without samples.
const ERROR_MAX: f64 = 1.5;
/// Gain of the error estimate (c_e in the paper).
const ERROR_GAIN: f64 = 0.25;
/// Gain of a move: a sample moves a member by at most this share of its error (c_c in the paper).
const MOVE_GAIN: f64 = 0.25;
/// Number of samples that the adjustment averages.
const WINDOW: usize = 20;
/// Minimum height, in microseconds.
const HEIGHT_MIN: f64 = 10.0;
/// Constant rho of gravity, which pulls by `(distance / rho)^2`, in seconds.
const GRAVITY_RHO: f64 = 150.0;
/// Distance below which two points count as equal, in microseconds.
const ONE_POINT: f64 = 1.0;
/// Maximum residual of an accepted sample, as a multiple of the usual residual.
///
/// Serf has no such bound. It keeps members with false coordinates from pulling their peers away: at 10, a tenth of
/// such members prevails; at 2, members converge too slowly.
const RESIDUAL_MAX: f64 = 5.0;
/// A residual up to this share of the round-trip time, measured and estimated, is accepted whatever is usual: in a
/// network that fits the space, the usual residual tends to zero.
const RESIDUAL_FREE: f64 = 0.1;
/// Number of a member's first samples that are all accepted. Until then it knows no more than its peers, and its usual
/// residual is that of its first few.
const UNSETTLED: u8 = 5;
/// Maximum residual that moves a member, as a multiple of the usual residual. A larger one moves it as far as this one
/// would, so that neither the first samples nor a liar among them fling it away.
const RESIDUAL_MOVING: f64 = 2.5;
/// Gain of the usual residual.
const RESIDUAL_GAIN: f64 = 0.05;
/// Limit of plausible numbers: ten seconds, in microseconds.
const FARTHEST: f32 = 1e7;

/// Coordinate of a member as its messages carry it, in microseconds of round-trip time.
///
/// ```
/// use swimlab_selectors::Coordinate;
///
/// let origin = Coordinate { vector: [0.0; Coordinate::DIMENSIONS], height: 500.0, adjustment: 0.0, error: 0.2 };
/// let mut other = origin;
/// other.vector[0] = 20_000.0;
/// assert_eq!(origin.rtt_us(&other), 21_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinate {
    /// Position.
    pub vector: [f32; DIMENSIONS],
    /// Height above the position: the delay of the access link, which all paths of the member share.
    pub height: f32,
    /// Correction of the member's distances; may be negative.
    pub adjustment: f32,
    /// Estimated relative error of the member's distances: above 0, at most 1.5.
    pub error: f32,
}

impl Coordinate {
    /// Dimensions of the space without the height.
    pub const DIMENSIONS: usize = DIMENSIONS;

    /// Estimated round-trip time in microseconds, at least 1. Symmetric.
    pub fn rtt_us(&self, other: &Self) -> u32 {
        let raw = distance(&widened(&self.vector), other) + f64::from(self.height) + f64::from(other.height);
        adjusted(raw, f64::from(self.adjustment) + f64::from(other.adjustment)).round().max(1.0) as u32
    }

    /// Whether a correct member can have this coordinate: all numbers are finite and within ten seconds, and the height
    /// and the error are in their ranges.
    pub fn is_plausible(&self) -> bool {
        let within = |number: f32| number.abs() <= FARTHEST;
        self.vector.iter().all(|&number| within(number))
            && (0.0..=FARTHEST).contains(&self.height)
            && within(self.adjustment)
            && self.error > 0.0
            && self.error <= ERROR_MAX as f32
    }
}

/// Vivaldi's estimate of one member's coordinate.
///
/// Samples with implausible coordinates are rejected ([`Coordinate::is_plausible`]), and so are samples whose residual
/// is many times the usual one, except among the first few. If such samples persist because the network has changed,
/// they become usual within tens of samples. No sample moves a member by more than a few times the usual residual.
///
/// ```
/// use swimlab_selectors::rng::{Purpose, stream};
/// use swimlab_selectors::Vivaldi;
///
/// let mut rng = stream(1, Purpose::Selector, 0);
/// let (mut a, mut b) = (Vivaldi::default(), Vivaldi::default());
/// for _ in 0..100 {
///     a.update(&b.coordinate(), 30_000, &mut rng);
///     b.update(&a.coordinate(), 30_000, &mut rng);
/// }
/// assert!(a.coordinate().rtt_us(&b.coordinate()).abs_diff(30_000) < 1_000);
/// ```
#[derive(Clone, Debug)]
pub struct Vivaldi {
    vector: [f64; DIMENSIONS],
    height: f64,
    error: f64,
    /// Usual residual of a sample, in microseconds; 0 before the first sample.
    usual_residual: f64,
    /// Number of samples before it settles, counted up to [`UNSETTLED`].
    taken: u8,
    /// Ring buffer: latest round-trip times minus the distances in the space, in microseconds.
    excesses: [f64; WINDOW],
    next: usize,
    /// Number of dimensions in use.
    dimensions: usize,
}

impl Default for Vivaldi {
    /// At the origin, with the greatest error.
    fn default() -> Self {
        Self {
            vector: [0.0; DIMENSIONS],
            height: HEIGHT_MIN,
            error: ERROR_MAX,
            usual_residual: 0.0,
            taken: 0,
            excesses: [0.0; WINDOW],
            next: 0,
            dimensions: DIMENSIONS,
        }
    }
}

impl Vivaldi {
    /// At the origin, in a space of fewer dimensions; the others stay 0 as long as all members are in that space.
    ///
    /// # Panics
    /// If `dimensions` is 0 or larger than [`Coordinate::DIMENSIONS`].
    pub fn of_dimensions(dimensions: usize) -> Self {
        assert!((1..=DIMENSIONS).contains(&dimensions), "{dimensions} dimensions are not from 1 to {DIMENSIONS}");
        Self { dimensions, ..Self::default() }
    }

    /// Current coordinate.
    pub fn coordinate(&self) -> Coordinate {
        Coordinate {
            vector: self.vector.map(|number| number as f32),
            height: self.height as f32,
            adjustment: self.adjustment() as f32,
            error: self.error as f32,
        }
    }

    /// Takes a sample: a round-trip time in microseconds to a peer with this coordinate. Returns whether it was
    /// accepted.
    ///
    /// Draws from `rng` only if both are at one point, for a random direction.
    pub fn update(&mut self, peer: &Coordinate, rtt_us: u32, rng: &mut Rng) -> bool {
        if !peer.is_plausible() || rtt_us > FARTHEST as u32 {
            return false;
        }
        let rtt = f64::from(rtt_us.max(1));
        let raw = self.raw_to(peer);
        let estimate = adjusted(raw, self.adjustment() + f64::from(peer.adjustment));
        if self.usual_residual == 0.0 {
            self.usual_residual = rtt;
        }
        let (residual, most) = (rtt - estimate, RESIDUAL_MAX * self.usual_residual);
        self.usual_residual += RESIDUAL_GAIN * (residual.abs().min(most) - self.usual_residual);
        let accepted = most.max(RESIDUAL_FREE * rtt.min(estimate));
        if self.taken == UNSETTLED && residual.abs() > accepted {
            return false;
        }
        self.taken = UNSETTLED.min(self.taken + 1);
        let moving = RESIDUAL_MOVING * self.usual_residual;
        let residual = residual.clamp(-moving, moving);
        let weight = self.error / (self.error + f64::from(peer.error));
        let sample_error = (residual.abs() / rtt).min(ERROR_MAX);
        self.error = sample_error * ERROR_GAIN * weight + self.error * (1.0 - ERROR_GAIN * weight);
        self.push(MOVE_GAIN * weight * residual, &widened(&peer.vector), f64::from(peer.height), rng);
        self.excesses[self.next] = rtt - self.raw_to(peer);
        self.next = (self.next + 1) % WINDOW;
        let seconds = length(&self.vector) / 1e6;
        let pull = (seconds / GRAVITY_RHO) * (seconds / GRAVITY_RHO) * 1e6;
        self.push(-pull, &[0.0; DIMENSIONS], HEIGHT_MIN, rng);
        if !self.coordinate().is_plausible() {
            *self = Self::of_dimensions(self.dimensions);
        }
        true
    }

    /// Moves away from a point by `force` microseconds, or towards it if negative. Height and position share the move.
    fn push(&mut self, force: f64, from: &[f64; DIMENSIONS], height: f64, rng: &mut Rng) {
        let mut away = self.vector;
        away.iter_mut().zip(from).for_each(|(number, other)| *number -= other);
        let mut size = length(&away);
        if size > ONE_POINT {
            // In proportion to the position's move as in Serf, but no farther: from a near point the height would take
            // off.
            let lift = ((self.height + height) * force / size).clamp(-force.abs(), force.abs());
            self.height = (self.height + lift).max(HEIGHT_MIN);
        } else if force > 0.0 {
            away = std::array::from_fn(|axis| if axis < self.dimensions { unit(rng) - 0.5 } else { 0.0 });
            size = length(&away).max(1e-9);
        } else {
            return;
        }
        self.vector.iter_mut().zip(&away).for_each(|(number, along)| *number += along / size * force);
    }

    fn raw_to(&self, peer: &Coordinate) -> f64 {
        distance(&self.vector, peer) + self.height + f64::from(peer.height)
    }

    /// Half of the mean excess; the other half is the peer's.
    fn adjustment(&self) -> f64 {
        self.excesses.iter().sum::<f64>() / (2 * WINDOW) as f64
    }
}

/// Filter of the round-trip times to one peer: the median of the latest three, as in Serf; of two the shorter one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RttFilter {
    latest: [u32; 3],
    taken: u8,
}

impl RttFilter {
    /// Takes a round-trip time in microseconds and returns the filtered one.
    pub fn take(&mut self, rtt_us: u32) -> u32 {
        self.latest = [rtt_us, self.latest[0], self.latest[1]];
        self.taken = (self.taken + 1).min(3);
        let mut sorted = self.latest;
        let taken = &mut sorted[..usize::from(self.taken)];
        taken.sort_unstable();
        taken[(taken.len() - 1) / 2]
    }

    /// Whether it has taken no round-trip time yet.
    pub fn is_empty(&self) -> bool {
        self.taken == 0
    }
}

fn adjusted(raw: f64, adjustment: f64) -> f64 {
    if raw + adjustment > 0.0 { raw + adjustment } else { raw }
}

fn distance(from: &[f64; DIMENSIONS], to: &Coordinate) -> f64 {
    let mut along = *from;
    along.iter_mut().zip(&to.vector).for_each(|(number, &other)| *number -= f64::from(other));
    length(&along)
}

fn widened(vector: &[f32; DIMENSIONS]) -> [f64; DIMENSIONS] {
    vector.map(f64::from)
}

fn length(vector: &[f64; DIMENSIONS]) -> f64 {
    vector.iter().map(|number| number * number).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests;
