//! Faults and updates that outlast a member's life.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::protocol::{Id, Incarnation, preset};

/// Times at which one member sends, and everything else in a log.
struct SendTimes {
    of: MemberIndex,
    times: Vec<Time>,
}

impl Observer for SendTimes {
    fn sent(&mut self, sent: &Sent) {
        if sent.from == self.of {
            self.times.push(sent.at);
        }
    }
}

// A11
#[test]
fn an_impairment_of_an_earlier_life_does_not_end_one_of_a_later() {
    for first in ["slow:at=0s,lasts=10s,target=3", "slow:at=0s,lasts=10s,sends=block,target=3"] {
        let faults = [first, "restart:at=2s,down=1s,target=3", "pause:at=5s,lasts=10s,target=3"];
        let setup = setup("lan", 8, 1, 40, &faults);
        let mut sends = SendTimes { of: 3, times: Vec::new() };
        run_swim(&setup, &member_config(Config::swim()), &strategy("shuffle", &setup), &mut sends);
        // The warm-up of 5 s, and a moment for what is done at the same time.
        let in_between = |from: f64, to: f64| {
            sends.times.iter().filter(|at| (from..to).contains(&at.since(Time::ZERO).as_secs_f64())).count()
        };
        assert!(in_between(8.0, 10.0) > 0, "{first}: restarted");
        assert_eq!(in_between(10.001, 20.0), 0, "{first}: paused for ten seconds");
        assert!(in_between(20.0, 30.0) > 0, "{first}: goes on");
    }
}

#[test]
fn impairments_of_one_life_add_up_in_any_order() {
    for faults in [
        ["pause:at=0s,lasts=20s,target=3", "pause:at=5s,lasts=5s,target=3"],
        ["slow:at=0s,lasts=20s,target=3", "pause:at=5s,lasts=5s,target=3"],
        ["pause:at=5s,lasts=15s,target=3", "slow:at=0s,lasts=10s,target=3"],
    ] {
        let setup = setup("lan", 8, 1, 60, &faults);
        let mut sends = SendTimes { of: 3, times: Vec::new() };
        run_swim(&setup, &member_config(Config::swim()), &strategy("shuffle", &setup), &mut sends);
        let sent_while_held = sends.times.iter().filter(|at| {
            let seconds = at.since(Time::ZERO).as_secs_f64();
            (10.001..25.0).contains(&seconds)
        });
        assert_eq!(sent_while_held.count(), 0, "{faults:?}");
    }
}

/// Members whose host is slow for longer than records of the dead are kept, declare all others dead, and forget them. What
/// they learn from tables afterwards must not be older than what they have forgotten.
#[test]
fn a_member_that_has_forgotten_all_others_admits_none_by_an_old_record() {
    for seed in 0..200 {
        let mut setup = setup("lan", 3, seed, 400, &["slow:at=5s,lasts=90s"]);
        let spec = preset("local").unwrap().under(Spec::of("swim").with("dead_retention", "60s"));
        let config = profiles().build(&spec, &()).unwrap();
        setup.period = config.period;
        let (outcome, log) = run_with(&setup, config);
        assert_eq!(outcome.violations, [""; 0], "seed {seed}");
        let mut died: BTreeMap<(MemberIndex, Id), Incarnation> = BTreeMap::new();
        for (at, observer, event) in &log.events {
            let key = (*observer, event.about);
            match event.kind {
                EventKind::Died => {
                    died.insert(key, event.incarnation);
                }
                EventKind::Joined => {
                    let before = died.get(&key).copied();
                    assert!(
                        before.is_none_or(|before| event.incarnation > before),
                        "seed {seed}: at {at}, {observer} admits {} at {}, dead at {before:?}",
                        event.about,
                        event.incarnation
                    );
                }
                _ => {}
            }
        }
    }
}

/// A12: a member that was cut off and declared dead learns of those that have joined meanwhile, and they of it. In about one of
/// 400 worlds nothing else would tell them; these are some of those worlds.
#[test]
fn a_member_declared_dead_and_one_that_joins_meanwhile_get_to_know_each_other() {
    for profile in ["swim", "lifeguard"] {
        for seed in [83, 948, 1254, 1483, 2709, 3081, 3161, 3194, 3361, 4404, 4564, 4581, 4718, 5309] {
            let faults = ["partition:at=5s,lasts=40s", "join:at=25s"];
            let setup = setup("lan", 6, seed, 600, &faults);
            let (outcome, _) = run_with(&setup, profile.parse().unwrap());
            assert_eq!(outcome.violations, [""; 0], "{profile}, seed {seed}");
        }
    }
}

/// Without state syncs soon after, one pair in 20,000 needs another minute or two.
#[test]
fn when_many_join_at_once_all_know_all_within_a_minute_even_if_a_twentieth_of_all_packets_is_lost() {
    for (selector, seed) in [("shuffle", 1), ("shuffle", 2), ("shuffle", 3), ("auto", 1), ("auto", 2), ("auto", 3)] {
        let setup = Setup { loss: 0.05, ..setup("aws", 70, seed, 65, &["join:at=5s,count=70"]) };
        let mut log = Log::default();
        run_swim(&setup, &member_config(Config::lan()), &strategy(selector, &setup), &mut log);
        let joined = log.events.iter().filter(|(.., event)| event.kind == EventKind::Joined);
        let pairs: BTreeSet<_> = joined.map(|(_, observer, event)| (observer, event.about)).collect();
        assert_eq!(pairs.len(), 70 * 70 + 70 * 139, "{selector}, seed {seed}");
    }
}

/// W2: eight members with the preset `local`, one of which sends an event every two seconds.
#[test]
fn events_that_gossip_misses_come_with_state_syncs_and_the_sender_reports_its_own() {
    let reports = |config: Config, seed| {
        let setup = setup("lan", 8, seed, 290, &["broadcast:at=10s,every=2s,times=100"]);
        let (outcome, log) = run_with(&setup, config);
        assert_eq!(outcome.violations, [""; 0], "seed {seed}");
        let reports = log.events.iter().filter(|(.., event)| matches!(event.kind, EventKind::User(_)));
        let own = reports.clone().filter(|(.., event)| event.source == EventSource::Own).count();
        assert_eq!(own, 100, "seed {seed}");
        reports.count() - own
    };
    let all = 100 * 7;
    for seed in 0..5 {
        assert_eq!(reports(Config::local(), seed), all, "seed {seed}");
    }
    let by_gossip_alone: usize = (0..5).map(|seed| reports(Config::local().with_sync_interval(Span::ZERO), seed)).sum();
    let share = by_gossip_alone as f64 / (5 * all) as f64;
    assert!((0.85..0.99).contains(&share), "{share}");
}

/// F2 and A2: worlds with more application events at once than any queue or memory holds.
#[test]
fn application_events_are_reported_once_and_disturb_no_detection() {
    let crash = ["broadcast:at=1s,events=500,count=6", "crash:at=2s", "broadcast:at=30s,events=100,count=10,bytes=300"];
    // Back before it is declared dead.
    let restart = ["broadcast:at=1s,events=2000,target=share:1", "pause:at=2s,lasts=3s", "restart:at=20s,down=5s"];
    for (profile, faults, deaths) in [("swim", crash, 11), ("lifeguard", restart, 0)] {
        let setup = setup("lan", 12, 7, 400, &faults);
        let (outcome, log) = run_with(&setup, profile.parse().unwrap());
        assert_eq!(outcome.violations, [""; 0], "{profile}");
        let reports = log.events.iter().filter(|(.., event)| matches!(event.kind, EventKind::User(_))).count();
        assert!(reports > 20_000, "{profile}: {reports}");
        assert_eq!(log.count(&EventKind::Died), deaths, "{profile}");
    }
}
