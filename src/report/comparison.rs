//! Two results folders side by side: a table for people, CSV and JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};
use csv::Writer;
use serde_json::{Map, Value, json};

use super::figures::{figure, range};
use super::notes::fill;
use super::table::{drawn, mark};
use crate::experiment::SavedResults;
use crate::experiment::measures::{MEASURES, Measure, MeasuredValue};
use crate::experiment::results::{CellKey, TrialResult};
use crate::experiment::statistics::{Comparison, Verdict, compare, compare_unpaired, summarize};

/// What two results folders have in common: B is held against A.
pub struct RunComparison<'a> {
    a: &'a SavedResults,
    b: &'a SavedResults,
    pairs: Vec<Pair<'a>>,
}

/// A cell that is in both folders.
struct Pair<'a> {
    key: &'a CellKey,
    /// Trials of the same number and seed went together. Otherwise each side has trials of its own.
    is_paired: bool,
    /// Trials that were compared, on side A and on side B.
    trials: [usize; 2],
    /// The measures that there was something to measure of.
    lines: Vec<Line>,
}

/// One measure of one cell.
struct Line {
    measure: &'static Measure,
    /// The means on both sides; `None` where a trial is censored.
    means: [Option<f64>; 2],
    comparison: Comparison,
}

impl<'a> RunComparison<'a> {
    /// Puts the folders' cells together.
    ///
    /// # Errors
    /// If no cell with a finished trial is in both: says what the folders are about.
    pub fn of(a: &'a SavedResults, b: &'a SavedResults) -> Result<Self, String> {
        let of_b = |key: &CellKey| b.cells.iter().find(|(other, _)| other == key).map(|(_, trials)| trials);
        let pair = |(key, left): &'a (CellKey, Vec<TrialResult>)| {
            let right = of_b(key).filter(|right| !left.is_empty() && !right.is_empty())?;
            Some(Pair::of(key, left, right))
        };
        let pairs: Vec<_> = a.cells.iter().filter_map(pair).collect();
        if !pairs.is_empty() {
            return Ok(Self { a, b, pairs });
        }
        let of = |kept: &SavedResults| {
            kept.cells.iter().find(|(_, trials)| !trials.is_empty()).map(|(key, _)| key.to_string())
        };
        let told = |kept: &SavedResults| match of(kept) {
            Some(first) => format!("{} has for instance {first}", kept.path.display()),
            None => format!("{} has no finished trial", kept.path.display()),
        };
        Err(format!("nothing to compare: no cell is in both folders; {}; {}", told(a), told(b)))
    }
}

impl<'a> Pair<'a> {
    fn of(key: &'a CellKey, a: &'a [TrialResult], b: &'a [TrialResult]) -> Self {
        let known: BTreeMap<_, _> = a.iter().map(|trial| ((trial.trial, trial.seed), trial)).collect();
        let partner = |trial: &'a TrialResult| Some((*known.get(&(trial.trial, trial.seed))?, trial));
        let together: Vec<_> = b.iter().filter_map(partner).collect();
        let is_paired = !together.is_empty();
        let (left, right): (Vec<&TrialResult>, Vec<&TrialResult>) = match is_paired {
            true => together.into_iter().unzip(),
            false => (a.iter().collect(), b.iter().collect()),
        };
        let line = |(column, measure): (usize, &'static Measure)| {
            let read = |side: &[&TrialResult]| -> Vec<MeasuredValue> {
                side.iter().map(|trial| trial.measured.readings[column]).collect()
            };
            let (left, right) = (read(&left), read(&right));
            let comparison = match is_paired {
                true => compare(&left.iter().copied().zip(right.iter().copied()).collect::<Vec<_>>()),
                false => compare_unpaired(&left, &right),
            };
            let means = [&left, &right].map(|side| summarize(measure, side).mean);
            Line { measure, means, comparison }
        };
        let lines = MEASURES.iter().enumerate().map(line).filter(|line| line.comparison.pairs > 0).collect();
        Self { key, is_paired, trials: [left.len(), right.len()], lines }
    }

    /// How many trials, and whether they go together.
    fn basis(&self) -> String {
        match (self.is_paired, self.trials) {
            (true, [trials, _]) => format!("{trials} pairs of trials"),
            (false, [a, b]) => format!("no trial has the same number and seed, so unpaired: {a} trials of A, {b} of B"),
        }
    }
}

impl Line {
    fn is_equal(&self) -> bool {
        let Comparison { less, more, mean_difference, .. } = self.comparison;
        mean_difference == Some(0.0) && less == 0 && more == 0 && self.means[0] == self.means[1]
    }
}

/// A table for each cell that is in both, for a terminal of this width in columns.
pub fn render(both: &RunComparison<'_>, width: u16, color: bool) -> String {
    let mut text = fill(&format!("A: {}", both.a.path.display()), width);
    text += &fill(&format!("B: {}", both.b.path.display()), width);
    for (what, a, b) in both.a.manifest.differing(&both.b.manifest) {
        text += &fill(&format!("They differ in {what}: {a} in A, {b} in B."), width);
    }
    for pair in &both.pairs {
        text += &format!("\n{}", fill(&format!("{}: {}", pair.key, pair.basis()), width));
        let (equal, differing): (Vec<&Line>, Vec<&Line>) = pair.lines.iter().partition(|line| line.is_equal());
        if !differing.is_empty() {
            text += &table(&differing, width, color);
        }
        if !equal.is_empty() {
            let equal: Vec<_> = equal.iter().map(|line| line.measure.name).collect();
            text += &fill(&format!("Equal on both sides: {}.", equal.join(", ")), width);
        }
    }
    text + &left_out(both, width) + &legend(both, width)
}

/// Writes a row for each measure of each cell that is in both.
pub fn write_csv(both: &RunComparison<'_>, out: impl io::Write) -> io::Result<()> {
    let swept = swept_keys(both);
    let keys = CellKey::NAMES.iter().chain(&swept).copied();
    let mut csv = Writer::from_writer(out);
    let columns = ["measure", "paired", "pairs", "a", "b", "difference", "low", "high", "ratio", "less", "more"];
    csv.write_record(keys.clone().chain(columns).chain(["verdict"]))?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    for pair in &both.pairs {
        for Line { measure, means, comparison } in &pair.lines {
            let key = keys.clone().map(|key| pair.key.value(key).map(|value| value.to_string()).unwrap_or_default());
            let Comparison { pairs, less, more, mean_difference, ci95, ratio, verdict } = *comparison;
            let numbers = [means[0], means[1], mean_difference, ci95.low, ci95.high, ratio].map(number);
            let [less, more] = [less, more].map(|count| if pair.is_paired { count.to_string() } else { String::new() });
            let head = [measure.name.to_owned(), pair.is_paired.to_string(), pairs.to_string()];
            let tail = [less, more, verdict.name().to_owned()];
            csv.write_record(key.chain(head).chain(numbers).chain(tail))?;
        }
    }
    csv.flush()
}

/// Writes an object: the folders, in what their experiments differ, and the cells with their measures by name.
pub fn write_json(both: &RunComparison<'_>, mut out: impl io::Write) -> io::Result<()> {
    let differing = both.a.manifest.differing(&both.b.manifest);
    let differing: Vec<_> = differing.into_iter().map(|(what, a, b)| json!({"what": what, "a": a, "b": b})).collect();
    let cells: Vec<_> = both.pairs.iter().map(cell).collect();
    let told = json!({
        "a": both.a.path.display().to_string(),
        "b": both.b.path.display().to_string(),
        "differing": differing,
        "cells": cells,
    });
    serde_json::to_writer_pretty(&mut out, &told)?;
    writeln!(out)
}

fn cell(pair: &Pair<'_>) -> Value {
    let mut map: Map<String, Value> = pair.key.fields().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    map.insert("paired".to_owned(), pair.is_paired.into());
    map.insert("trials".to_owned(), json!(pair.trials));
    let measure = |line: &Line| {
        let Comparison { pairs, less, more, mean_difference, ci95, ratio, verdict } = line.comparison;
        let mut told = json!({"a": line.means[0], "b": line.means[1], "mean_difference": mean_difference,
            "ci95": [ci95.low, ci95.high], "ratio": ratio, "pairs": pairs, "verdict": verdict.name()});
        if pair.is_paired {
            told["less"] = less.into();
            told["more"] = more.into();
        }
        (line.measure.name.to_owned(), told)
    };
    let measures: Map<String, Value> = pair.lines.iter().map(measure).collect();
    map.insert("measures".to_owned(), measures.into());
    map.into()
}

fn table(lines: &[&Line], width: u16, color: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let bold = |cell: Cell| cell.add_attribute(Attribute::Bold);
    let titles = ["A", "B", "B - A", "95 % interval", "B / A"].map(|title| bold(right(title.to_owned())));
    table.set_header(std::iter::once(bold(Cell::new("measure"))).chain(titles).chain([bold(Cell::new("B is"))]));
    for Line { measure, means, comparison } in lines {
        let Comparison { mean_difference, ci95, ratio, verdict, .. } = *comparison;
        let shown = |value: Option<f64>| value.map_or_else(|| ">end".to_owned(), |value| figure(value, measure.unit));
        let difference = mean_difference.map(|value| figure(value, measure.unit)).unwrap_or_default();
        let told = Cell::new(format!("{} {}", mark(verdict), verdict.name()));
        table.add_row([
            Cell::new(measure.name),
            right(shown(means[0])),
            right(shown(means[1])),
            right(difference),
            right(range(ci95, mean_difference, measure.unit).replace('–', " to ")),
            right(ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default()),
            match verdict {
                Verdict::Better => told.fg(Color::Green),
                Verdict::Worse => told.fg(Color::Red),
                _ => told,
            },
        ]);
    }
    drawn(&mut table, width, color)
}

/// How many cells have no partner.
fn left_out(both: &RunComparison<'_>, width: u16) -> String {
    let left = |kept: &SavedResults| kept.cells.len() - both.pairs.len();
    let mut text = String::new();
    for (name, count) in [("A", left(both.a)), ("B", left(both.b))] {
        if count > 0 {
            let cells = if count == 1 { "cell has" } else { "cells have" };
            let _ = writeln!(text, "{count} {cells} finished trials in {name} only, or in none.");
        }
    }
    if text.is_empty() { text } else { format!("\n{}", fill(text.trim_end(), width)) }
}

fn legend(both: &RunComparison<'_>, width: u16) -> String {
    let mut text = String::from(
        "Means over the trials; less is better. B is better or worse if the 95 % interval of the difference leaves out \
         zero and a permutation test finds it rare, too; of twenty comparisons between equals, about one gets a mark by \
         chance. >end: in some trial it was not reached; then there is no mean, and ",
    );
    text += match both.pairs.iter().any(|pair| pair.is_paired) {
        true => "the sign test decides.",
        false => "the ranks decide.",
    };
    format!("\n{}", fill(&text, width))
}

fn swept_keys<'a>(both: &RunComparison<'a>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = both.pairs.iter().flat_map(|pair| &pair.key.swept).map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
