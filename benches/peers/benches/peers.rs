//! All peers and sizes as a table.
//!
//! ```text
//! cargo xtask bench peers                                  # from the repository's root; or in the folder benches/peers:
//! cargo bench --bench peers --features anysystem
//! cargo bench --bench peers -- --members 1000 --peer simcore --runs 3    # one size, one peer, another number of runs
//! ```
//!
//! Each run has a process of its own, and the runs of one cell are spread over the whole time, so that other work on the
//! machine for a minute does not affect all of them.

use std::process::{Command, ExitCode, Stdio};

use lexopt::{Arg, Parser, ValueExt};
use swimlab_peers::work::Work;

/// A simulator, and how far it goes.
struct Peer {
    name: &'static str,
    /// Its program; `None` if this build has none.
    program: Option<&'static str>,
    /// The largest group for which it is measured. Beyond, a run takes minutes, or more memory than this machine has.
    most: u32,
}

const PEERS: [Peer; 7] = [
    Peer { name: "swimlab", program: Some(env!("CARGO_BIN_EXE_swimlab")), most: 1_000_000 },
    Peer { name: "simcore", program: Some(env!("CARGO_BIN_EXE_simcore")), most: 1_000_000 },
    Peer { name: "dscale", program: Some(env!("CARGO_BIN_EXE_dscale")), most: 10_000 },
    Peer {
        name: "madsim",
        program: if cfg!(madsim) { Some(env!("CARGO_BIN_EXE_madsim")) } else { None },
        most: 10_000,
    },
    Peer { name: "anysystem", program: option_env!("CARGO_BIN_EXE_anysystem"), most: 10_000 },
    Peer { name: "heap", program: Some(env!("CARGO_BIN_EXE_heap")), most: 1_000_000 },
    Peer { name: "ring", program: Some(env!("CARGO_BIN_EXE_ring")), most: 1_000_000 },
];

/// The groups, and for how long each is simulated: half a million events or more, and the 6 s that the checks need.
const SIZES: [Work; 4] = [
    Work { members: 1_000, seconds: 200 },
    Work { members: 10_000, seconds: 20 },
    Work { members: 100_000, seconds: 10 },
    Work { members: 1_000_000, seconds: 6 },
];

struct Options {
    members: Option<u32>,
    peer: Option<String>,
    runs: usize,
}

/// A peer and a size, and the CPU times of an event in its runs, in nanoseconds.
struct Cell {
    peer: &'static Peer,
    work: Work,
    ns: Vec<f64>,
}

fn main() -> ExitCode {
    match options().and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options = Options { members: None, peer: None, runs: 5 };
    let mut parser = Parser::from_env();
    let mut read = || -> Result<(), lexopt::Error> {
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("members") => options.members = Some(parser.value()?.parse()?),
                Arg::Long("peer") => options.peer = Some(parser.value()?.string()?),
                Arg::Long("runs") => options.runs = parser.value()?.parse()?,
                Arg::Long("bench") => {} // Cargo passes it to every bench.
                _ => return Err(arg.unexpected()),
            }
        }
        Ok(())
    };
    read().map_err(|error| error.to_string())?;
    if options.runs == 0 {
        return Err("--runs must be at least 1".to_owned());
    }
    Ok(options)
}

fn measure(options: &Options) -> Result<(), String> {
    let is_wanted = |peer: &Peer, work: &Work| {
        peer.program.is_some()
            && work.members <= peer.most
            && options.members.is_none_or(|members| members == work.members)
            && options.peer.as_ref().is_none_or(|name| name == peer.name)
    };
    let cell = |peer: &'static Peer, work: Work| is_wanted(peer, &work).then(|| Cell { peer, work, ns: Vec::new() });
    let mut cells: Vec<Cell> =
        PEERS.iter().flat_map(|peer| SIZES.iter().filter_map(move |&work| cell(peer, work))).collect();
    if cells.is_empty() {
        let (sizes, names) = (SIZES.map(|work| work.members), PEERS.map(|peer| peer.name));
        return Err(format!("nothing to measure: --members is one of {sizes:?}, --peer one of {names:?}"));
    }
    for run in 1..=options.runs {
        for cell in &mut cells {
            eprintln!("run {run} of {}: {}, {} members", options.runs, cell.peer.name, cell.work.members);
            cell.run()?;
        }
    }
    print(&mut cells, options.runs);
    Ok(())
}

impl Cell {
    fn run(&mut self) -> Result<(), String> {
        let Work { members, seconds } = self.work;
        let args = ["--members", &members.to_string(), "--seconds", &seconds.to_string()];
        let program = self.peer.program.expect("peers without a program have no cells");
        let output = Command::new(program).args(args).stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| format!("{program}: {error}"))?;
        let figure = String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|_| output.status.success());
        self.ns.push(figure.ok_or_else(|| format!("{} {} gave no figure", self.peer.name, args.join(" ")))?);
        Ok(())
    }
}

/// Prints the medians.
fn print(cells: &mut [Cell], runs: usize) {
    println!("CPU time of an event in ns: medians of {runs} runs\n");
    let heads: String = SIZES.iter().map(|work| format!("{:>10}", work.members)).collect();
    println!("{:<10}{heads}", "members");
    for peer in &PEERS {
        let figure = |work: Work| match cells.iter().find(|cell| cell.peer.name == peer.name && cell.work == work) {
            Some(cell) => format!("{:.0}", median(&cell.ns)),
            None => "-".to_owned(),
        };
        let figures: String = SIZES.iter().map(|&work| format!("{:>10}", figure(work))).collect();
        println!("{:<10}{figures}", peer.name);
    }
    for peer in PEERS.iter().filter(|peer| peer.program.is_none()) {
        println!("\nThis build is without {}: see benches/peers/Cargo.toml.", peer.name);
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
