//! Cost of a simulated second: a trial as a line of JSON, a trial on several threads beside the same on one, or without
//! arguments a table of many trials with ratios.
//!
//! ```text
//! cargo bench --bench scale
//! cargo bench --bench scale -- --members 10000 --scenario steady
//! cargo bench --bench scale -- --members 1000 --scenario crash --peer foca
//! cargo bench --bench scale -- --members 1000000 --scenario steady --threads 2 --runs 3
//! ```
//!
//! docs/benchmarks.md describes the measurements.

#[path = "../common/mod.rs"]
mod common;
mod measure;
mod options;
mod peers;
mod process;
mod setting;
mod table;
mod threads;

use std::process::ExitCode;

use options::Options;
// The modules that the detector foca, a file of the library, uses from its crate.
use swimlab::{protocol, sim};

fn main() -> ExitCode {
    let done = Options::parse(std::env::args_os().skip(1)).and_then(|options| match options {
        Options::Trial(trial) => {
            let line = measure::measure(trial)?;
            println!("{}", serde_json::to_string(&line).expect("numbers and names"));
            Ok(())
        }
        Options::Threads { trial, runs } => threads::print(trial, runs),
        Options::Table { runs } => table::print(runs),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
