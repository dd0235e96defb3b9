//! How a ping is carried out: what happens about the targets that stay silent. The prober never chooses a peer.

use std::sync::Arc;

use swimlab_selectors::{Registry, Slot};

/// EventKind to do when direct pings stay unanswered.
pub trait Prober: Send + Sync {
    /// Asks for indirect pings: `choose` yields up to `indirect` helpers each time it is called, and each request adds a
    /// helper with the targets it should ping.
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>);

    /// Whether helpers are to say that they got no answer, and the prober judges its own health by that.
    fn judges_health(&self) -> bool {
        false
    }
}

/// A helper and the targets that it is asked to ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndirectRequest {
    /// Who is asked.
    pub helper: Slot,
    /// Whom to ping.
    pub targets: Vec<Slot>,
}

/// The strategies by name.
pub fn probers() -> Registry<Arc<dyn Prober>> {
    let mut registry: Registry<Arc<dyn Prober>> = Registry::new("prober");
    registry.register(
        "classic",
        "For each silent target, k helpers of its own are asked to ping it (SWIM).",
        vec![],
        |_, ()| Ok(Arc::new(Classic)),
    );
    registry.register(
        "batched",
        "All silent targets go into one request to each of k helpers (go-swim).",
        vec![],
        |_, ()| Ok(Arc::new(Batched)),
    );
    registry.register(
        "nack",
        "Classic, and helpers say when they got no answer; who misses that slows down, for it may be the slow one (Lifeguard).",
        vec![],
        |_, ()| Ok(Arc::new(Nack)),
    );
    registry
}

struct Classic;

impl Prober for Classic {
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>) {
        for &target in silent {
            requests.extend(choose().into_iter().map(|helper| IndirectRequest { helper, targets: vec![target] }));
        }
    }
}

struct Batched;

impl Prober for Batched {
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>) {
        requests.extend(choose().into_iter().map(|helper| IndirectRequest { helper, targets: silent.to_vec() }));
    }
}

/// Lifeguard, section IV-A.
struct Nack;

impl Prober for Nack {
    fn escalate(&self, silent: &[Slot], choose: &mut dyn FnMut() -> Vec<Slot>, requests: &mut Vec<IndirectRequest>) {
        Classic.escalate(silent, choose, requests);
    }

    fn judges_health(&self) -> bool {
        true
    }
}
