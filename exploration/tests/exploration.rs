//! Explorations find planted faults with the shortest schedule, and none where none is planted.

use std::sync::atomic::AtomicBool;

use exploration::{Bounds, Intake, Limits, Model, Report, Start, Stop, explore};
use swimlab::protocol::{Member, Packet, PeerView, UpdateKind};

/// The bounds of explorations of any order that take seconds.
const SMALL: Bounds = Bounds { depth: 6, ..Bounds::any_order() };

/// The bounds of long schedules with one fault.
const LONG: Bounds = Bounds { depth: 40, faults: 1, ..Bounds::few_faults() };

const FEW_RUNS: Limits = Limits { states: 1_000_000, fair_runs: 100, kept: 1000 };

fn run(model: &Model, limits: Limits) -> Report {
    explore(model, limits, &AtomicBool::new(false), &mut |_| {})
}

fn planted(start: Start, bounds: Bounds, intake: Intake) -> Report {
    run(&Model::new("swim", 3, start, bounds).unwrap().with_intake(intake), FEW_RUNS)
}

#[test]
fn the_properties_hold_in_small_explorations_of_each_profile() {
    for profile in ["swim", "lifeguard", "memberlist-lan"] {
        for start in Start::ALL {
            for (members, bounds) in [(3, SMALL), (3, LONG), (4, Bounds { depth: 4, ..SMALL })] {
                let report = run(&Model::new(profile, members, start, bounds).unwrap(), FEW_RUNS);
                assert_eq!(report.violation, None, "{profile}, {members} members, {start}");
                assert_eq!((report.stopped, report.depth), (None, bounds.depth), "{profile}, {start}");
                assert!(report.states > 100 && report.fair_runs > 0, "{profile}, {start}: {report:?}");
            }
        }
    }
}

/// A fault: the receiver raises the incarnation of another member that it hears to be suspected.
fn raise_others(receiver: &Member, mut packet: Packet) -> Packet {
    for update in &mut packet.updates {
        if matches!(update.kind, UpdateKind::Suspect { .. }) && update.id != receiver.id() {
            update.incarnation = update.incarnation.next();
        }
    }
    packet
}

/// A fault: the receiver never hears that it is suspected or held dead.
fn hear_nothing_of_oneself(receiver: &Member, mut packet: Packet) -> Packet {
    packet.updates.retain(|update| update.id != receiver.id());
    packet.peer_view = PeerView::Member(receiver.incarnation());
    packet
}

#[test]
fn an_observer_that_raises_the_incarnation_of_another_member_is_found_by_the_shortest_schedule() {
    for (start, bounds) in [(Start::Suspected, SMALL), (Start::Steady, LONG)] {
        let report = planted(start, bounds, raise_others);
        let violation = report.violation.expect("a violation");
        println!("{}\n{}", violation.schedule.join("\n"), violation.what);
        assert!(violation.what.contains("holds incarnation 0.1, which is above the owner's 0.0, of member"));
        let last = violation.schedule.last().unwrap();
        assert!(last.contains("suspect 0.0 by") && last.ends_with("arrives"), "{last}");
        assert_eq!(violation.schedule.iter().any(|line| line.ends_with("crashes")), start == Start::Steady);
        // One step fewer, and there is none: the schedule is the shortest.
        let shorter = Bounds { depth: violation.schedule.len() as u32 - 1, ..bounds };
        let model = Model::new("swim", 3, start, shorter).unwrap().with_intake(raise_others);
        assert_eq!(run(&model, Limits { fair_runs: 0, ..FEW_RUNS }).violation, None);
    }
}

#[test]
fn a_member_that_does_not_refute_is_found_by_the_lack_of_agreement() {
    let report = planted(Start::Suspected, SMALL, hear_nothing_of_oneself);
    let violation = report.violation.expect("a violation");
    assert!(violation.what.starts_with("members disagree 5m after the network became fair"), "{}", violation.what);
    assert_eq!(violation.schedule, [""; 0], "the start itself leads there");
}

#[test]
fn the_result_depends_on_neither_the_number_of_threads_nor_that_of_states_in_memory() {
    let count = |threads, kept| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let model = Model::new("lifeguard", 3, Start::Declared, LONG).unwrap();
        let report = pool.install(|| run(&model, Limits { kept, ..FEW_RUNS }));
        (report.states, report.transitions, report.longest_agreement)
    };
    let counts = count(1, 1000);
    assert_eq!(count(2, 1000), counts);
    assert_eq!(count(2, 0), counts);
}

#[test]
fn an_exploration_ends_at_its_limit_of_states_and_when_it_is_interrupted() {
    let model = Model::new("swim", 3, Start::Steady, SMALL).unwrap();
    let report = run(&model, Limits { states: 500, ..FEW_RUNS });
    assert_eq!(report.stopped, Some(Stop::States));
    assert!(report.depth < 6);
    let report = explore(&model, FEW_RUNS, &AtomicBool::new(true), &mut |_| {});
    assert_eq!(report.stopped, Some(Stop::Interrupted));
}

#[test]
fn mistakes_in_the_arguments_are_named() {
    let refusal = |profile, members| Model::new(profile, members, Start::Steady, SMALL).err().unwrap();
    assert_eq!(refusal("swim", 9), "--members must be from 2 to 8, not 9");
    assert!(refusal("swimm", 3).contains("did you mean swim"));
    assert!("later".parse::<Start>().unwrap_err().contains("steady, suspected, declared, refuted or all"));
}
