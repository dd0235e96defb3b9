//! `medley`: hops per ping, and the expected time to the first ping, on a grid.

use super::bench::Bench;
use super::watchers::Turns;
use super::{Reproduction, Row};
use crate::experiment::measures::Recorder;
use crate::experiment::{Error, measures::index_of};
use crate::sim::Setup;
use swimlab_selectors::Place;

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "medley",
    about: "Medley's grid: hops per ping, and the expected periods to the first ping, in the mean and at the corners.",
    source: "R. Yang, S. Zhu, Y. Li, I. Gupta, Medley: A Novel Distributed Failure Detector for IoT Networks, Middleware \
             2019; exact values derived for its 16 x 16 grid, Manhattan distances, synchronous periods",
    experiments: &[("medley-grid", include_str!("../../examples/reproductions/medley-grid.toml"))],
    figures,
};

/// Two way, a hop takes 2 ms.
const HOP_S: f64 = 0.002;

fn figures(bench: &Bench<'_>) -> Result<Vec<Row>, Error> {
    let ping_rtt = index_of("mean_ping_rtt_s").expect("a measure");
    let watch = |setup: &Setup| (Recorder::new(setup), Turns::new(setup));
    let read = |(recorder, turns): (Recorder, Turns), setup: &Setup, outcome: &_| {
        let hops = recorder.finish(outcome).readings[ping_rtt].value().unwrap_or(f64::NAN) / HOP_S;
        let expected = turns.expected();
        let corners: Vec<f64> = (0..).zip(&expected).filter(|&(at, _)| is_corner(setup, at)).map(|(_, &t)| t).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        (hops, mean(&expected), mean(&corners))
    };
    let mut rows = Vec::new();
    for (cell, trials) in bench.watch("medley-grid", watch, read)? {
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
            let claim = bench.claim("16 x 16 grid", label, measure, paper).says("exact for independent draws");
            // The formula is that of independent draws; the bag's draws depend on each other.
            let claim = if label.contains("bounded") { claim.within(0.15) } else { claim.closed_form() };
            rows.push(claim.against_mean(&values));
        }
    }
    Ok(rows)
}

fn is_corner(setup: &Setup, member: u32) -> bool {
    let Some(Place::Plane { x, y }) = setup.placement.peers[member as usize].place else { return false };
    [0.0, 15.0].contains(&x) && [0.0, 15.0].contains(&y)
}
