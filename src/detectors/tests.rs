//! Detectors in worlds: the guarantees of each, and the limits of them.

use std::sync::Arc;

use swimlab_selectors::Spec;

use super::*;
use crate::protocol::{EventKind, Time};
use crate::sim::log::Log;
use crate::sim::{FailureDetector, Fault, Start};
use crate::topology::{TopologyContext, topologies};

pub(super) fn setup(members: u32, seed: u64, duration_s: u64, loss: f64, faults: &[&str]) -> Setup {
    let build = |text: &&str| crate::sim::faults().build(&Spec::parse(text).unwrap(), &()).unwrap();
    let faults: Vec<Fault> = faults.iter().map(build).collect();
    let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
    let (warmup, duration) = (Span::from_secs(20), Span::from_secs(duration_s));
    Setup { loss, warmup, duration, ..Setup::new(&lan, members, seed, faults) }
}

pub(super) fn run(label: &str, setup: &Setup) -> Log {
    let mut log = Log::default();
    let outcome = built(label).run(setup, &mut log);
    assert_eq!(outcome.violations, [""; 0], "{label}");
    log
}

pub(super) fn built(label: &str) -> Arc<dyn Detector> {
    let mut registry = detectors();
    foca::register(&mut registry);
    registry.build(&Spec::parse(label).unwrap(), &()).unwrap()
}

const ALL: [&str; 6] = ["all-to-all", "gossip-heartbeat", "phi-accrual", "majority", "lease", "foca"];

#[test]
fn a_quiet_group_stays_together_and_its_load_is_that_of_the_literature() {
    // Messages per member and period: n - 1 for those that send to all; 1 for gossip; 3 tables and 3 answers for phi; a
    // ping and an answer for foca, and each thirty periods an announcement and an answer. A lease is renewed every 3 s, and
    // the list read every second, by all but the registry.
    for (detector, low, high) in [
        ("all-to-all", 39.0, 39.0),
        ("majority", 39.0, 39.0),
        ("gossip-heartbeat", 1.0, 1.0),
        ("phi-accrual", 3.0, 6.0),
        ("lease", 39.0 / 40.0 * (2.0 + 1.0 / 3.0), 39.0 / 40.0 * (2.0 + 1.0 / 3.0)),
        ("foca", 2.0, 2.0 + 2.0 / 30.0),
    ] {
        let log = run(detector, &setup(40, 1, 80, 0.0, &[]));
        assert!(log.events.is_empty(), "{detector}: {:?}", log.events[0]);
        let load = log.sent as f64 / 40.0 / 100.0;
        assert!((0.98 * low..=1.01 * high).contains(&load), "{detector}: {load}");
    }
}

#[cfg(feature = "experiments")]
#[test]
fn every_detector_runs_the_same_on_any_number_of_threads() {
    use crate::experiment::on_threads;
    use crate::sim::{Threads, log::Calls};

    for detector in ALL {
        let faults = ["crash:at=1s", "restart:at=2s,down=5s", "pause:at=3s,lasts=4s", "loss:at=8s,count=5,rate=0.5"];
        let one = setup(24, 4, 12, 0.02, &faults);
        let network = Spec::parse("lan:delay_ms=20,jitter=uniform,spread_ms=10").unwrap();
        let network = topologies().build(&network, &TopologyContext::default()).unwrap();
        let one = Setup { placement: Arc::new(network.place(24, 0, 4)), ..one };
        let run = |threads| {
            let mut calls = Calls::default();
            let outcome = built(detector).run(&Setup { threads, ..one.clone() }, &mut calls);
            (outcome, calls)
        };
        let expected = run(Threads::ONE);
        assert!(expected.1.0.len() > 1_000, "{detector}");
        for threads in [2, 3] {
            assert!(run(Threads::in_any_world(threads, on_threads)) == expected, "{detector} on {threads} threads");
        }
    }
}

#[test]
fn every_member_learns_of_a_crash_once_and_of_nothing_else() {
    for detector in ALL {
        for seed in 0..5 {
            let setup = setup(40, seed, 120, 0.0, &["crash:at=5s"]);
            let log = run(detector, &setup);
            let victim = setup.placement.peers[log.faults[0].member as usize].id;
            assert_eq!(log.count(&EventKind::Died), 39, "{detector}, seed {seed}");
            assert!(log.events.iter().all(|(.., event)| event.about == victim), "{detector}: {:?}", log.events);
        }
    }
}

#[test]
fn all_to_all_declares_a_timeout_after_the_last_heartbeat() {
    for seed in 0..20 {
        let log = run("all-to-all", &setup(30, seed, 60, 0.0, &["crash:at=5s"]));
        // The last heartbeat came up to a period before the crash.
        let delays = log.delays(&EventKind::Died);
        assert!(delays.iter().all(|delay| (3.99..=5.01).contains(delay)), "seed {seed}: {delays:?}");
    }
}

#[test]
fn a_gossip_heartbeat_takes_a_logarithmic_time_more() {
    let log = run("gossip-heartbeat", &setup(64, 3, 120, 0.0, &["crash:at=5s"]));
    // T_fail = 4 log2 64 = 24 s after the last counter got around.
    let delays = log.delays(&EventKind::Died);
    assert!(delays.iter().all(|delay| (23.0..=36.0).contains(delay)), "{delays:?}");
}

#[test]
fn one_member_that_receives_nothing_declares_all_dead_unless_a_majority_decides() {
    // A random one.
    let deaf = "one-way-partition:at=5s,lasts=30s,direction=in";
    let dead = |detector: &str| {
        let log = run(detector, &setup(9, 2, 30, 0.0, &[deaf]));
        (log.own(&EventKind::Died), log.count(&EventKind::Suspected))
    };
    assert_eq!(dead("all-to-all"), (8, 0));
    assert_eq!(dead("majority"), (0, 8));
}

#[test]
fn a_majority_of_two_takes_both() {
    let log = run("majority", &setup(2, 1, 60, 0.0, &["crash:at=5s"]));
    assert_eq!((log.count(&EventKind::Suspected), log.count(&EventKind::Died)), (1, 0));
}

#[test]
fn joiners_learn_of_all_members_and_all_of_them() {
    for detector in ALL {
        let log = run(detector, &setup(20, 4, 120, 0.0, &["join:at=5s,count=3"]));
        assert_eq!(log.count(&EventKind::Joined), 20 * 3 + 3 * 22, "{detector}");
        assert_eq!(log.count(&EventKind::Died), 0, "{detector}");
    }
}

#[test]
fn a_group_whose_members_start_by_joining_converges() {
    for detector in ALL {
        let mut setup = setup(50, 4, 100, 0.0, &[]);
        setup.start = Start::Joining;
        let log = run(detector, &setup);
        assert_eq!(log.count(&EventKind::Joined) - log.count(&EventKind::Died), 50 * 49, "{detector}");
    }
}

#[test]
fn every_member_learns_of_a_departure_without_a_timeout() {
    for detector in ["all-to-all", "majority"] {
        let log = run(detector, &setup(20, 4, 60, 0.0, &["leave:at=5s"]));
        assert_eq!((log.count(&EventKind::Left), log.count(&EventKind::Died)), (19, 0), "{detector}");
        assert!(log.delays(&EventKind::Left).iter().all(|delay| *delay < 0.1));
    }
    for detector in ["gossip-heartbeat", "phi-accrual"] {
        let log = run(detector, &setup(20, 4, 60, 0.0, &["leave:at=5s"]));
        assert_eq!((log.count(&EventKind::Left), log.count(&EventKind::Died)), (19, 0), "{detector}");
    }
    // foca declares a departing member down, as it does dead ones, but suspects none.
    let log = run("foca", &setup(20, 4, 60, 0.0, &["leave:at=5s"]));
    assert_eq!((log.count(&EventKind::Died), log.count(&EventKind::Suspected)), (19, 0));
    assert!(log.delays(&EventKind::Died).iter().all(|delay| *delay < 5.0), "{:?}", log.delays(&EventKind::Died));
}

#[test]
fn a_restarted_member_is_readmitted_in_its_next_generation() {
    for detector in ALL {
        let log = run(detector, &setup(20, 5, 300, 0.0, &["restart:at=5s,down=60s"]));
        assert_eq!((log.count(&EventKind::Died), log.count(&EventKind::Joined)), (19, 19 + 19), "{detector}");
    }
}

#[test]
fn a_partition_shorter_than_the_retention_of_the_dead_heals() {
    for detector in ["all-to-all", "majority", "phi-accrual", "foca"] {
        let log = run(detector, &setup(20, 6, 300, 0.0, &["partition:at=5s,target=share:0.3,lasts=60s"]));
        assert!(log.count(&EventKind::Died) > 50, "{detector}");
        assert_eq!(log.count(&EventKind::Died), log.count(&EventKind::Joined), "{detector}");
    }
}

#[test]
fn foca_suspects_before_it_declares_and_dead_members_return_under_a_new_identity() {
    // 4 x max(1, log10 20) x 1 s of suspicion.
    let log = run("foca", &setup(20, 8, 120, 0.0, &["crash:at=5s"]));
    let (suspicions, deaths) = (log.delays(&EventKind::Suspected), log.delays(&EventKind::Died));
    let first = |delays: &[f64]| delays.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        (first(&deaths) - first(&suspicions) - 5.204).abs() < 0.001,
        "{} and {}",
        first(&suspicions),
        first(&deaths)
    );

    let log = run("foca", &setup(20, 8, 240, 0.0, &["pause:at=5s,lasts=30s"]));
    let renewals = log.events.iter().filter(|(.., event)| event.kind == EventKind::SelfRefuted);
    assert_eq!(renewals.map(|(.., event)| event.incarnation.refutations).max(), Some(1));
    assert_eq!(log.count(&EventKind::Died), log.count(&EventKind::Joined));
    assert!(log.count(&EventKind::Died) >= 19);
    // Many return, and no member reports on their former identities: that would be a violation.
    assert!(run("foca", &setup(50, 8, 240, 0.3, &[])).count(&EventKind::Joined) > 100);
}

#[test]
fn a_higher_threshold_detects_later_and_causes_fewer_false_positives() {
    let worst = |label: &str| {
        let log = run(label, &setup(30, 7, 120, 0.0, &["crash:at=60s"]));
        log.delays(&EventKind::Died).into_iter().fold(0.0, f64::max)
    };
    let (low, high) = (worst("phi-accrual:threshold=4"), worst("phi-accrual:threshold=12"));
    assert!(low + 0.5 < high, "{low} s and {high} s");
    let alarms = |label: &str| run(label, &setup(30, 7, 120, 0.5, &[])).count(&EventKind::Died);
    let (low, high) = (alarms("phi-accrual:threshold=2"), alarms("phi-accrual:threshold=8"));
    assert!(high * 2 < low, "{low} and {high} false alarms");
}

#[test]
fn equal_seeds_are_equal_runs() {
    for detector in ALL {
        let hash = |seed| {
            let setup = setup(20, seed, 60, 0.1, &["restart:at=5s,down=20s"]);
            built(detector).run(&setup, &mut Log::default()).trace_hash
        };
        assert_eq!(hash(1), hash(1), "{detector}");
        assert_ne!(hash(1), hash(2), "{detector}");
    }
}

#[test]
fn a_detector_of_own_rules_declares_silent_members_dead() {
    let setup = setup(3, 1, 10, 0.0, &[]);
    let mut factory = HeartbeatFactory::new(&setup, Fixed);
    let mut detector = crate::sim::DetectorFactory::initial(&mut factory, 0);
    let mut out = crate::protocol::Outbox::default();
    detector.start(Time::ZERO, Time::ZERO, &mut out);
    assert_eq!((detector.members(), detector.gauge().tombstones), (Some(3), 0));
    while detector.deadline() <= Time::ZERO + Span::from_secs(3) {
        let now = detector.deadline();
        detector.wake(now, &mut out);
    }
    assert_eq!((detector.members(), detector.gauge().tombstones), (Some(1), 2));
}

/// A user's own rules: a fixed timeout of three seconds.
#[derive(Clone)]
struct Fixed;

impl Rules for Fixed {
    type Pulse = ();

    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn reach(&self) -> Reach {
        Reach::Everyone
    }

    fn patience(&self, (): &(), _: u32) -> Span {
        Span::from_secs(3)
    }

    fn memory(&self, _: u32) -> Span {
        Span::from_secs(60)
    }
}
