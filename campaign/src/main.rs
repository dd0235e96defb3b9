//! Runs a campaign: `cargo run --release -p campaign -- --trials 100000`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use campaign::{Found, Generator, Progress, shrink, violations};
use rayon::prelude::*;
use swimlab::experiment::Lab;

const USAGE: &str = "\
Usage: cargo run --release -p campaign -- [OPTIONS]

Runs random fault schedules under all checkers and shrinks those that violate an invariant to small experiment files.

Options:
  --trials N    number of schedules [default: 10000]
  --seed S      seed of the campaign [default: 1]
  --state FILE  keep progress and findings in this file, and go on from there
  --number N    print the schedule with this number and its violations, and run no other
";

/// Schedules between two writes of the progress.
const BATCH: u64 = 200;

struct Args {
    trials: u64,
    seed: u64,
    state: Option<PathBuf>,
    number: Option<u64>,
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
    use lexopt::prelude::*;

    let mut args = Args { trials: 10_000, seed: 1, state: None, number: None };
    let mut parser = lexopt::Parser::from_env();
    let mut next = || -> Result<Option<()>, lexopt::Error> {
        while let Some(arg) = parser.next()? {
            match arg {
                Long("trials") => args.trials = parser.value()?.parse()?,
                Long("seed") => args.seed = parser.value()?.parse()?,
                Long("state") => args.state = Some(parser.value()?.into()),
                Long("number") => args.number = Some(parser.value()?.parse()?),
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(()))
    };
    match next() {
        Ok(None) => Ok(None),
        Ok(Some(())) => Ok(Some(args)),
        Err(error) => Err(format!("{error}\n\n{USAGE}")),
    }
}

/// Runs the campaign; returns whether all schedules kept the rules.
fn run(args: &Args) -> Result<bool, String> {
    let lab = Lab::default();
    let generator = Generator::new(&lab);
    if let Some(number) = args.number {
        let schedule = generator.draw(args.seed, number);
        print!("{}", schedule.to_toml());
        let found = violations(&schedule, &lab);
        found.iter().for_each(|violation| println!("# {violation}"));
        return Ok(found.is_empty());
    }
    let mut progress = match &args.state {
        Some(path) => Progress::read(path, args.seed).map_err(|error| error.to_string())?,
        None => Progress { seed: args.seed, ..Progress::default() },
    };
    let begun = Instant::now();
    while progress.done < args.trials {
        let batch = progress.done..args.trials.min(progress.done + BATCH);
        let end = batch.end;
        let mut found: Vec<Found> =
            batch.into_par_iter().filter_map(|n| find(&generator, args.seed, n, &lab)).collect();
        found.sort_by_key(|found| found.number);
        for found in &found {
            println!("# schedule {}: {}\n{}", found.number, found.violation, found.toml);
        }
        progress.found.extend(found);
        progress.done = end;
        if let Some(path) = &args.state {
            progress.write(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
        eprintln!("{end} schedules, {} violations, {:.0?}", progress.found.len(), begun.elapsed());
    }
    Ok(progress.found.is_empty())
}

fn find(generator: &Generator<'_>, seed: u64, number: u64, lab: &Lab) -> Option<Found> {
    let schedule = generator.draw(seed, number);
    let violation = violations(&schedule, lab).into_iter().next()?;
    Some(Found { number, violation, toml: shrink(&schedule, lab).to_toml() })
}
