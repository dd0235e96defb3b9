//! Worlds as a whole.

mod draws;
mod lives;
mod streams;
#[cfg(feature = "experiments")]
mod threads;

use std::sync::Arc;

use swimlab_selectors::{DynSelector, Spec, build_selector, selectors};

use super::log::Log;
use super::*;
#[cfg(feature = "experiments")]
use crate::experiment::on_threads;
use crate::protocol::{Config, EventKind, EventSource, MemberConfig, Span, Time, profiles};
use crate::topology::{TopologyContext, topologies};
use crate::wire::PlainSizer;

fn member_config(config: Config) -> Arc<MemberConfig> {
    Arc::new(MemberConfig::new(config, Arc::new(PlainSizer)).unwrap())
}

fn setup(topology: &str, members: u32, seed: u64, duration_s: u64, faults: &[&str]) -> Setup {
    let faults: Vec<Fault> =
        faults.iter().map(|f| super::faults().build(&Spec::parse(f).unwrap(), &()).unwrap()).collect();
    let topology = topologies().build(&Spec::parse(topology).unwrap(), &TopologyContext::default()).unwrap();
    let (warmup, duration) = (Span::from_secs(5), Span::from_secs(duration_s));
    Setup { warmup, duration, ..Setup::new(&topology, members, seed, faults) }
}

fn strategy(label: &str, setup: &Setup) -> DynSelector {
    build_selector(&selectors(), &Spec::parse(label).unwrap(), &setup.placement.context()).unwrap()
}

fn run(setup: &Setup) -> (Outcome, Log) {
    run_with(setup, Config::swim())
}

fn run_with(setup: &Setup, config: Config) -> (Outcome, Log) {
    let mut log = Log::default();
    let outcome = run_swim(setup, &member_config(config), &strategy("shuffle", setup), &mut log);
    (outcome, log)
}

#[test]
fn a_quiet_group_sends_two_messages_per_member_and_period_and_nothing_happens() {
    let setup = setup("lan", 50, 1, 95, &[]);
    let (outcome, log) = run(&setup);
    assert!(log.events.is_empty());
    assert_eq!(outcome.violations, [""; 0]);
    let per_member_period = log.sent as f64 / 50.0 / 100.0;
    assert!((per_member_period - 2.0).abs() < 0.02, "{per_member_period}");
}

#[test]
fn every_member_learns_of_a_crash_and_of_nothing_else() {
    for seed in 0..20 {
        let setup = setup("aws", 66, seed, 60, &["crash:at=5s"]);
        let (outcome, log) = run(&setup);
        assert_eq!(outcome.violations, [""; 0]);
        assert_eq!(log.faults.len(), 1);
        let victim = setup.placement.peers[log.faults[0].member as usize].id;
        assert!(log.events.iter().all(|(_, _, event)| event.about == victim), "{:?}", log.events);
        assert_eq!(log.count(&EventKind::Died), 65);
    }
}

#[test]
fn every_member_learns_of_a_departure_without_any_suspicion() {
    let setup = setup("lan", 40, 3, 60, &["leave:at=5s"]);
    let (outcome, log) = run(&setup);
    assert_eq!(outcome.violations, [""; 0]);
    assert_eq!((log.count(&EventKind::Left), log.count(&EventKind::Suspected)), (39, 0));
}

#[test]
fn joiners_learn_of_all_members_and_all_of_them() {
    let setup = setup("lan", 40, 3, 400, &["join:at=5s,count=5"]);
    let (outcome, log) = run(&setup);
    assert_eq!(outcome.violations, [""; 0]);
    assert_eq!(log.count(&EventKind::Joined), 40 * 5 + 5 * 44);
}

#[test]
fn a_group_whose_members_start_by_joining_converges() {
    let mut setup = setup("lan", 100, 3, 600, &[]);
    setup.start = Start::Joining;
    let (outcome, log) = run(&setup);
    assert_eq!(outcome.violations, [""; 0]);
    assert_eq!(log.count(&EventKind::Joined), 100 * 99);
    assert_eq!(log.count(&EventKind::Died), 0);
}

#[test]
fn a_restarted_member_is_readmitted_in_its_next_generation() {
    let setup = setup("lan", 30, 5, 500, &["restart:at=5s,down=30s"]);
    let (outcome, log) = run(&setup);
    assert_eq!(outcome.violations, [""; 0]);
    assert_eq!(log.count(&EventKind::Died), 29);
    assert_eq!(log.count(&EventKind::Joined), 29 + 29);
    assert!(
        log.events.iter().any(|(_, _, event)| event.kind == EventKind::Joined && event.incarnation.generation == 1)
    );
}

#[test]
fn a_partition_longer_than_the_suspicion_timeout_heals() {
    for seed in 0..5 {
        let setup = setup("aws", 66, seed, 1500, &["partition:at=5s,target=share:0.3,lasts=120s"]);
        let (outcome, log) = run(&setup);
        assert_eq!(outcome.violations, [""; 0], "seed {seed}");
        assert!(log.count(&EventKind::Died) > 1000);
    }
}

#[test]
fn a_partition_longer_than_the_retention_of_the_dead_heals() {
    let config = Config::swim().with_dead_retention(Span::from_secs(20));
    let setup = setup("lan", 40, 1, 1500, &["partition:at=5s,target=share:0.3,lasts=200s"]);
    let (outcome, log) = run_with(&setup, config);
    assert_eq!(outcome.violations, [""; 0]);
    assert!(log.count(&EventKind::Forgotten) > 500, "{}", log.count(&EventKind::Forgotten));
}

#[test]
fn a_short_pause_is_refuted_and_a_long_one_is_survived() {
    for (lasts, dies) in [("4s", false), ("40s", true)] {
        let setup = setup("lan", 30, 2, 900, &[&format!("pause:at=5s,lasts={lasts}")]);
        let (outcome, log) = run(&setup);
        assert_eq!(outcome.violations, [""; 0]);
        assert!(log.count(&EventKind::SelfRefuted) > 0);
        assert_eq!(log.own(&EventKind::Died) > 0, dies, "{lasts}");
    }
}

#[test]
fn a_slow_member_suspects_others() {
    let setup = setup("lan", 30, 2, 900, &["slow:at=5s,lasts=30s"]);
    let (outcome, log) = run(&setup);
    assert_eq!(outcome.violations, [""; 0]);
    let slow = log.faults[0].member;
    assert!(log.events.iter().any(|(_, member, event)| *member == slow && event.kind == EventKind::Suspected));
}

#[test]
fn a_member_whose_sends_block_suspects_only_the_target_of_its_next_ping() {
    let suspicions = |fault: &str| {
        let setup = setup("lan", 30, 2, 900, &[fault]);
        let (outcome, log) = run(&setup);
        assert_eq!(outcome.violations, [""; 0], "{fault}");
        let (slow, begins) = (log.faults[0].member, log.faults[0].at);
        let own = log.events.iter().filter(|(at, member, event)| {
            let is_own = *member == slow && event.kind == EventKind::Suspected && event.source == EventSource::Own;
            is_own && begins < *at && *at < begins + Span::from_secs(32)
        });
        own.count()
    };
    assert_eq!(suspicions("slow:at=5s,lasts=30s,sends=block"), 1);
    // A member that goes on probing suspects a further member every period.
    assert!(suspicions("slow:at=5s,lasts=30s") > 20);
}

/// Times at which packets reach members and at which faults end.
#[derive(Default)]
struct Arrivals {
    all: Vec<(Time, MemberIndex)>,
    released: Vec<(Time, MemberIndex)>,
}

impl Observer for Arrivals {
    fn delivered(&mut self, at: Time, sent: &Sent) {
        self.all.push((at, sent.to));
    }
    fn fault(&mut self, fault_event: &FaultEvent) {
        if fault_event.effect == Effect::Released {
            self.released.push((fault_event.at, fault_event.member));
        }
    }
}

#[test]
fn a_slow_members_backlog_is_processed_at_once_or_a_packet_at_a_time() {
    // The times, in milliseconds from the fault's end, at which the slow member handles the first twenty packets.
    let handled = |fault: &str| {
        let setup = setup("lan", 30, 2, 60, &[fault]);
        let mut arrivals = Arrivals::default();
        let strategy = strategy("shuffle", &setup);
        let outcome = run_swim(&setup, &member_config(Config::swim()), &strategy, &mut arrivals);
        assert_eq!(outcome.violations, [""; 0], "{fault}");
        let (end, slow) = arrivals.released[0];
        let later = arrivals.all.iter().filter(|(at, to)| *to == slow && *at >= end);
        later.map(|(at, _)| at.since(end).as_micros() / 1000).take(20).collect::<Vec<u64>>()
    };
    assert_eq!(handled("slow:at=5s,lasts=30s"), [0; 20]);
    assert_eq!(handled("slow:at=5s,lasts=30s,catch_up=3ms"), (0..20).map(|n| 3 * n).collect::<Vec<u64>>());
}

#[test]
fn a_slow_member_queues_as_many_packets_as_its_fault_says() {
    for queue in [5, 6] {
        let setup = setup("lan", 30, 2, 60, &[&format!("slow:at=5s,lasts=30s,queue={queue}")]);
        let mut arrivals = Arrivals::default();
        let strategy = strategy("shuffle", &setup);
        run_swim(&setup, &member_config(Config::swim()), &strategy, &mut arrivals);
        let (end, slow) = arrivals.released[0];
        let backlog = arrivals.all.iter().filter(|(at, to)| *to == slow && *at == end).count();
        assert_eq!(backlog, queue);
    }
}

#[test]
fn a_member_that_is_slow_again_before_it_has_caught_up_keeps_its_backlog() {
    let mut setup = setup("lan", 30, 2, 60, &["slow:lasts=10s,catch_up=200ms,times=2,every=11s"]);
    setup.faults[0].target = Target::Members(vec![3]);
    let mut arrivals = Arrivals::default();
    let strategy = strategy("shuffle", &setup);
    let outcome = run_swim(&setup, &member_config(Config::swim()), &strategy, &mut arrivals);
    assert_eq!(outcome.violations, [""; 0]);
    let (first, second) = (arrivals.released[0].0, arrivals.released[1].0);
    let between = |from: Time, to: Time| {
        arrivals.all.iter().filter(|(at, member)| *member == 3 && *at >= from && *at < to).count()
    };
    // A second between two faults is enough for five packets; the others stay queued.
    assert_eq!(between(first, second), 5);
    assert_eq!(between(second, second + Span::from_secs(1)), 5);
}

/// Attacks, "`catch_up` slower than arrivals never ends": as documented.
#[test]
fn a_host_that_takes_longer_per_packet_than_packets_need_to_arrive_stays_slow() {
    let mut setup = setup("lan", 30, 2, 120, &["slow:lasts=10s,catch_up=2s,queue=50"]);
    setup.faults[0].target = Target::Members(vec![3]);
    let mut arrivals = Arrivals::default();
    run_swim(&setup, &member_config(Config::swim()), &strategy("shuffle", &setup), &mut arrivals);
    let (end, _) = arrivals.released[0];
    let last = end + Span::from_secs(80);
    let handled = |member| arrivals.all.iter().filter(|(at, to)| *to == member && *at >= last).count();
    let others = (0..30).filter(|&member| member != 3).map(handled).min().unwrap();
    assert!(handled(3) <= 16 && others > 40, "{} and {others}", handled(3));
}

#[test]
fn churn_violates_no_invariant() {
    for seed in 0..5 {
        let setup = setup("zones", 60, seed, 900, &["churn:at=5s,times=30,every=4s"]);
        let (outcome, log) = run(&setup);
        assert_eq!(outcome.violations, [""; 0], "seed {seed}");
        assert_eq!(log.faults.iter().filter(|fault_event| fault_event.effect == Effect::Joined).count(), 30);
    }
}

#[test]
fn one_way_faults_and_flip_flops_heal() {
    for fault in [
        "one-way-partition:target=share:0.2,lasts=60s,direction=in",
        "one-way-partition:target=share:0.2,lasts=60s,direction=out",
        "flip-flop:target=share:0.1,lasts=200s",
        "one-way-loss:target=share:0.1,lasts=60s,rate=0.8",
        "loss:count=5,lasts=60s,rate=0.5",
    ] {
        let setup = setup("lan", 50, 9, 1500, &[fault]);
        let (outcome, log) = run(&setup);
        assert_eq!(outcome.violations, [""; 0], "{fault}");
        assert!(log.count(&EventKind::Suspected) > 0, "{fault}");
    }
}

/// A partial partition between members 0 to 4 and members 5 to 9 of 30, with `indirect` helpers for each failed ping.
fn partial_partition(direction: &str, indirect: u32) -> (Outcome, Log) {
    let mut setup = setup("lan", 30, 4, 300, &[]);
    let spec = Spec::parse(&format!("partial-partition:at=5s,lasts=60s,direction={direction}")).unwrap();
    let spec = spec.with("target", "0,1,2,3,4").with("peers", "5,6,7,8,9");
    setup.faults = vec![super::faults().build(&spec, &()).unwrap()];
    let protocol = Spec::of("swim").with("indirect", f64::from(indirect));
    run_with(&setup, profiles().build(&protocol, &()).unwrap())
}

#[test]
fn indirect_pings_prevent_false_positives_in_a_partial_partition() {
    for direction in ["both", "in", "out"] {
        let (outcome, log) = partial_partition(direction, 10);
        assert_eq!(outcome.violations, [""; 0], "{direction}");
        let of = |effect| log.faults.iter().filter(|fault| fault.effect == effect).map(|fault| fault.member).collect();
        let members: [Vec<MemberIndex>; 2] = [of(Effect::Disturbed), of(Effect::Released)];
        assert_eq!(members, [(0..10).collect::<Vec<_>>(), (0..10).collect()], "{direction}");
        assert_eq!(log.count(&EventKind::Died), 0, "{direction}");
    }
}

#[test]
fn a_partial_partition_cuts_every_direct_ping_between_its_groups_and_no_other() {
    #[derive(Default)]
    struct Cuts(Vec<(MemberIndex, MemberIndex)>, u32);
    impl Observer for Cuts {
        fn sent(&mut self, sent: &Sent) {
            match sent.delivery {
                Delivery::Cut => self.0.push((sent.from, sent.to)),
                _ if sent.at > Time::from_micros(10_000_000) => {
                    self.1 += u32::from(sent.from < 2 && (2..4).contains(&sent.to));
                }
                _ => {}
            }
        }
    }
    let mut setup = setup("lan", 8, 4, 60, &["partial-partition:at=5s,lasts=1000s"]);
    let kind = PartialPartition {
        peers: Target::Members(vec![2, 3]),
        direction: Direction::Both,
        lasts: Span::from_secs(1000),
    };
    setup.faults = vec![Fault::new(kind)];
    setup.faults[0].at = Span::from_secs(5);
    setup.faults[0].target = Target::Members(vec![0, 1]);
    let mut cuts = Cuts::default();
    run_swim(&setup, &member_config(Config::swim()), &strategy("shuffle", &setup), &mut cuts);
    assert!(cuts.0.len() > 30, "{}", cuts.0.len());
    assert!(cuts.0.iter().all(|&(from, to)| (from < 2 && (2..4).contains(&to)) || (to < 2 && (2..4).contains(&from))));
    assert_eq!(cuts.1, 0, "packets that crossed");
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let hash = |seed| run(&setup("aws:jitter=true", 50, seed, 30, &["crash:at=1s"])).0.trace_hash;
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}
