//! Failure detectors other than SWIM, to compare it with: heartbeat detectors, a central registry with leases, and with the
//! feature `foca` the crate of this name, another implementation of SWIM.
//!
//! A [`Detector`] is a detector kind with its parameters: it runs whole worlds. A
//! [`FailureDetector`](crate::sim::FailureDetector) is the sans-I/O detector of a single member in such a world. Each
//! heartbeat detector is a set of [`Rules`] for the shared member [`HeartbeatDetector`]: one file with a `register`
//! function, and one line in [`detectors`]. docs/detectors.md describes each, and its guarantees.
//!
//! ```
//! use swimlab::detectors::detectors;
//! use swimlab::protocol::Span;
//! use swimlab_selectors::Spec;
//!
//! let detector = detectors().build(&Spec::parse("phi-accrual:threshold=10")?, &())?;
//! assert_eq!(detector.period(), Span::from_secs(1));
//! # Ok::<(), swimlab_selectors::SpecError>(())
//! ```

mod all_to_all;
// Its tests are among those of all builds.
#[cfg(any(feature = "foca", test))]
mod foca;
mod gossip_heartbeat;
mod heartbeat;
mod lease;
mod majority;
mod message;
mod phi_accrual;

use std::sync::Arc;

use swimlab_selectors::{Param, Params, Registry};

use crate::protocol::Span;
use crate::sim::{DetectorFactory, Observer, Outcome, Setup, World};

pub use heartbeat::{HeartbeatDetector, HeartbeatFactory, Reach, Rules};
pub use message::{Heartbeat, HeartbeatCount, HeartbeatMessage};

/// A detector kind with its parameters, which can take SWIM's place in any trial.
pub trait Detector: Send + Sync {
    /// The time between two rounds of heartbeats or pings.
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

/// A detector kind of a user's own, with this period: `members` makes the factory that creates the members of a setup, a
/// closure for instance. [`Registry::register`] then gives it a name.
///
/// ```
/// use swimlab::detectors::worlds_of;
/// use swimlab::experiment::Lab;
/// # use swimlab::protocol::{Address, Outbox, Span, Time};
/// # use swimlab::sim::{FailureDetector, Setup};
/// # struct Silent;
/// # impl FailureDetector for Silent {
/// #     type Message = ();
/// #     fn start(&mut self, _: Time, _: Time, _: &mut Outbox<()>) {}
/// #     fn handle(&mut self, _: Time, _: Address, _: &(), _: &mut Outbox<()>) {}
/// #     fn wake(&mut self, _: Time, _: &mut Outbox<()>) {}
/// #     fn deadline(&self) -> Time {
/// #         Time::NEVER
/// #     }
/// # }
///
/// let mut lab = Lab::default();
/// let members = |_: &Setup| |_member, _generation| Silent;
/// lab.detectors.register("silent", "Detector: does nothing.", vec![], move |_, ()| {
///     Ok(worlds_of(Span::from_secs(1), members))
/// });
/// ```
pub fn worlds_of<B: DetectorFactory>(
    period: Span,
    members: impl Fn(&Setup) -> B + Send + Sync + 'static,
) -> Arc<dyn Detector> {
    Arc::new(Worlds { period, members })
}

struct Worlds<F> {
    period: Span,
    members: F,
}

impl<B: DetectorFactory, F: Fn(&Setup) -> B + Send + Sync> Detector for Worlds<F> {
    fn period(&self) -> Span {
        self.period
    }

    fn run(&self, setup: &Setup, observer: &mut dyn Observer) -> Outcome {
        World::new(setup, (self.members)(setup), observer).run()
    }
}

/// The detectors by name, as an experiment file's `profile` names them.
pub fn detectors() -> Registry<Arc<dyn Detector>> {
    let mut registry = Registry::new("profile");
    all_to_all::register(&mut registry);
    gossip_heartbeat::register(&mut registry);
    phi_accrual::register(&mut registry);
    majority::register(&mut registry);
    lease::register(&mut registry);
    #[cfg(feature = "foca")]
    foca::register(&mut registry);
    registry
}

/// The feature of this crate that the detector of this name needs, if the crate was built without it.
pub fn missing_feature(name: &str) -> Option<&'static str> {
    (name == "foca" && !cfg!(feature = "foca")).then_some("foca")
}

/// The parameter T, which all detectors have.
fn period() -> Param {
    Param::span("period", 1e-3, 3600.0, "1s", "T: time between two rounds of heartbeats")
}

/// The parameter of gossiping detectors: the number of receivers per round.
fn fanout(default: u32) -> Param {
    Param::count("fanout", 1, 64, default, "number of members that get the table in each period").unit("members")
}

/// The parameters of heartbeats that go to every member.
#[derive(Clone)]
struct Heartbeats {
    period: Span,
    timeout: Span,
    memory: Span,
}

impl Heartbeats {
    fn params(timeout: &'static str) -> Vec<Param> {
        let memory = "time for which dead members are still sent heartbeats, so that partitions heal";
        vec![
            period(),
            Param::span("timeout", 1e-3, 86_400.0, "5s", timeout),
            Param::span("memory", 1.0, 1e7, "10m", memory),
        ]
    }

    fn of(p: &Params) -> Result<Self, String> {
        Ok(Self { period: span(p, "period")?, timeout: span(p, "timeout")?, memory: span(p, "memory")? })
    }

    /// The time until all members know of a crash, without loss, if that takes `periods` longer than the timeout. A
    /// timeout without room for two heartbeats guarantees nothing.
    fn converges_within(&self, periods: u64) -> Option<Span> {
        (self.timeout > self.period * 2).then(|| self.timeout + self.period * periods)
    }
}

fn span(params: &Params, name: &str) -> Result<Span, String> {
    Ok(Span::from_secs_f64(params.real(name)?))
}

#[cfg(test)]
mod tests;
