//! Histories of five members, measured from 10 s to 70 s, whose events are given by hand.

use std::collections::BTreeMap;

use swimlab_selectors::Spec;
use swimlab_selectors::rng::{Purpose, below, stream};

use super::super::propagation::Propagation;
use super::super::{DiscoveryConfig, DiscoveryRecorder};
use crate::experiment::{Measured, MeasuredValue, Recorder};
use crate::protocol::{Event, EventKind, EventSource, Incarnation, Span, Time};
use crate::sim::{Effect, FaultEvent, MemberIndex, Observer, Outcome, Setup, faults};
use crate::topology::{TopologyContext, topologies};

use EventKind::{Died, Joined, Refuted, Suspected};

struct History {
    recorder: Recorder,
    setup: Setup,
}

fn s(seconds: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(seconds)
}

impl History {
    fn new(labels: &[&str], config: DiscoveryConfig) -> Self {
        let faults = labels.iter().map(|f| faults().build(&Spec::parse(f).unwrap(), &()).unwrap()).collect();
        let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
        let setup = Setup { warmup: Span::from_secs(10), ..Setup::new(&lan, 5, 1, faults) };
        let discovery = DiscoveryRecorder::new(config, &setup, s(10.0)..s(70.0), None);
        Self { recorder: Recorder::new(&setup).with_discovery(discovery), setup }
    }

    fn fault(&mut self, at: f64, member: MemberIndex, effect: Effect) {
        self.recorder.fault(&FaultEvent { at: s(at), fault: 0, member, effect });
    }

    fn event(&mut self, at: f64, observer: MemberIndex, subject: MemberIndex, kind: EventKind) {
        let about = self.setup.placement.peers[subject as usize].id;
        let event = Event { about, incarnation: Incarnation::default(), kind, source: EventSource::Own };
        self.recorder.event(s(at), observer, &event);
    }

    /// All but `subject` report it.
    fn all(&mut self, at: f64, subject: MemberIndex, kind: &EventKind) {
        for observer in (0..5).filter(|&observer| observer != subject) {
            self.event(at, observer, subject, kind.clone());
        }
    }

    fn finish(self) -> Measured {
        self.recorder.finish(&Outcome { end: s(70.0), ..Outcome::default() })
    }
}

fn value(measured: &Measured, name: &str) -> f64 {
    measured.reading(name).value().unwrap_or_else(|| panic!("{name}: {:?}", measured.reading(name)))
}

/// Six hundred requests a second in all.
fn busy() -> DiscoveryConfig {
    DiscoveryConfig { clients: 3, request_rate: 200.0, ..DiscoveryConfig::default() }
}

/// A member at which there is none of these clients.
fn without_clients() -> MemberIndex {
    let members = (0..3).map(|client| below(&mut stream(1, Purpose::Clients, client), 5));
    let members: Vec<MemberIndex> = members.collect();
    (0..5).find(|member| !members.contains(member)).expect("three are at no more than three members")
}

#[test]
fn an_answer_is_stale_until_the_last_running_member_hands_the_victim_out_no_more() {
    let mut history = History::new(&["crash"], DiscoveryConfig::default());
    history.fault(15.0, 0, Effect::Crashed);
    // A suspected instance is not handed out; one that refutes is again.
    history.event(16.0, 1, 0, Suspected);
    history.event(17.0, 2, 0, Suspected);
    history.event(18.0, 2, 0, Refuted);
    // What a stopped member believes does not count.
    history.fault(19.0, 4, Effect::Crashed);
    history.event(20.0, 2, 0, Died);
    history.event(21.0, 3, 0, Suspected);
    history.event(22.0, 3, 0, Died);
    let measured = history.finish();
    assert_eq!(measured.victims[0].stale_answer_s, Some(6.0));
    // The second victim is handed out to the end of the trial, 51 s later.
    assert_eq!(measured.victims[1].stale_answer_s, None);
    assert_eq!(measured.reading("stale_answer_s"), MeasuredValue::Censored(51.0));
}

#[test]
fn a_victim_that_is_handed_out_again_is_stale_until_that_is_over_too() {
    let stale = |last: Option<f64>| {
        let mut history = History::new(&["crash"], DiscoveryConfig::default());
        history.fault(15.0, 0, Effect::Crashed);
        history.all(20.0, 0, &Died);
        history.event(25.0, 1, 0, Joined);
        if let Some(at) = last {
            history.event(at, 1, 0, Died);
        }
        history.finish().reading("stale_answer_s")
    };
    assert_eq!(stale(Some(27.5)), MeasuredValue::Value(12.5));
    assert_eq!(stale(None), MeasuredValue::Censored(55.0));
}

#[test]
fn a_victim_that_nobody_hands_out_any_more_is_not_stale_and_a_restart_ends_its_case() {
    let mut history = History::new(&["restart"], DiscoveryConfig::default());
    history.all(14.0, 0, &Suspected);
    history.fault(15.0, 0, Effect::Crashed);
    assert_eq!(value(&history.finish(), "stale_answer_s"), 0.0);

    let mut history = History::new(&["restart"], DiscoveryConfig::default());
    history.fault(15.0, 0, Effect::Crashed);
    history.fault(18.0, 0, Effect::Restarted);
    history.all(20.0, 0, &Died);
    assert_eq!(history.finish().reading("stale_answer_s"), MeasuredValue::Censored(3.0));
}

#[test]
fn without_a_victim_there_is_no_stale_answer_and_leaving_members_are_only_listed() {
    let history = History::new(&[], DiscoveryConfig::default());
    assert_eq!(history.finish().reading("stale_answer_s"), MeasuredValue::Absent);
    let mut history = History::new(&["leave"], DiscoveryConfig::default());
    history.fault(15.0, 0, Effect::Left);
    history.all(15.5, 0, &EventKind::Left);
    let measured = history.finish();
    assert_eq!(measured.reading("stale_answer_s"), MeasuredValue::Absent);
    assert_eq!(measured.victims[0].stale_answer_s, Some(0.5));
}

#[test]
fn requests_to_the_dead_are_counted_by_victim_and_are_wrong_answers() {
    let mut history = History::new(&["crash"], busy());
    history.fault(40.0, without_clients(), Effect::Crashed);
    let measured = history.finish();
    let dead = value(&measured, "requests_to_dead");
    assert_eq!(f64::from(measured.victims[0].requests_to_dead.unwrap()), dead);
    // Half of the time a fifth of the requests: one tenth of about 36,000 (seed 1). Tolerance: four standard deviations of
    // a share, 4 x (0.1 x 0.9 / 36000)^0.5 = 0.0063.
    let wrong = value(&measured, "wrong_answers");
    assert!((wrong - 0.1).abs() < 0.0063, "{wrong}");
    let requests = dead / wrong;
    assert!((requests - 36_000.0).abs() < 4.0 * 36_000_f64.sqrt(), "{requests} requests");
    assert_eq!(value(&measured, "missed_instances"), 0.0);
}

#[test]
fn an_answer_that_lacks_live_instances_is_wrong_only_if_it_names_none() {
    // One member offers the service; from 40 s on, no other believes that it lives.
    let one = DiscoveryConfig { instances: super::super::Instances::Count(1), ..busy() };
    let offers = one.instances.of_trial(&History::new(&[], one).setup);
    let instance = offers.iter().position(|&offers| offers).unwrap() as MemberIndex;
    let mut history = History::new(&[], one);
    history.all(40.0, instance, &Died);
    let measured = history.finish();
    let (wrong, missed) = (value(&measured, "wrong_answers"), value(&measured, "missed_instances"));
    // What is wrong lacks the only instance. Clients at the instance know it.
    assert!(wrong == missed && wrong > 0.15 && wrong < 0.51, "{wrong} {missed}");

    // All offer it, and each believes that all others have died: clients are sent to their own member.
    let mut history = History::new(&[], busy());
    (0..5).for_each(|subject| history.all(40.0, subject, &Died));
    let measured = history.finish();
    assert_eq!(value(&measured, "wrong_answers"), 0.0);
    // Half of the time four of five are lacking. Tolerance: four standard deviations, 4 x 0.8 x (0.25 / 36000)^0.5.
    let missed = value(&measured, "missed_instances");
    assert!((missed - 0.4).abs() < 0.0085, "{missed}");
}

#[test]
fn a_kept_answer_names_the_dead_until_it_is_too_old() {
    let dead = |cache_s: u64| {
        let mut history = History::new(&["crash"], DiscoveryConfig { cache: Span::from_secs(cache_s), ..busy() });
        history.fault(40.0, without_clients(), Effect::Crashed);
        history.all(40.0, without_clients(), &Died);
        value(&history.finish(), "requests_to_dead")
    };
    assert_eq!(dead(0), 0.0);
    // Three clients keep their answers for 0 to 10 s more, in which a fifth of 200 requests a second goes to the victim.
    let kept = dead(10);
    assert!(kept > 0.0 && kept < 3.0 * 10.0 * 50.0, "{kept}");
    assert!(dead(60) > kept);
}

#[test]
fn an_instance_behind_a_partition_is_no_dead_one_but_a_wrong_answer_until_it_is_removed() {
    let mut history = History::new(&["partition"], busy());
    let apart = without_clients();
    history.fault(30.0, apart, Effect::Disturbed);
    history.all(40.0, apart, &Died);
    history.fault(50.0, apart, Effect::Released);
    history.all(50.0, apart, &Joined);
    let measured = history.finish();
    assert_eq!(value(&measured, "requests_to_dead"), 0.0);
    assert_eq!(value(&measured, "missed_instances"), 0.0);
    // For 10 of 60 s a fifth of the requests: 1/30 of about 36,000 (seed 1). Tolerance: four standard deviations,
    // 4 x (0.033 / 36000)^0.5 = 0.0038.
    let wrong = value(&measured, "wrong_answers");
    assert!((wrong - 1.0 / 30.0).abs() < 0.0038, "{wrong}");
}

#[test]
fn a_change_is_timed_until_shares_of_the_others_know_it_or_a_later_one() {
    let mut changes = Propagation::new(5, 4, s(10.0)..s(70.0));
    assert_eq!(changes.change(s(9.0), 0), 1);
    assert_eq!(changes.change(s(11.0), 0), 2);
    changes.learn(s(11.2), 1, 0, 1);
    changes.learn(s(11.5), 1, 0, 2);
    assert_eq!(changes.change(s(12.0), 0), 3);
    // It skips the second.
    changes.learn(s(13.0), 2, 0, 3);
    changes.learn(s(14.0), 3, 0, 3);
    changes.learn(s(15.0), 1, 0, 3);
    changes.send(s(11.0), 1000, false);
    changes.send(s(12.0), 40, true);
    changes.send(s(75.0), 500, false);
    let readings = changes.finish(s(70.0));
    // Half of three are two: after 2 s and 2 s; all: after 3 s and 3 s.
    assert_eq!(readings.times, [2.0, 3.0, 3.0].map(MeasuredValue::Value));
    // Two changes in the window, four members.
    assert_eq!(readings.bytes_per_change, MeasuredValue::Value(1000.0 / 2.0 / 4.0));
}

#[test]
fn stopped_members_are_not_waited_for_and_changes_of_stopped_owners_come_no_further() {
    let mut changes = Propagation::new(4, 4, s(10.0)..s(70.0));
    changes.change(s(20.0), 0);
    changes.learn(s(21.0), 1, 0, 1);
    changes.learn(s(22.0), 2, 0, 1);
    changes.stop(s(23.0), 3);
    // It knows all others by the table that it gets; but it was not there.
    changes.begin(s(30.0), 3);
    changes.learn(s(31.0), 3, 0, 1);
    assert_eq!(changes.finish(s(70.0)).times, [2.0, 3.0, 3.0].map(MeasuredValue::Value));

    let mut changes = Propagation::new(4, 4, s(10.0)..s(70.0));
    changes.change(s(20.0), 0);
    changes.learn(s(21.0), 1, 0, 1);
    changes.stop(s(22.0), 0);
    changes.learn(s(23.0), 2, 0, 1);
    // Changes are not timed in the last 6 of 60 s, so each was observed for as long.
    assert_eq!(changes.finish(s(70.0)).times, [MeasuredValue::Censored(6.0); 3]);

    let mut changes = Propagation::new(4, 4, s(10.0)..s(70.0));
    changes.change(s(65.0), 0);
    changes.send(s(66.0), 120, false);
    let readings = changes.finish(s(70.0));
    assert_eq!((readings.times, readings.bytes_per_change), ([MeasuredValue::Absent; 3], MeasuredValue::Value(30.0)));
}

/// A change as the definition has it: whom it waits for, and whether they know it.
struct Followed {
    owner: MemberIndex,
    number: u32,
    at: Time,
    others: BTreeMap<MemberIndex, bool>,
    times: [Option<f64>; 3],
    is_over: bool,
}

impl Followed {
    fn check(&mut self, now: Time) {
        let known = self.others.values().filter(|knows| **knows).count();
        for (percent, time) in [50, 99, 100].into_iter().zip(&mut self.times) {
            if !self.is_over && known * 100 >= percent * self.others.len() {
                time.get_or_insert(now.since(self.at).as_secs_f64());
            }
        }
    }
}

#[test]
fn what_is_kept_of_changes_gives_the_times_that_lists_of_all_members_would_give() {
    const MEMBERS: u32 = 7;
    for seed in 0..200 {
        let mut rng = stream(seed, Purpose::State, 0);
        let mut kept = Propagation::new(MEMBERS, 5, s(0.0)..s(1000.0));
        let (mut up, mut followed): (Vec<bool>, Vec<Followed>) = ((0..MEMBERS).map(|n| n < 5).collect(), Vec::new());
        for now in (1..400).map(|step| s(f64::from(step))) {
            let member = below(&mut rng, MEMBERS);
            match below(&mut rng, 20) {
                0 if up[member as usize] => {
                    up[member as usize] = false;
                    kept.stop(now, member);
                    for change in &mut followed {
                        change.is_over |= change.owner == member;
                        if change.others.remove(&member).is_some() {
                            change.check(now);
                        }
                    }
                }
                1 if !up[member as usize] => {
                    up[member as usize] = true;
                    kept.begin(now, member);
                }
                2..8 if up[member as usize] => {
                    let number = kept.change(now, member);
                    let others = (0..MEMBERS).filter(|other| *other != member && up[*other as usize]);
                    let others: BTreeMap<_, _> = others.map(|other| (other, false)).collect();
                    if !others.is_empty() {
                        let (times, is_over) = ([None; 3], false);
                        followed.push(Followed { owner: member, number, at: now, others, times, is_over });
                    }
                }
                _ => {
                    let observer = below(&mut rng, MEMBERS);
                    let last =
                        followed.iter().filter(|change| change.owner == member).map(|change| change.number).max();
                    let number = below(&mut rng, last.unwrap_or(0) + 1);
                    if observer == member || !up[observer as usize] {
                        continue;
                    }
                    kept.learn(now, observer, member, number);
                    for change in followed.iter_mut().filter(|change| change.owner == member && change.number <= number)
                    {
                        if change.others.get_mut(&observer).is_some_and(|knows| !std::mem::replace(knows, true)) {
                            change.check(now);
                        }
                    }
                }
            }
        }
        let times = kept.finish(s(1000.0)).times;
        for (share, time) in times.into_iter().enumerate() {
            let mut expected: Vec<f64> =
                followed.iter().map(|change| change.times[share].unwrap_or(f64::MAX)).collect();
            expected.sort_by(f64::total_cmp);
            let (low, high) = (expected[(expected.len() - 1) / 2], expected[expected.len() / 2]);
            match time {
                MeasuredValue::Value(value) => assert_eq!(value, (low + high) / 2.0, "seed {seed}"),
                _ => assert_eq!(high, f64::MAX, "seed {seed}: {time:?}"),
            }
        }
    }
}
