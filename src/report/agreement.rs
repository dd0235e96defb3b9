//! The comparison of simulator and real sockets: tables for people, CSV and JSON for programs.

use std::fmt::Write;
use std::io;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, Table};
use csv::Writer;
use serde_json::{Map, Value, json};

use super::figures::figure;
use super::key_value;
use super::notes::fill;
use super::overview::Overview;
use super::table::draw;
use crate::experiment::statistics::{Agreement, Interval, MOST_APART, Match, agree};
use crate::experiment::{CellResult, Lateness, MEASURES, Measure, Results};
use crate::protocol::Span;

/// The maximum of the median delay of timers, as a share of the period; with longer delays the comparison is not valid.
const MOST_LATE: f64 = 0.01;

/// The comparison of an experiment in virtual time with the same experiment on real sockets.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RealComparison<'a> {
    /// The results of the simulator.
    pub simulated: &'a Results,
    /// The results on real sockets.
    pub real: &'a Results,
    /// The delays of timers on the real side.
    pub lateness: &'a Lateness,
}

/// A cell of both sides, with the agreement of each measure.
struct CellAgreement<'a> {
    cell: &'a CellResult,
    trials: usize,
    agreements: Vec<(&'static Measure, Agreement)>,
}

impl<'a> RealComparison<'a> {
    /// Compares the results of the simulator with those on real sockets.
    pub fn new(simulated: &'a Results, real: &'a Results, lateness: &'a Lateness) -> Self {
        Self { simulated, real, lateness }
    }

    /// All cells with the agreement of all measures that are not absent.
    fn cells(&self) -> Vec<CellAgreement<'_>> {
        let pair = |(simulated, real): (&'_ CellResult, &'_ CellResult)| {
            let agreement = |(column, measure): (usize, &'static Measure)| {
                let pairs = real.pairs(simulated, |_, trial| trial.measured.readings[column]);
                (measure, agree(measure, &pairs))
            };
            let agreements = MEASURES.iter().enumerate().map(agreement).filter(|(_, agreement)| agreement.pairs > 0);
            (real.pairs(simulated, |_, trial| trial.measured.readings[0]).len(), agreements.collect())
        };
        let cells = self.simulated.cells.iter().zip(&self.real.cells);
        cells
            .map(|(cell, real)| {
                let (trials, agreements) = pair((cell, real));
                CellAgreement { cell, trials, agreements }
            })
            .collect()
    }

    /// The maximum of the median delay of timers.
    fn bound(&self) -> Span {
        let shortest =
            self.simulated.cells.iter().filter_map(|cell| Some(cell.floors?.period_s)).fold(f64::INFINITY, f64::min);
        Span::from_secs_f64(shortest * MOST_LATE)
    }

    /// Whether the machine kept up with real time; `None` if no timer fired.
    pub fn kept_up(&self) -> Option<bool> {
        self.lateness.quantile(0.5).map(|median| median <= self.bound())
    }

    /// A table for each cell with its notes, for a terminal of `width` columns.
    pub fn render(&self, width: u16, color: bool) -> String {
        let mut text = format!("\n{}: simulator and real sockets, seed {}\n", self.simulated.name, self.simulated.seed);
        let overview = Overview::of(self.simulated);
        for pair in self.cells() {
            text += &fill(&format!("\n{}", heading(&overview, &pair)), width);
            text += &table(&pair, width, color);
            let zero = |agreement: &Agreement| agreement.simulated == Some(0.0) && agreement.real == Some(0.0);
            let zeros = pair.agreements.iter().filter(|(_, agreement)| zero(agreement));
            let zeros: Vec<_> = zeros.map(|(measure, _)| measure.name).collect();
            if !zeros.is_empty() {
                text += &fill(&format!("Zero on both sides: {}.", zeros.join(", ")), width);
            }
        }
        text + &self.lateness_notes(width) + &legend(width)
    }

    /// Writes agreement.csv: a row for each measure of each cell. Values that do not exist are empty.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn write_csv(&self, out: impl io::Write) -> io::Result<()> {
        let mut csv = Writer::from_writer(out);
        let keys = Overview::of(self.simulated).key_names;
        let columns = [
            "measure",
            "pairs",
            "simulated",
            "real",
            "difference",
            "difference_low",
            "difference_high",
            "relative",
            "relative_low",
            "relative_high",
            "ks_distance",
            "ks_p",
            "verdict",
        ];
        csv.write_record(keys.iter().copied().chain(columns))?;
        for CellAgreement { cell, agreements, .. } in self.cells() {
            for (measure, a) in agreements {
                let numbers = [
                    a.simulated,
                    a.real,
                    a.difference,
                    a.ci95.low,
                    a.ci95.high,
                    a.relative,
                    a.relative_ci95.low,
                    a.relative_ci95.high,
                    a.distance,
                    a.p,
                ];
                let keys = keys.iter().map(|key| key_value(cell, key));
                let numbers = numbers.map(|number| number.map(|number| number.to_string()).unwrap_or_default());
                let row = keys.chain([measure.name.to_owned(), a.pairs.to_string()]).chain(numbers);
                csv.write_record(row.chain([a.matched.name().to_owned()]))?;
            }
        }
        csv.flush()
    }

    /// Writes agreement.json: the delays of timers, and for each cell both sides of each measure.
    ///
    /// # Errors
    /// If writing to `out` fails.
    pub fn write_json(&self, mut out: impl io::Write) -> io::Result<()> {
        let cells = self.cells().into_iter().map(|CellAgreement { cell, trials, agreements }| {
            let mut map: Map<String, Value> =
                cell.key.fields().map(|(name, value)| (name.to_owned(), json!(value))).collect();
            map.insert("trials".to_owned(), trials.into());
            let measures = agreements.into_iter().map(|(measure, a)| (measure.name.to_owned(), entry(&a)));
            map.insert("measures".to_owned(), Value::Object(measures.collect()));
            Value::Object(map)
        });
        let seconds = |q| self.lateness.quantile(q).map(Span::as_secs_f64);
        let whole = json!({
            "lateness": {
                "timers": self.lateness.timers(),
                "median_s": seconds(0.5),
                "p99_s": seconds(0.99),
                "bound_s": self.bound().as_secs_f64(),
                "kept_up": self.kept_up(),
            },
            "cells": cells.collect::<Vec<_>>(),
        });
        serde_json::to_writer_pretty(&mut out, &whole)?;
        writeln!(out)
    }

    /// The delays of timers, with a warning if the real side is not valid.
    fn lateness_notes(&self, width: u16) -> String {
        let late = self.lateness;
        let (Some(median), Some(tail)) = (late.quantile(0.5), late.quantile(0.99)) else { return String::new() };
        let mut text = fill(
            &format!("Real timers fired {median} late in the median and {tail} in 99 of 100, of {}.", late.timers()),
            width,
        );
        if self.kept_up() == Some(false) {
            let warning = format!(
                "Warning: this machine could not keep up. Timers may be {} late in the median, a hundredth of the period; what \
                 the real side says of times is worth nothing. Run fewer worlds at once (--worlds), and nothing else beside.",
                self.bound()
            );
            text += &fill(&warning, width);
        }
        text
    }
}

/// The dimensions that identify a cell, and its number of trials.
fn heading(overview: &Overview<'_>, pair: &CellAgreement<'_>) -> String {
    let is_shown = |key: &&&str| matches!(**key, "topology" | "selector" | "members") || overview.is_varied(key);
    let shown = overview.key_names.iter().filter(is_shown);
    let named: Vec<String> = shown.map(|key| format!("{key} {}", key_value(pair.cell, key))).collect();
    format!("{}: {} trials on both sides", named.join(", "), pair.trials)
}

fn table(pair: &CellAgreement<'_>, width: u16, color: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let titles = ["simulator", "real", "difference", "95 % interval", "distance", "p", ""];
    let titles = titles.map(|title| right(title.to_owned()).add_attribute(Attribute::Bold));
    table.set_header(std::iter::once(Cell::new("measure").add_attribute(Attribute::Bold)).chain(titles));
    for (measure, agreement) in &pair.agreements {
        let Agreement { simulated, real, relative, relative_ci95, distance, p, matched, .. } = *agreement;
        if simulated == Some(0.0) && real == Some(0.0) {
            continue;
        }
        let shown = |value: Option<f64>| value.map_or_else(|| ">end".to_owned(), |value| figure(value, measure.unit));
        let number = |value: Option<f64>| value.map(|value| format!("{value:.2}")).unwrap_or_default();
        let mark = Cell::new(mark(matched));
        table.add_row([
            Cell::new(measure.name),
            right(shown(simulated)),
            right(shown(real)),
            right(relative.map(percent).unwrap_or_default()),
            right(percents(relative_ci95)),
            right(number(distance)),
            right(number(p)),
            match matched {
                Match::Close | Match::Likely => mark.fg(Color::Green),
                Match::Apart => mark.fg(Color::Red),
                Match::Undecided => mark,
            },
        ]);
    }
    draw(&mut table, width, color)
}

fn mark(matched: Match) -> &'static str {
    match matched {
        Match::Close => "✓",
        Match::Likely => "≈",
        Match::Apart => "✗",
        Match::Undecided => "?",
    }
}

fn percent(share: f64) -> String {
    format!("{} %", signed(share))
}

fn percents(interval: Interval) -> String {
    match (interval.low, interval.high) {
        (Some(low), Some(high)) => format!("{} to {} %", signed(low), signed(high)),
        _ => String::new(),
    }
}

/// A share in percent; without a sign if it rounds to zero.
fn signed(share: f64) -> String {
    let text = format!("{:+.1}", 100.0 * share);
    if text.ends_with("0.0") && text.len() == 4 { "0.0".to_owned() } else { text }
}

fn legend(width: u16) -> String {
    let mut text = String::from("Medians; of suspicions, false positives and violations the means. ");
    let _ = write!(
        text,
        "Difference: of real from simulated, with its interval by bootstrap of the trials. Distance: the greatest between \
         the distribution functions, and p, how likely one as great is if both sides follow one law (Kolmogorov and \
         Smirnov). {} within {} %, the interval too; {} within, or explained by chance; {} apart; {} too few trials.",
        mark(Match::Close),
        100.0 * MOST_APART,
        mark(Match::Likely),
        mark(Match::Apart),
        mark(Match::Undecided),
    );
    format!("\n{}", fill(&text, width))
}

fn entry(agreement: &Agreement) -> Value {
    let bounds = |interval: Interval| [interval.low, interval.high];
    json!({
        "pairs": agreement.pairs,
        "simulated": agreement.simulated,
        "real": agreement.real,
        "difference": agreement.difference,
        "ci95": bounds(agreement.ci95),
        "relative": agreement.relative,
        "relative_ci95": bounds(agreement.relative_ci95),
        "ks_distance": agreement.distance,
        "ks_p": agreement.p,
        "verdict": agreement.matched.name(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_a_sign_unless_they_round_to_zero() {
        let shown = [0.0, -0.0004, 0.0006, -0.0824, 0.1, -0.1].map(signed);
        assert_eq!(shown, ["0.0", "0.0", "+0.1", "-8.2", "+10.0", "-10.0"]);
    }
}
