//! `lifeguard`: false positives, detection, dissemination and load under slow members, part by part.

use super::bench::{Bench, watch};
use super::watchers::Alarms;
use super::{Effort, Reproduction, Row};
use crate::experiment::{Cell, Error};

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "lifeguard",
    about: "Lifeguard's tables: false positives, detection and load of SWIM, its three parts and the whole, and its tuning.",
    source: "A. Dadgar, J. Phillips, J. Currey, Lifeguard: Local Health Awareness for More Accurate Failure Detection, DSN \
             2018",
    experiments: &[
        ("lifeguard-interval", include_str!("../../examples/reproductions/lifeguard-interval.toml")),
        ("lifeguard-threshold", include_str!("../../examples/reproductions/lifeguard-threshold.toml")),
    ],
    figures,
};

/// What the paper says of one configuration.
struct Published {
    row: &'static str,
    profile: &'static str,
    /// FP, FP-, messages and bytes, in % of SWIM's.
    share: [Option<f64>; 4],
    /// First detection and full dissemination, medians: in seconds, or for the tunings in % of SWIM's.
    median: [f64; 2],
}

const SWIM: &str = "lifeguard:dissemination=gossip,prober=classic,suspicion=fixed";

const PUBLISHED: [Published; 8] = [
    Published { row: "SWIM", profile: SWIM, share: [None; 4], median: [12.44, 12.90] },
    of("LHA-Probe", "lha-probe", [67.72, 32.88, 98.46, 90.03], [12.42, 12.90]),
    of("LHA-Suspicion", "lha-suspicion", [3.00, 6.71, 111.31, 106.52], [12.42, 12.89]),
    of("Buddy", "buddy", [94.08, 44.57, 100.07, 99.01], [12.45, 12.92]),
    of("Lifeguard", "lifeguard", [1.53, 1.89, 110.59, 97.97], [12.45, 12.91]),
    tuned("alpha = 2, beta = 2", "lifeguard:suspicion_max_mult=2,suspicion_mult=2", [98.37, 31.15], [53.14, 55.12]),
    tuned("alpha = 5, beta = 2", "lifeguard:suspicion_max_mult=2,suspicion_mult=5", [26.61, 15.38], [99.76, 99.92]),
    tuned("alpha = 5, beta = 4", "lifeguard:suspicion_max_mult=4,suspicion_mult=5", [5.43, 5.05], [99.52, 99.61]),
];

const fn of(row: &'static str, profile: &'static str, share: [f64; 4], median: [f64; 2]) -> Published {
    let share = [Some(share[0]), Some(share[1]), Some(share[2]), Some(share[3])];
    Published { row, profile, share, median }
}

/// The paper gives a tuning's medians in % of SWIM's, too.
const fn tuned(row: &'static str, profile: &'static str, share: [f64; 2], percent: [f64; 2]) -> Published {
    let median = [percent[0] * 12.44 / 100.0, percent[1] * 12.90 / 100.0];
    Published { row, profile, share: [Some(share[0]), Some(share[1]), None, None], median }
}

fn figures(bench: &Bench<'_>) -> Result<Vec<Row>, Error> {
    Ok([interval(bench)?, threshold(bench)?].concat())
}

/// FP, FP-, messages and bytes of one configuration, over all scenarios and repeats.
fn totals(cells: &[(Cell, Vec<[u64; 4]>)], profile: &str) -> [f64; 4] {
    let trials = cells.iter().filter(|(cell, _)| cell.key.profile == profile).flat_map(|(_, trials)| trials);
    trials.fold([0.0; 4], |sums, trial| std::array::from_fn(|at| sums[at] + trial[at] as f64))
}

fn interval(bench: &Bench<'_>) -> Result<Vec<Row>, Error> {
    const MEASURES: [&str; 4] = ["FP, % of SWIM's", "FP-, % of SWIM's", "messages, % of SWIM's", "bytes, % of SWIM's"];
    let mut experiment = bench.experiment("lifeguard-interval")?;
    if bench.effort == Effort::Short {
        experiment.cells.retain(|cell| cell.key.scenario == "C=16 D=16384ms I=4ms");
    }
    let read = |alarms: Alarms, _: &_, _: &_| [alarms.false_alarms, alarms.by_healthy, alarms.messages, alarms.bytes];
    let cells = watch(&experiment, Alarms::new, read);
    let swim = totals(&cells, SWIM);
    let mut rows = Vec::new();
    for published in PUBLISHED {
        let ours = totals(&cells, published.profile);
        for (at, measure) in MEASURES.into_iter().enumerate() {
            let Some(paper) = published.share[at] else { continue };
            let claim = bench.claim("Interval experiment", published.row, measure, paper).within(0.15);
            let claim = claim.says("our grid is a part of the paper's; Poisson intervals");
            let (percent, spread) = percent(ours[at], swim[at]);
            rows.push(claim.against(percent, spread));
        }
    }
    Ok(rows)
}

/// A count in % of another, with the interval of two Poisson counts.
fn percent(ours: f64, swim: f64) -> (f64, [Option<f64>; 2]) {
    let percent = 100.0 * ours / swim;
    let spread = libm::exp(1.96 * (1.0 / ours.max(1.0) + 1.0 / swim.max(1.0)).sqrt());
    (percent, [Some(percent / spread), Some(percent * spread)])
}

fn threshold(bench: &Bench<'_>) -> Result<Vec<Row>, Error> {
    const MEASURES: [&str; 2] = ["first detection, median seconds", "full dissemination, median seconds"];
    let mut experiment = bench.experiment("lifeguard-threshold")?;
    if bench.effort == Effort::Short {
        experiment.cells.retain(|cell| cell.key.scenario == "C=8");
        experiment.trials = 1;
    }
    let cells = watch(&experiment, Alarms::new, |alarms, _, _| alarms.delays());
    let mut rows = Vec::new();
    for published in PUBLISHED {
        let own = cells.iter().filter(|(cell, _)| cell.key.profile == published.profile);
        let delays: Vec<[Option<f64>; 2]> = own.flat_map(|(_, trials)| trials.iter().flatten().copied()).collect();
        for (at, measure) in MEASURES.into_iter().enumerate() {
            let values: Vec<Option<f64>> = delays.iter().map(|delay| delay[at]).collect();
            let claim = bench.claim("Threshold experiment", published.row, measure, published.median[at]).within(0.15);
            rows.push(claim.says("anomalies of 32.8 s").against_median(&values));
        }
    }
    Ok(rows)
}
