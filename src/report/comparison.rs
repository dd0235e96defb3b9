//! The comparison of two results folders: tables for people, CSV and JSON for programs.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::io;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};
use csv::Writer;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::figures::{digits, figure, mark, range};
use super::notes::fill;
use super::table::draw;
use crate::experiment::statistics::{Comparison, Verdict, compare, compare_unpaired, holm, summarize};
use crate::experiment::{CellKey, MEASURES, Measure, MeasuredValue, SMALLEST_EFFECT, SavedResults, TrialResult};

/// The comparison of results folder B with results folder A, cell by cell.
pub struct RunComparison<'a> {
    a: &'a SavedResults,
    b: &'a SavedResults,
    pairs: Vec<CellPair<'a>>,
    /// The smallest difference that is called better or worse, as a share of A's mean.
    smallest_effect: f64,
}

/// A cell that is in both folders.
struct CellPair<'a> {
    key: &'a CellKey,
    /// Whether trials of the same number and seed are compared as pairs; otherwise the sides are independent.
    is_paired: bool,
    /// Number of compared trials on side A and on side B.
    trials: [usize; 2],
    /// The measures that are not absent.
    rows: Vec<MeasureRow>,
}

/// One measure of one cell.
struct MeasureRow {
    measure: &'static Measure,
    /// The means of A and B; `None` if a trial is censored.
    means: [Option<f64>; 2],
    comparison: Comparison,
    /// The verdict after the correction for the number of measures of the cell.
    corrected: Verdict,
}

impl<'a> RunComparison<'a> {
    /// Compares the cells that both folders have.
    ///
    /// # Errors
    /// If no cell has finished trials in both; names a cell of each folder.
    pub fn of(a: &'a SavedResults, b: &'a SavedResults) -> Result<Self, String> {
        let of_b: HashMap<String, &'a Vec<TrialResult>> =
            b.cells.iter().map(|(key, trials)| (key.to_string(), trials)).collect();
        let pair = |(key, left): &'a (CellKey, Vec<TrialResult>)| {
            let right = of_b.get(&key.to_string()).filter(|right| !left.is_empty() && !right.is_empty())?;
            Some(CellPair::of(key, left, right))
        };
        let pairs: Vec<_> = a.cells.par_iter().filter_map(pair).collect();
        if !pairs.is_empty() {
            return Ok(Self { a, b, pairs, smallest_effect: SMALLEST_EFFECT });
        }
        let of = |saved: &SavedResults| {
            saved.cells.iter().find(|(_, trials)| !trials.is_empty()).map(|(key, _)| key.to_string())
        };
        let example = |saved: &SavedResults| match of(saved) {
            Some(first) => format!("{} has for instance {first}", saved.path.display()),
            None => format!("{} has no finished trial", saved.path.display()),
        };
        Err(format!("nothing to compare: no cell is in both folders; {}; {}", example(a), example(b)))
    }

    /// A table for each cell that both folders have, for a terminal of `width` columns.
    pub fn render(&self, width: u16, color: bool) -> String {
        let mut text = fill(&format!("A: {}", self.a.path.display()), width);
        text += &fill(&format!("B: {}", self.b.path.display()), width);
        for (what, a, b) in self.a.manifest.differing(&self.b.manifest) {
            text += &fill(&format!("They differ in {what}: {a} in A, {b} in B."), width);
        }
        for pair in &self.pairs {
            text += &format!("\n{}", fill(&format!("{}: {}", pair.key, pair.basis()), width));
            let (equal, differing): (Vec<&MeasureRow>, Vec<&MeasureRow>) =
                pair.rows.iter().partition(|row| row.is_equal());
            if !differing.is_empty() {
                text += &table(&differing, self.smallest_effect, width, color);
            }
            if !equal.is_empty() {
                let equal: Vec<_> = equal.iter().map(|row| row.measure.name).collect();
                text += &fill(&format!("Equal on both sides: {}.", equal.join(", ")), width);
            }
        }
        text + &self.left_out(width) + &self.legend(width)
    }

    /// Replaces the smallest difference that tables call better or worse, as a share of A's mean; it is
    /// [`SMALLEST_EFFECT`] by default.
    #[must_use]
    pub fn with_smallest_effect(self, smallest_effect: f64) -> Self {
        Self { smallest_effect, ..self }
    }

    /// Writes a row for each measure of each cell that is in self.
    pub fn write_csv(&self, out: impl io::Write) -> io::Result<()> {
        let swept = self.swept_keys();
        let keys = CellKey::NAMES.iter().chain(&swept).copied();
        let mut csv = Writer::from_writer(out);
        let columns = ["measure", "paired", "pairs", "a", "b", "difference", "low", "high", "ratio", "less", "more"];
        csv.write_record(keys.clone().chain(columns).chain(["verdict"]))?;
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        for pair in &self.pairs {
            for MeasureRow { measure, means, comparison, .. } in &pair.rows {
                let key =
                    keys.clone().map(|key| pair.key.value(key).map(|value| value.to_string()).unwrap_or_default());
                let Comparison { pairs, less, more, mean_difference, ci95, ratio, verdict, .. } = *comparison;
                let numbers = [means[0], means[1], mean_difference, ci95.low, ci95.high, ratio].map(number);
                let [less, more] =
                    [less, more].map(|count| if pair.is_paired { count.to_string() } else { String::new() });
                let head = [measure.name.to_owned(), pair.is_paired.to_string(), pairs.to_string()];
                let tail = [less, more, verdict.name().to_owned()];
                csv.write_record(key.chain(head).chain(numbers).chain(tail))?;
            }
        }
        csv.flush()
    }

    /// Writes a JSON object: the folders, the differences of their experiments, and the cells with their measures by
    /// name.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn write_json(&self, mut out: impl io::Write) -> io::Result<()> {
        let differing = self.a.manifest.differing(&self.b.manifest);
        let differing: Vec<_> =
            differing.into_iter().map(|(what, a, b)| json!({"what": what, "a": a, "b": b})).collect();
        let cells: Vec<_> = self.pairs.iter().map(cell).collect();
        let document = json!({
            "a": self.a.path.display().to_string(),
            "b": self.b.path.display().to_string(),
            "differing": differing,
            "cells": cells,
        });
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)
    }

    /// The number of cells that are in one folder only.
    fn left_out(&self, width: u16) -> String {
        let left = |saved: &SavedResults| saved.cells.len() - self.pairs.len();
        let mut text = String::new();
        for (name, count) in [("A", left(self.a)), ("B", left(self.b))] {
            if count > 0 {
                let cells = if count == 1 { "cell has" } else { "cells have" };
                let _ = writeln!(text, "{count} {cells} finished trials in {name} only, or in none.");
            }
        }
        if text.is_empty() { text } else { format!("\n{}", fill(text.trim_end(), width)) }
    }

    fn legend(&self, width: u16) -> String {
        let more: Vec<&str> =
            MEASURES.iter().filter(|measure| measure.more_is_better).map(|measure| measure.name).collect();
        let mut text = format!(
            "Means over the trials; less is better, but of {} more. B is better or worse if the 95 % interval of the difference leaves out \
             zero and a permutation test finds it rare, too, corrected for the number of measures of its table. Differences \
             that are smaller than the smallest effect of interest are called within it. csv and json have the verdicts \
             without both. >end: in some trial it was not reached; then the difference is that of the times up to which all \
             trials were observed, what took longer counted as this. If these do not differ, ",
            more.join(", ")
        );
        text += match self.pairs.iter().any(|pair| pair.is_paired) {
            true => "the sign test decides.",
            false => "the ranks decide.",
        };
        format!("\n{}", fill(&text, width))
    }

    fn swept_keys(&self) -> Vec<&'a str> {
        let mut keys: Vec<&str> =
            self.pairs.iter().flat_map(|pair| &pair.key.swept).map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

impl<'a> CellPair<'a> {
    fn of(key: &'a CellKey, a: &'a [TrialResult], b: &'a [TrialResult]) -> Self {
        let known: BTreeMap<_, _> = a.iter().map(|trial| ((trial.trial, trial.seed), trial)).collect();
        let partner = |trial: &'a TrialResult| Some((*known.get(&(trial.trial, trial.seed))?, trial));
        let pairs: Vec<_> = b.iter().filter_map(partner).collect();
        let is_paired = !pairs.is_empty();
        let (left, right): (Vec<&TrialResult>, Vec<&TrialResult>) = match is_paired {
            true => pairs.into_iter().unzip(),
            false => (a.iter().collect(), b.iter().collect()),
        };
        let row = |(column, measure): (usize, &'static Measure)| {
            let read = |side: &[&TrialResult]| -> Vec<MeasuredValue> {
                side.iter().map(|trial| trial.measured.readings[column]).collect()
            };
            let (left, right) = (read(&left), read(&right));
            let comparison = match is_paired {
                true => compare(&left.iter().copied().zip(right.iter().copied()).collect::<Vec<_>>()),
                false => compare_unpaired(&left, &right),
            };
            let comparison = comparison.of(measure);
            let means = [&left, &right].map(|side| summarize(measure, side).mean);
            MeasureRow { measure, means, comparison, corrected: comparison.verdict }
        };
        let rows = MEASURES.iter().enumerate().map(row).filter(|row| row.comparison.pairs > 0);
        let mut rows: Vec<MeasureRow> = rows.collect();
        correct(&mut rows);
        Self { key, is_paired, trials: [left.len(), right.len()], rows }
    }

    /// The number of trials, and whether they are pairs.
    fn basis(&self) -> String {
        match (self.is_paired, self.trials) {
            (true, [trials, _]) => format!("{trials} pairs of trials"),
            (false, [a, b]) => format!("no trial has the same number and seed, so unpaired: {a} trials of A, {b} of B"),
        }
    }
}

impl MeasureRow {
    fn is_equal(&self) -> bool {
        let Comparison { less, more, mean_difference, .. } = self.comparison;
        mean_difference == Some(0.0) && less == 0 && more == 0 && self.means[0] == self.means[1]
    }
}

/// Corrects the verdicts of a cell together.
fn correct(rows: &mut [MeasureRow]) {
    let mut differing: Vec<&mut MeasureRow> = rows.iter_mut().filter(|row| !row.is_equal()).collect();
    let mut comparisons: Vec<Comparison> = differing.iter().map(|row| row.comparison).collect();
    holm(&mut comparisons.iter_mut().collect::<Vec<_>>());
    for (row, comparison) in differing.iter_mut().zip(comparisons) {
        row.corrected = comparison.verdict;
    }
}

fn cell(pair: &CellPair<'_>) -> Value {
    let mut map: Map<String, Value> = pair.key.fields().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    map.insert("paired".to_owned(), pair.is_paired.into());
    map.insert("trials".to_owned(), json!(pair.trials));
    let measure = |row: &MeasureRow| {
        let Comparison { pairs, less, more, mean_difference, ci95, restricted_to, ratio, correlation, .. } =
            row.comparison;
        let mut entry = json!({"a": row.means[0], "b": row.means[1], "mean_difference": mean_difference,
            "ci95": [ci95.low, ci95.high], "restricted_to": restricted_to, "ratio": ratio, "pairs": pairs,
            "verdict": row.comparison.verdict.name()});
        if pair.is_paired {
            entry["correlation"] = correlation.into();
            entry["less"] = less.into();
            entry["more"] = more.into();
        }
        (row.measure.name.to_owned(), entry)
    };
    let measures: Map<String, Value> = pair.rows.iter().map(measure).collect();
    map.insert("measures".to_owned(), measures.into());
    map.into()
}

fn table(rows: &[&MeasureRow], smallest_effect: f64, width: u16, color: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let bold = |cell: Cell| cell.add_attribute(Attribute::Bold);
    let titles = ["A", "B", "B - A", "95 % interval", "B / A"].map(|title| bold(right(title.to_owned())));
    table.set_header(std::iter::once(bold(Cell::new("measure"))).chain(titles).chain([bold(Cell::new("B is"))]));
    for MeasureRow { measure, means, comparison, corrected } in rows {
        let Comparison { mean_difference, ci95, ratio, .. } = *comparison;
        let is_decided = matches!(corrected, Verdict::Better | Verdict::Worse);
        let verdict = Some(*corrected).filter(|_| !(is_decided && comparison.is_below(smallest_effect)));
        let shown = |value: Option<f64>| value.map_or_else(|| ">end".to_owned(), |value| figure(value, measure.unit));
        let difference = mean_difference.map(|value| figure(value, measure.unit)).unwrap_or_default();
        let cell = Cell::new(match verdict {
            Some(verdict) => format!("{} {}", mark(verdict), verdict.name()),
            None => format!("within {} %", digits(100.0 * smallest_effect)),
        });
        table.add_row([
            Cell::new(measure.name),
            right(shown(means[0])),
            right(shown(means[1])),
            right(difference),
            right(range(ci95, mean_difference, measure.unit).replace('–', " to ")),
            right(ratio.map(|ratio| format!("{ratio:.3}")).unwrap_or_default()),
            match verdict {
                Some(Verdict::Better) => cell.fg(Color::Green),
                Some(Verdict::Worse) => cell.fg(Color::Red),
                _ => cell,
            },
        ]);
    }
    draw(&mut table, width, color)
}
