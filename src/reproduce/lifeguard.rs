//! `lifeguard`: false positives, detection, dissemination and load with slow members, for each part of Lifeguard.

use std::fmt::Write;
use std::sync::Arc;

use super::observers::Noticed;
use super::ratio::ratio_of_sums;
use super::runner::{Runner, watch};
use super::{Effort, Reproduced, Reproduction, Row};
use crate::experiment::{Cell, CellDetector, Error, Experiment, Recorder};
use crate::protocol::{LifeguardVariant, LocalHealth, NackProber, Span};
use crate::sim::Slow;

const INTERVAL: &str = include_str!("../../examples/reproductions/lifeguard-interval.toml");

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "lifeguard",
    about: "Lifeguard's tables: false positives, detection and load of SWIM, its three parts and the whole, and its tuning.",
    source: "A. Dadgar, J. Phillips, J. Currey, Lifeguard: Local Health Awareness for More Accurate Failure Detection, DSN \
             2018",
    experiments: &[
        ("lifeguard-interval", INTERVAL),
        ("lifeguard-threshold", include_str!("../../examples/reproductions/lifeguard-threshold.toml")),
    ],
    figures,
};

/// The published values of one configuration.
struct Published {
    row: &'static str,
    profile: &'static str,
    /// FP, FP-, messages and bytes, in % of SWIM's.
    share: [Option<f64>; 4],
    /// First detection and full dissemination, in seconds: their medians, 99 % and 99.9 % quantiles.
    delays: [[f64; 3]; 2],
}

/// The tolerance, as a share of the published value.
const TOLERANCE: f64 = 0.15;

const SWIM: &str = "lifeguard:dissemination=gossip,prober=classic,suspicion=fixed";

const PUBLISHED: [Published; 8] = [
    Published { row: "SWIM", profile: SWIM, share: [None; 4], delays: SWIM_DELAYS },
    of("LHA-Probe", "lha-probe", [67.72, 32.88, 98.46, 90.03], [[12.42, 17.75, 20.10], [12.90, 17.98, 20.56]]),
    of("LHA-Suspicion", "lha-suspicion", [3.00, 6.71, 111.31, 106.52], [[12.42, 17.47, 25.41], [12.89, 17.33, 23.80]]),
    of("Buddy", "buddy", [94.08, 44.57, 100.07, 99.01], [[12.45, 17.12, 19.16], [12.92, 17.18, 19.81]]),
    of("Lifeguard", "lifeguard", [1.53, 1.89, 110.59, 97.97], [[12.45, 17.90, 21.20], [12.91, 18.05, 21.68]]),
    tuned(
        "alpha = 2, beta = 2",
        "lifeguard:suspicion_max_mult=2,suspicion_mult=2",
        [98.37, 31.15],
        [[53.14, 69.81, 76.08], [55.12, 73.07, 76.20]],
    ),
    tuned(
        "alpha = 5, beta = 2",
        "lifeguard:suspicion_max_mult=2,suspicion_mult=5",
        [26.61, 15.38],
        [[99.76, 104.95, 112.32], [99.92, 105.73, 107.64]],
    ),
    tuned(
        "alpha = 5, beta = 4",
        "lifeguard:suspicion_max_mult=4,suspicion_mult=5",
        [5.43, 5.05],
        [[99.52, 102.71, 111.44], [99.61, 105.08, 107.93]],
    ),
];

const SWIM_DELAYS: [[f64; 3]; 2] = [[12.44, 16.96, 19.40], [12.90, 16.93, 20.17]];

const fn of(row: &'static str, profile: &'static str, share: [f64; 4], delays: [[f64; 3]; 2]) -> Published {
    let share = [Some(share[0]), Some(share[1]), Some(share[2]), Some(share[3])];
    Published { row, profile, share, delays }
}

/// The published values of a tuning, whose delays the paper gives in % of SWIM's.
const fn tuned(row: &'static str, profile: &'static str, share: [f64; 2], percent: [[f64; 3]; 2]) -> Published {
    const fn of_swim(percent: [f64; 3], swim: [f64; 3]) -> [f64; 3] {
        [percent[0] * swim[0] / 100.0, percent[1] * swim[1] / 100.0, percent[2] * swim[2] / 100.0]
    }
    let delays = [of_swim(percent[0], SWIM_DELAYS[0]), of_swim(percent[1], SWIM_DELAYS[1])];
    Published { row, profile, share: [Some(share[0]), Some(share[1]), None, None], delays }
}

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    Ok([interval(runner)?, threshold(runner)?].concat().into())
}

/// FP, FP-, messages and bytes of one trial.
type Counts = [f64; 4];

/// The counts of every trial, in the window of the measures.
fn count(experiment: &Experiment) -> Vec<(Cell, Vec<Counts>)> {
    const MEASURES: [&str; 4] =
        ["false_positives_about_healthy", "false_positives_among_healthy", "messages_sent", "bytes_sent"];
    let read = |recorder: Recorder, _: &_, outcome: &_| {
        let measured = recorder.finish(outcome);
        MEASURES.map(|measure| measured.reading(measure).value().expect("every trial has counts"))
    };
    watch(experiment, Recorder::new, read)
}

/// One of the counts of a configuration and that of SWIM in the same trial, by scenario.
fn with_swim(cells: &[(Cell, Vec<Counts>)], profile: &str, which: usize) -> Vec<Vec<(f64, f64)>> {
    let scenario = |(cell, trials): &(Cell, Vec<Counts>)| {
        let same =
            |(other, _): &&(Cell, Vec<Counts>)| other.key.scenario == cell.key.scenario && other.key.profile == SWIM;
        let (_, swim) = cells.iter().find(same).expect("SWIM runs in every scenario");
        trials.iter().zip(swim).map(|(ours, swim)| (ours[which], swim[which])).collect()
    };
    cells.iter().filter(|(cell, _)| cell.key.profile == profile).map(scenario).collect()
}

fn interval(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    const FEWEST: f64 = 10.0;
    const MEASURES: [&str; 4] = ["FP, % of SWIM's", "FP-, % of SWIM's", "messages, % of SWIM's", "bytes, % of SWIM's"];
    let mut experiment = match runner.effort {
        Effort::Full => runner.experiment_of("lifeguard-interval", &whole_grid())?,
        _ => runner.experiment("lifeguard-interval")?,
    };
    if runner.effort == Effort::Short {
        experiment.cells.retain(|cell| cell.key.scenario == "C=16 D=16384ms I=4ms");
    }
    let cells = count(&experiment);
    let causes = CIRCUMSTANCES.map(|circumstance| (circumstance, circumstance.count(&experiment)));
    let mut rows = Vec::new();
    for published in PUBLISHED {
        for (at, measure) in MEASURES.into_iter().enumerate() {
            let Some(paper) = published.share[at] else { continue };
            let counts = with_swim(&cells, published.profile, at);
            // A share of fewer events is not significant; with more trials there may be enough.
            if counts.iter().flatten().map(|(_, swim)| swim).sum::<f64>() < FEWEST {
                continue;
            }
            let claim = runner.claim("Interval experiment", published.row, measure, paper).within(TOLERANCE);
            let mut claim = claim.says("our grid is a part of the paper's; t intervals over the trials");
            let (share, spread) = percent(&counts);
            for (circumstance, cells) in &causes {
                if !circumstance.concerns(published.row, measure) {
                    continue;
                }
                let (there, _) = percent(&with_swim(cells, published.profile, at));
                if explains(share, there, paper) {
                    claim = claim.because(format!("{}; with that ours is {there:.3} %", circumstance.about));
                }
            }
            rows.push(claim.against(share, spread));
        }
    }
    Ok(rows)
}

/// A property of the authors' agents that the paper does not quantify. The reproduction does not have it; turned on, it
/// shows its effect on the measured values.
#[derive(Clone, Copy)]
struct Circumstance {
    about: &'static str,
    /// The values that it affects: rows, and the start of the measure's name.
    figures: &'static [(&'static str, &'static str)],
    turn_on: fn(&mut Cell),
}

const CIRCUMSTANCES: [Circumstance; 2] = [
    Circumstance {
        about: "a member that was blocked takes time for its queued packets (catch_up = 50us), more than a short pause lasts",
        figures: &[("LHA-Suspicion", "FP,"), ("Lifeguard", "FP,"), ("alpha = 5, beta = 4", "FP,")],
        turn_on: |cell| {
            for fault in &mut cell.faults {
                if let Some(&slow) = fault.kind.downcast_ref::<Slow>() {
                    fault.kind = Arc::new(Slow { catch_up: Span::from_micros(50), ..slow });
                }
            }
        },
    },
    Circumstance {
        about: "memberlist's probe loop extends only failed rounds (health_pacing = memberlist)",
        figures: &[("LHA-Probe", "bytes,"), ("Lifeguard", "bytes,")],
        turn_on: |cell| {
            if let CellDetector::Swim { config, .. } = &mut cell.detector
                && let Some(health) = config.prober.local_health()
            {
                let health = LocalHealth { pacing: LifeguardVariant::Memberlist, ..health };
                config.prober = Arc::new(NackProber { health });
            }
        },
    },
];

impl Circumstance {
    fn concerns(self, row: &str, measure: &str) -> bool {
        self.figures.iter().any(|(its, begins)| *its == row && measure.starts_with(begins))
    }

    /// Counts one trial of each scenario with the circumstance, for SWIM and the configurations that it affects.
    fn count(self, experiment: &Experiment) -> Vec<(Cell, Vec<Counts>)> {
        let mut experiment = experiment.clone();
        experiment.trials = 1;
        let concerned = |profile: &str| {
            let mut published = PUBLISHED.iter().filter(|published| published.profile == profile);
            published.any(|published| self.figures.iter().any(|(row, _)| *row == published.row))
        };
        experiment.cells.retain(|cell| cell.key.profile == SWIM || concerned(&cell.key.profile));
        experiment.cells.iter_mut().for_each(self.turn_on);
        count(&experiment)
    }
}

/// Whether a value that changes from `ours` to `there` under a circumstance reaches or passes the published one.
fn explains(ours: f64, there: f64, paper: f64) -> bool {
    let slack = TOLERANCE * paper;
    if ours < paper { there >= paper - slack } else { there <= paper + slack }
}

/// The experiment with all scenarios of the paper: numbers of slow agents, durations of anomalies and of the intervals
/// between them.
fn whole_grid() -> String {
    const SICK: [u32; 9] = [1, 4, 8, 12, 16, 20, 24, 28, 32];
    const LASTS_MS: [u32; 6] = [128, 512, 2048, 8192, 16384, 32768];
    const PAUSES_MS: [u32; 8] = [1, 4, 16, 64, 256, 1024, 4096, 16384];
    let head = INTERVAL.split("[[scenario]]").next().expect("a beginning");
    let mut text = head.to_owned();
    for sick in SICK {
        for lasts in LASTS_MS {
            for pause in PAUSES_MS {
                let (target, every) = ((0..sick).collect::<Vec<u32>>(), lasts + pause);
                let times = 120_000_u32.div_ceil(every);
                let _ = write!(
                    text,
                    "[[scenario]]\nname = \"C={sick} D={lasts}ms I={pause}ms\"\nfault = [{{ kind = \"slow\", \
                     sends = \"block\", target = {target:?}, lasts = \"{lasts}ms\", times = {times}, every = \"{every}ms\" }}]\n"
                );
            }
        }
    }
    text
}

/// The sum of the first values in % of the sum of the second ones, with its interval.
fn percent(scenarios: &[Vec<(f64, f64)>]) -> (f64, [Option<f64>; 2]) {
    let ratio = ratio_of_sums(scenarios);
    (100.0 * ratio.value, [ratio.low, ratio.high].map(|bound| Some(100.0 * bound)))
}

fn threshold(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    const MEASURES: [[&str; 3]; 2] = [
        ["first detection, median seconds", "first detection, 99 % in seconds", "first detection, 99.9 % in seconds"],
        [
            "full dissemination, median seconds",
            "full dissemination, 99 % in seconds",
            "full dissemination, 99.9 % in seconds",
        ],
    ];
    // The minimum number of values beyond a quantile that is compared.
    const BEYOND: f64 = 1.0;
    let mut experiment = runner.experiment("lifeguard-threshold")?;
    if runner.effort == Effort::Short {
        experiment.cells.retain(|cell| cell.key.scenario == "C=8");
        experiment.trials = 1;
    }
    let cells = watch(&experiment, Noticed::new, |noticed, _, _| noticed.delays());
    let mut rows = Vec::new();
    for published in PUBLISHED {
        let own = cells.iter().filter(|(cell, _)| cell.key.profile == published.profile);
        let delays: Vec<&Vec<[Option<f64>; 2]>> = own.flat_map(|(_, trials)| trials).collect();
        for (at, measures) in MEASURES.into_iter().enumerate() {
            let values: Vec<Vec<Option<f64>>> =
                delays.iter().map(|trial| trial.iter().map(|delay| delay[at]).collect()).collect();
            let count: usize = values.iter().map(Vec::len).sum();
            for (which, quantile) in [0.5, 0.99, 0.999].into_iter().enumerate() {
                if (1.0 - quantile) * (count as f64) < BEYOND {
                    continue;
                }
                let (measure, paper) = (measures[which], published.delays[at][which]);
                let claim = runner.claim("Threshold experiment", published.row, measure, paper).within(TOLERANCE);
                rows.push(claim.says("anomalies of 32.8 s").against_quantile(quantile, &values));
            }
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circumstance_explains_a_difference_if_it_reaches_the_published_value_or_passes_it() {
        assert!(explains(0.1, 2.7, 3.0) && explains(0.1, 9.0, 3.0) && explains(50.0, 100.0, 90.0));
        assert!(!explains(0.1, 2.5, 3.0) && !explains(50.0, 40.0, 90.0));
        assert!(explains(9.0, 3.2, 3.0) && !explains(9.0, 3.5, 3.0) && !explains(9.0, 12.0, 3.0));
    }

    #[test]
    fn the_whole_grid_includes_the_scenarios_of_the_file() {
        let grid = whole_grid();
        assert_eq!(grid.matches("[[scenario]]").count(), 9 * 6 * 8);
        for line in INTERVAL.lines().filter(|line| line.starts_with("fault")) {
            assert!(grid.contains(line), "{line}");
        }
    }
}
