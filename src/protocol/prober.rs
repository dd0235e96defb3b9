//! Indirect probing: what happens about targets whose direct ping got no ack in time. The prober never chooses a peer.

use std::fmt;

use swimlab_selectors::Slot;

use super::config_error::ConfigError;
use super::health::LocalHealth;

/// Strategy for targets that did not answer their direct ping before the probe timeout.
pub trait Prober: fmt::Debug + Send + Sync {
    /// Adds requests for indirect pings of the `silent` targets. Each call of `choose` yields up to
    /// [`Config::indirect`](super::Config::indirect) helpers.
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>);

    /// Parameters of the local health multiplier; `None` if the prober does not judge its own health. With it, helpers
    /// are asked to send nacks. Read once per [`MemberConfig`](super::MemberConfig).
    fn local_health(&self) -> Option<LocalHealth> {
        None
    }

    /// Checks the prober's own parameters.
    ///
    /// # Errors
    /// Names the parameter that is out of range.
    fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// A helper and the targets that it is asked to ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndirectRequest {
    /// The member that is asked.
    pub helper: Slot,
    /// The members to ping.
    pub targets: Vec<Slot>,
}

/// SWIM's prober: for each silent target, k helpers of its own are asked to ping it (SWIM 2002, section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassicProber;

/// go-swim's prober: all silent targets go into one request to each of k helpers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchedProber;

/// Lifeguard's prober (section IV-A): classic, and helpers send a nack when they get no ack themselves. A prober that
/// misses acks and nacks is probably the slow one, and slows down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NackProber {
    /// Parameters of the local health multiplier.
    pub health: LocalHealth,
}

impl NackProber {
    /// With these parameters of the local health multiplier.
    pub const fn new(health: LocalHealth) -> Self {
        Self { health }
    }
}

impl Default for NackProber {
    /// The paper's parameters.
    fn default() -> Self {
        Self { health: LocalHealth::PAPER }
    }
}

impl Prober for ClassicProber {
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>) {
        for &target in silent {
            requests.extend(choose().into_iter().map(|helper| IndirectRequest { helper, targets: vec![target] }));
        }
    }
}

impl Prober for BatchedProber {
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>) {
        requests.extend(choose().into_iter().map(|helper| IndirectRequest { helper, targets: silent.to_vec() }));
    }
}

impl Prober for NackProber {
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>) {
        ClassicProber.escalate(silent, choose, requests);
    }

    fn local_health(&self) -> Option<LocalHealth> {
        Some(self.health)
    }

    fn validate(&self) -> Result<(), ConfigError> {
        self.health.validate()
    }
}
