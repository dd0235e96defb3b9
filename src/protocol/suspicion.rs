//! How long is doubt: the time between the first suspicion and the declaration of death.

use std::sync::Arc;

use swimlab_selectors::Registry;

use super::config::Config;
use super::time::Span;

/// How long a suspect has to refute.
pub trait Suspicion: Send + Sync {
    /// The time from suspicion to declaration in a group of `n` (oneself included), after so many independent
    /// confirmations. Zero: there is no suspicion, who does not answer is dead.
    fn timeout(&self, config: &Config, n: u32, confirmations: u32) -> Span;

    /// How many independent confirmations shorten the timeout, and are gossiped on; 0: none are counted.
    fn confirmations_wanted(&self, _settings: &Config, _n: u32) -> u32 {
        0
    }
}

/// The strategies by name.
pub fn suspicions() -> Registry<Arc<dyn Suspicion>> {
    let mut registry: Registry<Arc<dyn Suspicion>> = Registry::new("suspicion");
    registry.register("none", "Who does not answer is dead at once (basic SWIM).", vec![], |_, ()| {
        Ok(Arc::new(NoSuspicion))
    });
    registry.register(
        "fixed",
        "A suspect has suspicion_mult x suspicion_scale periods to refute (SWIM).",
        vec![],
        |_, ()| Ok(Arc::new(Fixed)),
    );
    registry.register(
        "confirmed",
        "Starts at suspicion_max_mult times the fixed timeout and shrinks to it with each independent confirmation (Lifeguard).",
        vec![],
        |_, ()| Ok(Arc::new(Confirmed)),
    );
    registry
}

struct NoSuspicion;

impl Suspicion for NoSuspicion {
    fn timeout(&self, _: &Config, _: u32, _: u32) -> Span {
        Span::ZERO
    }
}

struct Fixed;

impl Suspicion for Fixed {
    fn timeout(&self, config: &Config, n: u32, _: u32) -> Span {
        config.period.scale(config.suspicion_mult * config.suspicion_scale.factor(n))
    }
}

/// Lifeguard, section IV-B: Max - (Max - Min) log(C+1)/log(K+1), at least Min.
struct Confirmed;

impl Suspicion for Confirmed {
    fn timeout(&self, config: &Config, n: u32, confirmations: u32) -> Span {
        let min = Fixed.timeout(config, n, 0);
        let wanted = self.confirmations_wanted(config, n);
        if wanted == 0 {
            return min;
        }
        let max = min.scale(config.suspicion_max_mult);
        let share = libm::log(f64::from(confirmations) + 1.0) / libm::log(f64::from(wanted) + 1.0);
        (max - (max - min).scale(share)).max(min)
    }

    fn confirmations_wanted(&self, config: &Config, n: u32) -> u32 {
        // With fewer than K others besides suspect and self, the confirmations could never come (as memberlist has it).
        if n.saturating_sub(2) < config.confirmations { 0 } else { config.confirmations }
    }
}
