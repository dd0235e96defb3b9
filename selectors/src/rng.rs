//! Random streams: one generator with a stable output, and one independent stream per (seed, purpose, member).

use rand_pcg::Pcg64Mcg;

/// The generator used everywhere. Its stream is pinned by a golden test below.
pub type Rng = Pcg64Mcg;

/// EventKind a stream of random numbers is for.
///
/// Purposes are kept apart so that one strategy's draws do not shift another's luck: two selectors compared under the
/// same seed meet the same placement, phases, faults and network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Where members stand.
    Placement = 1,
    /// When a member's first period begins.
    Phases = 2,
    /// Which members a fault strikes, and when.
    Faults = 3,
    /// Delay and loss of the packets that a member sends.
    Network = 4,
    /// A selector's own choices.
    Selector = 5,
    /// The choices of the protocol besides the selector's.
    Protocol = 6,
    /// Resampling in the statistics.
    Statistics = 7,
    /// How far members' clocks are off.
    Clocks = 8,
}

/// The stream of `member` for `purpose` in the trial with this seed.
///
/// ```
/// use swimlab_selectors::rng::{stream, Purpose};
/// assert_eq!(stream(1, Purpose::Network, 7), stream(1, Purpose::Network, 7));
/// assert_ne!(stream(1, Purpose::Network, 7), stream(1, Purpose::Selector, 7));
/// ```
pub fn stream(seed: u64, purpose: Purpose, member: u64) -> Rng {
    let key = mix(mix(seed) ^ (purpose as u64)).wrapping_add(member);
    let high = mix(key);
    let low = mix(high ^ 0x9e37_79b9_7f4a_7c15);
    Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low))
}

/// A bijective 64-bit mixer: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), after its odd-constant step.
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A uniform number below `n`; `n` must not be 0. Always drawn as `u32`, so that 32-bit targets agree with 64-bit ones.
pub fn below(rng: &mut Rng, n: u32) -> u32 {
    use rand::RngExt;
    rng.random_range(0..n)
}

/// 64 uniform bits, for keys.
pub fn bits(rng: &mut Rng) -> u64 {
    use rand::RngExt;
    rng.random::<u64>()
}

/// A uniform number in `[0, 1)`.
pub fn unit(rng: &mut Rng) -> f64 {
    use rand::RngExt;
    rng.random::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut rng = stream(1, Purpose::Selector, 0);
        assert_eq!(
            [bits(&mut rng), bits(&mut rng), bits(&mut rng)],
            [8715958649741252909, 6904500194743498064, 1211187839865184792]
        );
        assert_eq!([below(&mut rng, 1000), below(&mut rng, 1000), below(&mut rng, 7)], [768, 942, 6]);
        assert_eq!([unit(&mut rng), unit(&mut rng)], [0.5394832879626761, 0.26759317801261095]);
        assert_eq!([mix(0), mix(1)], [16294208416658607535, 10451216379200822465]);
    }
}
