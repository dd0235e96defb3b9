//! The tables: the main columns, and all measures.

use std::fmt::Write;

use super::super::columns::{COLUMNS, Column, MEASURED};
use super::super::entry::{Entry, entries};
use super::super::figures::{figure, range};
use super::super::overview::Overview;
use super::series::Series;
use super::{breakable, escape};
use crate::experiment::statistics::Verdict;
use crate::experiment::{CellResult, Divisor, Results};

/// The main columns, and unless it is to be short, all measures in a second table that is collapsed.
pub(super) fn draw(overview: &Overview<'_>, cells: &[&CellResult], series: &Series<'_>, is_short: bool) -> String {
    let main = main_columns(overview, cells, series);
    let mut html = format!("<div class=\"wide\"><table class=\"sortable\">{main}</table></div>\n");
    if !is_short {
        let _ = writeln!(
            html,
            "<details><summary>All measures</summary><div class=\"wide\"><table>{}</table></div></details>",
            all_measures(overview, cells)
        );
    }
    html
}

/// A row for each selector.
fn main_columns(overview: &Overview<'_>, cells: &[&CellResult], series: &Series<'_>) -> String {
    let mut columns = entries(overview, cells, COLUMNS.iter().copied());
    columns.retain(|(_, rows)| rows.iter().any(|row| row.summary.n > 0));
    let mut html = String::from("<thead><tr><th>selector</th>");
    for (column, _) in &columns {
        let per = if column.shown.per == Divisor::MemberSecond { "<small>/member/s</small>" } else { "" };
        let _ = write!(html, "<th>{}{per}</th>", escape(column.shown.title));
    }
    html += "</tr></thead><tbody>";
    for (row, cell) in cells.iter().enumerate() {
        html += &named(overview.results, cell, series);
        for (column, rows) in &columns {
            html += &figures(column, &rows[row]);
        }
        html += "</tr>";
    }
    html + "</tbody>"
}

/// A row for each measure and a column for each selector.
fn all_measures(overview: &Overview<'_>, cells: &[&CellResult]) -> String {
    let mut html = String::from("<thead><tr><th>measure</th>");
    for cell in cells {
        let _ = write!(html, "<th>{}</th>", breakable(&cell.key.selector));
    }
    html += "</tr></thead><tbody>";
    let measured = overview.results.measures().map(|(index, _)| &MEASURED[index]);
    for (column, row) in entries(overview, cells, measured) {
        let measure = column.measure;
        let _ = write!(html, "<tr><td>{}<small>{}</small></td>", measure.name, escape(measure.about));
        html.extend(row.iter().map(|entry| figures(column, entry)));
        html += "</tr>";
    }
    html + "</tbody>"
}

/// The start of a row: the selector.
fn named(results: &Results, cell: &CellResult, series: &Series<'_>) -> String {
    let is_baseline = results.baseline.as_deref() == Some(&cell.key.selector);
    let baseline = if is_baseline { "<small>(baseline)</small>" } else { "" };
    let selector = &cell.key.selector;
    format!("<tr {}><td>{}{baseline}</td>", series.tag(selector), breakable(selector))
}

/// The median, its interval, the 99th percentile and the floor, for rare events the mean, its interval and the maximum;
/// then what the mark judges.
fn figures(column: &Column, entry: &Entry) -> String {
    let Entry { summary, judged, floor } = entry;
    let unit = column.unit();
    if summary.n == 0 {
        return "<td></td>".to_owned();
    }
    let shown = |value: Option<f64>| value.map_or_else(|| "&gt;end".to_owned(), |value| figure(value, unit));
    let middle = column.middle(summary);
    let (interval, tail) = match column.shown.by_mean {
        true => (summary.ci95_mean, format!("max {}", shown(summary.max))),
        false => (summary.ci95, format!("p99 {}", shown(summary.p99))),
    };
    let class = match entry.verdict() {
        Some(Verdict::Better) => " class=\"better\"",
        Some(Verdict::Worse) => " class=\"worse\"",
        _ => "",
    };
    let sorted = middle.map_or_else(|| "Infinity".to_owned(), |value| value.to_string());
    let mut html =
        format!("<td{class} data-v=\"{sorted}\">{}<small>{}</small>", shown(middle), range(interval, middle, unit));
    let _ = write!(html, "<small>{tail}</small>");
    if let Some(floor) = floor {
        let _ = write!(html, "<small>floor {}</small>", figure(*floor, unit));
    }
    for line in judged.iter().flat_map(|judged| judged.lines(unit)) {
        let _ = write!(html, "<small>{line}</small>");
    }
    html + "</td>"
}
