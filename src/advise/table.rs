//! The ranked table and the sentences around it, for a terminal.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table};

use super::sample::{Estimate, Meets};
use super::units::{percent, shown_bytes, three_digits};
use super::{Advice, Ranked};

/// The headings of the columns.
pub(super) const HEADINGS: [&str; 7] = [
    "detector",
    "settings",
    "19 of 20 declared within",
    "all know, median",
    "false deaths in the group",
    "bytes sent per member",
    "messages handled per member (for CPU)",
];

/// The text of a terminal of `width` columns.
pub(super) fn render(advice: &Advice, width: u16) -> String {
    let mut text = String::new();
    if advice.is_unfinished {
        text += &fill("UNFINISHED: stopped before the end. The figures below are those found so far.", width);
    }
    text += &table(advice, width);
    text += &fill(
        "Intervals of 95 %, of trials that the search has not seen. Rows with ~ are the best of the other detectors, with \
         fewer trials. * marks the Pareto front: no other row is as good in time, false deaths and bytes. Messages stand for CPU, which \
         depends on the machine: a member handles each once.",
        width,
    );
    let first = advice.recommended();
    let _ = writeln!(text, "\nRecommended: {}", first.candidate.label());
    text += &fill(&advice.reason, width);
    if let Some(note) = agent_note(advice) {
        text += &fill(&note, width);
    }
    text += "\nWhat would change the answer:\n";
    for sentence in boundaries(advice) {
        text += &fill(&format!("- {sentence}"), width);
    }
    text
}

/// A sentence about agents, if they cannot run what is recommended.
pub(super) fn agent_note(advice: &Advice) -> Option<String> {
    if advice.recommended().is_swim {
        return None;
    }
    let kind = &advice.recommended().candidate.profile.kind;
    Some(match &advice.agent_toml {
        Some((candidate, _)) => {
            format!("An agent cannot run {kind}. agent.toml has the best that it can: {}.", candidate.label())
        }
        None => {
            format!("An agent cannot run {kind}, and no SWIM member was among the candidates: there is no agent.toml.")
        }
    })
}

/// Sentences about the nearest changes of the question that would change the answer.
pub(super) fn boundaries(advice: &Advice) -> Vec<String> {
    let found = advice.boundaries.iter().map(|boundary| format!("{}: {}", boundary.change, boundary.answer));
    let sentences: Vec<String> = found.chain(advice.unchanged.iter().cloned()).collect();
    if sentences.is_empty() { vec!["no change of the question was tried".to_owned()] } else { sentences }
}

/// A paragraph in lines of `width` columns, with a newline at the end.
fn fill(paragraph: &str, width: u16) -> String {
    format!("{}\n", textwrap::fill(paragraph, usize::from(width)))
}

fn table(advice: &Advice, width: u16) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    let has_regions = advice.ranked.iter().any(|row| row.figures.cross_region.is_some());
    let regions = has_regions.then_some("bytes between regions");
    table.set_header(HEADINGS.into_iter().chain(regions).map(Cell::new));
    for row in &advice.ranked {
        table.add_row(cells(row).into_iter().take(HEADINGS.len() + usize::from(has_regions)).map(Cell::new));
    }
    // A name that is broken in the middle is not found again.
    if let Some(detectors) = table.column_mut(0) {
        detectors.set_constraint(ColumnConstraint::ContentWidth);
    }
    format!("{table}\n")
}

/// The cells of a row, those of regions last.
pub(super) fn cells(row: &Ranked) -> Vec<String> {
    let figures = &row.figures;
    let with = |text: String, meets: Meets| format!("{text} {}", meets.name());
    let marks = [(row.is_on_front, "*"), (!row.is_confirmed, "~")];
    let marks: String = marks.into_iter().filter(|(is, _)| *is).map(|(_, mark)| mark).collect();
    vec![
        format!("{}{marks}", row.candidate.detector()),
        row.candidate.settings(),
        with(seconds(figures.declared_s), figures.meets[0]),
        seconds(figures.informed_s),
        with(figures.false_deaths.to_string(), figures.meets[1]),
        with(range(figures.bytes, shown_bytes), figures.meets[2]),
        format!("{}/s", three_digits(figures.messages)),
        figures.cross_region.map_or_else(String::new, |share| with(range(share, short_percent), figures.meets[3])),
    ]
}

fn seconds(estimate: Estimate) -> String {
    range(estimate, |value| format!("{} s", three_digits(value)))
}

fn short_percent(share: f64) -> String {
    percent(libm::round(share * 1000.0) / 1000.0)
}

/// A value and its interval; bounds that trials are too few for are left open.
fn range(estimate: Estimate, shown: impl Fn(f64) -> String) -> String {
    let bound = |value: f64| if value.is_finite() { shown(value) } else { "?".to_owned() };
    let value = if estimate.value.is_finite() { shown(estimate.value) } else { "not reached".to_owned() };
    format!("{value} ({} to {})", bound(estimate.low), bound(estimate.high))
}
