//! The trait of one member's failure detector, as a world drives it.

use super::app_request::AppRequest;
use super::observer::MemberIndex;
use crate::protocol::{Address, Gauge, MessageKind, Outbox, Time};

/// The failure detector of one member, sans-I/O: the world hands in packets and the time, and takes messages and events
/// out of the outbox.
///
/// Four functions are required; all others have a default that says what a detector without them does.
/// [`World`](super::World) runs such members, which a [`DetectorFactory`](super::DetectorFactory) creates: a closure will
/// do. One detector kind as a whole, which experiment files name, is a [`Detector`](crate::detectors::Detector).
/// `examples/custom_detector.rs` in the repository has all three.
///
/// # What the world promises
///
/// It calls [`start`](Self::start) first, in a group that [begins by joining](super::Start::Joining) and for a member
/// that joins or restarts later followed by [`join`](Self::join). Afterwards it calls [`handle`](Self::handle) for every
/// packet that arrives, and [`wake`](Self::wake) at the [`deadline`](Self::deadline), or later if the host is paused or
/// has a backlog. A stopped member's detector is dropped, and no call comes after [`leave`](Self::leave).
///
/// `now` never decreases from call to call. Members have the address [`address_of`](super::address_of) their index, and
/// [`index_of`](super::index_of) is its reverse; `setup.placement.peers[index].id` is the id that events use.
///
/// # What goes into the outbox
///
/// Calls push, and the world takes everything out, so do not read or clear what is there: several calls may share an
/// outbox, as `start` and `join` do.
///
/// - [`Outbox::transmits`]: messages, which the network gets at `now` in this order.
///   [`Transmit::datagram`](crate::protocol::Transmit::datagram) makes one. Its `bytes` count as traffic; nothing is
///   encoded. Messages to addresses that belong to no member vanish. A request over a stream is answered by the first
///   message to its sender that is pushed while the request is handled: it travels over the same stream.
/// - [`Outbox::events`]: what the member has found out about others: at least
///   [`Died`](crate::protocol::EventKind::Died) for a member that it now believes dead, once, and
///   [`Joined`](crate::protocol::EventKind::Joined) when it is back. Measures of detection and of mistakes are made from
///   these. What SWIM has no word for is an [`Other`](crate::protocol::EventKind::Other) event, which observers see and
///   measures leave out. Events are taken out before messages.
///
/// # What a detector promises
///
/// The deadline changes in calls only, as the world reads it after each. `wake` moves it past `now`: one that stays would
/// be due again at once, forever. For equal runs under equal seeds all randomness comes from a
/// [`stream`](swimlab_selectors::rng::stream) of the trial's seed, and nothing depends on clocks, threads or the order of
/// a hash map. Members of a large world may run on several threads at once, so detectors share nothing that they change,
/// unless their factory says that they do
/// ([`DetectorFactory::detectors_share_state`](super::DetectorFactory::detectors_share_state)).
///
/// # Example
///
/// Members that count the packets they get, and send one to their right-hand neighbor in each period:
///
/// ```
/// use swimlab::protocol::{Address, Outbox, Span, Time, Transmit};
/// use swimlab::selectors::Spec;
/// use swimlab::sim::{FailureDetector, Setup, World, address_of};
/// use swimlab::topology::{TopologyContext, topologies};
///
/// struct Counter {
///     right: Address,
///     next: Time,
///     heard: u32,
/// }
///
/// impl FailureDetector for Counter {
///     type Message = &'static str;
///
///     fn start(&mut self, _: Time, first_period: Time, _: &mut Outbox<&'static str>) {
///         self.next = first_period;
///     }
///
///     fn handle(&mut self, _: Time, _: Address, _: &&'static str, _: &mut Outbox<&'static str>) {
///         self.heard += 1;
///     }
///
///     fn wake(&mut self, _: Time, out: &mut Outbox<&'static str>) {
///         self.next += Span::from_secs(1);
///         out.transmits.push(Transmit::datagram(self.right, 5, "hello"));
///     }
///
///     fn deadline(&self) -> Time {
///         self.next
///     }
/// }
///
/// let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default())?;
/// let setup = Setup::new(&lan, 8, 1, Vec::new());
/// let member = |index, _generation| Counter { right: address_of((index + 1) % 8), next: Time::NEVER, heard: 0 };
/// let mut world = World::new(&setup, member, ());
/// world.advance(setup.end());
/// assert!(world.detectors().all(|(_, detector)| (59..=60).contains(&detector.heard)));
/// # Ok::<(), swimlab::selectors::SpecError>(())
/// ```
pub trait FailureDetector: Sized + Send {
    /// Message between members.
    type Message: Send;

    /// Starts; the first period begins at `first_period`, a random moment of the first period in most trials.
    fn start(&mut self, now: Time, first_period: Time, out: &mut Outbox<Self::Message>);
    /// Handles a message.
    fn handle(&mut self, now: Time, from: Address, message: &Self::Message, out: &mut Outbox<Self::Message>);
    /// Runs the timers that are due.
    fn wake(&mut self, now: Time, out: &mut Outbox<Self::Message>);
    /// Time at which [`FailureDetector::wake`] is due; [`Time::NEVER`] if no timer runs.
    fn deadline(&self) -> Time;

    /// Joins a running group through seeds. They serve for the join only: unlike an agent, which is given addresses and
    /// may outlive all members it knew there, a joiner of a world remembers each seed as the member that it is.
    ///
    /// By default nothing happens: such a detector knows whom its factory has told it of, and nobody learns of it but by
    /// its messages.
    fn join(&mut self, _now: Time, _seeds: Vec<Address>, _out: &mut Outbox<Self::Message>) {}
    /// Announces its departure. By default it leaves without a word, which looks like a crash.
    fn leave(&mut self, _now: Time, _out: &mut Outbox<Self::Message>) {}
    /// Does what its application asks for. Returns whether it was accepted; detectors without events and metadata
    /// accept nothing, as by default.
    fn serve(&mut self, _now: Time, _request: AppRequest, _out: &mut Outbox<Self::Message>) -> bool {
        false
    }
    /// Makes its sends block: a task that sends stops in the send. Detectors without a notion of tasks do nothing, as by
    /// default; their sends are queued.
    fn stall(&mut self) {}
    /// Lets its sends pass again.
    fn end_stall(&mut self, _now: Time) {}

    /// Takes its random numbers from another seed from now on ([`World::redraw`](super::World::redraw)). Detectors that
    /// draw none do nothing, as by default.
    fn redraw(&mut self, _seed: u64) {}

    /// The kind of a message, for observers; by default one that SWIM does not have.
    fn kind(_message: &Self::Message) -> MessageKind {
        MessageKind::Other(0)
    }
    /// The number of members that it believes to be alive, itself included; `None`, as by default, if it keeps no count.
    ///
    /// The checkers compare it with the truth where the factory's [`Guarantees`](super::Guarantees) promise agreement.
    /// Without a count they check nothing.
    fn members(&self) -> Option<u32> {
        None
    }
    /// Fill levels of its bounded stores, which must not exceed the limits of the factory's
    /// [`Guarantees`](super::Guarantees); by default it has no such stores.
    fn gauge(&self) -> Gauge {
        Gauge::default()
    }

    /// Number of leading bytes of the detector that every call reads: a hint. Results never depend on it, only speed.
    ///
    /// A world of more than 4,096 members does not fit into the processor's caches, so nearly every event would wait for
    /// the memory of its member. Since the queue knows which events come next, the world asks for these bytes of their
    /// members ahead of time.
    ///
    /// The default, all of the detector, is right for small ones. In one of several hundred bytes, put the fields that
    /// every call reads first (`#[repr(C)]` keeps their order) and name the offset of the first other one
    /// ([`offset_of!`](std::mem::offset_of)), as what is read ahead in vain takes the place of what is needed.
    const HOT_BYTES: usize = size_of::<Self>();
    /// Number of leading bytes that [`FailureDetector::wake`] reads, where that differs from other calls.
    const WAKE_BYTES: usize = Self::HOT_BYTES;

    /// Reads ahead what a wake-up (`None`), or handling this message of this member, will read outside of the value
    /// itself, behind a `Box` or in a `Vec`, with [`prefetch`](fn@swimlab_selectors::prefetch). By default nothing.
    fn prefetch(&self, _message: Option<(MemberIndex, &Self::Message)>) {}
}
