//! The tables for a terminal, one per topology.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table};

use super::columns::{COLUMNS, Column};
use super::figures::{figure, mark, range};
use super::overview::{Overview, groups};
use super::{key_value, notes};
use crate::experiment::statistics::{Summary, Verdict};
use crate::experiment::{CellResult, Divisor, Results};

/// The minimum number of columns with measures; if they do not fit, lines wrap.
const FEWEST_COLUMNS: usize = 2;

/// The tables and the notes that explain them, for a terminal of `width` columns.
///
/// Measures without values are left out. If the width does not suffice, the least important columns are left out as
/// well, and a line names them.
pub fn table(results: &Results, width: u16, color: bool) -> String {
    let overview = Overview::of(results);
    let mut text = notes::heading(&overview, width);
    for (topology, cells) in groups(&results.cells, |cell| cell.key.topology.as_str()) {
        let page = Page::new(&overview, cells);
        text += &notes::topology(&overview, topology, width);
        text += &page.fit(width, color);
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
}

/// One entry of the table.
struct Entry {
    summary: Summary,
    verdict: Option<Verdict>,
    floor: Option<f64>,
}

impl<'a> Page<'a> {
    fn new(overview: &'a Overview<'a>, cells: Vec<&'a CellResult>) -> Self {
        let figures = |column: &'static Column| {
            let entry = |cell: &&CellResult| Entry {
                summary: column.summary(cell),
                verdict: overview.baseline_of(cell).map(|baseline| column.comparison(cell, baseline).verdict),
                floor: cell.floor(column.measure),
            };
            (column, cells.iter().map(entry).collect::<Vec<_>>())
        };
        let mut columns: Vec<_> = COLUMNS.iter().map(figures).collect();
        columns.retain(|(_, rows)| rows.iter().any(|row| row.summary.n > 0));
        // Regions are more informative than zones if there are both.
        if columns.iter().any(|(column, _)| column.measure.name == "cross_region_bytes") {
            columns.retain(|(column, _)| column.measure.name != "cross_zone_bytes");
        }
        Self { overview, cells, columns }
    }

    /// The table with as many columns as fit the width.
    fn fit(&self, width: u16, color: bool) -> String {
        let mut shown: Vec<_> = self.columns.iter().collect();
        let mut left_out = Vec::new();
        let mut table = self.table(&shown);
        while breadth(&table) > width && shown.len() > FEWEST_COLUMNS {
            // What is the same in all rows tells the least.
            let order = |&at: &usize| {
                let (column, rows) = shown[at];
                (is_constant(column, rows), column.shown.rank)
            };
            let last = (0..shown.len()).max_by_key(order).expect("more than a few");
            left_out.push(shown.remove(last).0.shown.title);
            table = self.table(&shown);
        }
        let mut text = draw(&mut table, width, color);
        if !left_out.is_empty() {
            text += &notes::fill(&format!("Left out for want of width: {}.", left_out.join(", ")), width);
        }
        text
    }

    fn table(&self, shown: &[&(&'static Column, Vec<Entry>)]) -> Table {
        let keys = self.keys();
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY);
        let heading = |(column, rows): &&(&'static Column, Vec<Entry>)| {
            let mut title = String::from(column.shown.title);
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
        folded(&name) + if is_baseline { "\n(baseline)" } else { "" }
    }
}

/// A label, broken after its colon and commas into lines of at most 18 characters.
fn folded(label: &str) -> String {
    const LIMIT: usize = 18;
    let (mut text, mut line) = (String::new(), 0);
    for part in label.split_inclusive([':', ',']) {
        let length = part.chars().count();
        if line > 0 && line + length > LIMIT {
            text.push('\n');
            line = 0;
        }
        text += part;
        line += length;
    }
    text
}

/// Whether several rows have the same value, to the digits that are shown.
fn is_constant(column: &Column, rows: &[Entry]) -> bool {
    let middle = |row: &Entry| if column.shown.by_mean { row.summary.mean } else { row.summary.median };
    let shown = |row: &Entry| middle(row).map(|value| figure(value, column.unit()));
    rows.len() > 1 && rows.windows(2).all(|two| shown(&two[0]) == shown(&two[1]))
}

/// The floor of a column if it is the same in all rows.
fn shared_floor(rows: &[Entry]) -> Option<f64> {
    let first = rows.first()?.floor?;
    rows.iter().all(|row| row.floor == Some(first)).then_some(first)
}

/// Three lines: the median, its interval and the 99th percentile; for rare events the mean, its interval and the
/// maximum.
fn table_cell(column: &Column, entry: &Entry, with_floor: bool) -> Cell {
    let Entry { summary, verdict, floor } = entry;
    let unit = column.unit();
    if summary.n == 0 {
        return Cell::new("").set_alignment(CellAlignment::Right);
    }
    let shown = |value: Option<f64>| value.map_or_else(|| ">end".to_owned(), |value| figure(value, unit));
    let (middle, interval, tail) = match column.shown.by_mean {
        true => (summary.mean, summary.ci95_mean, format!("max {}", shown(summary.max))),
        false => (summary.median, summary.ci95, format!("p99 {}", shown(summary.p99))),
    };
    let mark = verdict.map(|verdict| format!(" {}", mark(verdict))).unwrap_or_default();
    let mut lines = format!("{}{mark}\n{}\n{tail}", shown(middle), range(interval, middle, unit));
    if let Some(floor) = floor.filter(|_| with_floor) {
        let _ = write!(lines, "\nfloor {}", figure(floor, unit));
    }
    let cell = Cell::new(lines).set_alignment(CellAlignment::Right);
    match verdict {
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
