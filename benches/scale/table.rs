//! All trials as a table. Each runs in a separate process, so that its peak memory can be measured; the runs of one
//! trial are spread over the whole time, so that other work on the machine for a minute does not affect all of them.

use std::process::{Command, Stdio};

use crate::measure::Metrics;
use crate::options::{Peer, Scenario, Trial};

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
            metrics.push(child(*trial)?);
        }
    }
    let rows: Vec<Metrics> = metrics.iter().map(|runs| median(runs)).collect::<Result<_, _>>()?;
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

fn child(Trial { members, scenario, peer, .. }: Trial) -> Result<Metrics, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let args = ["--members", &members.to_string(), "--scenario", &scenario.to_string(), "--peer", &peer.to_string()];
    let output = Command::new(program).args(args).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("a run cannot be started: {error}"))?;
    serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("{} gave no figures ({})", args.join(" "), output.status))
}

/// The median of each measured figure; all else must be the same in every run.
fn median(runs: &[Metrics]) -> Result<Metrics, String> {
    let first = &runs[0];
    if runs.iter().any(|run| run.trace_hash != first.trace_hash) {
        return Err(format!("{} members, {}: runs differ", first.members, first.scenario));
    }
    let of = |figure: fn(&Metrics) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Ok(Metrics {
        cpu_s: of(|run| run.cpu_s),
        wall_s: of(|run| run.wall_s),
        ns_per_event: of(|run| run.ns_per_event),
        ns_per_member_second: of(|run| run.ns_per_member_second),
        peak_rss_bytes: of(|run| run.peak_rss_bytes as f64) as u64,
        build_cpu_s: of(|run| run.build_cpu_s),
        ..first.clone()
    })
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
