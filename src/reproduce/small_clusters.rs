//! `small-clusters`: SWIM compared with heartbeats and with a majority of timestamps, for 3 to 200 members.
//!
//! No paper has figures for this comparison, so both sides are compared with closed forms: of the number of messages,
//! of the detection time, and of false alarms on lossy links.

use super::claim::Claim;
use super::closed_forms::{Delay, delay, false_heartbeat_deaths, messages};
use super::observers::Probes;
use super::runner::{Runner, measure, watch};
use super::{Effort, Reproduced, Reproduction, Row};
use crate::experiment::{Cell, CellKey, CellResult, Error, Experiment, Measure};

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "small-clusters",
    about: "From which size SWIM pays: 3 to 200 members, against all-to-all heartbeats and a majority of timestamps.",
    source: "closed forms: A. Das, I. Gupta, A. Motivala, SWIM, DSN 2002, sections 2 and 3; the sums for heartbeats are spelled \
             out in docs/detectors.md. No paper has a table of small clusters",
    experiments: &[
        ("small-clusters", include_str!("../../examples/reproductions/small-clusters.toml")),
        ("small-clusters-load", include_str!("../../examples/reproductions/small-clusters-load.toml")),
        ("small-clusters-alarms", include_str!("../../examples/reproductions/small-clusters-alarms.toml")),
    ],
    figures,
};

/// The timeout of the heartbeat detectors, in periods.
const TIMEOUT: f64 = 5.0;

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    let experiment = |name| -> Result<Experiment, Error> {
        let mut experiment = runner.experiment(name)?;
        if runner.effort == Effort::Short {
            // Large groups take longest, and a test needs only the rows with a closed form.
            experiment
                .cells
                .retain(|cell| cell.key.members <= 50 && cell.key.profile.split(':').next() != Some("lifeguard"));
        }
        Ok(experiment)
    };
    let (quiet, crash) = (measure(&experiment("small-clusters-load")?)?, measure(&experiment("small-clusters")?)?);
    let (mut heartbeats, mut swim) = (experiment("small-clusters-alarms")?, experiment("small-clusters-alarms")?);
    heartbeats.cells.retain(|cell| cell.key.profile.starts_with("all-to-all"));
    swim.cells.retain(|cell| cell.key.profile == "swim");
    Ok([
        load(runner, &quiet),
        detection(runner, &crash),
        crossing(runner, &quiet, &crash),
        false_deaths(runner, &measure(&heartbeats)?),
        unanswered_probes(runner, &watch(&swim, |_| Probes::default(), |seen, _, _| seen)),
    ]
    .concat()
    .into())
}

fn load(runner: &Runner<'_>, cells: &[CellResult]) -> Vec<Row> {
    let row = |cell: &CellResult| {
        let n = f64::from(cell.key.members);
        let paper = messages(&cell.key.profile, n)?;
        let says = if cell.key.profile == "swim" { "2, whatever n" } else { "n - 1" };
        let label = format!("n = {n}, {}", cell.key.profile);
        let claim = runner.claim("messages", label, "messages sent per member and period", paper);
        Some(claim.closed_form().says(says).against_mean(&sent(cell)))
    };
    cells.iter().filter_map(row).collect()
}

/// Messages per member and second in each trial.
fn sent(cell: &CellResult) -> Vec<f64> {
    let turns = f64::from(cell.key.members) * cell.duration_s;
    values(cell, "messages_sent").into_iter().map(|messages| messages / turns).collect()
}

fn values(cell: &CellResult, measure: &str) -> Vec<f64> {
    let column = Measure::index_of(measure).expect("a measure");
    cell.readings(column).into_iter().filter_map(|reading| reading.value()).collect()
}

fn detection(runner: &Runner<'_>, cells: &[CellResult]) -> Vec<Row> {
    let row = |cell: &CellResult| {
        let n = f64::from(cell.key.members);
        let Delay { measure, column, periods, says } = delay(&cell.key.profile, n, TIMEOUT)?;
        let claim = runner.claim("detection", format!("n = {n}, {}", cell.key.profile), measure, periods);
        Some(claim.closed_form().says(says).against_mean(&values(cell, column)))
    };
    cells.iter().filter_map(row).collect()
}

/// The smallest group in which SWIM costs less, in messages per member in the time until all members are informed. That
/// cost does not depend on the period, so it compares both detectors at equal detection times.
fn crossing(runner: &Runner<'_>, quiet: &[CellResult], crash: &[CellResult]) -> Vec<Row> {
    let sizes: Vec<u32> = quiet.iter().filter(|cell| cell.key.profile == "swim").map(|cell| cell.key.members).collect();
    let cell = |cells: &[CellResult], profile: &str, n: u32| {
        let is_it = |cell: &&CellResult| cell.key.profile == profile && cell.key.members == n;
        cells.iter().find(is_it).expect("all profiles and sizes").clone()
    };
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
    let measured = |profile: &str, n: u32| {
        mean(sent(&cell(quiet, profile, n))) * mean(values(&cell(crash, profile, n), "informed_100_s"))
    };
    let predicted = |profile: &str, n: u32| {
        let n = f64::from(n);
        messages(profile, n)
            .zip(delay(profile, n, TIMEOUT))
            .map(|(load, delay)| load * delay.periods)
            .expect("a closed form")
    };
    let from = |cost: &dyn Fn(&str, u32) -> f64, detector: &str| {
        let cheaper = sizes.iter().find(|&&n| cost("swim", n) < cost(detector, n));
        cheaper.map_or(f64::INFINITY, |&n| f64::from(n))
    };
    let row = |detector: &str| {
        let measure = "members from which SWIM sends less until all are informed";
        let claim = runner.claim("crossing", format!("swim against {detector}"), measure, from(&predicted, detector));
        let ours = from(&measured, detector);
        let says = "messages per member and period x periods to detect, by the sums above; the same for any period";
        claim.closed_form().says(says).within(0.0).against(ours, [Some(ours), Some(ours)])
    };
    ["all-to-all", "majority"].into_iter().map(row).collect()
}

/// The minimum number of expected false alarms of a cell.
const FEWEST: f64 = 100.0;

fn false_deaths(runner: &Runner<'_>, cells: &[CellResult]) -> Vec<Row> {
    let row = |cell: &CellResult| {
        let (n, lost) = (f64::from(cell.key.members), cell.key.loss);
        // A member that is received again can be declared dead again.
        let per_member = false_heartbeat_deaths(n, lost);
        let turns = n * cell.duration_s;
        if per_member * turns * (cell.trials.len() as f64) < FEWEST {
            return None;
        }
        let ours: Vec<f64> = values(cell, "false_positives").into_iter().map(|count| count / turns).collect();
        let claim = alarms(runner, &cell.key, "false deaths per member and period", per_member);
        Some(claim.says("(n-1) q (1-q)^4: one heartbeat heard, the next four lost").against_mean(&ours))
    };
    cells.iter().filter_map(row).collect()
}

fn unanswered_probes(runner: &Runner<'_>, cells: &[(Cell, Vec<Probes>)]) -> Vec<Row> {
    let row = |(cell, seen): &(Cell, Vec<Probes>)| {
        let helpers = f64::from(cell.key.members - 2).min(3.0);
        let heard = 1.0 - cell.key.loss;
        let per_probe = (1.0 - heard * heard) * libm::pow(1.0 - libm::pow(heard, 4.0), helpers);
        if per_probe * seen.iter().map(|seen| seen.finished as f64).sum::<f64>() < FEWEST {
            return None;
        }
        let ours: Vec<f64> = seen.iter().map(|seen| seen.unanswered as f64 / seen.finished as f64).collect();
        let claim = alarms(runner, &cell.key, "share of probes without any answer", per_probe);
        Some(claim.says("(1-q^2)(1-q^4)^k, k = min(3, n-2)").against_mean(&ours))
    };
    cells.iter().filter_map(row).collect()
}

fn alarms(runner: &Runner<'_>, key: &CellKey, measure: &'static str, paper: f64) -> Claim {
    let label = format!("n = {}, {} % lost, {}", key.members, 100.0 * key.loss, key.profile);
    runner.claim("false alarms", label, measure, paper).closed_form().within(0.1)
}
