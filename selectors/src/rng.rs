//! Random streams with a pinned output: one independent stream per (seed, purpose, member).
//!
//! [`Rng`] is PCG XSL-RR 128/64 (MCG) by O'Neill ("PCG: A Family of Simple Fast Space-Efficient Statistically Good
//! Algorithms for Random Number Generation", 2014). It implements `rand`'s generator traits, so that `rand`'s
//! distributions can draw from it; for the common draws this module has functions whose results are the same on every
//! platform.
//!
//! ```
//! use swimlab_selectors::rng::{Purpose, below, stream};
//!
//! let mut rng = stream(1, Purpose::Selector, 7);
//! assert!(below(&mut rng, 6) < 6);
//! ```

use std::convert::Infallible;

use rand::{RngExt, TryRng};
use rand_pcg::Pcg64Mcg;

/// The generator of every random stream. A golden test pins its output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(Pcg64Mcg);

impl TryRng for Rng {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0.try_next_u32()
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0.try_next_u64()
    }

    #[inline]
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.try_fill_bytes(bytes)
    }
}

/// The use that a random stream is put to.
///
/// Purposes have separate streams, so that the draws of one do not shift those of another: two selectors compared under
/// the same seed meet the same placement, phases, faults and network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Purpose {
    /// Locations of members.
    Placement,
    /// Start of each member's first protocol period.
    Phases,
    /// Choice of the members that a fault affects, and of its times.
    Faults,
    /// Delay and loss of the packets that a member sends.
    Network,
    /// Picks of a selector.
    Selector,
    /// Choices of the protocol other than the selector's.
    Protocol,
    /// Resampling in the statistics.
    Statistics,
    /// Offset and drift of members' clocks.
    Clocks,
    /// Requests of clients that look services up.
    Clients,
    /// Exchange of states beside membership, and changes of states.
    State,
    /// Delay and loss of one packet.
    Packet,
    /// Choices of a user's own part, a detector for instance, by a number that tells its streams apart.
    Other(u32),
}

impl Purpose {
    /// The number that streams are keyed by. It never changes.
    const fn key(self) -> u64 {
        match self {
            Self::Placement => 1,
            Self::Phases => 2,
            Self::Faults => 3,
            Self::Network => 4,
            Self::Selector => 5,
            Self::Protocol => 6,
            Self::Statistics => 7,
            Self::Clocks => 8,
            Self::Clients => 9,
            Self::State => 10,
            Self::Packet => 11,
            // Above all that are named.
            Self::Other(number) => 1 << 32 | number as u64,
        }
    }
}

/// Returns the stream of `member` for `purpose` in the trial with this seed.
///
/// ```
/// use swimlab_selectors::rng::{Purpose, stream};
/// assert_eq!(stream(1, Purpose::Network, 7), stream(1, Purpose::Network, 7));
/// assert_ne!(stream(1, Purpose::Network, 7), stream(1, Purpose::Selector, 7));
/// ```
pub fn stream(seed: u64, purpose: Purpose, member: u64) -> Rng {
    let key = mix(mix(seed) ^ purpose.key()).wrapping_add(member);
    let high = mix(key);
    let low = mix(high ^ 0x9e37_79b9_7f4a_7c15);
    Rng(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
}

/// Mixes 64 bits bijectively: the increment and finalizer of SplitMix64 (Steele, Lea, Flood, "Fast Splittable
/// Pseudorandom Number Generators", OOPSLA 2014).
#[inline]
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The number that [`mix`] turns into `x`.
pub fn unmix(x: u64) -> u64 {
    // The inverses of the odd factors modulo 2^64.
    let mut z = (x ^ (x >> 31) ^ (x >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    z = (z ^ (z >> 27) ^ (z >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    z = z ^ (z >> 30) ^ (z >> 60);
    z.wrapping_sub(0x9e37_79b9_7f4a_7c15)
}

/// Draws a uniform number below `n`, as `u32` so that 32-bit and 64-bit platforms draw alike.
///
/// # Panics
/// If `n` is 0.
pub fn below(rng: &mut Rng, n: u32) -> u32 {
    rng.random_range(0..n)
}

/// Draws 64 uniform bits, for use as a key.
pub fn bits(rng: &mut Rng) -> u64 {
    rng.random::<u64>()
}

/// Draws a uniform number in `[0, 1)`.
pub fn unit(rng: &mut Rng) -> f64 {
    rng.random::<f64>()
}

/// Shuffles a slice uniformly (Fisher and Yates), with one draw of [`below`] per item but the first.
///
/// `rand`'s own shuffle draws in batches, whose order of draws differs between its versions.
pub fn shuffle<T>(items: &mut [T], rng: &mut Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u32 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_pinned() {
        let mut rng = stream(1, Purpose::Selector, 0);
        assert_eq!(
            [bits(&mut rng), bits(&mut rng), bits(&mut rng)],
            [8715958649741252909, 6904500194743498064, 1211187839865184792]
        );
        assert_eq!([below(&mut rng, 1000), below(&mut rng, 1000), below(&mut rng, 7)], [768, 942, 6]);
        assert_eq!([unit(&mut rng), unit(&mut rng)], [0.5394832879626761, 0.26759317801261095]);
        assert_eq!([mix(0), mix(1)], [16294208416658607535, 10451216379200822465]);
    }

    #[test]
    fn mixing_is_undone() {
        for x in [0, 1, 0x9e37_79b9_7f4a_7c15, u64::MAX].into_iter().chain((0..64).map(|bit| 1 << bit)) {
            assert_eq!([unmix(mix(x)), mix(unmix(x))], [x, x], "{x:x}");
        }
    }

    #[test]
    fn shuffled_items_are_a_permutation_with_a_pinned_order() {
        let mut items: Vec<u32> = (0..8).collect();
        shuffle(&mut items, &mut stream(1, Purpose::Selector, 0));
        assert_eq!(items, [0, 1, 5, 4, 6, 2, 7, 3]);
    }
}
