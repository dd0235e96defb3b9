//! Worlds on several threads: the same to the last bit as on one.

use proptest::prelude::*;

use super::*;
use crate::protocol::{Address, Event, MessageKind, Outbox, Transmit};
use crate::sim::log::{Call, Calls};

/// A network whose packets take 10 to 30 ms: with fewer and longer windows, the tests take less time.
const SLOW: &str = "lan:delay_ms=20,jitter=uniform,spread_ms=10";

/// The outcome of a world on this number of threads, and all that its observer saw.
fn run_on(threads: usize, setup: &Setup, config: &Arc<MemberConfig>, selector: &str) -> (Outcome, Calls) {
    let setup = Setup { threads: Threads::in_any_world(threads, on_threads), ..setup.clone() };
    let mut calls = Calls::default();
    let mut world = World::new(&setup, SwimFactory::new(&setup, config, &strategy(selector, &setup)), &mut calls);
    world.advance(setup.end());
    let outcome = world.finish();
    (outcome, calls)
}

/// Whether a world of this setup can be divided at all.
fn is_divisible(setup: &Setup) -> bool {
    let setup = Setup { threads: Threads::in_any_world(2, on_threads), ..setup.clone() };
    World::new(&setup, |_, _| Silent, ()).threads() == 2
}

/// Checks that this world is the same on 1, 2, 3 and 5 threads.
fn is_the_same_on_any_number_of_threads(setup: &Setup, config: Config, selector: &str) -> (Outcome, Calls) {
    assert!(is_divisible(setup));
    let config = member_config(config);
    let (outcome, calls) = run_on(1, setup, &config, selector);
    for threads in [2, 3, 5] {
        let (other, other_calls) = run_on(threads, setup, &config, selector);
        assert_eq!(outcome, other, "{threads} threads");
        let differs = calls.0.iter().zip(&other_calls.0).find(|(one, other)| one != other);
        assert!(differs.is_none() && calls.0.len() == other_calls.0.len(), "{threads} threads: {differs:?}");
    }
    (outcome, calls)
}

#[test]
fn every_fault_acts_the_same_on_any_number_of_threads() {
    for faults in [
        &["crash:at=1s,count=3", "leave:at=2s", "restart:at=3s,down=5s"][..],
        &["join:at=1s,count=4", "churn:at=2s,times=5,every=2s"],
        &["pause:at=1s,lasts=4s,count=3", "slow:at=6s,count=3,lasts=8s", "slow:at=8s,lasts=5s,sends=block"],
        &["partition:at=1s,target=share:0.3,lasts=20s", "one-way-loss:at=2s,count=5,rate=0.5,lasts=20s"],
        &["flip-flop:at=1s,target=share:0.3,lasts=15s,on=3s,off=3s", "slow:at=2s,lasts=3s,catch_up=2ms"],
        &["partial-partition:at=1s,target=share:0.3,peers=share:0.3,lasts=20s", "loss:at=3s,count=5,rate=0.4"],
        &["broadcast:at=1s,times=5,every=1s", "metadata:at=2s,times=4,every=1s", "one-way-partition:at=3s,lasts=5s"],
    ] {
        let setup = setup(SLOW, 40, 11, 30, faults);
        let (_, calls) = is_the_same_on_any_number_of_threads(&setup, Config::swim(), "shuffle");
        let is_fault = |call: &&Call| matches!(call, Call::Fault(_));
        assert!(calls.0.iter().filter(is_fault).count() > 1, "{faults:?}");
    }
}

#[test]
fn every_topology_and_selector_runs_the_same_on_any_number_of_threads() {
    let mut divided = 0;
    for (topology, selector) in [
        ("lan:delay_ms=30,jitter=uniform,spread_ms=20", "uniform"),
        ("lan:delay_ms=5,jitter=normal,spread_ms=1,min_ms=2", "shuffle"),
        ("lan:delay_ms=4,min_ms=1,jitter=exponential", "shuffle"),
        ("aws:jitter=true", "neighborhood:metric=rtt,radius=8"),
        ("home", "bucket:metric=great-circle,buckets=3"),
        ("cities", "neighborhood:metric=great-circle,radius=8"),
        ("torus", "neighborhood:metric=hierarchy"),
        ("ring", "shuffle"),
        ("grid", "shuffle"),
        ("zones", "spatial:metric=hierarchy"),
        ("planetlab", "neighborhood:metric=vivaldi,radius=8"),
        ("azure", "auto"),
        ("fat-tree", "shuffle"),
    ] {
        let mut setup = setup(topology, 45, 3, 2, &["crash:at=200ms", "restart:at=500ms,down=1s"]);
        (setup.warmup, setup.loss) = (Span::from_secs(1), 0.03);
        if is_divisible(&setup) {
            divided += 1;
            is_the_same_on_any_number_of_threads(&setup, Config::swim(), selector);
        }
    }
    assert!(divided >= 10, "{divided}");
}

#[test]
fn protocols_with_streams_and_tables_run_the_same_on_any_number_of_threads() {
    for (profile, start, draws) in [
        ("memberlist-lan", Start::Joining, NetworkDraws::BySender),
        ("lha-suspicion", Start::Joined, NetworkDraws::ByPacket),
        ("swim", Start::Joining, NetworkDraws::ByPacket),
    ] {
        let mut setup = setup(SLOW, 30, 5, 25, &["churn:at=1s,times=3,every=2s", "partition:at=3s,lasts=8s"]);
        (setup.start, setup.network_draws, setup.loss) = (start, draws, 0.05);
        let profile = profiles().build(&Spec::of(profile).with("sync_interval", "4s"), &()).unwrap();
        let (_, calls) = is_the_same_on_any_number_of_threads(&setup, profile, "shuffle");
        let is_stream = |call: &&Call| matches!(call, Call::Sent(sent) if sent.kind == MessageKind::Sync);
        assert!(calls.0.iter().filter(is_stream).count() > 10);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_world_is_the_same_on_any_number_of_threads(
        seed in any::<u64>(),
        members in 5u32..40,
        // Lookaheads from some microseconds, shorter than a bucket of the queue, to tens of milliseconds.
        (delay_us, jitter) in (prop_oneof![1 => 200u32..400, 4 => 400u32..60_000], 0u32..60),
        loss in prop_oneof![Just(0.0), 0.0..0.3],
        is_synchronous in any::<bool>(),
        draws in prop_oneof![Just(NetworkDraws::BySender), Just(NetworkDraws::ByPacket)],
        faults in proptest::sample::subsequence(vec![
            "crash:at=300ms", "join:at=600ms,count=2", "restart:at=1s,down=700ms", "pause:at=200ms,lasts=2s",
            "slow:at=900ms,lasts=1s,catch_up=3ms", "partition:at=500ms,lasts=2s", "leave:at=1s",
        ], 0..5),
        threads in 2usize..6,
        stops in proptest::collection::vec(0u64..3_000_000, 0..5),
    ) {
        let spread = delay_us * jitter / 100;
        let delay = |us: u32| f64::from(us) / 1e3;
        let least = delay(delay_us.min(3));
        let network = format!("lan:jitter=uniform,min_ms={least}");
        let network = format!("{network},delay_ms={},spread_ms={}", delay(delay_us), delay(spread));
        let mut setup = setup(&network, members, seed, 2, &faults);
        (setup.warmup, setup.loss, setup.network_draws) = (Span::from_secs(1), loss, draws);
        setup.phases = if is_synchronous { Phases::Synchronous } else { Phases::Random };
        let config = member_config(Config::swim());
        let (outcome, calls) = run_on(1, &setup, &config, "shuffle");
        prop_assert_eq!(run_on(threads, &setup, &config, "shuffle"), (outcome.clone(), calls));

        // Step by step, and for an observer without packets.
        let setup = Setup { threads: Threads::in_any_world(threads, on_threads), ..setup };
        let mut world = World::new(&setup, SwimFactory::new(&setup, &config, &strategy("shuffle", &setup)), ());
        let mut stops = stops;
        stops.sort_unstable();
        for stop in stops {
            world.advance(Time::from_micros(stop));
        }
        world.advance(setup.end());
        prop_assert_eq!(world.finish(), outcome);
    }
}

/// A member that pings its neighbor every 100 ms, and panics when its time has come.
struct Mortal {
    member: MemberIndex,
    next: Time,
    dies_at: Time,
}

impl FailureDetector for Mortal {
    type Message = ();

    fn start(&mut self, _: Time, first_period: Time, _: &mut Outbox<()>) {
        self.next = first_period;
    }
    fn handle(&mut self, _: Time, _: Address, (): &(), _: &mut Outbox<()>) {}
    fn wake(&mut self, now: Time, out: &mut Outbox<()>) {
        assert!(now < self.dies_at, "member {} fails", self.member);
        self.next = now + Span::from_millis(100);
        out.transmits.push(Transmit::datagram(address_of((self.member + 1) % 12), 5, ()));
    }
    fn deadline(&self) -> Time {
        self.next
    }
}

#[test]
fn a_detector_that_panics_ends_all_threads_with_the_panic_of_one_thread() {
    // Members 1 to 9 fail, each at another time, member 7 first.
    let mortal = |member, _| {
        let after = Span::from_millis(if member == 7 { 900 } else { 1_000 + 7 * u64::from(member) });
        let dies_at = if (1..10).contains(&member) { Time::ZERO + after } else { Time::NEVER };
        Mortal { member, next: Time::NEVER, dies_at }
    };
    for threads in [1, 2, 4] {
        let setup = Setup { threads: Threads::in_any_world(threads, on_threads), ..setup(SLOW, 12, 1, 20, &[]) };
        let run = std::panic::AssertUnwindSafe(|| World::new(&setup, mortal, ()).run());
        let panic = std::panic::catch_unwind(run).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().map(String::as_str), Some("member 7 fails"), "{threads} threads");
    }
}

/// A member that does nothing.
struct Silent;

impl FailureDetector for Silent {
    type Message = ();

    fn start(&mut self, _: Time, _: Time, _: &mut Outbox<()>) {}
    fn handle(&mut self, _: Time, _: Address, (): &(), _: &mut Outbox<()>) {}
    fn wake(&mut self, _: Time, _: &mut Outbox<()>) {}
    fn deadline(&self) -> Time {
        Time::NEVER
    }
}

/// A factory whose members share a record.
struct Sharing;

impl DetectorFactory for Sharing {
    type Detector = Silent;

    fn initial(&mut self, _: MemberIndex) -> Silent {
        Silent
    }
    fn joiner(&mut self, _: MemberIndex, _: u32) -> Silent {
        Silent
    }
    fn detectors_share_state(&self) -> bool {
        true
    }
}

#[test]
fn a_world_in_which_nothing_is_due_any_more_ends_at_once() {
    let setup = Setup { threads: Threads::in_any_world(2, on_threads), ..setup("lan", 12, 1, 20, &[]) };
    let mut world = World::new(&setup, |_, _| Silent, ());
    world.advance(Time::NEVER);
    assert_eq!(world.time(), Time::NEVER);
}

#[test]
fn a_world_where_threads_do_not_pay_runs_on_one_and_says_why() {
    let large = |topology, threads| {
        let mut setup = setup(topology, 40_000, 1, 1, &[]);
        setup.threads = Threads::at_most(threads, on_threads);
        setup
    };
    let of = |setup: &Setup| {
        let world = World::new(setup, |_, _| Silent, ());
        (world.threads(), world.single_thread().map(|reason| reason.to_string()))
    };
    assert_eq!(of(&large("lan:delay_ms=10,jitter=none", 1)), (1, None));
    assert_eq!(of(&large("lan:delay_ms=10,jitter=none", 2)), (2, None));
    assert_eq!(of(&large("lan:delay_ms=10,jitter=none", 16)), (4, None), "10,000 members each");
    let (threads, reason) = of(&large("lan:delay_ms=0.5,jitter=none", 2));
    assert_eq!(threads, 1);
    assert_eq!(reason.unwrap(), "packets may arrive after 500us, which is less than the 2.5ms that threads need");
    let (threads, reason) = of(&Setup { threads: Threads::at_most(2, on_threads), ..setup("lan", 1_000, 1, 1, &[]) });
    assert_eq!(threads, 1);
    assert_eq!(reason.unwrap(), "1000 members are fewer than 20000, with which threads begin to pay");
    let world = World::new(&large("lan:delay_ms=10,jitter=none", 2), Sharing, ());
    assert_eq!((world.threads(), world.single_thread()), (1, Some(SingleThread::SharedState)));
    // Regions of AWS are far from each other, and members of one are near.
    assert_eq!(of(&large("aws", 2)), (2, None));
}

#[test]
fn an_observer_without_packets_gets_all_events_and_faults_in_the_same_order() {
    struct Events(Vec<(Time, MemberIndex, Event)>, Vec<FaultEvent>);
    impl Observer for Events {
        fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
            self.0.push((at, member, event.clone()));
        }
        fn fault(&mut self, fault_event: &FaultEvent) {
            self.1.push(*fault_event);
        }
        fn watches_packets(&self) -> bool {
            false
        }
    }
    let run = |threads| {
        let mut setup = setup(SLOW, 50, 2, 40, &["crash:at=1s,count=3", "restart:at=4s,down=10s"]);
        setup.threads = Threads::in_any_world(threads, on_threads);
        let mut events = Events(Vec::new(), Vec::new());
        let strategy = strategy("shuffle", &setup);
        let outcome = run_swim(&setup, &member_config(Config::swim()), &strategy, &mut events);
        (outcome, events.0, events.1)
    };
    let one = run(1);
    assert!(one.1.len() > 100);
    assert!(run(3) == one);
}
