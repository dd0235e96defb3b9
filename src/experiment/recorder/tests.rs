use std::sync::Arc;

use swimlab_selectors::Spec;

use super::*;
use crate::experiment::measures::Measure;
use crate::protocol::{Incarnation, MessageKind};
use crate::sim::{Delivery, faults};
use crate::topology::{TopologyContext, topologies};

/// A recorder of five members and joiners, measuring from 10 s to 70 s, to which events are given by hand.
struct Scenario {
    recorder: Recorder,
    setup: Setup,
}

fn s(seconds: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(seconds)
}

impl Scenario {
    fn new(topology: &str, labels: &[&str]) -> Self {
        let faults: Vec<_> = labels.iter().map(|f| faults().build(&Spec::parse(f).unwrap(), &()).unwrap()).collect();
        let topology = topologies().build(&Spec::parse(topology).unwrap(), &TopologyContext::default()).unwrap();
        let setup = Setup { warmup: Span::from_secs(10), ..Setup::new(&topology, 5, 1, faults) };
        Self { recorder: Recorder::new(&setup), setup }
    }

    fn fault(&mut self, at: f64, fault: u32, member: MemberIndex, effect: Effect) {
        self.recorder.fault(&FaultEvent { at: s(at), fault, member, effect });
    }

    fn send(&mut self, at: f64, from: MemberIndex, to: MemberIndex, direct_ping: bool, bytes: u32) -> Sent {
        let delivery = Delivery::Arrives(s(at + 0.001));
        let sent = Sent { at: s(at), from, to, kind: MessageKind::Ping, direct_ping, bytes, delivery };
        self.recorder.sent(&sent);
        sent
    }

    fn ping(&mut self, at: f64, from: MemberIndex, to: MemberIndex) {
        self.send(at, from, to, true, 50);
    }

    fn event(&mut self, at: f64, member: MemberIndex, about: MemberIndex, what: EventKind, source: EventSource) {
        self.event_of_generation(at, member, about, what, source, 0);
    }

    fn event_of_generation(
        &mut self,
        at: f64,
        member: MemberIndex,
        about: MemberIndex,
        what: EventKind,
        source: EventSource,
        generation: u32,
    ) {
        let about = self.setup.placement.peers[about as usize].id;
        let event = Event { about, incarnation: Incarnation::of_generation(generation), kind: what, source };
        self.recorder.event(s(at), member, &event);
    }

    fn heard(&self, from: MemberIndex) -> EventSource {
        EventSource::Heard(self.setup.placement.peers[from as usize].id)
    }

    fn finish(self) -> Measured {
        self.recorder.finish(&Outcome { end: s(70.0), ..Outcome::default() })
    }
}

fn read(measured: &Measured, name: &str) -> MeasuredValue {
    measured.readings[Measure::index_of(name).unwrap()]
}

fn value(measured: &Measured, name: &str) -> f64 {
    read(measured, name).value().unwrap_or_else(|| panic!("{name}: {:?}", read(measured, name)))
}

#[test]
fn a_crash_is_timed_from_the_fault_to_the_last_survivor() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    scenario.ping(14.9, 1, 0);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.ping(15.5, 1, 0);
    scenario.ping(15.7, 2, 0);
    scenario.event(16.5, 1, 0, EventKind::Suspected, EventSource::Own);
    scenario.event(16.6, 2, 0, EventKind::Suspected, scenario.heard(1));
    scenario.event(20.0, 1, 0, EventKind::Died, EventSource::Own);
    scenario.event(21.0, 2, 0, EventKind::Died, scenario.heard(1));
    scenario.event(22.0, 3, 0, EventKind::Died, scenario.heard(1));
    scenario.event(23.0, 4, 0, EventKind::Died, scenario.heard(1));
    let measured = scenario.finish();
    let names = ["first_ping_s", "first_suspicion_s", "first_declaration_s"];
    assert_eq!(names.map(|name| value(&measured, name)), [0.5, 1.5, 5.0]);
    let names = ["informed_50_s", "informed_99_s", "informed_100_s"];
    assert_eq!(names.map(|name| value(&measured, name)), [6.0, 8.0, 8.0]);
    assert_eq!(value(&measured, "false_suspicions"), 0.0);
    assert_eq!(value(&measured, "false_positives"), 0.0);
    assert_eq!((measured.victims.len(), measured.victims[0].at_s), (1, 5.0));
    assert_eq!(measured.strikes, [1]);
}

#[test]
fn the_group_agrees_once_each_running_member_knows_all_others_and_nobody_else() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    for (at, observer) in [(20.0, 1), (21.0, 2), (22.0, 3), (24.0, 4)] {
        scenario.event(at, observer, 0, EventKind::Died, EventSource::Own);
    }
    // A member that is taken for dead later is not what the fault caused.
    scenario.event(30.0, 1, 2, EventKind::Died, EventSource::Own);
    assert_eq!(value(&scenario.finish(), "agreement_s"), 9.0);

    let mut scenario = Scenario::new("lan", &["partition"]);
    scenario.fault(15.0, 0, 0, Effect::Disturbed);
    for member in 1..5 {
        scenario.event(20.0, member, 0, EventKind::Died, EventSource::Own);
        scenario.event(20.0, 0, member, EventKind::Died, EventSource::Own);
    }
    scenario.fault(25.0, 0, 0, Effect::Released);
    for member in 1..5 {
        scenario.event(26.0, 0, member, EventKind::Joined, EventSource::Own);
    }
    for member in 1..5 {
        scenario.event(26.0 + f64::from(member), member, 0, EventKind::Joined, EventSource::Own);
    }
    assert_eq!(value(&scenario.finish(), "agreement_s"), 5.0);
}

#[test]
fn a_joiner_agrees_once_it_knows_all_and_all_know_it() {
    let mut scenario = Scenario::new("lan", &["join"]);
    scenario.fault(15.0, 0, 5, Effect::Joined);
    for member in 0..5 {
        scenario.event(16.0, 5, member, EventKind::Joined, EventSource::Own);
        if member != 3 {
            scenario.event(17.0, member, 5, EventKind::Joined, EventSource::Own);
        }
    }
    assert_eq!(read(&scenario.finish(), "agreement_s"), MeasuredValue::Censored(55.0));
    assert_eq!(read(&Scenario::new("lan", &[]).finish(), "agreement_s"), MeasuredValue::Absent);
}

#[test]
fn a_measure_that_is_not_reached_is_censored_and_one_that_cannot_be_is_absent() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    let measured = scenario.finish();
    assert_eq!(read(&measured, "first_ping_s"), MeasuredValue::Censored(55.0));
    assert_eq!(read(&measured, "informed_100_s"), MeasuredValue::Censored(55.0));
    assert_eq!(read(&measured, "cross_region_bytes"), MeasuredValue::Absent);

    let measured = Scenario::new("lan", &["crash"]).finish();
    assert_eq!(read(&measured, "first_ping_s"), MeasuredValue::Absent);
    assert_eq!(measured.strikes, [0]);
}

#[test]
fn a_trial_reports_the_last_victim_timed_from_its_own_fault() {
    let mut scenario = Scenario::new("lan", &["crash", "crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.ping(18.0, 2, 0);
    scenario.fault(30.0, 1, 1, Effect::Crashed);
    scenario.ping(31.0, 2, 1);
    let measured = scenario.finish();
    assert_eq!(value(&measured, "first_ping_s"), 3.0);
}

#[test]
fn a_censored_trial_is_known_to_take_longer_than_its_slowest_victim() {
    // The second victim was observed for 10 s, the first one was pinged after 12 s.
    let mut scenario = Scenario::new("lan", &["crash", "crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.ping(27.0, 2, 0);
    scenario.fault(60.0, 1, 1, Effect::Crashed);
    let measured = scenario.finish();
    assert_eq!(read(&measured, "first_ping_s"), MeasuredValue::Censored(12.0));
    assert_eq!(read(&measured, "first_suspicion_s"), MeasuredValue::Censored(55.0));
}

#[test]
fn a_member_that_crashes_as_well_is_not_a_survivor() {
    let mut scenario = Scenario::new("lan", &["crash:count=2"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.fault(15.0, 0, 1, Effect::Crashed);
    for (at, observer) in [(20.0, 2), (21.0, 3), (22.0, 4)] {
        scenario.event(at, observer, 0, EventKind::Died, EventSource::Own);
        scenario.event(at, observer, 1, EventKind::Died, EventSource::Own);
    }
    assert_eq!(value(&scenario.finish(), "informed_100_s"), 7.0);
}

#[test]
fn the_crash_of_the_last_uninformed_survivor_completes_dissemination() {
    let mut scenario = Scenario::new("lan", &["crash", "crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    for observer in 1..4 {
        scenario.event(20.0, observer, 0, EventKind::Died, EventSource::Own);
    }
    scenario.fault(25.0, 1, 4, Effect::Crashed);
    let measured = scenario.finish();
    assert_eq!(measured.victims[0].informed_100_s, Some(10.0));
}

#[test]
fn joiners_are_not_survivors_of_earlier_faults() {
    let mut scenario = Scenario::new("lan", &["churn"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.fault(15.0, 0, 5, Effect::Joined);
    for observer in 1..5 {
        scenario.event(20.0, observer, 0, EventKind::Died, EventSource::Own);
    }
    let measured = scenario.finish();
    assert_eq!(value(&measured, "informed_100_s"), 5.0);
    assert_eq!((measured.victims[0].kind, &measured.strikes[..]), (VictimKind::Churn, &[2][..]));
}

#[test]
fn a_restart_ends_the_time_in_which_a_crash_can_be_detected() {
    let mut scenario = Scenario::new("lan", &["restart"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.event(17.0, 1, 0, EventKind::Suspected, EventSource::Own);
    scenario.fault(20.0, 0, 0, Effect::Restarted);
    scenario.event(21.0, 1, 0, EventKind::Died, EventSource::Own);
    let measured = scenario.finish();
    assert_eq!(value(&measured, "first_suspicion_s"), 2.0);
    assert_eq!(read(&measured, "first_declaration_s"), MeasuredValue::Censored(5.0), "until it restarts");
    assert_eq!(value(&measured, "false_positives"), 0.0, "it was about the earlier generation");
    assert_eq!(measured.strikes, [1], "a return is not counted");
}

#[test]
fn declaring_the_new_generation_dead_is_a_false_positive() {
    let mut scenario = Scenario::new("lan", &["restart"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.fault(20.0, 0, 0, Effect::Restarted);
    scenario.event_of_generation(25.0, 1, 0, EventKind::Died, EventSource::Own, 1);
    assert_eq!(value(&scenario.finish(), "false_positives"), 1.0);
}

#[test]
fn survivors_that_had_the_victim_recorded_as_dead_are_informed_from_the_start() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    for observer in 1..4 {
        scenario.event(12.0, observer, 0, EventKind::Died, EventSource::Own);
    }
    scenario.event(13.0, 3, 0, EventKind::Joined, scenario.heard(0));
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.event(16.0, 3, 0, EventKind::Died, scenario.heard(1));
    scenario.event(17.0, 4, 0, EventKind::Died, scenario.heard(1));
    let measured = scenario.finish();
    assert_eq!(value(&measured, "first_declaration_s"), 0.0);
    assert_eq!(value(&measured, "informed_50_s"), 0.0);
    assert_eq!(value(&measured, "informed_100_s"), 2.0);
    assert_eq!(value(&measured, "false_positives"), 3.0);
}

#[test]
fn without_suspicion_the_declaration_counts_as_one() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.event(16.0, 1, 0, EventKind::Died, EventSource::Own);
    assert_eq!(value(&scenario.finish(), "first_suspicion_s"), 1.0);
}

#[test]
fn a_member_that_leaves_is_listed_but_not_measured() {
    let mut scenario = Scenario::new("lan", &["leave"]);
    scenario.fault(15.0, 0, 0, Effect::Left);
    for observer in 1..5 {
        scenario.event(16.0, observer, 0, EventKind::Left, scenario.heard(0));
    }
    let measured = scenario.finish();
    assert_eq!(read(&measured, "informed_100_s"), MeasuredValue::Absent);
    assert_eq!((measured.victims[0].kind, measured.victims[0].informed_100_s), (VictimKind::Leave, Some(1.0)));
}

#[test]
fn false_alarms_are_counted_in_the_window_and_separately_for_healthy_observers() {
    let mut scenario = Scenario::new("lan", &["pause"]);
    scenario.event(9.0, 1, 0, EventKind::Suspected, EventSource::Own);
    scenario.event(9.5, 1, 0, EventKind::Died, EventSource::Own);
    scenario.fault(15.0, 0, 2, Effect::Disturbed);
    scenario.fault(25.0, 0, 2, Effect::Released);
    scenario.event(25.0, 2, 0, EventKind::Suspected, EventSource::Own);
    scenario.event(25.1, 3, 0, EventKind::Suspected, scenario.heard(2));
    scenario.event(26.0, 2, 0, EventKind::Died, EventSource::Own);
    scenario.event(27.0, 3, 0, EventKind::Died, scenario.heard(2));
    scenario.event(28.0, 4, 2, EventKind::Died, EventSource::Own);
    let measured = scenario.finish();
    assert_eq!(value(&measured, "false_suspicions"), 1.0, "own suspicions, after the warm-up");
    assert_eq!(value(&measured, "false_positives"), 3.0, "the disturbed are alive");
    assert_eq!(value(&measured, "false_positives_healthy"), 2.0, "member 2 was disturbed before");
    assert_eq!(value(&measured, "false_positives_about_healthy"), 2.0, "one about member 2 is left out");
    assert_eq!(value(&measured, "false_positives_among_healthy"), 1.0, "one of member 2 as well");
}

#[test]
fn traffic_is_counted_in_the_window_only() {
    let mut scenario = Scenario::new("aws:zones=3", &[]);
    let early = scenario.send(9.9, 0, 1, false, 1000);
    scenario.recorder.delivered(s(10.5), &early);
    for to in 1..5 {
        let sent = scenario.send(11.0, 0, to, false, 100);
        scenario.recorder.delivered(s(11.1), &sent);
    }
    scenario.send(70.0, 0, 1, false, 1000);
    let placement = Arc::clone(&scenario.setup.placement);
    let apart = |area: fn(&crate::topology::Placement, u32) -> u16| {
        (1..5).filter(|&to| area(&placement, to) != area(&placement, 0)).count() as f64 * 100.0
    };
    assert!(apart(crate::topology::Placement::zone_of) > 0.0);
    let measured = scenario.finish();
    assert_eq!((value(&measured, "messages_sent"), value(&measured, "bytes_sent")), (4.0, 400.0));
    assert_eq!(value(&measured, "cross_zone_bytes"), apart(crate::topology::Placement::zone_of));
    assert_eq!(value(&measured, "cross_region_bytes"), apart(crate::topology::Placement::region_of));
    assert_eq!(value(&measured, "messages_handled"), 5.0, "one of them was sent before");
    // Member 1 received 1100 bytes of the 1800 sent or received.
    assert_eq!(value(&measured, "busiest_member_share"), 1100.0 / 1800.0);
}

#[test]
fn the_mean_ping_rtt_is_that_of_the_topology() {
    let mut scenario = Scenario::new("aws", &[]);
    scenario.ping(11.0, 0, 1);
    scenario.ping(12.0, 0, 2);
    scenario.send(13.0, 0, 3, false, 10);
    let rtt = |to| f64::from(scenario.setup.placement.rtt_us(0, to)) / 1e6;
    let expected = f64::midpoint(rtt(1), rtt(2));
    assert!((value(&scenario.finish(), "mean_ping_rtt_s") - expected).abs() < 1e-9);
}

#[test]
fn members_without_a_ping_for_more_than_20_periods_are_unmonitored() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    for second in 10..70 {
        scenario.ping(f64::from(second) + 0.5, 0, 1);
    }
    scenario.fault(25.0, 0, 2, Effect::Crashed);
    for at in [20.0, 40.0, 60.0] {
        scenario.ping(at, 0, 3);
    }
    for at in [20.0, 40.1, 60.0] {
        scenario.ping(at, 0, 4);
    }
    // Member 0 was never pinged, 1 always; 2 ran for 15 s of the window; 3 was pinged every 20 s, 4 once after 20.1 s.
    assert_eq!(value(&scenario.finish(), "unmonitored_members"), 2.0);
}

#[test]
fn violations_are_counted() {
    let scenario = Scenario::new("lan", &[]);
    let outcome = Outcome { violations: vec!["a".into(), "b".into()], ..Outcome::default() };
    let measured = scenario.recorder.finish(&outcome);
    assert_eq!(value(&measured, "violations"), 2.0);
}

#[test]
fn times_of_mistakes_are_means_over_the_pairs_of_running_members() {
    let mut scenario = Scenario::new("lan", &[]);
    // One mistake from before the window until 12 s, one of 5 s, one that lasts until the end at 70 s.
    scenario.event(9.0, 1, 0, EventKind::Died, EventSource::Own);
    scenario.event(12.0, 1, 0, EventKind::Joined, scenario.heard(0));
    scenario.event(20.0, 2, 0, EventKind::Died, EventSource::Own);
    scenario.event(25.0, 2, 0, EventKind::Joined, scenario.heard(0));
    scenario.event(61.0, 3, 4, EventKind::Died, EventSource::Own);
    let measured = scenario.finish();
    let (pairs, mistakes) = (5.0 * 4.0 * 60.0, 2.0 + 5.0 + 9.0);
    assert_eq!(value(&measured, "false_positives"), 2.0, "of the window");
    assert_eq!(value(&measured, "mistake_recurrence_s"), pairs / 2.0);
    assert_eq!(value(&measured, "mistake_duration_s"), mistakes / 2.0, "two were taken back in the window");
    assert_eq!(value(&measured, "good_period_s"), (pairs - mistakes) / 2.0);
    assert_eq!(value(&measured, "query_accuracy"), 1.0 - mistakes / pairs);
    assert_eq!(value(&measured, "flaps_per_member"), 2.0 / 5.0);
}

#[test]
fn without_a_mistake_the_recurrence_time_is_longer_than_all_that_was_observed() {
    let measured = Scenario::new("lan", &[]).finish();
    assert_eq!(read(&measured, "mistake_recurrence_s"), MeasuredValue::Censored(1200.0));
    assert_eq!(read(&measured, "good_period_s"), MeasuredValue::Censored(1200.0));
    assert_eq!(read(&measured, "mistake_duration_s"), MeasuredValue::Absent);
    assert_eq!(value(&measured, "query_accuracy"), 1.0);
}

#[test]
fn a_mistake_that_nobody_took_back_is_censored_and_ends_with_the_crash_of_either_member() {
    let mut scenario = Scenario::new("lan", &["crash", "crash"]);
    scenario.event(20.0, 1, 0, EventKind::Died, EventSource::Own);
    scenario.event(20.0, 2, 3, EventKind::Died, EventSource::Own);
    scenario.fault(30.0, 0, 0, Effect::Crashed);
    scenario.fault(40.0, 1, 2, Effect::Crashed);
    let measured = scenario.finish();
    assert_eq!(read(&measured, "mistake_duration_s"), MeasuredValue::Censored(10.0 + 20.0));
    let pairs = 20.0 * 20.0 + 12.0 * 10.0 + 6.0 * 30.0;
    assert_eq!(value(&measured, "mistake_recurrence_s"), pairs / 2.0);
    assert_eq!(value(&measured, "query_accuracy"), 1.0 - 30.0 / pairs);
    assert_eq!(value(&measured, "flaps_per_member"), 0.0);
}

#[test]
fn a_record_of_an_earlier_life_as_dead_is_no_mistake() {
    let mut scenario = Scenario::new("lan", &["restart"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    scenario.event(17.0, 1, 0, EventKind::Died, EventSource::Own);
    scenario.fault(20.0, 0, 0, Effect::Restarted);
    scenario.event(21.0, 2, 0, EventKind::Died, scenario.heard(1));
    assert_eq!(value(&scenario.finish(), "query_accuracy"), 1.0);
}

#[test]
fn detection_times_are_those_of_all_pairs_of_a_victim_and_a_survivor() {
    let mut scenario = Scenario::new("lan", &["crash", "crash"]);
    scenario.fault(15.0, 0, 0, Effect::Crashed);
    for (at, observer) in [(16.0, 1), (17.0, 2), (18.0, 3), (19.0, 4)] {
        scenario.event(at, observer, 0, EventKind::Died, EventSource::Own);
    }
    // Member 4 has detected the first crash; it takes its part in no other.
    scenario.fault(30.0, 1, 4, Effect::Crashed);
    for (at, observer) in [(40.0, 1), (40.0, 2), (40.0, 3)] {
        scenario.event(at, observer, 4, EventKind::Died, EventSource::Own);
    }
    let measured = scenario.finish();
    assert_eq!(value(&measured, "detection_mean_s"), (1.0 + 2.0 + 3.0 + 4.0 + 3.0 * 10.0) / 7.0);
    assert_eq!((value(&measured, "detection_50_s"), value(&measured, "detection_99_s")), (4.0, 10.0));
    assert_eq!(value(&measured, "informed_100_s"), 10.0, "the maximum");
}

#[test]
fn survivors_that_never_detect_leave_the_mean_open() {
    let mut scenario = Scenario::new("lan", &["crash", "leave"]);
    scenario.fault(20.0, 0, 0, Effect::Crashed);
    scenario.event(21.0, 1, 0, EventKind::Died, EventSource::Own);
    scenario.event(22.0, 2, 0, EventKind::Died, EventSource::Own);
    // Whoever stops before it has detected is no pair; whoever leaves is no victim.
    scenario.fault(25.0, 1, 3, Effect::Left);
    let measured = scenario.finish();
    assert_eq!(value(&measured, "detection_50_s"), 2.0);
    assert_eq!(read(&measured, "detection_99_s"), MeasuredValue::Censored(50.0));
    assert_eq!(read(&measured, "detection_mean_s"), MeasuredValue::Censored((1.0 + 2.0 + 50.0) / 3.0));
}

#[test]
fn views_are_compared_over_time() {
    let mut scenario = Scenario::new("lan", &["crash"]);
    scenario.fault(20.0, 0, 0, Effect::Crashed);
    for (at, observer) in [(22.0, 1), (22.0, 2), (30.0, 3), (30.0, 4)] {
        scenario.event(at, observer, 0, EventKind::Died, EventSource::Own);
    }
    scenario.event(50.0, 1, 2, EventKind::Died, EventSource::Own);
    scenario.event(50.0, 3, 4, EventKind::Died, EventSource::Own);
    scenario.event(60.0, 1, 2, EventKind::Joined, scenario.heard(2));
    scenario.event(61.0, 3, 4, EventKind::Joined, scenario.heard(4));
    let measured = scenario.finish();
    let wrong = 4.0 * 2.0 + 2.0 * 8.0 + 10.0 + 11.0;
    assert!((value(&measured, "wrong_entries") - wrong / (20.0 * 10.0 + 12.0 * 50.0)).abs() < 1e-12);
    assert_eq!(value(&measured, "distinct_views"), 3.0, "those of 1 and 3, and that of 2 and 4");
    assert_eq!((value(&measured, "agreement_s"), value(&measured, "last_disagreement_s")), (10.0, 41.0));
}

#[test]
fn views_are_compared_without_faults_once_one_is_wrong() {
    let measured = Scenario::new("lan", &[]).finish();
    assert_eq!((value(&measured, "wrong_entries"), value(&measured, "distinct_views")), (0.0, 1.0));
    assert_eq!(value(&measured, "last_disagreement_s"), 0.0);
    let mut scenario = Scenario::new("lan", &[]);
    scenario.event(40.0, 1, 2, EventKind::Died, EventSource::Own);
    let measured = scenario.finish();
    assert_eq!((value(&measured, "wrong_entries"), value(&measured, "distinct_views")), (30.0 / 1200.0, 2.0));
    assert_eq!(read(&measured, "last_disagreement_s"), MeasuredValue::Censored(60.0));
    assert_eq!(read(&measured, "agreement_s"), MeasuredValue::Absent);
}

#[test]
fn processor_time_is_a_share_of_a_core_for_each_running_member() {
    let scenario = Scenario::new("lan", &[]);
    assert_eq!(read(&scenario.recorder.finish(&Outcome::default()), "cpu_per_member"), MeasuredValue::Absent);
    let recorder = Scenario::new("lan", &[]).recorder.with_cpu(Duration::from_secs(3));
    assert_eq!(value(&recorder.finish(&Outcome::default()), "cpu_per_member"), 0.01, "3 s of 5 members in 60 s");
}

/// Trials of 32 members with uniform targets on a LAN, one of which crashes.
fn trials(count: u64) -> Vec<Measured> {
    use crate::protocol::{Config, MemberConfig};
    let fault = || faults().build(&Spec::parse("crash:at=5s").unwrap(), &()).unwrap();
    let config = Arc::new(MemberConfig::new(Config::swim(), Arc::new(crate::wire::PlainSizer)).unwrap());
    let topology = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
    let trial = |seed| {
        let (warmup, duration) = (Span::from_secs(2), Span::from_secs(40));
        let setup = Setup { warmup, duration, ..Setup::new(&topology, 32, seed, vec![fault()]) };
        let strategy = "uniform".parse().unwrap();
        let mut recorder = Recorder::new(&setup);
        let outcome = crate::sim::run_swim(&setup, &config, &strategy, &mut recorder);
        recorder.finish(&outcome)
    };
    (0..count).map(trial).collect()
}

#[test]
fn a_simulated_group_has_the_values_that_the_papers_give() {
    let trials = trials(400);
    let mean = |name: &str| trials.iter().map(|trial| value(trial, name)).sum::<f64>() / trials.len() as f64;
    // Random phases and uniform targets: 1.0 T, with a deviation of 1 T and so a standard error of 0.05 T.
    let ping = mean("first_ping_s");
    assert!((ping - 1.0).abs() < 0.15, "{ping}");
    // Then follow four periods of suspicion times log10(33), and dissemination.
    assert!(mean("first_suspicion_s") > ping);
    let (declared, all) = (mean("first_declaration_s"), mean("informed_100_s"));
    assert!((declared - mean("first_suspicion_s") - 4.0 * 33f64.log10()).abs() < 0.5, "{declared}");
    assert!(all > declared && all < declared + 6.0, "{all}");
    // Two messages per member and period, and some more about the crash.
    let rate = mean("messages_sent") / 40.0 / 32.0;
    assert!((rate - 2.0).abs() < 0.1, "{rate}");
    for trial in &trials {
        assert_eq!((value(trial, "false_positives"), value(trial, "unmonitored_members")), (0.0, 0.0));
        assert_eq!(trial.strikes, [1]);
    }
}
