//! `rapid`: cluster sizes during bootstrap, and the permanent removal of faulty members.

use super::observers::{Removals, Sizes};
use super::runner::{Runner, watch};
use super::{Effort, Reproduced, Reproduction, Row};
use crate::experiment::Error;

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "rapid",
    about: "Rapid's scenarios for memberlist: a bootstrap storm, ten crashes, a one-way flip-flop, 80 % loss at 1 %.",
    source: "L. Suresh, D. Malkhi, P. Gopalan, I. Porto Carreiro, Z. Lokhandwala, Stable and Consistent Membership at Scale \
             with Rapid, USENIX ATC 2018",
    experiments: &[
        ("rapid-bootstrap", include_str!("../../examples/reproductions/rapid-bootstrap.toml")),
        ("rapid-faults", include_str!("../../examples/reproductions/rapid-faults.toml")),
    ],
    figures,
};

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    // Two thousand joiners are too many for a test.
    let bootstrap = if runner.effort == Effort::Short { Vec::new() } else { bootstrap(runner)? };
    Ok([bootstrap, faults(runner)?].concat().into())
}

fn bootstrap(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let cells = runner.watch("rapid-bootstrap", Sizes::new, |sizes, _, _| sizes.seen.len() as f64)?;
    let row = |(cell, seen): (_, Vec<f64>)| {
        let cell: crate::experiment::Cell = cell;
        let claim =
            runner.claim("bootstrap", format!("N = {}", cell.key.members), "cluster sizes that any member saw", 1858.0);
        claim.says("memberlist, as measured on a cluster").within(0.15).against_largest(&seen)
    };
    Ok(cells.into_iter().map(row).collect())
}

fn faults(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let read = |seen: Removals, _: &_, _: &_| (seen.returns(), seen.removed());
    let mut experiment = runner.experiment("rapid-faults")?;
    if runner.effort == Effort::Short {
        experiment.trials = 1;
    }
    let mut rows = Vec::new();
    for (cell, trials) in watch(&experiment, Removals::new, read) {
        let scenario = cell.key.scenario.clone();
        let is_crash = scenario == "ten crashes";
        let (returns, removed): (Vec<f64>, Vec<f64>) = trials.into_iter().unzip();
        // The state at the end alone would not suffice, as the faulty members are cut off at that time. Trials are long
        // enough for a removed member to reach its next push-pull.
        let measure = "share of the faulty that are removed for good";
        let claim = match is_crash {
            true => runner.claim("faults", &scenario, measure, 1.0).says("all are removed"),
            false => runner.claim("faults", &scenario, measure, 0.0).says("memberlist never conclusively removes them"),
        };
        rows.push(claim.against_mean(&removed));
        let measure = "times that a member takes a faulty one back";
        let claim = match is_crash {
            true => runner.claim("faults", &scenario, measure, 0.0).says("the dead stay away"),
            false => runner
                .claim("faults", &scenario, measure, 1.0)
                .up_to(f64::INFINITY)
                .says("memberlist oscillates: at least once"),
        };
        rows.push(claim.against_mean(&returns));
    }
    Ok(rows)
}
