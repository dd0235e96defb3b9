//! `medley`: hops per ping, and the expected time to the first ping, on a grid.

use super::observers::Turns;
use super::runner::Runner;
use super::{Reproduced, Reproduction, Row};
use crate::experiment::{Error, Measure, Recorder, TrialResult};
use crate::sim::Setup;
use swimlab_selectors::Location;

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "medley",
    about: "Medley's grid: hops per ping, and the expected periods to the first ping, in the mean and at the corners.",
    source: "R. Yang, S. Zhu, Y. Li, I. Gupta, Medley: A Novel Distributed Failure Detector for IoT Networks, Middleware \
             2019; exact values derived for its 16 x 16 grid, Manhattan distances, synchronous periods",
    experiments: &[
        ("medley-grid", include_str!("../../examples/reproductions/medley-grid.toml")),
        ("medley-faults", include_str!("../../examples/reproductions/medley-faults.toml")),
    ],
    figures,
};

/// Round-trip time of a hop.
const HOP_S: f64 = 0.002;

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    Ok([grid(runner)?, faults(runner)?].concat().into())
}

fn grid(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let ping_rtt = Measure::index_of("mean_ping_rtt_s").expect("a measure");
    let watch = |setup: &Setup| (Recorder::new(setup), Turns::new(setup));
    let read = |(recorder, turns): (Recorder, Turns), setup: &Setup, outcome: &_| {
        let hops = recorder.finish(outcome).readings[ping_rtt].value().unwrap_or(f64::NAN) / HOP_S;
        let expected = turns.expected();
        let corners: Vec<f64> = (0..).zip(&expected).filter(|&(at, _)| is_corner(setup, at)).map(|(_, &t)| t).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        (hops, mean(&expected), mean(&corners))
    };
    let mut rows = Vec::new();
    for (cell, trials) in runner.watch("medley-grid", watch, read)? {
        let (label, paper) = match cell.key.selector.as_str() {
            selector if selector.contains("bag") => ("m = 3, time-bounded", [1.80, 1.523, 1.907]),
            selector if selector.contains("exponent=0") => ("m = 0 (SWIM)", [10.67, 1.580, 1.580]),
            _ => ("m = 3", [1.80, 1.523, 1.907]),
        };
        let measures = ["mean hops per ping", "E[T1], mean over nodes", "E[T1] of the worst node: a corner"];
        let values: [Vec<f64>; 3] = [
            trials.iter().map(|trial| trial.0).collect(),
            trials.iter().map(|trial| trial.1).collect(),
            trials.iter().map(|trial| trial.2).collect(),
        ];
        for ((measure, paper), values) in measures.into_iter().zip(paper).zip(values) {
            let claim = runner.claim("16 x 16 grid", label, measure, paper).says("exact for independent draws");
            // The formula holds for independent draws; those of the bag depend on each other.
            let claim = if label.contains("bounded") { claim.within(0.15) } else { claim.closed_form() };
            rows.push(claim.against_mean(&values));
        }
    }
    Ok(rows)
}

/// The failure patterns of the paper: one node, neighbors together, nodes far apart. The paper has plots without
/// numbers, for placements that are not published; the measured values are compared with the exact expectation for this
/// grid: of the periods until a failed node is first pinged, where nodes that failed with it do not ping.
fn faults(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for cell in runner.measure("medley-faults")? {
        let m = if cell.key.selector.contains("exponent=0") { 0.0 } else { 3.0 };
        let victims: Vec<u32> = cell.trials[0].measured.victims.iter().map(|victim| victim.member).collect();
        let exact = victims.iter().map(|&victim| expected_periods(m, victim, &victims)).sum::<f64>();
        let mean = |trial: &TrialResult| {
            let pings = trial.measured.victims.iter().filter_map(|victim| victim.first_ping_s);
            // From the crash to the start of the next period it is half a period, which the expectation counts as one.
            pings.map(|seconds| seconds + 0.5).sum::<f64>() / victims.len() as f64
        };
        let values: Vec<f64> = cell.trials.iter().map(mean).collect();
        let label = format!("{}, m = {m}", cell.key.scenario);
        let claim = runner.claim("fault patterns", label, "E[T1], mean over the failed", exact / victims.len() as f64);
        let says = "exact for independent draws; the paper has no numbers for it";
        rows.push(claim.closed_form().says(says).against_mean(&values));
    }
    Ok(rows)
}

const SIDE: u32 = 16;

/// Expected periods until a failed node is first pinged by one that did not fail.
fn expected_periods(m: f64, victim: u32, failed: &[u32]) -> f64 {
    let hops = |a: u32, b: u32| (a % SIDE).abs_diff(b % SIDE) + (a / SIDE).abs_diff(b / SIDE);
    let weight = |from: u32, to: u32| if from == to { 0.0 } else { libm::pow(f64::from(hops(from, to)), -m) };
    let all = || 0..SIDE * SIDE;
    let share = |from: u32| weight(from, victim) / all().map(|to| weight(from, to)).sum::<f64>();
    let missed: f64 = all().filter(|from| !failed.contains(from)).map(|from| 1.0 - share(from)).product();
    1.0 / (1.0 - missed)
}

fn is_corner(setup: &Setup, member: u32) -> bool {
    let Some(Location::Plane { x, y }) = setup.placement.peers[member as usize].location else { return false };
    [0.0, 15.0].contains(&x) && [0.0, 15.0].contains(&y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expectations_are_those_derived_in_the_literature() {
        let mean = |m| (0..256).map(|node| expected_periods(m, node, &[node])).sum::<f64>() / 256.0;
        assert!((mean(0.0) - 1.580).abs() < 1e-3 && (mean(3.0) - 1.523).abs() < 1e-3, "{} {}", mean(0.0), mean(3.0));
        assert!((expected_periods(3.0, 0, &[0]) - 1.907).abs() < 1e-3);
    }
}
