//! The cost of an event in simulators of distributed systems that are crates.
//!
//! Each of them is a program in `src/bin/` that does the same [`work`] and measures it. `benches/peers.rs` runs them all and
//! prints a table. docs/benchmarks.md describes the measurement.

pub mod by_hand;
pub mod work;

use std::process::ExitCode;

use cpu_time::ProcessTime;
use lexopt::{Arg, Parser, ValueExt};

use work::{TALLY, Work};

/// The body of a peer's program: `build` makes the members, and the function that it returns lets them do the work, which
/// is what is measured. Prints the CPU time of an event in nanoseconds, unless the members have not done the work.
pub fn measure<R: FnOnce()>(build: impl FnOnce(Work) -> R) -> ExitCode {
    let done = options().and_then(|work| {
        let run = build(work);
        let start = ProcessTime::now();
        run();
        let cpu = start.elapsed();
        TALLY.check(work)?;
        println!("{:.3}", cpu.as_nanos() as f64 / TALLY.events() as f64);
        Ok(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Work, String> {
    let (mut members, mut seconds) = (None, None);
    let mut parser = Parser::from_env();
    let mut read = || -> Result<(), lexopt::Error> {
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("members") => members = Some(parser.value()?.parse::<u32>()?),
                Arg::Long("seconds") => seconds = Some(parser.value()?.parse::<u32>()?),
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(())
    };
    read().map_err(|error| error.to_string())?;
    match (members, seconds) {
        (Some(members @ 100..), Some(seconds @ 6..)) => Ok(Work { members, seconds }),
        _ => Err("give --members, at least 100, and --seconds, at least 6: the checks need both".to_owned()),
    }
}
