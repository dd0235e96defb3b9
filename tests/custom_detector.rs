//! The example examples/custom_detector.rs: its load and detection times by closed forms, and its name in files, `list`,
//! `run` and `replay`.
//!
//! A command needs a process with its own arguments, so this test has no harness: it starts itself as another process,
//! which runs the example.

#[path = "../examples/custom_detector.rs"]
pub mod custom_detector;

use std::process::{Command, ExitCode, Output};
use std::{env, fs};

use swimlab::protocol::{Event, EventKind, MessageKind, Span, Time};
use swimlab::selectors::Spec;
use swimlab::sim::{Crash, Fault, MemberIndex, Observer, Sent, Setup, World, faults};
use swimlab::topology::{TopologyContext, topologies};

/// Set in the processes that are to be the example.
const IS_EXAMPLE: &str = "SWIMLAB_TEST_IS_EXAMPLE";

fn main() -> ExitCode {
    if env::var_os(IS_EXAMPLE).is_some() {
        return custom_detector::main();
    }
    its_detector_takes_less_than_60_lines();
    each_member_sends_a_ping_and_an_ack_per_period();
    members_notice_a_crash_when_they_ping_the_victim();
    members_that_lose_packets_are_believed_dead_and_alive_again();
    other_lives_and_lone_members_run();
    without_arguments_it_prints_the_load_and_who_has_noticed();
    it_is_compared_with_swim_in_an_experiment();
    ExitCode::SUCCESS
}

/// Counts what the members send and report.
#[derive(Default)]
struct Seen {
    pings: u32,
    acks: u32,
    deaths: u32,
    returns: u32,
}

impl Observer for Seen {
    fn sent(&mut self, sent: &Sent) {
        self.pings += u32::from(sent.kind == MessageKind::Ping && sent.direct_ping);
        self.acks += u32::from(sent.kind == MessageKind::Ack && !sent.direct_ping);
    }

    fn event(&mut self, _: Time, _: MemberIndex, event: &Event) {
        match event.kind {
            EventKind::Died => self.deaths += 1,
            EventKind::Joined => self.returns += 1,
            _ => panic!("{event:?}"),
        }
    }
}

fn setup(members: u32, duration_s: u64, faults: Vec<Fault>) -> Setup {
    let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
    let mut setup = Setup::new(&lan, members, 1, faults);
    setup.duration = Span::from_secs(duration_s);
    setup
}

fn run(setup: &Setup) -> Seen {
    let mut seen = Seen::default();
    let outcome = World::new(setup, custom_detector::members(setup), &mut seen).run();
    assert_eq!(outcome.violations, [""; 0]);
    seen
}

/// The head of the file promises it: without imports, comments, blank lines and the demonstration at the end.
fn its_detector_takes_less_than_60_lines() {
    let text = include_str!("../examples/custom_detector.rs");
    let code = text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
    let detector = code.skip_while(|line| !line.starts_with("const")).take_while(|line| !line.contains("Messages"));
    let lines = detector.count();
    assert!((40..60).contains(&lines), "{lines} lines");
}

fn each_member_sends_a_ping_and_an_ack_per_period() {
    let seen = run(&setup(100, 60, vec![]));
    // A phase shorter than a period, then 60 of 1 s; an ack of the last ping may be under way.
    assert_eq!(seen.pings, 100 * 60);
    assert!((100 * 60 - 1..=100 * 60).contains(&seen.acks), "{} acks", seen.acks);
    assert_eq!(seen.deaths, 0);
}

/// A survivor pings the victim with probability 1 / (n - 1) in each period, and reports it one period later.
fn members_notice_a_crash_when_they_ping_the_victim() {
    let mut crash = Fault::new(Crash);
    crash.at = Span::from_secs(5);
    let (n, periods) = (1000, 300.0);
    let seen = run(&setup(n, 5 + 1 + periods as u64, vec![crash]));
    let expected = 999.0 * (1.0 - (1.0 - 1.0 / 999.0_f64).powf(periods));
    // 259 of 999 with a standard deviation of 14 (seed 1, one trial): within four of these.
    assert!((f64::from(seen.deaths) - expected).abs() < 4.0 * 14.0, "{} of {expected}", seen.deaths);
    assert_eq!(seen.returns, 0);
}

fn members_that_lose_packets_are_believed_dead_and_alive_again() {
    let mut lossy = setup(50, 600, vec![]);
    lossy.loss = 0.1;
    let seen = run(&lossy);
    // A ping or its ack is lost with probability 0.19; a member believed dead returns with the next ack, about 49 / 0.81
    // periods later. In the steady state 0.19 of all pairs are believed dead, and as many die as return.
    let dead = f64::from(seen.deaths) - f64::from(seen.returns);
    assert!((dead / (50.0 * 49.0) - 0.19).abs() < 0.04, "{dead} of {} are believed dead", 50 * 49);
    assert!(seen.returns > 1000, "{} returns", seen.returns);
}

fn other_lives_and_lone_members_run() {
    let fault = |label: &str| faults().build(&Spec::parse(label).unwrap(), &()).unwrap();
    for members in [1, 2, 20] {
        let lives = ["restart:at=5s,down=20s", "join:at=5s,count=2", "leave:at=30s"].map(fault);
        run(&setup(members, 60, if members == 1 { vec![] } else { lives.into() }));
    }
}

fn without_arguments_it_prints_the_load_and_who_has_noticed() {
    let printed = example(&[]);
    let [load, noticed] = printed.lines().collect::<Vec<_>>()[..] else { panic!("two lines: {printed}") };
    // 2 n, less what the victim does not send and answer in 50 of 60 s.
    let load: f64 = load.strip_suffix(" messages per second").unwrap().parse().unwrap();
    assert!((load - (2000.0 - 3.0 * 50.0 / 60.0)).abs() < 1.0, "{load}");
    let noticed: u32 = noticed.split_once(" of 999 survivors").unwrap().0.parse().unwrap();
    // 999 (1 - (1 - 1/999)^49) = 48, with a standard deviation of 7.
    assert!((20..76).contains(&noticed), "{noticed}");
}

fn it_is_compared_with_swim_in_an_experiment() {
    let listed = example(&["list", "detectors"]);
    assert!(listed.contains("\n  ping-1 ") && listed.contains("\n  all-to-all "), "{listed}");

    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("mine.toml"), dir.path().join("out"));
    let text = "trials = 2\ntopology = 'zones'\nselector = 'shuffle'\nprofile = ['swim', 'ping-1']\nmembers = 12
        warmup = '5s'\nduration = '60s'\nfault = [{ kind = 'crash', at = '2s' }]";
    fs::write(&file, text).unwrap();
    let [file, folder] = [&file, &out].map(|path| path.to_str().unwrap());
    let table = example(&["run", file, "--out", folder, "--quiet"]);
    assert!(table.contains("ping-1"), "{table}");
    let trials = fs::read_to_string(out.join("trials.csv")).unwrap();
    let header: Vec<&str> = trials.lines().next().unwrap().split(',').collect();
    let rows: Vec<Vec<&str>> =
        trials.lines().filter(|line| line.contains("ping-1")).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 2, "{trials}");
    for row in rows {
        let value = |name: &str| row[header.iter().position(|column| *column == name).unwrap()];
        // It pings, so it has the measures of pings.
        for measure in ["first_ping_s", "first_declaration_s", "mean_ping_rtt_s"] {
            assert!(value(measure).parse::<f64>().is_ok_and(|value| value > 0.0), "{measure}: {}", value(measure));
        }
        assert_eq!(value("violations"), "0");
    }
    let replayed = example(&["replay", file, "--trial", "0", "--profile", "ping-1"]);
    assert!(replayed.contains(" pings #") && replayed.contains("declares"), "{replayed}");
}

/// Output of the example, which must succeed.
fn example(args: &[&str]) -> String {
    let output: Output = Command::new(env::current_exe().unwrap()).args(args).env(IS_EXAMPLE, "1").output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
