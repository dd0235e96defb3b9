//! A world in virtual time: owns the clock, the packets and the random streams, and drives one detector per member.

mod environment;

use super::checker::{Checker, Guarantees};
use super::detector::FailureDetector;
use super::environment::FaultEnvironment;
use super::fault_injector::FaultInjector;
use super::hosts::HostDirectory;
use super::network::{Network, address_of};
use super::observer::{MemberIndex, Observer};
use super::setup::{Setup, Start};
use super::shard::{Fabric, Shard};
use super::sharding::{Division, Sharding, SingleThread};
use super::sink::Observation;
use super::threads::MAY_DIVIDE;
use super::trace::Trace;
use super::windows::{self, Windows};
use crate::protocol::{Address, Span, Time};

/// Creates the detectors of a world's members.
///
/// A closure of a member's index and its generation is one, for detectors that guarantee nothing and whose joiners begin
/// like initial members.
pub trait DetectorFactory {
    /// The detector of one member.
    type Detector: FailureDetector;
    /// A member that is up from the start and knows all others.
    fn initial(&mut self, member: MemberIndex) -> Self::Detector;
    /// A member that knows only itself, in its `generation`-th life, from 0.
    fn joiner(&mut self, member: MemberIndex, generation: u32) -> Self::Detector;
    /// Guarantees to which the checkers hold the detectors; by default none, and no store that could be full.
    fn guarantees(&self) -> Guarantees {
        Guarantees::default()
    }
    /// Whether the detectors it creates share something that they change, such as a record behind a lock. Such a world
    /// runs on one thread, as what they read there would depend on the order in which threads run; by default they share
    /// nothing.
    fn detectors_share_state(&self) -> bool {
        false
    }
}

impl<D: FailureDetector, F: FnMut(MemberIndex, u32) -> D> DetectorFactory for F {
    type Detector = D;

    fn initial(&mut self, member: MemberIndex) -> D {
        self(member, 0)
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> D {
        self(member, generation)
    }
}

/// The outcome of a run, besides what its observer saw.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Outcome {
    /// Deliveries, periods and timers that fired.
    pub events: u64,
    /// A hash of all events in order: equal hashes mean equal runs.
    pub trace_hash: u64,
    /// Violations that the checkers found, as sentences; empty for a sound run.
    pub violations: Vec<String>,
    /// Time at which the world ended: warm-up plus duration.
    pub end: Time,
}

/// The number of first members that serve as seeds for joiners.
pub const SEEDS: u32 = 3;

/// A world of detectors that `B` creates, watched by `O`.
///
/// [`World::run`] runs it to its end; [`World::advance`] and [`World::finish`] do so step by step, and in between
/// [`World::detector`] and [`World::detectors`] show what the members know. To look at them at the end, advance to
/// [`Setup::end`] and then finish.
///
/// ```
/// use swimlab::detectors::detectors;
/// use swimlab::protocol::{Event, EventKind, Span, Time};
/// use swimlab::sim::{Crash, Fault, MemberIndex, Observer, Setup};
/// use swimlab::topology::{TopologyContext, topologies};
/// use swimlab_selectors::Spec;
///
/// /// Counts the members that declare a death.
/// #[derive(Default)]
/// struct Deaths(u32);
///
/// impl Observer for Deaths {
///     fn event(&mut self, _at: Time, _member: MemberIndex, event: &Event) {
///         self.0 += u32::from(event.kind == EventKind::Died);
///     }
/// }
///
/// let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default())?;
/// let mut crash = Fault::new(Crash);
/// crash.at = Span::from_secs(10);
/// let setup = Setup::new(&lan, 100, 1, vec![crash]);
///
/// let mut deaths = Deaths::default();
/// let outcome = detectors().build(&Spec::of("all-to-all"), &())?.run(&setup, &mut deaths);
/// assert_eq!(deaths.0, 99);
/// assert!(outcome.violations.is_empty());
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
pub struct World<B: DetectorFactory, O: Observer> {
    factory: B,
    faults: FaultInjector,
    begun: bool,
    fabric: Fabric,
    shards: Vec<Shard<B::Detector>>,
    /// Least delay of a packet between members on different threads, or why there is one thread.
    lookahead: Result<Span, SingleThread>,
    observation: Observation<O>,
    now: Time,
}

impl Outcome {
    /// The outcome of a sound run of another driver than [`World`], which ended at `end` after this number of events.
    pub fn new(end: Time, events: u64, trace_hash: u64) -> Self {
        Self { events, trace_hash, violations: Vec::new(), end }
    }
}

impl<B: DetectorFactory, O: Observer> World<B, O> {
    /// A world at time zero. It runs on [`Setup::threads`] threads if it is large enough for that.
    ///
    /// # Panics
    /// If the setup's placement has no room for its members.
    pub fn new(setup: &Setup, factory: B, observer: O) -> Self {
        let members = setup.placement.members();
        assert!(setup.members <= members, "the placement has room for every member");
        let sharding = match factory.detectors_share_state() {
            true => Err(SingleThread::SharedState),
            false => Sharding::of(setup, observer.watches_packets()),
        };
        let (division, lookahead) = match sharding {
            Ok(Sharding { division, lookahead }) => (division, Ok(lookahead)),
            Err(reason) => (Division::Whole, Err(reason)),
        };
        let (directory, members) = HostDirectory::new(setup, division);
        let checker = Checker::new(setup, factory.guarantees());
        let network = Network::new(setup.placement.clone(), setup.loss);
        Self {
            faults: FaultInjector::new(setup),
            begun: false,
            factory,
            shards: Shard::all(&members, setup.seed),
            fabric: Fabric { setup: setup.clone(), network, packet_seed: setup.seed, directory },
            lookahead,
            observation: Observation { trace: Trace::default(), checker, observer },
            now: Time::ZERO,
        }
    }

    /// Runs warm-up and duration, and returns the outcome.
    pub fn run(mut self) -> Outcome {
        self.advance(self.fabric.setup.end());
        self.finish()
    }

    /// Processes all events before `until`.
    pub fn advance(&mut self, until: Time) {
        if !self.begun {
            self.begun = true;
            self.begin();
        }
        while let Some(at) = self.faults.next().filter(|&at| at < until) {
            self.run_until(at);
            // Faults and the world change each other.
            let mut faults = std::mem::take(&mut self.faults);
            faults.act(self);
            self.faults = faults;
            windows::exchange_mail(&mut self.shards, &self.fabric.directory);
            self.inspect();
        }
        self.run_until(until);
    }

    /// Lets all random numbers, those of the network and of the members, come from another seed than the setup's from now
    /// on. So two worlds share a past and differ in what follows.
    ///
    /// What a member has drawn before stays: the order of a traversal that it has begun, for one.
    pub fn redraw(&mut self, seed: u64) {
        self.fabric.packet_seed = seed;
        for host in self.shards.iter_mut().flat_map(|shard| shard.hosts.iter_mut()) {
            host.redraw(seed);
        }
    }

    /// Ends the run here, and returns the outcome.
    pub fn finish(mut self) -> Outcome {
        self.inspect();
        self.inspect_agreement();
        let events = self.shards.iter().map(|shard| shard.events).sum();
        let Observation { trace, checker, .. } = self.observation;
        Outcome { events, trace_hash: trace.value(), violations: checker.into_violations(), end: self.now }
    }

    /// The observer.
    pub fn observer(&self) -> &O {
        &self.observation.observer
    }

    /// The time up to which all events are processed.
    pub fn time(&self) -> Time {
        self.now
    }

    /// The number of threads that the world runs on.
    pub fn threads(&self) -> usize {
        self.shards.len()
    }

    /// The reason why the world runs on one thread although more were asked for, if so.
    pub fn single_thread(&self) -> Option<SingleThread> {
        self.lookahead.err().filter(|reason| *reason != SingleThread::Default)
    }

    /// A member's detector; `None` while the member is stopped.
    pub fn detector(&self, member: MemberIndex) -> Option<&B::Detector> {
        (member < self.fabric.directory.hosts()).then(|| self.host(member).detector.as_ref())?
    }

    /// The detectors of all members that run, in the order of their indices.
    pub fn detectors(&self) -> impl Iterator<Item = (MemberIndex, &B::Detector)> {
        detectors(&self.fabric, &self.shards)
    }

    /// Starts the initial members.
    fn begin(&mut self) {
        let setup = &self.fabric.setup;
        for member in 0..setup.members {
            let first_period = Time::ZERO + setup.phase(member);
            let (shard, place) = self.fabric.directory.locate(member);
            let shard = &mut self.shards[shard];
            let detector = match setup.start {
                Start::Joined => {
                    let mut detector = self.factory.initial(member);
                    detector.start(Time::ZERO, first_period, &mut shard.outbox);
                    detector
                }
                Start::Joining => {
                    let mut detector = self.factory.joiner(member, 0);
                    detector.start(Time::ZERO, first_period, &mut shard.outbox);
                    let seeds = (0..SEEDS.min(setup.members)).filter(|&seed| seed != member);
                    detector.join(Time::ZERO, seeds.map(address_of).collect(), &mut shard.outbox);
                    detector
                }
            };
            shard.hosts[place].detector = Some(detector);
            shard.flush(place, &self.fabric, &mut self.observation);
        }
        windows::exchange_mail(&mut self.shards, &self.fabric.directory);
    }

    /// Seeds for a joiner: the first members that are up.
    fn seeds(&self, member: MemberIndex) -> Vec<Address> {
        let up = (0..self.fabric.directory.hosts()).filter(|&other| other != member && self.is_up(other));
        up.take(SEEDS as usize).map(address_of).collect()
    }

    fn run_until(&mut self, limit: Time) {
        let (fabric, observation) = (&self.fabric, &mut self.observation);
        match (&mut *self.shards, self.lookahead) {
            (shards, Ok(lookahead)) if MAY_DIVIDE => {
                windows::run(shards, Windows::new(lookahead, self.now, limit), fabric, observation);
            }
            ([shard, ..], _) => shard.run_until(limit, fabric, observation),
            ([], _) => {}
        }
        self.now = limit;
        for shard in &mut self.shards {
            shard.now = limit;
        }
    }

    /// Lets the checker see how full the members' bounded stores are.
    fn inspect(&mut self) {
        for (member, detector) in detectors(&self.fabric, &self.shards) {
            self.observation.checker.inspect(self.now, member, detector.gauge());
        }
    }

    /// Lets the checker see whether all members that are up agree on their number.
    fn inspect_agreement(&mut self) {
        let up = self.up().len() as u32;
        for (member, detector) in detectors(&self.fabric, &self.shards) {
            if let Some(counts) = detector.members() {
                self.observation.checker.inspect_agreement(self.now, member, counts, up);
            }
        }
    }
}

/// The detectors of all members that run, in the order of their indices.
fn detectors<'a, D: FailureDetector>(
    fabric: &'a Fabric,
    shards: &'a [Shard<D>],
) -> impl Iterator<Item = (MemberIndex, &'a D)> {
    (0..fabric.directory.hosts()).filter_map(|member| {
        let (shard, place) = fabric.directory.locate(member);
        Some((member, shards[shard].hosts[place].detector.as_ref()?))
    })
}
