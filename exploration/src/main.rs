//! Explores: `cargo run --release -p exploration -- --profile all`.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use exploration::{Bounds, Limits, Model, Report, Start, Stop, explore};
use swimlab::protocol::Span;

const USAGE: &str = "\
Usage: cargo run --release -p exploration -- [OPTIONS]

Explores all schedules of a small group of members within bounds, and checks the protocol's properties in every state.
A violation is printed as the shortest schedule that leads to it.

Options:
  --profile P     a profile's label such as swim or swim:suspicion=2s, or all: swim, lifeguard, memberlist-lan [default: all]
  --members N     members, from 2 to 8 [default: 3]
  --start S       steady, suspected, declared, refuted or all [default: all]
  --depth D       steps of a schedule
  --delays N      departures from the order of sending and of timers, or any
  --losses N      packets lost
  --duplicates N  packets duplicated
  --crashes N     members that crash
  --leaves N      members that leave
  --faults N      all losses, duplicates, crashes, leaves and delays together
  --in-flight N   packets held back while timers fire
  --skew MS       milliseconds by which a timer may be late
  --agreement S   seconds of a fair network within which members agree
  --states N      states remembered, of 40 bytes each
  --fair-runs N   final states from which the network is fair
  --threads N     threads [default: one per core]

Two explorations are made of each profile and start: one of any order of few steps, and one of many steps of which few
depart from the order of sending and of timers. --delays chooses one of them, the other options change both.
";

/// The profiles of `--profile all`.
const PROFILES: [&str; 3] = ["swim", "lifeguard", "memberlist-lan"];

struct Args {
    profiles: Vec<String>,
    members: usize,
    starts: Vec<Start>,
    bounds: Vec<Bounds>,
    limits: Limits,
    threads: usize,
}

fn main() -> ExitCode {
    let outcome = parse_args().and_then(|args| match args {
        None => {
            print!("{USAGE}");
            Ok(true)
        }
        Some(args) => run(&args),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

fn parse_args() -> Result<Option<Args>, String> {
    let mut args = Args {
        profiles: PROFILES.map(str::to_owned).to_vec(),
        members: 3,
        starts: Start::ALL.to_vec(),
        bounds: vec![Bounds::any_order(), Bounds::few_faults()],
        limits: Limits::default(),
        threads: 0,
    };
    let mut given = Given::default();
    let mut parser = lexopt::Parser::from_env();
    match read(&mut parser, &mut args, &mut given) {
        Ok(false) => return Ok(None),
        Ok(true) => {}
        Err(error) => return Err(format!("{error}\n\n{USAGE}")),
    }
    given.apply(&mut args.bounds);
    Ok(Some(args))
}

/// Bounds given on the command line.
#[derive(Default)]
struct Given {
    depth: Option<u32>,
    delays: Option<Option<u8>>,
    losses: Option<u8>,
    duplicates: Option<u8>,
    crashes: Option<u8>,
    leaves: Option<u8>,
    faults: Option<u8>,
    in_flight: Option<u8>,
    skew: Option<Span>,
    agreement: Option<Span>,
}

impl Given {
    /// Overrides the defaults. `--delays` chooses one of the two.
    fn apply(&self, all: &mut Vec<Bounds>) {
        if let Some(delays) = self.delays {
            all.retain(|bounds| bounds.delays.is_some() == delays.is_some());
            all.iter_mut().for_each(|bounds| bounds.delays = delays);
        }
        for bounds in all {
            bounds.depth = self.depth.unwrap_or(bounds.depth);
            bounds.losses = self.losses.unwrap_or(bounds.losses);
            bounds.duplicates = self.duplicates.unwrap_or(bounds.duplicates);
            bounds.crashes = self.crashes.unwrap_or(bounds.crashes);
            bounds.leaves = self.leaves.unwrap_or(bounds.leaves);
            bounds.faults = self.faults.unwrap_or(bounds.faults);
            bounds.in_flight = self.in_flight.unwrap_or(bounds.in_flight);
            bounds.skew = self.skew.unwrap_or(bounds.skew);
            bounds.agreement = self.agreement.unwrap_or(bounds.agreement);
        }
    }
}

/// Reads all arguments; returns false if help is asked for.
fn read(parser: &mut lexopt::Parser, args: &mut Args, given: &mut Given) -> Result<bool, lexopt::Error> {
    use lexopt::prelude::*;

    while let Some(arg) = parser.next()? {
        match arg {
            Long("profile") => {
                let label: String = parser.value()?.parse()?;
                if label != "all" {
                    args.profiles = vec![label];
                }
            }
            Long("start") => {
                let name: String = parser.value()?.parse()?;
                if name != "all" {
                    args.starts = vec![name.parse()?];
                }
            }
            Long("delays") => {
                let delays = parser.value()?;
                given.delays = Some(if delays == "any" { None } else { Some(delays.parse()?) });
            }
            Long("members") => args.members = parser.value()?.parse()?,
            Long("depth") => given.depth = Some(parser.value()?.parse()?),
            Long("losses") => given.losses = Some(parser.value()?.parse()?),
            Long("duplicates") => given.duplicates = Some(parser.value()?.parse()?),
            Long("crashes") => given.crashes = Some(parser.value()?.parse()?),
            Long("leaves") => given.leaves = Some(parser.value()?.parse()?),
            Long("faults") => given.faults = Some(parser.value()?.parse()?),
            Long("in-flight") => given.in_flight = Some(parser.value()?.parse()?),
            Long("skew") => given.skew = Some(Span::from_millis(parser.value()?.parse()?)),
            Long("agreement") => given.agreement = Some(Span::from_secs(parser.value()?.parse()?)),
            Long("states") => args.limits.states = parser.value()?.parse()?,
            Long("fair-runs") => args.limits.fair_runs = parser.value()?.parse()?,
            Long("threads") => args.threads = parser.value()?.parse()?,
            Short('h') | Long("help") => return Ok(false),
            other => return Err(other.unexpected()),
        }
    }
    Ok(true)
}

/// Explores everything that was asked for; returns whether all properties hold.
fn run(args: &Args) -> Result<bool, String> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(args.threads)
        .build_global()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
        .map_err(|error| format!("cannot handle Ctrl-C: {error}"))?;
    let mut holds = true;
    for profile in &args.profiles {
        for bounds in &args.bounds {
            for &start in &args.starts {
                let model = Model::new(profile, args.members, start, *bounds)?;
                let title = title(profile, &model);
                let report = explore(&model, args.limits, &interrupted, &mut |so_far| {
                    eprint!("\r{title}: {} steps, {} states, {:.0?} ", so_far.depth, so_far.states, so_far.elapsed);
                });
                eprintln!();
                println!("{title}: {}", summary(&report));
                if let Some(violation) = &report.violation {
                    holds = false;
                    violation.schedule.iter().for_each(|line| println!("{line}"));
                    println!("     {}", violation.what);
                }
                if report.stopped == Some(Stop::Interrupted) {
                    return Ok(holds);
                }
            }
        }
    }
    Ok(holds)
}

fn title(profile: &str, model: &Model) -> String {
    let order = match model.bounds.delays {
        None => "any order".to_owned(),
        Some(_) => format!("{} faults", model.bounds.faults),
    };
    format!("{profile}, {} members, {}, {order}", model.members(), model.start)
}

fn summary(report: &Report) -> String {
    let Report { states, transitions, depth, deaths, returns, fair_runs, splits, .. } = report;
    let Report { longest_agreement, elapsed, .. } = report;
    let end = match (&report.violation, report.stopped) {
        (Some(_), _) => "VIOLATION",
        (None, Some(Stop::Interrupted)) => "interrupted",
        (None, Some(Stop::States)) => "stopped at the limit of states",
        (None, None) => "complete",
    };
    format!(
        "{end}, depth {depth}, {states} states, {transitions} transitions ({deaths} deaths, {returns} returns), \
         {fair_runs} fair runs, {splits} splits, agreement within {longest_agreement}, {elapsed:.1?}"
    )
}
