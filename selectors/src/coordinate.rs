//! Network coordinates: points whose distance estimates the round-trip time between members that never met.
//!
//! Vivaldi (Dabek, Cox, Kaashoek, Morris, SIGCOMM 2004): members are masses, every measured round trip is a spring
//! between two of them, and each member moves a little whenever one of its springs is stretched or squeezed. Added to
//! that, as Serf does: a height for the way to the network and back; an adjustment for what no space can express
//! (Lee and others, "On suitability of Euclidean embedding for host-based network coordinate systems", 2010); and
//! gravity, so that all together do not drift away (Ledlie, Gardner, Seltzer, NSDI 2007).

use crate::rng::{Rng, unit};

/// The dimensions of the space, height not counted.
pub const DIMENSIONS: usize = 8;

/// The largest relative error that anybody has: what a beginner states.
const ERROR_MAX: f64 = 1.5;
/// How fast the error estimate follows (the paper's c_e).
const ERROR_GAIN: f64 = 0.25;
/// How far a member moves at most: this share of what is wrong (the paper's c_c).
const MOVE_GAIN: f64 = 0.25;
/// How many samples the adjustment is the mean of.
const WINDOW: usize = 20;
/// The least height, in microseconds.
const HEIGHT_MIN: f64 = 10.0;
/// Gravity pulls by `(distance / rho)^2` where both count in seconds.
const GRAVITY_RHO: f64 = 150.0;
/// Points nearer to each other than this, in microseconds, are one.
const ONE_POINT: f64 = 1.0;
/// A sample that surprises by more than so many times what is usual moves nobody. Serf has no such bound: it is what
/// keeps liars from pulling their peers away. At 10, a tenth of liars has its way; at 2, members converge too slowly.
const SURPRISE_MAX: f64 = 5.0;
/// How fast what is usual follows.
const SURPRISE_GAIN: f64 = 0.05;
/// Nobody is this far from anything: ten seconds, in microseconds.
const FARTHEST: f32 = 1e7;

/// Where a member is, as it tells others: in microseconds of round trip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coordinate {
    /// The position.
    pub vector: [f32; DIMENSIONS],
    /// The height above it: the access link, which every path of the member takes.
    pub height: f32,
    /// A correction to its distances; may be negative.
    pub adjustment: f32,
    /// The estimate of the relative error of its distances: above 0, at most 1.5.
    pub error: f32,
}

impl Coordinate {
    /// The estimated round-trip time in microseconds, at least 1. The same from either end.
    pub fn rtt_us(&self, other: &Self) -> u32 {
        let raw = distance(&widened(&self.vector), other) + f64::from(self.height) + f64::from(other.height);
        adjusted(raw, f64::from(self.adjustment) + f64::from(other.adjustment)).round().max(1.0) as u32
    }

    /// Whether a member that is honest and in its senses can say this: all numbers are finite, none is beyond ten
    /// seconds, and the error is one.
    pub fn is_plausible(&self) -> bool {
        let within = |number: f32| number.abs() <= FARTHEST;
        self.vector.iter().all(|&number| within(number))
            && (0.0..=FARTHEST).contains(&self.height)
            && within(self.adjustment)
            && self.error > 0.0
            && self.error <= ERROR_MAX as f32
    }
}

/// One member's place in the space, and how it moves.
///
/// EventKind others say about themselves is checked ([`Coordinate::is_plausible`]), and a sample that is many times as far off
/// as usual is passed over. Should such samples persist, they become usual within some tens of them: the network has
/// changed.
#[derive(Clone, Debug)]
pub struct Vivaldi {
    vector: [f64; DIMENSIONS],
    height: f64,
    error: f64,
    /// By how much round trips usually surprise, in microseconds; 0 before there was any.
    usual: f64,
    /// By how much the latest round trips were longer than the space says, a ring.
    excesses: [f64; WINDOW],
    next: usize,
    /// How many of the dimensions it leaves the origin in.
    dimensions: usize,
}

impl Default for Vivaldi {
    /// At the origin, with the greatest error.
    fn default() -> Self {
        Self {
            vector: [0.0; DIMENSIONS],
            height: HEIGHT_MIN,
            error: ERROR_MAX,
            usual: 0.0,
            excesses: [0.0; WINDOW],
            next: 0,
            dimensions: DIMENSIONS,
        }
    }
}

impl Vivaldi {
    /// At the origin, in a space of so few dimensions; the others stay 0 as long as all members are in that space.
    ///
    /// # Panics
    /// If there are none or more than [`DIMENSIONS`].
    pub fn of_dimensions(dimensions: usize) -> Self {
        assert!((1..=DIMENSIONS).contains(&dimensions), "{dimensions} dimensions are not from 1 to {DIMENSIONS}");
        Self { dimensions, ..Self::default() }
    }

    /// Where the member is now.
    pub fn coordinate(&self) -> Coordinate {
        Coordinate {
            vector: self.vector.map(|number| number as f32),
            height: self.height as f32,
            adjustment: self.adjustment() as f32,
            error: self.error as f32,
        }
    }

    /// Takes a sample: a round trip of so many microseconds to a peer that is there. Draws from `rng` only if both are
    /// at one point, to leave it in any direction.
    ///
    /// Says whether the sample was taken; one that cannot be true, or hardly, moves the member nowhere.
    pub fn update(&mut self, peer: &Coordinate, rtt_us: u32, rng: &mut Rng) -> bool {
        if !peer.is_plausible() || rtt_us > FARTHEST as u32 {
            return false;
        }
        let rtt = f64::from(rtt_us.max(1));
        let raw = self.raw_to(peer);
        let estimate = adjusted(raw, self.adjustment() + f64::from(peer.adjustment));
        if self.usual == 0.0 {
            self.usual = rtt;
        }
        let (surprise, most) = (rtt - estimate, SURPRISE_MAX * self.usual);
        self.usual += SURPRISE_GAIN * (surprise.abs().min(most) - self.usual);
        if surprise.abs() > most {
            return false;
        }
        let weight = self.error / (self.error + f64::from(peer.error));
        let wrongness = (surprise.abs() / rtt).min(ERROR_MAX);
        self.error = wrongness * ERROR_GAIN * weight + self.error * (1.0 - ERROR_GAIN * weight);
        self.push(MOVE_GAIN * weight * surprise, &widened(&peer.vector), f64::from(peer.height), rng);
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

    /// Moves away from a point by so many microseconds, or towards it if they are negative. The heights share the way.
    fn push(&mut self, force: f64, from: &[f64; DIMENSIONS], height: f64, rng: &mut Rng) {
        let mut away = self.vector;
        away.iter_mut().zip(from).for_each(|(number, other)| *number -= other);
        let mut size = length(&away);
        if size > ONE_POINT {
            self.height = (self.height + (self.height + height) * force / size).max(HEIGHT_MIN);
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

    /// Half of the mean excess: the other half is the peer's.
    fn adjustment(&self) -> f64 {
        self.excesses.iter().sum::<f64>() / (2 * WINDOW) as f64
    }
}

/// The round trips to one peer, without outliers: the median of the latest three, as Serf filters them. Of two the
/// shorter: delays only add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    latest: [u32; 3],
    taken: u8,
}

impl Filter {
    /// Takes a round trip in microseconds; what is left of it.
    pub fn take(&mut self, rtt_us: u32) -> u32 {
        self.latest = [rtt_us, self.latest[0], self.latest[1]];
        self.taken = (self.taken + 1).min(3);
        let mut sorted = self.latest;
        let taken = &mut sorted[..usize::from(self.taken)];
        taken.sort_unstable();
        taken[(taken.len() - 1) / 2]
    }

    /// Whether it has taken anything.
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
