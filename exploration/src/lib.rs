//! Exhaustive exploration of small groups: all schedules of deliveries, losses, duplications, timers, crashes and leaves
//! within bounds, with real [`Member`](swimlab::protocol::Member)s, as a simulation and an agent drive them.
//!
//! A [`Model`] fixes the group, the [`Start`] and the [`Bounds`]; [`explore`] searches breadth first, so that a violation
//! comes with a schedule of the fewest steps.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//!
//! use exploration::{Bounds, Limits, Model, Start, explore};
//!
//! let bounds = Bounds { depth: 4, ..Bounds::any_order() };
//! let model = Model::new("swim", 3, Start::Suspected, bounds)?;
//! let report = explore(&model, Limits::default(), &AtomicBool::new(false), &mut |_| {});
//! assert_eq!((report.violation, report.depth), (None, 4));
//! # Ok::<(), String>(())
//! ```
//!
//! # Model
//!
//! **State.** The members, the packets in the network, a clock, and what is left of the bounds on faults. All members know
//! each other at the beginning, and their periods begin evenly spread over one period.
//!
//! **Steps.** A step is one of:
//!
//! - a packet arrives; the receiver handles it at the current time,
//! - a packet is lost: of a stream, the stream breaks,
//! - a datagram arrives, and a copy of it stays in the network,
//! - a member's timer fires: the clock advances to its deadline, if that is later,
//! - a member crashes, or leaves. The last one does neither.
//!
//! **Time** passes only when a timer fires. Timers fire in the order of their deadlines, apart from this: a timer may also
//! fire before others whose deadlines are up to [`Bounds::skew`] earlier, and those fire late. Packets take any time: a
//! packet that is held back may arrive at once or long after its receiver was declared dead.
//!
//! **Order.** With [`Bounds::delays`] `None`, any packet in the network may arrive next, and timers may fire while fewer
//! than [`Bounds::in_flight`] packets are in the network. These are all interleavings, of which a few steps make millions.
//! With `Some(n)`, there is one step that comes next: the oldest packet arrives, and when there is none, the first timer
//! fires. At most n times this order is departed from: the packet is held back, and may arrive at any later time, or another
//! timer fires first. This is delay-bounded exploration (Emmi, Qadeer, Rakamarić: Delay-Bounded Scheduling, POPL 2011): it
//! reaches schedules of many steps, since most faults of a protocol need few departures. [`Bounds::faults`] bounds the sum of
//! delays, losses, duplications, crashes and leaves. A member stops only when it would act next, since a crash before that
//! makes no difference.
//!
//! **Choices that are not explored.** Peers are selected without random numbers: pings go round the members in the order
//! of their slots, and each member starts at the first. So a schedule fixes everything. The selectors have their own laws
//! (`swimlab_selectors::laws`).
//!
//! # Properties
//!
//! After each step, of the member that took part in it:
//!
//! - it runs, and its own record is alive at its own incarnation,
//! - its own incarnation has not fallen,
//! - no record that it has of another member has a higher incarnation than that member itself, or a lower one than before,
//! - no record of a dead or departed member has become one of a living member without a higher incarnation.
//!
//! From the states after the last step, all or evenly chosen ones ([`Limits::fair_runs`]), the network is fair: packets
//! arrive at once and in order, timers fire on time, nobody stops. Within [`Bounds::agreement`] all members that are up must
//! hold exactly those members alive or suspected that are up. Profiles that do not try dead members again, as memberlist does
//! not, leave a group split in which members hold each other dead; such an end counts in [`Report::splits`] if some live
//! member was held dead when the network became fair, and as a violation otherwise. Records that were forgotten
//! (`dead_retention`) are not compared with later ones; an exploration is far shorter than that.
//!
//! # Pruning
//!
//! A state that was seen before is not explored again. States are compared by fingerprints of 128 bits: SipHash-1-3 of the
//! standard library, twice, over all that members remember with times relative to their deadlines, the packets, and what is
//! left of the bounds. Since the search is breadth first, the first visit of a state has the most steps left. Two different
//! states with one fingerprint would hide what follows the second: with 10^8 states, the probability of one such pair is
//! below 10^-22. Parts that are left out of a fingerprint (locations, coordinates, the selector's state) do not occur here.
//!
//! What remains of a found state are its fingerprint, its predecessor and the step from there; states are rebuilt by
//! repeating their schedule, as in stateless model checking (Godefroid: Model Checking for Programming Languages using
//! VeriSoft, POPL 1997), unless the frontier is small enough to be kept.

mod fair;
mod fingerprint;
mod model;
mod properties;
mod record;
mod search;
mod selection;
mod start;
mod state;
mod step;
mod walker;

pub use model::{Bounds, Intake, Model, Start};
pub use search::{Limits, Report, Stop, Violation, explore};
