//! Detectors to weigh SWIM against: those that listen for heartbeats, and with the feature `foca` the crate of this name,
//! a SWIM of other hands.
//!
//! Each that listens for heartbeats is a set of [`Rules`] in a file of its own and a line in [`rivals`]; [`HeartbeatDetector`] is the
//! machine that a world drives by them. docs/detectors.md tells what each does, and what the checkers hold it to.

mod all_to_all;
// Its tests are among those of all builds.
#[cfg(any(feature = "foca", test))]
mod foca;
mod gossip_heartbeat;
mod heartbeat;
mod majority;
mod message;
mod phi_accrual;

use std::sync::Arc;

use swimlab_selectors::{Param, Params, Registry};

use crate::protocol::Span;
use crate::sim::{Observer, Outcome, Setup, World};

pub use heartbeat::{HeartbeatDetector, HeartbeatFactory, Reach, Rules};
pub use message::{Heartbeat, HeartbeatMessage};

/// A detector that can be put into SWIM's place in any world.
pub trait Detector: Send + Sync {
    /// T: between two rounds of heartbeats.
    fn period(&self) -> Span;

    /// Runs one trial.
    fn run(&self, setup: &Setup, observer: &mut dyn Observer) -> Outcome;
}

impl<R: Rules> Detector for R {
    fn period(&self) -> Span {
        Rules::period(self)
    }

    fn run(&self, setup: &Setup, observer: &mut dyn Observer) -> Outcome {
        World::new(setup, HeartbeatFactory::new(setup, self.clone()), observer).run()
    }
}

/// The rivals by name, as an experiment file's `profile` names them.
pub fn detectors() -> Registry<Arc<dyn Detector>> {
    let mut registry = Registry::new("profile");
    all_to_all::register(&mut registry);
    gossip_heartbeat::register(&mut registry);
    phi_accrual::register(&mut registry);
    majority::register(&mut registry);
    #[cfg(feature = "foca")]
    foca::register(&mut registry);
    registry
}

/// The feature of this crate that a rival of this name needs, where the crate was built without it.
pub fn missing_feature(name: &str) -> Option<&'static str> {
    (name == "foca" && !cfg!(feature = "foca")).then_some("foca")
}

/// T, which all have.
fn period() -> Param {
    Param::span("period", 1e-3, 3600.0, "1s", "T: between two rounds of heartbeats")
}

/// Of those that gossip: how many members a round goes to.
fn fanout(default: u32) -> Param {
    Param::count("fanout", 1, 64, default, "who gets the table each period").unit("members")
}

/// The parameters of heartbeats that go to everybody.
#[derive(Clone)]
struct Heartbeats {
    period: Span,
    timeout: Span,
    memory: Span,
}

impl Heartbeats {
    fn params(timeout: &'static str) -> Vec<Param> {
        let memory = "how long the dead are still sent to, in case they are behind a partition";
        vec![
            period(),
            Param::span("timeout", 1e-3, 86_400.0, "5s", timeout),
            Param::span("memory", 1.0, 1e7, "10m", memory),
        ]
    }

    fn of(p: &Params) -> Self {
        Self { period: span(p, "period"), timeout: span(p, "timeout"), memory: span(p, "memory") }
    }

    /// When all know, without loss, if it takes so many periods longer than the timeout. One that leaves no room for two
    /// heartbeats promises nothing.
    fn converges_within(&self, periods: u64) -> Option<Span> {
        (self.timeout > self.period * 2).then(|| self.timeout + self.period * periods)
    }
}

fn span(params: &Params, name: &str) -> Span {
    Span::from_secs_f64(params.real(name))
}

#[cfg(test)]
mod tests;
