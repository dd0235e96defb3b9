//! One trial on one thread and on several, in turns: the same events, to the last bit, and what they cost.

use crate::measure::Metrics;
use crate::options::Trial;
use crate::process;

/// Runs the trial `runs` times on one thread and as often on its number of threads, and prints each pair and the ratios
/// of the medians. An error if any two runs differ in their events.
pub(crate) fn print(trial: Trial, runs: usize) -> Result<(), String> {
    let (mut one, mut several) = (Vec::new(), Vec::new());
    println!("{:>7} {:>10} {:>10} {:>9} {:>9}  trace hash", "threads", "CPU s", "wall s", "peak MB", "ns/event");
    for _ in 0..runs {
        for (threads, metrics) in [(1, &mut one), (trial.threads, &mut several)] {
            let measured = process::measure(Trial { threads, ..trial })?;
            println!("{}", line(&measured));
            metrics.push(measured);
        }
    }
    let hash = &one[0].trace_hash;
    if let Some(other) = one.iter().chain(&several).find(|run| run.trace_hash != *hash) {
        return Err(format!("the runs differ: {hash} on one thread, {} on {}", other.trace_hash, other.threads));
    }
    let (one, several) = (process::median(&one)?, process::median(&several)?);
    println!(
        "\n{} members, {}, medians of {runs}: on {} threads {:.2} of the time by the clock, {:.2} of the CPU time; all runs \
         have the same events",
        trial.members,
        trial.scenario,
        several.threads,
        several.wall_s / one.wall_s,
        several.cpu_s / one.cpu_s,
    );
    Ok(())
}

fn line(run: &Metrics) -> String {
    format!(
        "{:>7} {:>10.3} {:>10.3} {:>9.1} {:>9.1}  {}",
        run.threads,
        run.cpu_s,
        run.wall_s,
        run.peak_rss_bytes as f64 / 1e6,
        run.ns_per_event,
        run.trace_hash
    )
}
