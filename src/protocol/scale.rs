//! Growth with the group: the logarithms by which the SWIM family scales timeouts and repetitions.

/// A factor that grows with the number of members, this one included. At least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scale {
    /// log10(n + 1): memberlist's retransmissions.
    Log10,
    /// log10(n): memberlist's and Lifeguard's suspicion.
    Memberlist,
    /// ceil(ln(n + 1)): the SWIM 2002 paper, section 5.
    Ln,
    /// floor(log2ceil(n + 1) / 3): go-swim's suspicion.
    GoSwim,
}

impl Scale {
    /// Names in experiment files.
    pub const NAMES: &'static [&'static str] = &["log10", "memberlist", "ln", "go-swim"];

    /// The scale of this name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Log10, Self::Memberlist, Self::Ln, Self::GoSwim];
        Self::NAMES.iter().position(|other| *other == name).map(|at| all[at])
    }

    /// The factor in a group of `n`.
    pub fn factor(self, n: u32) -> f64 {
        let factor = match self {
            Self::Log10 => libm::log10(f64::from(n) + 1.0),
            Self::Memberlist => libm::log10(f64::from(n.max(1))),
            Self::Ln => libm::ceil(libm::log(f64::from(n) + 1.0)),
            Self::GoSwim => f64::from((u64::from(n) + 1).next_power_of_two().ilog2() / 3),
        };
        factor.max(1.0)
    }

    /// The factor, rounded up: a number of repetitions.
    pub fn whole(self, n: u32) -> u32 {
        match self {
            // ceil(log10(n+1)) is the number of n's decimal digits.
            Self::Log10 => n.checked_ilog10().unwrap_or(0) + 1,
            _ => libm::ceil(self.factor(n)) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_are_the_documented_ones() {
        for n in [1, 2, 9, 10, 11, 99, 100, 101, 999, 1000, 123_456, 1_000_000] {
            assert_eq!(Scale::Log10.whole(n), f64::from(n + 1).log10().ceil() as u32, "n = {n}");
        }
        assert_eq!((Scale::Memberlist.factor(5), Scale::Memberlist.factor(100)), (1.0, 2.0));
        // 3 ceil(ln(N+1)) periods at the paper's largest size.
        assert_eq!(3.0 * Scale::Ln.factor(56), 15.0);
        // go-swim's suspicion with its multiplier 5: 5 s up to 31 members, 10 s up to 255, 15 s from 256 on.
        for (n, seconds) in [(4, 5.0), (31, 5.0), (32, 10.0), (255, 10.0), (256, 15.0)] {
            assert_eq!(5.0 * Scale::GoSwim.factor(n), seconds, "n = {n}");
        }
    }

    #[test]
    fn every_scale_has_a_name_of_its_own() {
        let all: Vec<Scale> = Scale::NAMES.iter().map(|name| Scale::named(name).unwrap()).collect();
        assert!(all.iter().enumerate().all(|(at, scale)| !all[..at].contains(scale)));
        assert_eq!(Scale::named("log2"), None);
    }
}
