//! All trials as a table. The runs of one trial are spread over the whole time, so that other work on the machine for a
//! minute does not affect all of them.

use crate::measure::Metrics;
use crate::options::{Peer, Scenario, Trial};
use crate::process;

const SCENARIOS: [Scenario; 2] = [Scenario::Steady, Scenario::Crash];
const SIZES: [u32; 5] = [100, 1_000, 4_000, 10_000, 100_000];
/// Sizes for peers that store n tables of n rows.
const PEER_SIZES: [u32; 3] = [100, 1_000, 4_000];

/// Runs all trials `runs` times and prints the medians.
pub(crate) fn print(runs: usize) -> Result<(), String> {
    let trials = trials();
    let mut metrics: Vec<Vec<Metrics>> = vec![Vec::new(); trials.len()];
    for run in 1..=runs {
        for (trial, metrics) in trials.iter().zip(&mut metrics) {
            eprintln!("run {run} of {runs}: {} members, {}, {}", trial.members, trial.scenario, trial.peer);
            metrics.push(process::measure(*trial)?);
        }
    }
    let rows: Vec<Metrics> = metrics.iter().map(|runs| process::median(runs)).collect::<Result<_, _>>()?;
    println!("{runs} runs each, medians; ratios are to swimlab at the same size and scenario\n");
    println!(
        "{:>7} {:<8} {:<8} {:>6} {:>10} {:>8} {:>8} {:>9} {:>8} {:>8} {:>7} {:>7}",
        "members",
        "scenario",
        "peer",
        "sim s",
        "events",
        "CPU s",
        "ns/event",
        "ns/mem/s",
        "peak MB",
        "build s",
        "time x",
        "mem x"
    );
    for row in &rows {
        let ours = rows
            .iter()
            .find(|other| (other.members, other.scenario, other.peer) == (row.members, row.scenario, Peer::Swimlab))
            .expect("swimlab runs at every size");
        println!("{}", line(row, ours));
    }
    Ok(())
}

fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for members in SIZES {
        for scenario in SCENARIOS {
            trials.push(Trial { members, scenario, peer: Peer::Swimlab, threads: 1 });
            if PEER_SIZES.contains(&members) {
                trials.extend([Peer::Naive, Peer::Foca].map(|peer| Trial { members, scenario, peer, threads: 1 }));
            }
        }
    }
    trials
}

fn line(row: &Metrics, ours: &Metrics) -> String {
    let ratio = |value: f64| if row.peer == Peer::Swimlab { String::new() } else { format!("{value:.1}") };
    format!(
        "{:>7} {:<8} {:<8} {:>6.2} {:>10} {:>8.3} {:>8.1} {:>9.1} {:>8.1} {:>8.3} {:>7} {:>7}",
        row.members,
        row.scenario,
        row.peer,
        row.simulated_s,
        row.events,
        row.cpu_s,
        row.ns_per_event,
        row.ns_per_member_second,
        row.peak_rss_bytes as f64 / 1e6,
        row.build_cpu_s,
        ratio(row.ns_per_member_second / ours.ns_per_member_second),
        ratio(row.peak_rss_bytes as f64 / ours.peak_rss_bytes as f64),
    )
    .trim_end()
    .to_owned()
}
