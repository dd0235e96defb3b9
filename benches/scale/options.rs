//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use lexopt::{Arg, Parser, ValueExt};
use serde::{Deserialize, Serialize};

/// Command line arguments, parsed.
pub(crate) enum Options {
    /// One trial, as a line of JSON.
    Trial(Trial),
    /// One trial this many times, on one thread and on the trial's number of threads in turns.
    Threads { trial: Trial, runs: usize },
    /// All trials, as a table of medians over this number of runs.
    Table { runs: usize },
}

/// One trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    pub members: u32,
    pub scenario: Scenario,
    pub peer: Peer,
    /// Threads on which swimlab's world may run.
    pub threads: usize,
}

/// Course of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scenario {
    /// Twenty simulated seconds without faults.
    Steady,
    /// One member crashes; the trial ends when every survivor knows.
    Crash,
}

/// The implementation that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Peer {
    /// This library.
    Swimlab,
    /// The same protocol, with everything stored and every event in one heap.
    Naive,
    /// The crate of this name, in the same virtual network.
    Foca,
}

impl Options {
    /// Reads the arguments.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        read(args).map_err(|error| error.to_string())
    }
}

fn read(args: impl IntoIterator<Item = OsString>) -> Result<Options, lexopt::Error> {
    let (mut members, mut scenario, mut peer, mut runs, mut threads) = (None, None, None, None, None);
    let mut parser = Parser::from_args(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("members") => members = Some(parser.value()?.parse::<u32>()?),
            Arg::Long("scenario") => scenario = Some(parser.value()?.parse::<Scenario>()?),
            Arg::Long("peer") => peer = Some(parser.value()?.parse::<Peer>()?),
            Arg::Long("threads") => threads = Some(parser.value()?.parse::<usize>()?),
            Arg::Long("runs") => runs = Some(parser.value()?.parse::<usize>()?),
            Arg::Long("bench") => {} // Cargo passes it to every bench.
            _ => return Err(arg.unexpected()),
        }
    }
    match (members, scenario, peer, runs, threads) {
        (.., Some(0), _) => Err("--runs must be at least 1".into()),
        (None, None, None, runs, None) => Ok(Options::Table { runs: runs.unwrap_or(3) }),
        (Some(0..2), ..) => Err("--members must be at least 2".into()),
        (.., Some(0)) => Err("--threads must be at least 1".into()),
        (_, _, Some(Peer::Naive | Peer::Foca), _, Some(_)) => Err("--threads is for swimlab alone".into()),
        (Some(members), Some(scenario), peer, None, threads) => {
            let (peer, threads) = (peer.unwrap_or(Peer::Swimlab), threads.unwrap_or(1));
            Ok(Options::Trial(Trial { members, scenario, peer, threads }))
        }
        (Some(members), Some(scenario), _, Some(runs), Some(threads)) if threads > 1 => {
            Ok(Options::Threads { trial: Trial { members, scenario, peer: Peer::Swimlab, threads }, runs })
        }
        _ => Err(
            "give --members and --scenario for one trial, with --threads and --runs to compare it with one thread, \
                  only --runs or nothing for the table"
                .into(),
        ),
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "steady" => Ok(Self::Steady),
            "crash" => Ok(Self::Crash),
            _ => Err("a scenario is steady or crash".into()),
        }
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "swimlab" => Ok(Self::Swimlab),
            "naive" => Ok(Self::Naive),
            "foca" => Ok(Self::Foca),
            _ => Err("a peer is swimlab, naive or foca".into()),
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Steady => "steady",
            Self::Crash => "crash",
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Swimlab => "swimlab",
            Self::Naive => "naive",
            Self::Foca => "foca",
        })
    }
}
