//! The tables for a terminal, one per topology.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use super::columns::{COLUMNS, Column};
use super::entry::{Entry, entries};
use super::exporter::ExportOptions;
use super::figures::{figure, range};
use super::overview::{Overview, groups};
use super::{key_value, notes};
use crate::experiment::statistics::Verdict;
use crate::experiment::{CellResult, Divisor, Measure, Results};

/// The minimum number of columns with measures; if they do not fit, lines wrap.
const FEWEST_COLUMNS: usize = 2;

/// The tables and the notes that explain them, for a terminal of `width` columns.
///
/// Measures without values are left out. If the width does not suffice, columns whose values are the same in all rows
/// are left out as well, the least important first, and a line names them. If it still does not suffice, the rest
/// continues in another table below.
pub fn table(results: &Results, width: u16, color: bool) -> String {
    tables(results, &ExportOptions { width, color, ..ExportOptions::default() })
}

/// The same with chosen columns, which are not left out, and sorted rows.
pub(super) fn tables(results: &Results, options: &ExportOptions<'_>) -> String {
    let overview = Overview::of(results);
    let width = options.width;
    let mut text = notes::heading(&overview, width);
    for (topology, cells) in groups(&results.cells, |cell| cell.key.topology.as_str()) {
        let page = Page::new(&overview, cells, options);
        text += &notes::topology(&overview, topology, width);
        text += &page.fit(width, options.color);
        text += &notes::below(&overview, &page.cells, width);
    }
    text += &notes::legend(results, width);
    text
}

/// The cells of one topology.
struct Page<'a> {
    overview: &'a Overview<'a>,
    cells: Vec<&'a CellResult>,
    /// The columns that have values, each with its entries by row.
    columns: Vec<(&'static Column, Vec<Entry>)>,
    /// Whether the user has chosen the columns.
    are_chosen: bool,
    /// The names of chosen columns without values.
    empty: Vec<&'static str>,
}

impl<'a> Page<'a> {
    fn new(overview: &'a Overview<'a>, mut cells: Vec<&'a CellResult>, options: &ExportOptions<'_>) -> Self {
        if let Some(measure) = options.sort {
            sort(&mut cells, measure);
        }
        let are_chosen = !options.columns.is_empty();
        let wanted: Vec<&'static Column> = match are_chosen {
            true => options.columns.iter().filter_map(|measure| Column::of(measure.name)).collect(),
            false => COLUMNS.clone(),
        };
        let has_values = |(_, rows): &(_, Vec<Entry>)| rows.iter().any(|row| row.summary.n > 0);
        let (mut columns, empty): (Vec<_>, Vec<_>) =
            entries(overview, &cells, wanted).into_iter().partition(has_values);
        // Regions are more informative than zones if there are both.
        if !are_chosen && columns.iter().any(|(column, _)| column.measure.name == "cross_region_bytes") {
            columns.retain(|(column, _)| column.measure.name != "cross_zone_bytes");
        }
        let empty = empty.iter().filter(|_| are_chosen).map(|(column, _)| column.measure.name).collect();
        Self { overview, cells, columns, are_chosen, empty }
    }

    /// The columns in as many tables as the width needs, without constant columns that do not fit the first one.
    fn fit(&self, width: u16, color: bool) -> String {
        let mut shown: Vec<_> = self.columns.iter().collect();
        let mut left_out = Vec::new();
        while !self.are_chosen && shown.len() > FEWEST_COLUMNS && breadth(&self.table(&shown)) > width {
            let constant = (0..shown.len()).filter(|&at| is_constant(shown[at].0, &shown[at].1));
            let Some(last) = constant.max_by_key(|&at| shown[at].0.shown.rank) else { break };
            left_out.push(shown.remove(last).0.shown.title);
        }
        let mut text = String::new();
        let mut rest = &shown[..];
        loop {
            let mut fitting = rest.len();
            while fitting > FEWEST_COLUMNS && breadth(&self.table(&rest[..fitting])) > width {
                fitting -= 1;
            }
            text += &draw(&mut self.table(&rest[..fitting]), width, color);
            rest = &rest[fitting..];
            if rest.is_empty() {
                break;
            }
            text.push('\n');
        }
        if !left_out.is_empty() {
            let same = if self.cells.len() > 1 { ", the same in all rows" } else { "" };
            let left_out = left_out.join(", ");
            let line = format!("Left out for want of width{same}: {}.", left_out.trim_end_matches('.'));
            text += &notes::fill(&line, width);
        }
        if !self.empty.is_empty() {
            text += &notes::fill(&format!("Without values on this topology: {}.", self.empty.join(", ")), width);
        }
        text
    }

    fn table(&self, shown: &[&(&'static Column, Vec<Entry>)]) -> Table {
        let keys = self.keys();
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        let heading = |(column, rows): &&(&'static Column, Vec<Entry>)| {
            let mut title = folded(column.shown.title, &['_'], TITLE);
            if column.shown.per == Divisor::MemberSecond {
                title += "\n/member/s";
            }
            if let Some(floor) = shared_floor(rows) {
                let _ = write!(title, "\n≥ {}", figure(floor, column.unit()));
            }
            Cell::new(title).set_alignment(CellAlignment::Right).add_attribute(Attribute::Bold)
        };
        let names = keys.iter().map(|key| Cell::new(key).add_attribute(Attribute::Bold));
        table.set_header(names.chain(shown.iter().map(heading)));
        for (row, cell) in self.cells.iter().enumerate() {
            let names = keys.iter().map(|key| Cell::new(self.key(cell, key)));
            let figures =
                shown.iter().map(|(column, rows)| table_cell(column, &rows[row], shared_floor(rows).is_none()));
            table.add_row(names.chain(figures));
        }
        table
    }

    /// The dimensions in which the cells of the experiment differ, and the selector in any case.
    fn keys(&self) -> Vec<&'a str> {
        let varied = |key: &&str| *key == "selector" || self.overview.is_varied(key);
        self.overview.key_names.iter().copied().skip(1).filter(varied).collect()
    }

    fn key(&self, cell: &CellResult, key: &str) -> String {
        let name = key_value(cell, key);
        let is_baseline = key == "selector" && self.overview.results.baseline.as_deref() == Some(&name);
        folded(&name, &[':', ','], LABEL) + if is_baseline { "\n(baseline)" } else { "" }
    }
}

/// Sorts cells by what a table shows of a measure: the least first, then those beyond the end of the trials, then those
/// without values.
fn sort(cells: &mut [&CellResult], measure: &'static Measure) {
    let Some(column) = Column::of(measure.name) else { return };
    cells.sort_by_cached_key(|cell| {
        let summary = column.summary(cell);
        let middle = column.middle(&summary);
        // The bits of numbers that are not negative have their order.
        (summary.n == 0, middle.is_none(), middle.map(|middle| middle.max(0.0).to_bits()))
    });
}

/// The longest line of a label, and of a heading, in characters.
const LABEL: usize = 18;
const TITLE: usize = 12;

/// A text, broken after some of these characters into lines of at most `limit` characters.
fn folded(label: &str, after: &[char], limit: usize) -> String {
    let (mut text, mut line) = (String::new(), 0);
    for part in label.split_inclusive(after) {
        let length = part.chars().count();
        if line > 0 && line + length > limit {
            text.push('\n');
            line = 0;
        }
        text += part;
        line += length;
    }
    text
}

/// Whether all rows have the same value, to the digits that are shown, and no mark tells them apart.
fn is_constant(column: &Column, rows: &[Entry]) -> bool {
    let shown = |row: &Entry| column.middle(&row.summary).map(|value| figure(value, column.unit()));
    let is_marked = |row: &Entry| matches!(row.verdict(), Some(Verdict::Better | Verdict::Worse));
    !rows.iter().any(is_marked) && rows.windows(2).all(|two| shown(&two[0]) == shown(&two[1]))
}

/// The floor of a column if it is the same in all rows.
fn shared_floor(rows: &[Entry]) -> Option<f64> {
    let first = rows.first()?.floor?;
    rows.iter().all(|row| row.floor == Some(first)).then_some(first)
}

/// Lines: the median, its interval and the 99th percentile, for rare events the mean, its interval and the maximum; then
/// what the mark judges.
fn table_cell(column: &Column, entry: &Entry, with_floor: bool) -> Cell {
    let Entry { summary, judged, floor } = entry;
    let unit = column.unit();
    if summary.n == 0 {
        return Cell::new("").set_alignment(CellAlignment::Right);
    }
    let shown = |value: Option<f64>| value.map_or_else(|| ">end".to_owned(), |value| figure(value, unit));
    let middle = column.middle(summary);
    let (interval, tail) = match column.shown.by_mean {
        true => (summary.ci95_mean, format!("max {}", shown(summary.max))),
        false => (summary.ci95, format!("p99 {}", shown(summary.p99))),
    };
    let mut lines = format!("{}\n{}\n{tail}", shown(middle), range(interval, middle, unit));
    if let Some(floor) = floor.filter(|_| with_floor) {
        let _ = write!(lines, "\nfloor {}", figure(floor, unit));
    }
    for line in judged.iter().flat_map(|judged| judged.lines(unit)) {
        lines += "\n";
        lines += &line;
    }
    let cell = Cell::new(lines).set_alignment(CellAlignment::Right);
    match entry.verdict() {
        Some(Verdict::Better) => cell.fg(Color::Green),
        Some(Verdict::Worse) => cell.fg(Color::Red),
        _ => cell,
    }
}

/// The table as text of `width` columns.
pub(super) fn draw(table: &mut Table, width: u16, color: bool) -> String {
    table.set_width(width).set_content_arrangement(ContentArrangement::Dynamic);
    if color {
        table.enforce_styling()
    } else {
        table.force_no_tty()
    };
    format!("{}\n", table.trim_fmt())
}

/// The width of a table if no line wraps: the contents, a space on both sides, and one between two columns.
fn breadth(table: &Table) -> u16 {
    table.column_max_content_widths().iter().map(|width| width + 3).sum()
}
