//! Faults: crashes, departures, impaired hosts and networks, as values that an experiment lists.
//!
//! A [`Fault`] says what happens ([`FaultKind`]), when, how often and to which members ([`Target`]); the registry
//! [`faults`] builds it from a label or from a `[[fault]]` table. A kind is one file in this folder and one line in
//! [`faults`]: its `register` function names its parameters, its [`FaultKind::activate`] acts on the world through an
//! [`Activation`].
//!
//! ```
//! use swimlab::sim::{Fault, Target, faults};
//! use swimlab_selectors::Spec;
//!
//! let fault: Fault = faults().build(&Spec::parse("pause:at=5s,lasts=2s,target=zone")?, &())?;
//! assert_eq!(fault.target, Target::Zone(None));
//! # Ok::<(), swimlab_selectors::SpecError>(())
//! ```

mod activation;
mod broadcast;
mod churn;
mod crash;
mod fault;
mod flip_flop;
mod join;
mod leave;
mod loss;
mod members;
mod metadata;
mod one_way_loss;
mod one_way_partition;
mod params;
mod partial_partition;
mod partition;
mod pause;
mod restart;
mod slow;
mod target;
#[cfg(test)]
mod tests;

use swimlab_selectors::Registry;

use crate::topology::Placement;

pub use activation::{Activation, FollowUp};
pub use broadcast::Broadcast;
pub use churn::Churn;
pub use crash::Crash;
pub use fault::{Fault, FaultKind};
pub use flip_flop::FlipFlop;
pub use join::Join;
pub use leave::Leave;
pub use loss::Loss;
pub use metadata::Metadata;
pub use params::Direction;
#[cfg(test)]
pub(super) use params::QUEUE as DEFAULT_QUEUE;
pub use partial_partition::PartialPartition;
pub use partition::Partition;
pub use pause::Pause;
pub use restart::Restart;
pub use slow::Slow;
pub use target::Target;

/// The fault kinds by name, as `[[fault]]` tables spell them.
pub fn faults() -> Registry<Fault> {
    let mut registry = Registry::new("fault");
    crash::register(&mut registry);
    restart::register(&mut registry);
    leave::register(&mut registry);
    join::register(&mut registry);
    churn::register(&mut registry);
    slow::register(&mut registry);
    pause::register(&mut registry);
    loss::register(&mut registry);
    one_way_loss::register(&mut registry);
    partition::register(&mut registry);
    one_way_partition::register(&mut registry);
    partial_partition::register(&mut registry);
    flip_flop::register(&mut registry);
    broadcast::register(&mut registry);
    metadata::register(&mut registry);
    registry
}

/// Checks that the faults' targets exist in this placement, in a group of `members` at the start.
///
/// # Errors
/// A sentence that names the fault (counted from 1) and the missing target.
pub fn check_targets(placement: &Placement, members: u32, faults: &[Fault]) -> Result<(), String> {
    for (n, fault) in faults.iter().enumerate() {
        for target in std::iter::once(&fault.target).chain(fault.kind.other_targets()) {
            target.check(placement, members).map_err(|why| format!("fault {}: {why}", n + 1))?;
        }
    }
    Ok(())
}
