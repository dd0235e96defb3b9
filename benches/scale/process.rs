//! A trial in a process of its own, so that its peak memory can be measured.

use std::process::{Command, Stdio};

use crate::measure::Metrics;
use crate::options::Trial;

/// Measures a trial in another process.
pub(crate) fn measure(Trial { members, scenario, peer, threads }: Trial) -> Result<Metrics, String> {
    let program = std::env::current_exe().map_err(|error| format!("this program cannot be found: {error}"))?;
    let mut args = format!("--members {members} --scenario {scenario} --peer {peer}");
    // Peers have no such option.
    if threads > 1 {
        args += &format!(" --threads {threads}");
    }
    let output = Command::new(program).args(args.split(' ')).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("a run cannot be started: {error}"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| format!("{} gave no figures ({})", args, output.status))
}

/// The median of each measured figure; all else must be the same in every run.
pub(crate) fn median(runs: &[Metrics]) -> Result<Metrics, String> {
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
