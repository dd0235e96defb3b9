use std::sync::Arc;

use swimlab_selectors::Spec;

use super::*;
use crate::experiment::measures::index_of;
use crate::protocol::{Incarnation, MessageKind};
use crate::sim::{Delivery, faults};
use crate::topology::{TopologyContext, topologies};

/// Five members (and joiners) in a window from 10 s to 70 s, fed by hand.
struct Scene {
    recorder: Recorder,
    setup: Setup,
}

fn s(seconds: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(seconds)
}

impl Scene {
    fn new(topology: &str, faults_named: &[&str]) -> Self {
        let faults: Vec<_> =
            faults_named.iter().map(|f| faults().build(&Spec::parse(f).unwrap(), &()).unwrap()).collect();
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
        self.event_of_life(at, member, about, what, source, 0);
    }

    fn event_of_life(
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
    measured.readings[index_of(name).unwrap()]
}

fn value(measured: &Measured, name: &str) -> f64 {
    read(measured, name).value().unwrap_or_else(|| panic!("{name}: {:?}", read(measured, name)))
}

#[test]
fn a_crash_is_timed_from_the_fault_to_the_last_survivor() {
    let mut scene = Scene::new("lan", &["crash"]);
    scene.ping(14.9, 1, 0);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.ping(15.5, 1, 0);
    scene.ping(15.7, 2, 0);
    scene.event(16.5, 1, 0, EventKind::Suspected, EventSource::Own);
    scene.event(16.6, 2, 0, EventKind::Suspected, scene.heard(1));
    scene.event(20.0, 1, 0, EventKind::Died, EventSource::Own);
    scene.event(21.0, 2, 0, EventKind::Died, scene.heard(1));
    scene.event(22.0, 3, 0, EventKind::Died, scene.heard(1));
    scene.event(23.0, 4, 0, EventKind::Died, scene.heard(1));
    let measured = scene.finish();
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
fn what_is_not_reached_is_censored_and_what_cannot_be_is_absent() {
    let mut scene = Scene::new("lan", &["crash"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    let measured = scene.finish();
    assert_eq!(read(&measured, "first_ping_s"), MeasuredValue::Censored);
    assert_eq!(read(&measured, "informed_100_s"), MeasuredValue::Censored);
    assert_eq!(read(&measured, "cross_region_bytes"), MeasuredValue::Absent);

    let measured = Scene::new("lan", &["crash"]).finish();
    assert_eq!(read(&measured, "first_ping_s"), MeasuredValue::Absent);
    assert_eq!(measured.strikes, [0]);
}

#[test]
fn the_row_speaks_of_the_last_victim_each_from_its_own_fault() {
    let mut scene = Scene::new("lan", &["crash", "crash"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.ping(18.0, 2, 0);
    scene.fault(30.0, 1, 1, Effect::Crashed);
    scene.ping(31.0, 2, 1);
    let measured = scene.finish();
    assert_eq!(value(&measured, "first_ping_s"), 3.0);
}

#[test]
fn who_crashes_too_is_no_survivor() {
    let mut scene = Scene::new("lan", &["crash:count=2"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.fault(15.0, 0, 1, Effect::Crashed);
    for (at, observer) in [(20.0, 2), (21.0, 3), (22.0, 4)] {
        scene.event(at, observer, 0, EventKind::Died, EventSource::Own);
        scene.event(at, observer, 1, EventKind::Died, EventSource::Own);
    }
    assert_eq!(value(&scene.finish(), "informed_100_s"), 7.0);
}

#[test]
fn the_last_ignorant_survivors_crash_completes_the_others() {
    let mut scene = Scene::new("lan", &["crash", "crash"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    for observer in 1..4 {
        scene.event(20.0, observer, 0, EventKind::Died, EventSource::Own);
    }
    scene.fault(25.0, 1, 4, Effect::Crashed);
    let measured = scene.finish();
    assert_eq!(measured.victims[0].informed_100_s, Some(10.0));
}

#[test]
fn joiners_are_no_survivors_of_what_was_before_them() {
    let mut scene = Scene::new("lan", &["churn"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.fault(15.0, 0, 5, Effect::Joined);
    for observer in 1..5 {
        scene.event(20.0, observer, 0, EventKind::Died, EventSource::Own);
    }
    let measured = scene.finish();
    assert_eq!(value(&measured, "informed_100_s"), 5.0);
    assert_eq!((measured.victims[0].kind, &measured.strikes[..]), (VictimKind::Churn, &[2][..]));
}

#[test]
fn a_restart_ends_the_time_to_notice() {
    let mut scene = Scene::new("lan", &["restart"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.event(17.0, 1, 0, EventKind::Suspected, EventSource::Own);
    scene.fault(20.0, 0, 0, Effect::Restarted);
    scene.event(21.0, 1, 0, EventKind::Died, EventSource::Own);
    let measured = scene.finish();
    assert_eq!(value(&measured, "first_suspicion_s"), 2.0);
    assert_eq!(read(&measured, "first_declaration_s"), MeasuredValue::Censored);
    assert_eq!(value(&measured, "false_positives"), 0.0, "it was about the former life");
    assert_eq!(measured.strikes, [1], "coming back is no strike");
}

#[test]
fn burying_the_new_life_is_a_false_positive() {
    let mut scene = Scene::new("lan", &["restart"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.fault(20.0, 0, 0, Effect::Restarted);
    scene.event_of_life(25.0, 1, 0, EventKind::Died, EventSource::Own, 1);
    assert_eq!(value(&scene.finish(), "false_positives"), 1.0);
}

#[test]
fn who_held_the_victim_dead_already_knows() {
    let mut scene = Scene::new("lan", &["crash"]);
    for observer in 1..4 {
        scene.event(12.0, observer, 0, EventKind::Died, EventSource::Own);
    }
    scene.event(13.0, 3, 0, EventKind::Joined, scene.heard(0));
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.event(16.0, 3, 0, EventKind::Died, scene.heard(1));
    scene.event(17.0, 4, 0, EventKind::Died, scene.heard(1));
    let measured = scene.finish();
    assert_eq!(value(&measured, "first_declaration_s"), 0.0);
    assert_eq!(value(&measured, "informed_50_s"), 0.0);
    assert_eq!(value(&measured, "informed_100_s"), 2.0);
    assert_eq!(value(&measured, "false_positives"), 3.0);
}

#[test]
fn without_suspicion_the_declaration_counts_as_one() {
    let mut scene = Scene::new("lan", &["crash"]);
    scene.fault(15.0, 0, 0, Effect::Crashed);
    scene.event(16.0, 1, 0, EventKind::Died, EventSource::Own);
    assert_eq!(value(&scene.finish(), "first_suspicion_s"), 1.0);
}

#[test]
fn who_leaves_is_listed_and_no_part_of_the_row() {
    let mut scene = Scene::new("lan", &["leave"]);
    scene.fault(15.0, 0, 0, Effect::Left);
    for observer in 1..5 {
        scene.event(16.0, observer, 0, EventKind::Left, scene.heard(0));
    }
    let measured = scene.finish();
    assert_eq!(read(&measured, "informed_100_s"), MeasuredValue::Absent);
    assert_eq!((measured.victims[0].kind, measured.victims[0].informed_100_s), (VictimKind::Leave, Some(1.0)));
}

#[test]
fn false_alarms_count_in_the_window_and_the_healthy_apart() {
    let mut scene = Scene::new("lan", &["pause"]);
    scene.event(9.0, 1, 0, EventKind::Suspected, EventSource::Own);
    scene.event(9.5, 1, 0, EventKind::Died, EventSource::Own);
    scene.fault(15.0, 0, 2, Effect::Disturbed);
    scene.fault(25.0, 0, 2, Effect::Released);
    scene.event(25.0, 2, 0, EventKind::Suspected, EventSource::Own);
    scene.event(25.1, 3, 0, EventKind::Suspected, scene.heard(2));
    scene.event(26.0, 2, 0, EventKind::Died, EventSource::Own);
    scene.event(27.0, 3, 0, EventKind::Died, scene.heard(2));
    scene.event(28.0, 4, 2, EventKind::Died, EventSource::Own);
    let measured = scene.finish();
    assert_eq!(value(&measured, "false_suspicions"), 1.0, "own suspicions, after the warm-up");
    assert_eq!(value(&measured, "false_positives"), 3.0, "the disturbed are alive");
    assert_eq!(value(&measured, "false_positives_healthy"), 2.0, "member 2 was disturbed before");
}

#[test]
fn traffic_counts_in_the_window_only() {
    let mut scene = Scene::new("aws:zones=3", &[]);
    let early = scene.send(9.9, 0, 1, false, 1000);
    scene.recorder.delivered(s(10.5), &early);
    for to in 1..5 {
        let sent = scene.send(11.0, 0, to, false, 100);
        scene.recorder.delivered(s(11.1), &sent);
    }
    scene.send(70.0, 0, 1, false, 1000);
    let placement = Arc::clone(&scene.setup.placement);
    let apart = |area: fn(&crate::topology::Placement, u32) -> u16| {
        (1..5).filter(|&to| area(&placement, to) != area(&placement, 0)).count() as f64 * 100.0
    };
    assert!(apart(crate::topology::Placement::zone_of) > 0.0);
    let measured = scene.finish();
    assert_eq!((value(&measured, "messages_sent"), value(&measured, "bytes_sent")), (4.0, 400.0));
    assert_eq!(value(&measured, "cross_zone_bytes"), apart(crate::topology::Placement::zone_of));
    assert_eq!(value(&measured, "cross_region_bytes"), apart(crate::topology::Placement::region_of));
    // Member 1 received 1100 bytes of the 1800 sent or received.
    assert_eq!(value(&measured, "busiest_member_share"), 1100.0 / 1800.0);
}

#[test]
fn the_mean_ping_rtt_is_the_topologys() {
    let mut scene = Scene::new("aws", &[]);
    scene.ping(11.0, 0, 1);
    scene.ping(12.0, 0, 2);
    scene.send(13.0, 0, 3, false, 10);
    let rtt = |to| f64::from(scene.setup.placement.rtt_us(0, to)) / 1e6;
    let expected = f64::midpoint(rtt(1), rtt(2));
    assert!((value(&scene.finish(), "mean_ping_rtt_s") - expected).abs() < 1e-9);
}

#[test]
fn members_that_no_other_pings_for_over_20_periods_are_unmonitored() {
    let mut scene = Scene::new("lan", &["crash"]);
    for second in 10..70 {
        scene.ping(f64::from(second) + 0.5, 0, 1);
    }
    scene.fault(25.0, 0, 2, Effect::Crashed);
    for at in [20.0, 40.0, 60.0] {
        scene.ping(at, 0, 3);
    }
    for at in [20.0, 40.1, 60.0] {
        scene.ping(at, 0, 4);
    }
    // 0 was never pinged; 1 always; 2 ran for 15 s of the window; 3 exactly every 20 s; 4 once after 20.1 s.
    assert_eq!(value(&scene.finish(), "unmonitored_members"), 2.0);
}

#[test]
fn what_the_checkers_object_to_is_counted() {
    let scene = Scene::new("lan", &[]);
    let outcome = Outcome { violations: vec!["a".into(), "b".into()], ..Outcome::default() };
    let measured = scene.recorder.finish(&outcome);
    assert_eq!(value(&measured, "violations"), 2.0);
}

/// Trials of a real world: 32 members with uniform targets on a LAN, one of which crashes.
fn real_trials(count: u64) -> Vec<Measured> {
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
fn a_real_world_measures_what_the_papers_say() {
    let trials = real_trials(400);
    let mean = |name: &str| trials.iter().map(|trial| value(trial, name)).sum::<f64>() / trials.len() as f64;
    // Random phases and uniform targets: 1.0 T, with a deviation of 1 T and so a standard error of 0.05 T.
    let ping = mean("first_ping_s");
    assert!((ping - 1.0).abs() < 0.15, "{ping}");
    // Four periods of suspicion times log10(33) follow, and then the update spreads.
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
