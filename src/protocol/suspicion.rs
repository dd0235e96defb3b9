//! Suspicion timeouts: the time between the first suspicion of a member and its declaration as dead.

use std::fmt;

use super::config_error::ConfigError;
use super::scale::Scale;
use super::time::Span;

/// Suspicion timeout strategy.
pub trait Suspicion: fmt::Debug + Send + Sync {
    /// The time from suspicion to declaration, in a group of `n` members (this one included) with the protocol
    /// `period`, after `confirmations` independent confirmations. [`Span::ZERO`] turns suspicion off: a failed probe is
    /// a declaration.
    fn timeout(&self, period: Span, n: u32, confirmations: u32) -> Span;

    /// The number of independent confirmations that shorten the timeout and are gossiped on; 0: none are counted.
    fn confirmations_wanted(&self, _n: u32) -> u32 {
        0
    }

    /// Checks the strategy's own parameters.
    ///
    /// # Errors
    /// Names the parameter that is out of range.
    fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// No suspicion: a target that does not answer is declared dead at once (SWIM 2002, section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoSuspicion;

/// SWIM's suspicion: `mult` x `scale`(n) periods to refute (SWIM 2002, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FixedSuspicion {
    /// Periods per unit of `scale`. 3 in the 2002 paper, 4 in memberlist on a LAN, 6 on a WAN; more means fewer false
    /// positives and later detection. Finite, at least 0.
    pub mult: f64,
    /// Growth with the group, so that a suspicion outlasts the dissemination of suspicion and refutation.
    pub scale: Scale,
}

/// Lifeguard's suspicion (section IV-B): starts at `max_mult` times the fixed timeout and shrinks to it with each of
/// the first `confirmations` independent confirmations: max - (max - min) log(C + 1) / log(K + 1), at least min.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConfirmedSuspicion {
    /// The shortest timeout. The paper's alpha is its `mult`.
    pub min: FixedSuspicion,
    /// beta: the longest timeout as a multiple of the shortest. 6 in the paper and in memberlist. Finite, at least 1.
    pub max_mult: f64,
    /// K: the number of confirmations that bring the timeout down to the shortest. 3 in the paper; `mult` - 2 in
    /// memberlist.
    pub confirmations: u32,
}

/// A suspicion of a set length, whatever the period and the size of the group: for operators with a detection deadline,
/// and for systems that configure a plain duration.
///
/// It should leave time for the suspicion to reach the suspect and for the refutation to come back: a few periods in a
/// group of ten, 10 or more periods in a group of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AbsoluteSuspicion {
    /// The time to refute, longer than zero.
    pub timeout: Span,
}

impl FixedSuspicion {
    /// `mult` periods per unit of `scale`.
    pub const fn new(mult: f64, scale: Scale) -> Self {
        Self { mult, scale }
    }
}

impl ConfirmedSuspicion {
    /// Timeouts from `min` to `max_mult` times as long, the shortest after this number of confirmations.
    pub const fn new(min: FixedSuspicion, max_mult: f64, confirmations: u32) -> Self {
        Self { min, max_mult, confirmations }
    }
}

impl AbsoluteSuspicion {
    /// A timeout that depends neither on the period nor on the group.
    pub const fn new(timeout: Span) -> Self {
        Self { timeout }
    }
}

impl Suspicion for NoSuspicion {
    fn timeout(&self, _: Span, _: u32, _: u32) -> Span {
        Span::ZERO
    }
}

impl Suspicion for FixedSuspicion {
    fn timeout(&self, period: Span, n: u32, _: u32) -> Span {
        period.scale(self.mult * self.scale.factor(n))
    }

    fn validate(&self) -> Result<(), ConfigError> {
        let is_allowed = self.mult.is_finite() && self.mult >= 0.0;
        ConfigError::check(is_allowed, "suspicion_mult", self.mult, "a number of at least 0")
    }
}

impl Suspicion for ConfirmedSuspicion {
    fn timeout(&self, period: Span, n: u32, confirmations: u32) -> Span {
        let min = self.min.timeout(period, n, 0);
        let wanted = self.confirmations_wanted(n);
        if wanted == 0 {
            return min;
        }
        let max = min.scale(self.max_mult);
        let share = libm::log(f64::from(confirmations) + 1.0) / libm::log(f64::from(wanted) + 1.0);
        (max - (max - min).scale(share)).max(min)
    }

    fn confirmations_wanted(&self, n: u32) -> u32 {
        // With fewer than K members besides suspect and self, the confirmations could never come (as in memberlist).
        if n.saturating_sub(2) < self.confirmations { 0 } else { self.confirmations }
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.min.validate()?;
        let is_allowed = self.max_mult.is_finite() && self.max_mult >= 1.0;
        ConfigError::check(is_allowed, "suspicion_max_mult", self.max_mult, "a number of at least 1")
    }
}

impl Suspicion for AbsoluteSuspicion {
    fn timeout(&self, _: Span, _: u32, _: u32) -> Span {
        self.timeout
    }

    fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::check(self.timeout > Span::ZERO, "suspicion", self.timeout, "longer than 0s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_suspicion_depends_on_nothing() {
        let suspicion = AbsoluteSuspicion { timeout: Span::from_secs(5) };
        for (period_ms, n, confirmations) in [(200, 2, 0), (1000, 100, 3), (60_000, 1_000_000, 64)] {
            assert_eq!(suspicion.timeout(Span::from_millis(period_ms), n, confirmations), Span::from_secs(5));
            assert_eq!(suspicion.confirmations_wanted(n), 0);
        }
    }
}
