//! Growth with the size of a group as a power law.

use crate::reproduce::claim::student_975;

/// The law y = a n^b.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PowerLaw {
    /// b.
    pub exponent: f64,
    /// Half of the 95 % interval of b, by Student's t over the residuals; `None` with two sizes.
    pub half: Option<f64>,
    /// The smallest and the largest size that it was fitted to.
    pub sizes: [u32; 2],
    /// The logarithm of a.
    factor_ln: f64,
}

impl PowerLaw {
    /// Fits values by size, by least squares of their logarithms. `None` with fewer than two sizes, or if a value is not
    /// above zero.
    pub(super) fn fit(points: &[(u32, f64)]) -> Option<Self> {
        if points.iter().any(|&(n, value)| n == 0 || !value.is_normal() || value < 0.0) {
            return None;
        }
        let logs: Vec<(f64, f64)> = points.iter().map(|&(n, value)| (libm::log(n.into()), libm::log(value))).collect();
        let count = logs.len() as f64;
        let mean = |side: fn(&(f64, f64)) -> f64| logs.iter().map(side).sum::<f64>() / count;
        let (x_mean, y_mean) = (mean(|log| log.0), mean(|log| log.1));
        let squares: f64 = logs.iter().map(|(x, _)| (x - x_mean) * (x - x_mean)).sum();
        let products: f64 = logs.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
        let sizes = points.iter().map(|point| point.0);
        let sizes = [sizes.clone().min()?, sizes.max()?];
        if sizes[0] == sizes[1] {
            return None;
        }
        let exponent = products / squares;
        let factor_ln = y_mean - exponent * x_mean;
        let residuals: f64 =
            logs.iter().map(|(x, y)| y - factor_ln - exponent * x).map(|residual| residual * residual).sum();
        let freedom = count - 2.0;
        let half = (freedom > 0.0).then(|| student_975(freedom) * libm::sqrt(residuals / freedom / squares));
        Some(Self { exponent, half, sizes, factor_ln })
    }

    /// The value at a size.
    pub(super) fn at(&self, n: f64) -> f64 {
        libm::exp(self.factor_ln + self.exponent * libm::log(n))
    }

    /// The bounds of the 95 % interval of the exponent.
    pub(super) fn interval(&self) -> [Option<f64>; 2] {
        [self.half.map(|half| self.exponent - half), self.half.map(|half| self.exponent + half)]
    }

    /// The largest group whose value is at most `most`.
    pub(super) fn limit(&self, most: f64) -> SizeLimit {
        let (smallest, largest) = (f64::from(self.sizes[0]), f64::from(self.sizes[1]));
        let far = EXTRAPOLATION * largest;
        if self.at(smallest) > most {
            return SizeLimit::Below(self.sizes[0]);
        }
        // A law that hardly grows has its limit where nothing was measured.
        if self.at(far) <= most {
            return SizeLimit::Above(far as u32);
        }
        let n = libm::exp((libm::log(most) - self.factor_ln) / self.exponent);
        if n <= largest { SizeLimit::Measured(n as u32) } else { SizeLimit::Extrapolated(n as u32) }
    }
}

/// The multiple of the largest measured size up to which a law is extrapolated.
const EXTRAPOLATION: f64 = 10.0;

/// The largest group that meets a stated load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeLimit {
    /// Smaller than the smallest size of the fit.
    Below(u32),
    /// Among the sizes of the fit.
    Measured(u32),
    /// Larger than the largest size of the fit.
    Extrapolated(u32),
    /// Larger than this size, beyond which the law is not extrapolated.
    Above(u32),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZES: [u32; 5] = [25, 35, 50, 100, 200];

    fn law(value: impl Fn(f64) -> f64) -> PowerLaw {
        PowerLaw::fit(&SIZES.map(|n| (n, value(n.into())))).unwrap()
    }

    proptest! {
        #[test]
        fn a_power_law_is_found_again(factor in 1e-3..1e6_f64, exponent in -3.0..3.0_f64) {
            let law = law(|n| factor * n.powf(exponent));
            prop_assert!((law.exponent - exponent).abs() < 1e-9);
            prop_assert!(law.half.unwrap() < 1e-6);
            prop_assert!((law.at(70.0) / (factor * 70_f64.powf(exponent)) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn groups_up_to_the_limit_meet_the_load(exponent in 0.2..3.0_f64, most in 1.0..1e5_f64) {
            let law = law(|n| n.powf(exponent));
            match law.limit(most) {
                SizeLimit::Below(n) => prop_assert!(law.at(n.into()) > most),
                SizeLimit::Above(n) => prop_assert!(law.at(n.into()) <= most * (1.0 + 1e-9)),
                SizeLimit::Measured(n) | SizeLimit::Extrapolated(n) => {
                    prop_assert!(law.at(n.into()) <= most * (1.0 + 1e-9));
                    prop_assert!(law.at(f64::from(n) + 1.0) > most * (1.0 - 1e-9));
                }
            }
        }
    }

    #[test]
    fn each_to_each_other_is_about_the_square() {
        let law = law(|n| n * (n - 1.0));
        assert!((law.exponent - 2.0).abs() < 0.03, "{law:?}");
        // The closed form: 31 bytes to and from each other member.
        let load = PowerLaw::fit(&SIZES.map(|n| (n, 62.0 * f64::from(n - 1)))).unwrap();
        assert!(matches!(load.limit(4_000.0), SizeLimit::Measured(64..=66)), "{:?}", load.limit(4_000.0));
    }

    #[test]
    fn a_constant_has_no_limit_and_too_little_has_no_law() {
        let constant = law(|_| 80.0);
        assert_eq!((constant.limit(4_000.0), constant.limit(70.0)), (SizeLimit::Above(2_000), SizeLimit::Below(25)));
        for points in [&[][..], &[(5, 1.0)], &[(5, 1.0), (5, 2.0)], &[(5, 0.0), (10, 1.0)], &[(5, f64::NAN), (10, 1.0)]]
        {
            assert_eq!(PowerLaw::fit(points), None, "{points:?}");
        }
        assert_eq!(PowerLaw::fit(&[(5, 1.0), (10, 2.0)]).unwrap().half, None);
    }
}
