//! Jitter: the random part of a packet's delay.

use swimlab_selectors::rng::{Rng, below, unit};

use super::units::whole_us;

/// A distribution of delays. Packets draw independently.
#[derive(Debug)]
pub(super) enum Jitter {
    None,
    /// Uniform up to `spread_us` below and above the base, both ends included.
    Uniform {
        spread_us: u32,
        min_us: u32,
    },
    /// Normal around the base.
    Normal {
        deviation_us: f64,
        min_us: u32,
    },
    /// A floor and an exponential tail for every pair of sites, row by row.
    Tails {
        sites: u32,
        pairs: Box<[Tail]>,
    },
    /// The base times a factor drawn from a quantile function.
    Factor(Quantiles),
}

/// A delay of at least `floor_us`, above it exponential with mean `mean_us`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tail {
    floor_us: u32,
    mean_us: f32,
}

/// A quantile function, linear between its knots.
#[derive(Clone, Debug)]
pub(super) struct Quantiles {
    /// (probability, value), both ascending, from probability 0 to 1.
    knots: Box<[(f64, f64)]>,
}

impl Jitter {
    /// Draws a packet's one-way delay in microseconds, at least 1; `base` is the delay without jitter.
    #[inline]
    pub(super) fn apply(&self, base: u32, from: u32, to: u32, rng: &mut Rng) -> u32 {
        match self {
            Self::None => base,
            Self::Uniform { spread_us, min_us } => {
                (base + below(rng, 2 * spread_us + 1)).saturating_sub(*spread_us).max(*min_us)
            }
            Self::Normal { deviation_us, min_us } => {
                whole_us(f64::from(base) + deviation_us * normal(rng)).max(*min_us)
            }
            Self::Tails { sites, pairs } => {
                let tail = pairs[from as usize * *sites as usize + to as usize];
                if tail.mean_us == 0.0 { base } else { tail.sample_us(rng) }
            }
            Self::Factor(quantiles) => whole_us(f64::from(base) * quantiles.at(unit(rng))),
        }
    }

    /// The least delay that [`Jitter::apply`] can draw, in microseconds.
    pub(super) fn least_us(&self, base: u32, from: u32, to: u32) -> u32 {
        match self {
            Self::None => base,
            Self::Uniform { spread_us, min_us } => base.saturating_sub(*spread_us).max(*min_us),
            Self::Normal { min_us, .. } => (*min_us).max(1),
            Self::Tails { sites, pairs } => {
                let tail = pairs[from as usize * *sites as usize + to as usize];
                if tail.mean_us == 0.0 { base } else { tail.floor_us.max(1) }
            }
            Self::Factor(quantiles) => whole_us(f64::from(base) * quantiles.at(0.0)),
        }
    }

    /// The same for any two sites whose delay without jitter is at least `base`, or less than that.
    pub(super) fn least_anywhere_us(&self, base: u32) -> u32 {
        match self {
            Self::Tails { pairs, .. } => {
                let floors = pairs.iter().filter(|tail| tail.mean_us != 0.0).map(|tail| tail.floor_us.max(1));
                floors.min().map_or(base, |floor| floor.min(base))
            }
            _ => self.least_us(base, 0, 0),
        }
    }

    /// Time by which one packet in a thousand arrives later than without jitter, in microseconds, where the delay
    /// without it is at most `longest`.
    pub(super) fn lateness_us(&self, longest: u32) -> f64 {
        // Quantiles of the standard normal and the standard exponential distribution at 0.999.
        const NORMAL: f64 = 3.09;
        const EXPONENTIAL: f64 = 6.91;
        match self {
            Self::None => 0.0,
            Self::Uniform { spread_us, .. } => f64::from(*spread_us),
            Self::Normal { deviation_us, .. } => NORMAL * deviation_us,
            Self::Tails { pairs, .. } => {
                pairs.iter().map(|tail| EXPONENTIAL * f64::from(tail.mean_us)).fold(0.0, f64::max)
            }
            Self::Factor(quantiles) => f64::from(longest) * (quantiles.at(0.999) - 1.0),
        }
    }
}

impl Tail {
    /// No jitter.
    pub(super) const NONE: Self = Self { floor_us: 0, mean_us: 0.0 };

    /// At least `floor_us`, above it exponential with this mean.
    pub(super) const fn above(floor_us: u32, mean_us: f32) -> Self {
        Self { floor_us, mean_us }
    }

    /// The tail under which a round trip, two packets each with a draw of its own, has this median and this 90th
    /// percentile (microseconds).
    ///
    /// The sum of two exponentials of mean 1 is Gamma distributed with shape 2. The constants are its quantiles at one
    /// half and 0.9: the solutions of `1 - (1 + x) e^-x = q`.
    pub(super) fn through(median_us: f64, p90_us: f64) -> Self {
        const AT_HALF: f64 = 1.678_346_990_016_661;
        const AT_90: f64 = 3.889_720_169_867_429;
        let mean = (p90_us - median_us) / (AT_90 - AT_HALF);
        if mean <= 0.0 {
            return Self::NONE;
        }
        Self { floor_us: whole_us((median_us - AT_HALF * mean) / 2.0), mean_us: mean as f32 }
    }

    fn sample_us(self, rng: &mut Rng) -> u32 {
        // 1 - unit lies in (0, 1]: the logarithm is finite.
        whole_us(f64::from(self.floor_us) - f64::from(self.mean_us) * libm::log(1.0 - unit(rng)))
    }
}

impl Quantiles {
    /// From knots `(probability, value)`, both ascending, from probability 0 to 1.
    pub(super) fn new(knots: &[(f64, f64)]) -> Self {
        debug_assert!(knots.is_sorted() && knots.is_sorted_by_key(|knot| knot.1));
        debug_assert!(
            knots.first().is_some_and(|knot| knot.0 == 0.0) && knots.last().is_some_and(|knot| knot.0 == 1.0)
        );
        Self { knots: knots.into() }
    }

    /// The quantile at `probability`, from 0 up to but excluding 1.
    pub(super) fn at(&self, probability: f64) -> f64 {
        let above = self.knots.partition_point(|knot| knot.0 <= probability).min(self.knots.len() - 1);
        let ((p0, v0), (p1, v1)) = (self.knots[above - 1], self.knots[above]);
        v0 + (v1 - v0) * (probability - p0) / (p1 - p0)
    }
}

/// Draws from the standard normal distribution (Marsaglia's polar method: one logarithm, no sine).
fn normal(rng: &mut Rng) -> f64 {
    loop {
        let (x, y) = (2.0 * unit(rng) - 1.0, 2.0 * unit(rng) - 1.0);
        let square = x * x + y * y;
        if square > 0.0 && square < 1.0 {
            return x * (-2.0 * libm::log(square) / square).sqrt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::{Purpose, stream};

    fn draws(count: usize, mut draw: impl FnMut(&mut Rng) -> f64) -> Vec<f64> {
        let mut rng = stream(1, Purpose::Network, 0);
        let mut draws: Vec<f64> = (0..count).map(|_| draw(&mut rng)).collect();
        draws.sort_by(f64::total_cmp);
        draws
    }

    #[test]
    fn a_round_trip_through_a_tail_meets_the_median_and_the_90th_percentile_it_was_fitted_to() {
        for (median, p90) in [(69_600.0, 72_000.0), (18_490.0, 32_622.0), (10_000.0, 10_050.0)] {
            let tail = Tail::through(median, p90);
            let draws = draws(100_000, |rng| f64::from(tail.sample_us(rng) + tail.sample_us(rng)));
            // The standard error of a quantile of 100,000 draws is below 1.5 % of the tail's mean here.
            let tolerance = 0.02 * (p90 - median) + 1.0;
            assert!((draws[50_000] - median).abs() < tolerance, "{} for {median}", draws[50_000]);
            assert!((draws[90_000] - p90).abs() < 2.0 * tolerance, "{} for {p90}", draws[90_000]);
        }
    }

    #[test]
    fn a_90th_percentile_at_the_median_means_no_jitter() {
        assert_eq!(Tail::through(10_000.0, 10_000.0), Tail::NONE);
    }

    #[test]
    fn normal_draws_have_mean_0_and_deviation_1() {
        let draws = draws(100_000, normal);
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.01, "{mean}");
        assert!((variance - 1.0).abs() < 0.02, "{variance}");
        // Three quantiles of the standard normal distribution.
        for (at, value) in [(2_275, -2.0), (84_134, 1.0), (97_725, 2.0)] {
            assert!((draws[at] - value).abs() < 0.03, "{} for {value}", draws[at]);
        }
    }

    #[test]
    fn uniform_draws_reach_both_ends_and_never_pass_them() {
        let jitter = Jitter::Uniform { spread_us: 2, min_us: 1 };
        let draws = draws(1_000, |rng| f64::from(jitter.apply(10, 0, 0, rng)));
        assert_eq!((draws[0], draws[999]), (8.0, 12.0));
    }

    #[test]
    fn no_draw_falls_below_the_stated_minimum() {
        let jitter = Jitter::Normal { deviation_us: 100.0, min_us: 7 };
        assert_eq!(draws(1_000, |rng| f64::from(jitter.apply(50, 0, 0, rng)))[0], 7.0);
    }

    #[test]
    fn a_quantile_function_is_linear_between_its_knots() {
        let quantiles = Quantiles::new(&[(0.0, 1.0), (0.5, 2.0), (1.0, 10.0)]);
        for (probability, value) in [(0.0, 1.0), (0.25, 1.5), (0.5, 2.0), (0.75, 6.0), (1.0, 10.0)] {
            assert_eq!(quantiles.at(probability), value);
        }
    }
}
