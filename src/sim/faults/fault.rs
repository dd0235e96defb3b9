//! A fault of a trial, and the trait behind its kind.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::activation::Activation;
use super::target::Target;
use crate::protocol::Span;

/// One fault of a trial.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Fault {
    /// Effect of the fault.
    pub kind: Arc<dyn FaultKind>,
    /// Time of the first activation, after the warm-up.
    pub at: Span,
    /// Affected members.
    pub target: Target,
    /// Number of activations, with targets chosen anew each time.
    pub times: u32,
    /// The time between two activations.
    pub every: Span,
}

/// A kind of fault: what an activation does to its targets.
pub trait FaultKind: Any + Debug + Send + Sync {
    /// Acts on the world once, and schedules what follows from it.
    fn activate(&self, activation: &mut Activation<'_>);

    /// Whether each activation starts as many new members as it has targets.
    fn starts_joiners(&self) -> bool {
        false
    }

    /// Whether it does nothing but stop members for good. In worlds with such faults only, the checkers expect
    /// agreement within [`Guarantees::converges_within`](crate::sim::Guarantees::converges_within), otherwise within
    /// [`Guarantees::heals_within`](crate::sim::Guarantees::heals_within).
    fn only_stops(&self) -> bool {
        false
    }

    /// Whether it may impair its targets long beyond its stated end. In worlds with such a fault the checkers expect no
    /// agreement.
    fn may_outlast_its_end(&self) -> bool {
        false
    }

    /// Groups of members that it names besides the fault's target.
    fn other_targets(&self) -> Vec<&Target> {
        Vec::new()
    }

    /// Reason for which it cannot run on real sockets, as a message for users; `None` if it can.
    fn simulator_only(&self) -> Option<&'static str> {
        None
    }
}

impl dyn FaultKind {
    /// Whether this is a fault of kind `K`.
    pub fn is<K: FaultKind>(&self) -> bool {
        self.downcast_ref::<K>().is_some()
    }

    /// The fault as its own type, if it is of kind `K`.
    pub fn downcast_ref<K: FaultKind>(&self) -> Option<&K> {
        let any: &dyn Any = self;
        any.downcast_ref()
    }
}

impl Fault {
    /// A fault of this kind that strikes once, at the end of the warm-up, one random member. Change the public fields
    /// for anything else.
    ///
    /// ```
    /// use swimlab::protocol::Span;
    /// use swimlab::sim::{Crash, Fault, Target};
    ///
    /// let mut fault = Fault::new(Crash);
    /// fault.at = Span::from_secs(5);
    /// fault.target = Target::Members(vec![3]);
    /// ```
    pub fn new(kind: impl FaultKind) -> Self {
        Self { kind: Arc::new(kind), at: Span::ZERO, target: Target::Random(1), times: 1, every: Span::from_secs(1) }
    }

    /// The most members that this fault can make join, in a group of `members` at the start.
    pub fn joiners(&self, members: u32) -> u32 {
        if self.kind.starts_joiners() { self.target.most(members).saturating_mul(self.times) } else { 0 }
    }
}
