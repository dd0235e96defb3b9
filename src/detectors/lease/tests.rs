//! The registry in worlds: its times by formula, its load, and what happens without it.

use std::collections::{BTreeMap, BTreeSet};

use swimlab_selectors::Spec;

use crate::detectors::detectors;
use crate::detectors::tests::{built, run, setup};
use crate::protocol::{EventKind, MessageKind, Span};
use crate::sim::log::Log;
use crate::sim::{MemberIndex, Observer, Sent, Setup, Target};
use crate::topology::{TopologyContext, topologies};

/// The registries that each other member asks for their lists, of three.
#[derive(Default)]
struct Asked {
    by_member: BTreeMap<MemberIndex, BTreeSet<MemberIndex>>,
}

impl Observer for Asked {
    fn sent(&mut self, sent: &Sent) {
        if sent.kind == MessageKind::Sync && sent.from >= 3 {
            self.by_member.entry(sent.from).or_default().insert(sent.to);
        }
    }
}

/// The mean, and four times its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (n - 1.0);
    (mean, 4.0 * (variance / n).sqrt())
}

#[test]
fn a_crash_is_known_a_time_to_live_after_the_last_renewal_at_the_next_reading() {
    // 200 trials (seeds 0 to 199) with a crash of a member that is no registry. The last renewal was up to a period
    // before the crash; the first of 38 readers reads 1/39 of a poll after the end of the lease in the mean, the last one
    // 38/39. Tolerance: four standard errors of the means.
    let (period, ttl, poll) = (3.0, 10.0, 1.0);
    let mut delays = [Vec::new(), Vec::new(), Vec::new()];
    for seed in 0..200 {
        let setup = Setup { period: Span::from_secs(3), ..setup(40, seed, 60, 0.0, &["crash:at=5s,target=7"]) };
        let log = run("lease", &setup);
        let known = log.delays(&EventKind::Died);
        assert_eq!(known.len(), 39, "seed {seed}");
        delays[0].push(known.iter().copied().fold(f64::INFINITY, f64::min));
        delays[1].push(known.iter().sum::<f64>() / 39.0);
        delays[2].push(known.iter().copied().fold(0.0, f64::max));
    }
    let expected = [poll / 40.0, poll / 2.0, poll * 39.0 / 40.0].map(|reading| ttl - period / 2.0 + reading);
    for (delays, expected) in delays.iter().zip(expected) {
        let (mean, error) = mean(delays);
        assert!((mean - expected).abs() <= error, "{mean} s, not {expected} s (tolerance {error} s)");
    }
}

#[test]
fn the_load_is_that_of_renewals_and_readings_and_falls_on_the_registries() {
    for (registries, members) in [(1, 40.0), (3, 40.0)] {
        let label = format!("lease:registries={registries}");
        let log = run(&label, &setup(40, 1, 70, 0.0, &[]));
        let count = f64::from(registries);
        // A second has 1/3 of a renewal with each registry but itself, a question and an answer; registries read their own
        // lists.
        let renewals = (members - count) * count / 3.0 + count * (count - 1.0) / 3.0;
        let expected = (renewals + 2.0 * (members - count)) * 90.0;
        assert!((log.sent as f64 / expected - 1.0).abs() < 0.02, "{label}: {} messages, not {expected}", log.sent);
        assert!(log.events.is_empty(), "{label}");
    }
}

#[test]
fn without_its_only_registry_nobody_learns_of_a_crash_and_all_keep_their_lists() {
    let log = run("lease", &setup(20, 1, 120, 0.0, &["crash:at=5s,target=0", "crash:at=10s,target=7"]));
    assert_eq!(log.events, []);
    let log = run("lease:registries=2", &setup(20, 1, 120, 0.0, &["crash:at=5s,target=0", "crash:at=10s,target=7"]));
    assert_eq!((log.count(&EventKind::Died), log.events.len()), (2 * 18, 2 * 18));
}

#[test]
fn a_registry_is_given_the_time_of_a_round_trip_before_the_next_one_is_asked() {
    // Members on two sides of the globe, and registries on both: answers take up to some 300 ms, and lists are read every
    // 10 ms. Each of the 17 members that are no registries asks the one that it was given, and no other.
    let asked_by = |faults: &[&str]| {
        let far = topologies().build(&Spec::of("cities"), &TopologyContext::default()).unwrap();
        let lan = setup(20, 1, 60, 0.0, faults);
        let far = Setup { warmup: lan.warmup, duration: lan.duration, ..Setup::new(&far, 20, 1, lan.faults) };
        let mut asked = Asked::default();
        built("lease:registries=3,poll=10ms").run(&far, &mut asked);
        asked.by_member
    };
    assert!(asked_by(&[]).values().all(|registries| registries.len() == 1));
    // One that is dead is left after a second.
    assert!(asked_by(&["crash:at=5s,target=0"]).values().any(|registries| registries.len() == 2));
}

#[test]
fn a_registry_that_restarts_lists_no_member_as_dead_that_still_renews() {
    for seed in 0..10 {
        let log = run("lease", &setup(20, seed, 120, 0.0, &["restart:at=5s,target=0,down=30s"]));
        assert_eq!(log.count(&EventKind::Died), 0, "seed {seed}");
        // It reads the others from its own table.
        assert_eq!(log.count(&EventKind::Joined), 19, "seed {seed}");
    }
}

#[test]
fn members_that_are_cut_off_from_the_registry_keep_their_lists_and_return_to_those_of_others() {
    let mut setup = setup(20, 3, 120, 0.0, &["partition:at=5s,lasts=40s"]);
    setup.faults[0].target = Target::Members(vec![3, 4, 5]);
    let log = run("lease", &setup);
    let is_apart = |member: MemberIndex| (3..6).contains(&member);
    let of = |kind: EventKind, apart: bool| {
        let events = log.events.iter().filter(|(_, member, event)| is_apart(*member) == apart && event.kind == kind);
        events.map(|(at, ..)| at.as_secs_f64()).collect::<Vec<_>>()
    };
    assert_eq!((of(EventKind::Died, false).len(), of(EventKind::Joined, false).len()), (17 * 3, 17 * 3));
    // They learn that their leases have ended when they read the list again, and then renew them. It is over after 65 s.
    let (died, joined) = (of(EventKind::Died, true), of(EventKind::Joined, true));
    assert_eq!(died.len(), joined.len());
    assert!(died.iter().all(|&at| (65.0..70.0).contains(&at)), "{died:?}");
}

#[test]
fn with_a_twentieth_of_the_packets_lost_leases_are_renewed_in_time() {
    // A renewal is repeated after 1, 3 and 7 s: it fails or comes too late with a probability of some 1e-4, and three
    // in a row must. 20 trials (seeds 0 to 19) of 80 s with 40 members: none.
    let deaths: usize = (0..20).map(|seed| run("lease", &setup(40, seed, 60, 0.05, &[])).count(&EventKind::Died)).sum();
    assert_eq!(deaths, 0);
}

#[test]
fn a_lease_that_ends_before_it_is_renewed_is_refused() {
    let refused = |label: &str| {
        let spec = Spec::parse(label).unwrap();
        detectors().build(&spec, &()).err().unwrap().to_string()
    };
    let message = refused("lease:period=10s");
    assert!(message.contains("ttl (10s) must be longer than period (10s)"), "{message}");
    let message = refused("lease:tll=3s");
    assert!(message.contains("did you mean ttl"), "{message}");
    let equal = |seed| {
        let setup = setup(20, seed, 60, 0.1, &["restart:at=5s,down=20s"]);
        built("lease:registries=3").run(&setup, &mut Log::default()).trace_hash
    };
    assert_eq!(equal(1), equal(1));
}
