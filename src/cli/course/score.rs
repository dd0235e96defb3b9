//! The score table, and the same for programs.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};
use serde::Serialize;

use crate::course::challenges::{BarScore, Judgment, LawsOutcome, LimitUnit, Outcome};
use crate::experiment::{Bar, Limit, Measure, Unit};
use crate::report::{digits, figure};

/// The scores of a selector.
#[derive(Debug, Serialize)]
pub(super) struct Scores {
    /// The label that the selector gives itself.
    pub selector: String,
    /// Whether it keeps the laws.
    pub laws: LawsOutcome,
    /// The judgments on the challenges, in their order.
    pub challenges: Vec<Judgment>,
    /// The time limit of each challenge in seconds.
    pub time_limit_s: f64,
}

impl Scores {
    /// Whether the laws are kept and all bars met.
    pub(super) fn is_met(&self) -> bool {
        self.laws.is_fine() && self.challenges.iter().all(Judgment::is_met)
    }

    /// The scores as JSON.
    pub(super) fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain data becomes JSON") + "\n"
    }

    /// The table in `width` columns, then what was missed, with hints.
    pub(super) fn text(&self, width: u16, color: bool) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width).set_header(["challenge", "measure", "measured", "bar", "result"]);
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let verdict = |met: bool| {
            let cell = Cell::new(if met { "✓ met" } else { "✗ missed" });
            match color {
                true => cell.fg(if met { Color::Green } else { Color::Red }).add_attribute(Attribute::Bold),
                false => cell,
            }
        };
        let laws = Cell::new(match &self.laws {
            LawsOutcome::Kept => "kept".to_owned(),
            LawsOutcome::NotChecked => "not checked again".to_owned(),
            LawsOutcome::Broken { law, .. } => format!("broken: {law}"),
            LawsOutcome::Panicked { .. } => "panicked".to_owned(),
            LawsOutcome::TimedOut => self.out_of_time(),
            LawsOutcome::Died { .. } => "died".to_owned(),
        });
        let blank = || Cell::new("");
        let kept = if self.laws == LawsOutcome::NotChecked { blank() } else { verdict(self.laws.is_fine()) };
        table.add_row([Cell::new("laws"), laws, blank(), blank(), kept]);
        for judgment in &self.challenges {
            let name = Cell::new(&judgment.challenge);
            match &judgment.outcome {
                Outcome::Judged { bars } => {
                    for (n, bar) in bars.iter().enumerate() {
                        let name = if n == 0 { name.clone() } else { blank() };
                        let measure = Cell::new(format!("{} {}", bar.statistic.name(), bar.measure));
                        let limit = format!("{} {}", bar.direction, shown(bar.limit, &bar.unit));
                        table.add_row([name, measure, right(measured(bar)), right(limit), verdict(bar.met)]);
                    }
                }
                outcome => {
                    let why = self.short(outcome);
                    table.add_row([name, Cell::new(why), blank(), blank(), verdict(false)]);
                }
            }
        }
        let mut text = format!("{}\n{table}\n", self.selector);
        for paragraph in self.missed() {
            let options = textwrap::Options::new(usize::from(width)).subsequent_indent("  ");
            for line in paragraph.lines() {
                let _ = writeln!(text, "{}", textwrap::fill(line, &options));
            }
        }
        let met = self.challenges.iter().filter(|judgment| judgment.is_met()).count();
        let _ = writeln!(text, "{met} of {} challenges met", self.challenges.len());
        text
    }

    fn out_of_time(&self) -> String {
        format!("not done after {} s", digits(self.time_limit_s))
    }

    /// The outcome of a challenge without scores, in a few words.
    fn short(&self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Panicked { failed, trials, .. } => format!("panicked in {failed} of {trials} trials"),
            Outcome::TimedOut => self.out_of_time(),
            Outcome::Died { .. } => "died".to_owned(),
            Outcome::NotJudged | Outcome::Judged { .. } => "not judged".to_owned(),
        }
    }

    /// A paragraph for each thing that is missed.
    fn missed(&self) -> Vec<String> {
        let slow = "--time-limit allows more time; a loop without an end needs none";
        let mut all = Vec::new();
        match &self.laws {
            LawsOutcome::Broken { law, details } => {
                all.push(format!("laws: the selector breaks the law \"{law}\", so no challenge is judged.\n{details}"));
            }
            LawsOutcome::Panicked { message } => all.push(format!("laws: the selector panicked: {message}")),
            LawsOutcome::Died { how } => all.push(format!("laws: the program with the selector ended: {how}")),
            LawsOutcome::TimedOut => all.push(format!("laws: {}: {slow}", self.out_of_time())),
            LawsOutcome::Kept | LawsOutcome::NotChecked => {}
        }
        for Judgment { challenge, outcome, .. } in &self.challenges {
            match outcome {
                Outcome::Judged { bars } => {
                    let hints = bars.iter().filter(|bar| !bar.met).map(|bar| format!("{challenge}: {}", bar.hint));
                    all.extend(hints);
                }
                Outcome::Panicked { message, .. } => all.push(format!("{challenge}: the selector panicked: {message}")),
                Outcome::TimedOut => all.push(format!("{challenge}: {}: {slow}", self.out_of_time())),
                Outcome::Died { how } => all.push(format!("{challenge}: the program with the selector ended: {how}")),
                Outcome::NotJudged => {}
            }
        }
        all.dedup();
        all
    }
}

/// A bar of a challenge in words.
pub(super) fn bar_text(bar: &Bar) -> String {
    let unit = Measure::named(bar.measure).map_or(Unit::Events, |measure| measure.unit);
    let limit = match &bar.limit {
        Limit::Value(value) => figure(*value, unit),
        Limit::Periods(periods) => shown(*periods, &LimitUnit::Periods),
        Limit::Relative { selector, share } => shown(*share, &LimitUnit::RelativeTo(selector.clone())),
    };
    format!("{} {} {} {limit}", bar.statistic.name(), bar.measure, bar.direction)
}

fn measured(bar: &BarScore) -> String {
    bar.measured.map_or_else(|| "not reached".to_owned(), |value| shown(value, &bar.unit))
}

fn shown(value: f64, unit: &LimitUnit) -> String {
    match unit {
        LimitUnit::Seconds => figure(value, Unit::Seconds),
        LimitUnit::Periods => format!("{} T", digits(value)),
        LimitUnit::Bytes => figure(value, Unit::Bytes),
        LimitUnit::Share => figure(value, Unit::Share),
        LimitUnit::Count => digits(value),
        LimitUnit::RelativeTo(selector) => format!("{} % of {selector}", digits(100.0 * value)),
    }
}
