//! `go-swim`: claims about first detection and worst cases, and the delays of its parameter sweep.

use super::observers::Gaps;
use super::runner::Runner;
use super::{Reproduced, Reproduction, Row};
use crate::experiment::{Error, Measure};

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "go-swim",
    about: "go-swim's claims: first detection, worst cases of round robin and of buckets, and the delays of its sweep.",
    source: "M. Phan-Ba, go-swim (2015), README and simulator; it published no table of results, so its stated formulas \
             and settings are compared",
    experiments: &[
        ("go-swim-detection", include_str!("../../examples/reproductions/go-swim-detection.toml")),
        ("go-swim-bounds", include_str!("../../examples/reproductions/go-swim-bounds.toml")),
        ("go-swim-delays", include_str!("../../examples/reproductions/go-swim-delays.toml")),
    ],
    figures,
};

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    Ok([detection(runner)?, bounds(runner)?, delays(runner)?].concat().into())
}

fn detection(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let first_ping = Measure::index_of("first_ping_s").expect("a measure");
    let row = |cell: &crate::experiment::CellResult| {
        // From the crash to the start of the next period it is half a period on average, which the claim counts as one.
        let periods = cell.readings(first_ping).into_iter().filter_map(|reading| reading.value());
        let periods: Vec<f64> = periods.map(|seconds| seconds + 0.5).collect();
        let direct = cell.key.swept_value("direct").expect("it is varied");
        let p: f64 = direct.parse().expect("a count");
        // With p pings a member is missed with probability e^-p instead of 1/e.
        let claim = runner.claim(
            "README, first detection",
            format!("n = 128, {}, p = {direct}", cell.key.selector),
            "periods to the first ping, counted whole",
            1.0 / (1.0 - libm::exp(-p)),
        );
        let because = "near buckets come round more often, so a member is pinged at more even times than at random";
        claim.says("about 1.58 periods for p = 1: e^p/(e^p-1)").because(because).against_mean(&periods)
    };
    Ok(runner.measure("go-swim-detection")?.iter().map(row).collect())
}

fn bounds(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (cell, widest) in runner.watch("go-swim-bounds", |_| Gaps::default(), |gaps, _, _| gaps.widest as f64)? {
        let direct = f64::from(cell.config().map_or(1, |config| config.direct));
        let buckets: u32 = cell
            .key
            .selector
            .split("buckets=")
            .nth(1)
            .and_then(|rest| rest.split(',').next())
            .map_or(1, |count| count.parse().expect("a count"));
        // There are 127 others; the largest bucket has ceil(127 x 2^(K-1) / (2^K - 1)).
        let power = f64::from(1u32 << (buckets - 1));
        let largest = libm::ceil(127.0 * power / (2.0 * power - 1.0));
        let picks = (2.0 * largest - 1.0) * f64::from(buckets);
        let row = format!("{}, p = {direct}", cell.key.selector);
        // Gaps are counted in pings of one member.
        let claim = runner.claim("README, worst case", row, "most pings of a member between two of one peer", 1.0);
        rows.push(
            claim.up_to(picks).says("(2b-1) x buckets, in periods a p-th of that").within(0.0).against_largest(&widest),
        );
    }
    Ok(rows)
}

fn delays(runner: &Runner<'_>) -> Result<Vec<Row>, Error> {
    let (declared, informed) = (
        Measure::index_of("first_declaration_s").expect("a measure"),
        Measure::index_of("informed_100_s").expect("a measure"),
    );
    let mut rows = Vec::new();
    for cell in runner.measure("go-swim-delays")? {
        let n = cell.key.members;
        let suspicion = if n < 32 { 5.0 } else { 10.0 };
        let read = |measure| cell.readings(measure).into_iter().map(|reading| reading.value()).collect::<Vec<_>>();
        // The first ping comes within a few periods, the suspicion a period after it.
        let claim =
            runner.claim("simulator, detection delay", format!("n = {n}, K = 1"), "seconds, median", suspicion + 1.0);
        let says = "its suspicion, one period, and the time to the first ping";
        rows.push(claim.up_to(suspicion + 3.0).says(says).against_median(&read(declared)));
        let claim =
            runner.claim("simulator, broadcast delay", format!("n = {n}, K = 1"), "seconds, median", suspicion + 2.0);
        let says = "as above, and O(log n) periods of infection";
        rows.push(claim.up_to(suspicion + 3.0 + libm::log2(f64::from(n))).says(says).against_median(&read(informed)));
    }
    Ok(rows)
}
