//! `swim`: load, detection, infection, joins under loss, false positives, completeness.

use super::observers::{Gaps, Infection, Load, Probes, Sizes};
use super::runner::Runner;
use super::{Effort, Reproduced, Reproduction, Row};
use crate::experiment::{Cell, Error, Measure};
use crate::protocol::EventKind;
use crate::sim::Setup;

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "swim",
    about: "The SWIM paper: load, first detection, infection, joins under loss, false positives, completeness.",
    source: "A. Das, I. Gupta, A. Motivala, SWIM: Scalable Weakly-consistent Infection-style Process Group Membership \
             Protocol, DSN 2002",
    experiments: &[
        ("swim-load", include_str!("../../examples/reproductions/swim-load.toml")),
        ("swim-detection", include_str!("../../examples/reproductions/swim-detection.toml")),
        ("swim-infection", include_str!("../../examples/reproductions/swim-infection.toml")),
        ("swim-joins", include_str!("../../examples/reproductions/swim-joins.toml")),
        ("swim-false-positives", include_str!("../../examples/reproductions/swim-false-positives.toml")),
        ("swim-rare-false-positives", include_str!("../../examples/reproductions/swim-rare-false-positives.toml")),
        ("swim-completeness", include_str!("../../examples/reproductions/swim-completeness.toml")),
    ],
    figures,
};

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    let parts = [load, detection, infection, joins, false_positives, completeness];
    let rows: Vec<Vec<Row>> = parts.into_iter().map(|part| part(runner)).collect::<Result<_, _>>()?;
    Ok(rows.concat().into())
}

fn load(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (cell, trials) in runner.watch("swim-load", Load::new, |load, _, _| (load.sent, load.received))? {
        let member_periods = f64::from(cell.key.members) * (cell.duration.as_secs_f64() / cell.period().as_secs_f64());
        for (measure, count) in [
            ("messages sent per member and period", trials.iter().map(|trial| trial.0).collect::<Vec<_>>()),
            ("messages received per member and period", trials.iter().map(|trial| trial.1).collect()),
        ] {
            let per_period: Vec<f64> = count.into_iter().map(|count| count as f64 / member_periods).collect();
            let claim =
                runner.claim("section 5, load", format!("n = {}", cell.key.members), measure, 2.0).closed_form();
            rows.push(claim.says("2.0, whatever n").against_mean(&per_period));
        }
    }
    Ok(rows)
}

/// Expected periods to the first ping of a crashed member among n: 1 / (1 - (1 - 1/(n-1))^(n-1)).
fn expected_periods(n: u32) -> f64 {
    let others = f64::from(n - 1);
    // There are n-1 other members, each of which chooses among n-1.
    1.0 / (1.0 - libm::pow(1.0 - 1.0 / others, others))
}

fn detection(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let first_ping = Measure::index_of("first_ping_s").expect("a measure");
    let mut rows = Vec::new();
    for cell in runner.measure("swim-detection")? {
        let n = cell.key.members;
        let phases = cell.key.swept_value("phases").expect("it is varied");
        let seconds = cell.readings(first_ping).into_iter().filter_map(|reading| reading.value());
        let claim = match (cell.key.selector.as_str(), phases, n) {
            ("uniform", "synchronous", _) => runner
                .claim(
                    "section 3, first detection",
                    format!("n = {n}"),
                    "periods to the first ping, counted whole",
                    expected_periods(n),
                )
                .says("1/(1-(1-1/(n-1))^(n-1)), e/(e-1) for large n"),
            (selector, "random", 8 | 128) => {
                let value = match (selector, n) {
                    ("uniform", 8) => 0.93,
                    ("uniform", _) => 1.006,
                    (_, 8) => 0.89,
                    _ => 0.989,
                };
                let row = format!("n = {n}, {selector}, random phases");
                runner
                    .claim("section 3, first detection", row, "periods to the first ping, as time", value)
                    .says("Monte Carlo of the same process")
            }
            _ => continue,
        };
        // From the crash to the start of the next period it is half a period, which counts as one.
        let whole = if phases == "synchronous" { 0.5 } else { 0.0 };
        let periods: Vec<f64> = seconds.map(|s| s + whole).collect();
        rows.push(claim.closed_form().against_mean(&periods));
    }
    Ok(rows)
}

/// The time at which the logistic curve x(t) = n / (1 + (n-1) exp(-(2 - 1/n) t)) reaches this share, in periods.
fn logistic(n: f64, share: f64) -> f64 {
    libm::log((n - 1.0) * share / (1.0 - share)) / (2.0 - 1.0 / n)
}

/// The cause of the difference in small groups.
const SMALL: &str = "two of few members are informed from the start; of 16, the formula takes 1.00 and 3.38 periods from two to half and \
                     to 99 %, and ours lie within 15 % of these";

fn infection(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    let watch = |setup: &Setup| Infection::new(setup, EventKind::Joined);
    for (cell, mut trials) in runner.watch("swim-infection", watch, |infection, _, _| infection.seconds_from(1))? {
        // The joiner is part of the group; it and its seed are informed from the start.
        trials.iter_mut().for_each(|times| times.insert(0, 0.0));
        let n = cell.key.members + 1;
        for (measure, share) in [("periods until half are informed", 0.5), ("periods until 99 % are informed", 0.99)] {
            let periods = logistic(f64::from(n), share);
            let claim = runner.claim("section 3.2, infection", format!("n = {n}"), measure, periods);
            let says = "n/(1+(n-1)e^(-(2-1/n)t)), the mean share of informed members; the formula starts with one, the simulator with two";
            let claim = claim.closed_form().says(says).because(SMALL).within(0.15);
            rows.push(claim.against_share(share, n as usize, &trials));
        }
        if n <= 56 {
            let half = n.div_ceil(2) as usize - 1;
            let median: Vec<Option<f64>> = trials.iter().map(|times| times.get(half).copied()).collect();
            let claim = runner.claim(
                "section 5, infection",
                format!("n = {n}"),
                "periods until half are informed, median",
                1.0,
            );
            rows.push(claim.up_to(3.0).says("1 to 3 periods for n = 6 to 56").against_median(&median));
        }
    }
    Ok(rows)
}

/// The unpublished details of the experiment with joins, and their effect on mean sizes: of 60 trials with pauses of 5
/// s and of 20 with pauses of 1, 20 and 60 s, counted in timelines of `replay`.
const UNPUBLISHED: &str = "one run; pauses between joins and its length are not published, here 5 s and 10 min more; swim-basic \
                           passes 2 and swim-inf 4 on the way down, 90 s and 15 s after the last join, and with pauses of \
                           20 s before it; swim-inf-susp is at 18 from 5 s after it on, at pauses of 1 to 60 s";

fn joins(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (cell, sizes) in runner.watch("swim-joins", Sizes::new, |sizes, _, _| sizes.mean())? {
        let paper = match cell.key.profile.as_str() {
            "swim-basic" => 2.0,
            "swim-inf" => 4.0,
            _ => 12.0,
        };
        let row = cell.key.profile.clone();
        let claim =
            runner.claim("section 5, 17 joins at 10 % loss", row, "members that a member counts at the end", paper);
        rows.push(claim.says(UNPUBLISHED).within(0.15).against_mean(&sizes));
    }
    Ok(rows)
}

fn false_positives(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let mut cells = runner.watch("swim-false-positives", |_| Probes::default(), |seen, _, _| seen)?;
    if runner.effort != Effort::Short {
        cells.extend(runner.watch("swim-rare-false-positives", |_| Probes::default(), |seen, _, _| seen)?);
    }
    let indirect = |cell: &Cell| cell.config().map_or(0, |config| config.indirect);
    // With three helpers and 1 % loss, two in a million probes fail, which is too few.
    cells.retain(|(cell, _)| cell.key.loss > 0.01 || indirect(cell) == 1);
    let within_detection = std::f64::consts::E / (std::f64::consts::E - 1.0);
    let row = |(cell, seen): &(Cell, Vec<Probes>)| {
        let (q, k) = (1.0 - cell.key.loss, indirect(cell));
        let paper = (1.0 - q * q) * libm::pow(1.0 - libm::pow(q, 4.0), f64::from(k)) * within_detection;
        let rate = |seen: &Probes| seen.unanswered as f64 / seen.finished as f64 * within_detection;
        let values: Vec<f64> = seen.iter().map(rate).collect();
        runner
            .claim(
                "section 3.1, PM(F)",
                format!("q_ml = {q}, k = {k}"),
                "probes of live members without any answer, within a detection time",
                paper,
            )
            .says("(1-q^2)(1-q^4)^k e/(e-1); a suspect is probed as well, but not suspected anew")
            .closed_form()
            .within(0.1)
            .against_mean(&values)
    };
    Ok(cells.iter().map(row).collect())
}

fn completeness(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let cells = runner.watch("swim-completeness", |_| Gaps::default(), |gaps, _, _| gaps.widest as f64)?;
    let row = |(cell, widest): (Cell, Vec<f64>)| {
        // The n of the paper counts the other members that are in the list at any time during two traversals. A member
        // is replaced every 20 periods, so churn adds two.
        let others = f64::from(cell.key.members - 1 + if cell.key.scenario == "churn" { 2 } else { 0 });
        let row = format!("{others} others, {}", cell.key.scenario);
        runner
            .claim("section 4.3, completeness", row, "most periods between two pings", others)
            .up_to(2.0 * others - 1.0)
            .says("at most 2n-1, and more than one traversal")
            .within(0.0)
            .closed_form()
            .against_largest(&widest)
    };
    Ok(cells.into_iter().map(row).collect())
}
