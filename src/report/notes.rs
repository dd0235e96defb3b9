//! The lines around the tables: what was run, what was not reached, how often faults struck, what the marks mean.

use std::fmt::Write;

use super::columns::COLUMNS;
use super::table::mark;
use super::{is_varied, key_names, key_value};
use crate::experiment::measures::MeasuredValue;
use crate::experiment::results::{CellResult, Results, Struck};
use crate::experiment::statistics::Verdict;

/// A paragraph in lines of this width, with a line's end.
pub(super) fn fill(paragraph: &str, width: u16) -> String {
    format!("{}\n", textwrap::fill(paragraph, usize::from(width)))
}

/// What was run, and what the reader should know of it.
pub(super) fn heading(results: &Results, width: u16) -> String {
    let mut text = format!("{}: {} trials, seed {}", results.name, results.trials, results.seed);
    if let Some(cell) = results.cells.first() {
        // The tables have columns for what varies; the rest is said once.
        let fixed = key_names(results).into_iter().skip(2).filter(|key| !is_varied(results, key));
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

/// A topology's name, and what is behind it.
pub(super) fn topology(results: &Results, label: &str, width: u16) -> String {
    let Some(note) = results.topologies.iter().find(|note| note.label == label) else {
        return format!("\n{label}\n");
    };
    let credit = note.attribution.as_ref().map(|credit| format!(" ({credit})")).unwrap_or_default();
    format!("\n{}", fill(&format!("{label}: {}{credit}", note.title), width))
}

/// Below a table: the faults that struck, the trials that were not long enough, what the checkers object to.
pub(super) fn below(results: &Results, cells: &[&CellResult], width: u16) -> String {
    let lines = strikes(results, cells) + &censored(cells) + &violations(cells);
    lines.lines().map(|line| fill(line, width)).collect()
}

/// What the figures and marks mean.
pub(super) fn legend(results: &Results, width: u16) -> String {
    let mut text = String::from(
        "Each entry: the median over the trials, its 95 % interval, the 99th percentile. False positives: the mean per \
         trial, its 95 % interval, the most in one trial. Times count from a crash; where there are several, the last \
         victim's counts. >end: beyond the end of the trials. ≥ in a heading: the floor, the least possible mean.",
    );
    if let Some(baseline) = &results.baseline {
        let [better, worse, noise, few] =
            [Verdict::Better, Verdict::Worse, Verdict::WithinNoise, Verdict::Undecided].map(mark);
        let _ = write!(
            text,
            " Against {baseline}, trial by trial: {better} better, {worse} worse, {noise} within noise, {few} too few \
             trials. Of twenty comparisons between equals, about one gets a mark by chance.",
        );
    }
    format!("\n{}", fill(&text, width))
}

fn strikes(results: &Results, cells: &[&CellResult]) -> String {
    let mut text = String::new();
    for scenario in &results.scenarios {
        let cells: Vec<_> = cells.iter().filter(|cell| cell.key.scenario == scenario.name).collect();
        let trials: usize = cells.iter().map(|cell| cell.trials.len()).sum();
        if trials == 0 {
            continue;
        }
        for (number, label) in scenario.faults.iter().enumerate() {
            let mut sum = Struck::default();
            for struck in cells.iter().filter_map(|cell| cell.strikes().get(number).copied()) {
                sum.members += struck.members;
                sum.trials += struck.trials;
            }
            let name = if results.scenarios.len() > 1 { format!("{}: {label}", scenario.name) } else { label.clone() };
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
        let censored = readings.iter().filter(|&&reading| reading == MeasuredValue::Censored).count();
        let n = readings.iter().filter(|&&reading| reading != MeasuredValue::Absent).count();
        if censored > 0 {
            let _ =
                write!(text, "{} {} in {censored} of {n}", if text.is_empty() { "" } else { "," }, column.shown.title);
        }
    }
    if text.is_empty() { text } else { format!("Not reached within the trial:{text}.\n") }
}

fn violations(cells: &[&CellResult]) -> String {
    /// The most sentences; summary.json has all.
    const MOST: usize = 5;
    let mut text = String::new();
    let sentences = cells.iter().flat_map(|cell| cell.violations().into_iter().map(move |entry| (cell, entry)));
    for (count, (cell, (sentence, trials))) in sentences.enumerate() {
        if count == MOST {
            text += "Checker: more of these in summary.json.\n";
            break;
        }
        let _ = writeln!(text, "Checker: {sentence} ({}, {trials} of {} trials)", cell.key.selector, cell.trials.len());
    }
    text
}
