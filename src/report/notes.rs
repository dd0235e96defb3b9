//! The lines above and below the tables: settings, faults, censored trials, violations, and the legend.

use std::fmt::Write;

use super::columns::COLUMNS;
use super::figures::{digits, mark};
use super::key_value;
use super::overview::{Overview, groups};
use crate::experiment::statistics::Verdict;
use crate::experiment::{CellResult, FaultCount, MeasuredValue, Results};

/// A paragraph in lines of `width` columns, with a newline at the end.
pub(super) fn fill(paragraph: &str, width: u16) -> String {
    format!("{}\n", textwrap::fill(paragraph, usize::from(width)))
}

/// Name, settings and notices of the run.
pub(super) fn heading(overview: &Overview<'_>, width: u16) -> String {
    let results = overview.results;
    let mut text = format!("{}: {} trials, seed {}", results.name, results.trials, results.seed);
    if let Some(cell) = results.cells.first() {
        // Dimensions that vary have columns in the tables.
        let fixed = overview.key_names.iter().skip(2).filter(|key| !overview.is_varied(key));
        for key in fixed {
            let _ = write!(text, ", {key} {}", key_value(cell, key));
        }
    }
    if !results.complete {
        let done: usize = results.cells.iter().map(|cell| cell.trials.len()).sum();
        let planned = results.trials as usize * results.cells.len();
        let _ = write!(text, "; stopped early: {done} of {planned} trials are finished");
    }
    let notices = results.notices.iter().map(|notice| fill(&format!("Notice: {notice}"), width));
    fill(&text, width) + &notices.collect::<String>()
}

/// The label and description of a topology.
pub(super) fn topology(overview: &Overview<'_>, label: &str, width: u16) -> String {
    let Some(note) = overview.topology(label) else {
        return format!("\n{label}\n");
    };
    let credit = note.attribution.as_ref().map(|credit| format!(" ({credit})")).unwrap_or_default();
    format!("\n{}", fill(&format!("{label}: {}{credit}", note.title), width))
}

/// The lines below a table: faults, trials that did not reach a measure, violations.
pub(super) fn below(overview: &Overview<'_>, cells: &[&CellResult], width: u16) -> String {
    let lines = strikes(overview, cells) + &censored(cells) + &violations(cells);
    lines.lines().map(|line| fill(line, width)).collect()
}

/// The legend of values and marks.
pub(super) fn legend(results: &Results, width: u16) -> String {
    let mut text = String::from(
        "Each entry: the median over the trials, its 95 % interval, the 99th percentile. False positives: the mean per \
         trial, its 95 % interval, the most in one trial. Times count from a crash; where there are several, the last \
         victim's counts. >end: beyond the end of the trials. ≥ in a heading: the floor, the least possible mean.",
    );
    if let Some(baseline) = &results.baseline {
        let [better, worse, noise, few] =
            [Verdict::Better, Verdict::Worse, Verdict::WithinNoise, Verdict::Undecided].map(mark);
        let smallest = digits(100.0 * results.smallest_effect);
        let _ = write!(
            text,
            " Δ: the mean of the differences from {baseline}, trial by trial, in percent of the mean of {baseline}, and its \
             95 % interval; with trials that did not reach it, of the times up to which all trials were observed, or, where \
             these do not differ, the number of trials with less and with more. The mark \
             judges this, not the numbers above it: {better} better, {worse} worse, {noise} within noise, {few} too few \
             trials, none: smaller than {smallest} %, the smallest effect of interest. The marks of all rows with the same \
             baseline are corrected for their number, so that among equals at most one in twenty such groups has any. \
             summary.json has the verdicts without that.",
        );
    }
    format!("\n{}", fill(&text, width))
}

fn strikes(overview: &Overview<'_>, cells: &[&CellResult]) -> String {
    let mut text = String::new();
    for (scenario, cells) in groups(cells, |cell| cell.key.scenario.as_str()) {
        let trials: usize = cells.iter().map(|cell| cell.trials.len()).sum();
        if trials == 0 {
            continue;
        }
        let labels = overview.faults_of(scenario);
        let mut sums = vec![FaultCount::default(); labels.len()];
        for cell in cells {
            for (sum, count) in sums.iter_mut().zip(cell.strikes()) {
                sum.members += count.members;
                sum.trials += count.trials;
            }
        }
        for (label, sum) in labels.iter().zip(sums) {
            let has_others = overview.results.scenarios.len() > 1;
            let name = if has_others { format!("{scenario}: {label}") } else { label.clone() };
            let _ = match sum.members {
                0 => writeln!(text, "Struck: {name}: never, in none of {trials} trials."),
                members => writeln!(text, "Struck: {name}: {members} times, in {} of {trials} trials.", sum.trials),
            };
        }
    }
    text
}

fn censored(cells: &[&CellResult]) -> String {
    let mut text = String::new();
    for column in COLUMNS.iter() {
        let readings: Vec<_> = cells.iter().flat_map(|cell| column.readings(cell)).collect();
        let censored = readings.iter().filter(|reading| reading.is_censored()).count();
        let n = readings.iter().filter(|&&reading| reading != MeasuredValue::Absent).count();
        if censored > 0 {
            let _ =
                write!(text, "{} {} in {censored} of {n}", if text.is_empty() { "" } else { "," }, column.shown.title);
        }
    }
    if text.is_empty() { text } else { format!("Not reached within the trial:{text}.\n") }
}

fn violations(cells: &[&CellResult]) -> String {
    /// The maximum number of violations shown; summary.json has all.
    const MOST: usize = 5;
    let mut text = String::new();
    let violations = cells.iter().flat_map(|cell| cell.violations().into_iter().map(move |entry| (cell, entry)));
    for (count, (cell, (violation, trials))) in violations.enumerate() {
        if count == MOST {
            text += "Checker: more of these in summary.json.\n";
            break;
        }
        let _ =
            writeln!(text, "Checker: {violation} ({}, {trials} of {} trials)", cell.key.selector, cell.trials.len());
    }
    text
}
