//! Rows and sections as tables for a terminal, and as a page of the documentation.

use std::fmt::Write;

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use textwrap::{Options, WordSplitter};

use super::{ClaimVerdict, Reproduced, Reproduction, Row, Section};

/// A table of all rows in `width` columns, followed by the notes of those that do not match.
pub fn table(rows: &[Row], width: u16) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(["figure", "row", "measure", "paper", "ours", "95 % interval", "verdict"]);
    for row in rows {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(row.figure),
            Cell::new(&row.row),
            Cell::new(row.measure),
            right(number(row.paper)),
            right(number(row.ours)),
            right(interval(row)),
            Cell::new(row.verdict.name()),
        ]);
    }
    let mut text = format!("{table}\n");
    for row in rows.iter().filter(|row| row.verdict != ClaimVerdict::Match) {
        let _ = writeln!(text, "{} - {} {}: {}", row.verdict.name(), row.figure, row.row, row.note);
    }
    text
}

/// The sections in `width` columns; empty without any.
pub fn sections(sections: &[Section], width: u16) -> String {
    let mut text = String::new();
    for section in sections {
        let _ = writeln!(text, "{}\n", section.title);
        for paragraph in &section.text {
            let _ = writeln!(text, "{}", fill(paragraph, width.into()));
        }
        if !section.columns.is_empty() {
            let mut table = Table::new();
            table.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width).set_header(&section.columns);
            table.add_rows(&section.rows);
            let _ = writeln!(text, "{table}");
        }
        text.push('\n');
    }
    text
}

/// A page of the documentation.
pub fn markdown(reproduction: &Reproduction, reproduced: &Reproduced) -> String {
    let rows = &reproduced.rows;
    let mut page = format!("# Reproduction: {}\n\n{}\n\n", reproduction.name, wrapped(reproduction.about));
    let _ = writeln!(page, "{}\n", wrapped(&format!("Source: {}.", reproduction.source)));
    let files = reproduction
        .experiments
        .iter()
        .map(|(name, _)| format!("[{name}.toml](../../examples/reproductions/{name}.toml)"));
    let files = files.collect::<Vec<_>>().join(", ");
    let _ = writeln!(page, "{}\n", wrapped(&format!("Experiments: {files}.")));
    let _ = writeln!(page, "This page is written by `swimlab reproduce {}`.\n", reproduction.name);
    if !reproduced.sections.is_empty() {
        reproduced.sections.iter().for_each(|section| page += &section_markdown(section));
        page += "## Compared with published values\n\n";
    }
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let _ = writeln!(
        page,
        "{} rows: {} match, {} explained, {} mismatch.\n",
        rows.len(),
        count(ClaimVerdict::Match),
        count(ClaimVerdict::Explained),
        count(ClaimVerdict::Mismatch)
    );
    page += "| figure | row | measure | paper | ours | 95 % interval | verdict | note |\n|---|---|---|---|---|---|---|---|\n";
    for row in rows {
        let verdict =
            if row.verdict == ClaimVerdict::Match { "match".to_owned() } else { format!("**{}**", row.verdict.name()) };
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {verdict} | {} |",
            row.figure,
            row.row,
            row.measure,
            number(row.paper),
            number(row.ours),
            interval(row),
            row.note
        );
    }
    page
}

fn section_markdown(section: &Section) -> String {
    let mut text = format!("## {}\n\n", section.title);
    let is_item = |paragraph: &String| paragraph.starts_with("- ");
    for (at, paragraph) in section.text.iter().enumerate() {
        let next_is_item = is_item(paragraph) && section.text.get(at + 1).is_some_and(is_item);
        let end = if next_is_item { "\n" } else { "\n\n" };
        let _ = write!(text, "{}{end}", wrapped(paragraph));
    }
    if !section.columns.is_empty() {
        let line = |entries: &[String]| format!("| {} |\n", entries.join(" | "));
        text += &line(&section.columns);
        text += &format!("|{}\n", "---|".repeat(section.columns.len()));
        section.rows.iter().for_each(|row| text += &line(row));
        text.push('\n');
    }
    text
}

/// The text in lines of at most 120 columns, broken at spaces only.
fn wrapped(text: &str) -> String {
    fill(text, 120)
}

/// The text in lines of at most `width` columns, broken at spaces only. Items of lists are indented.
fn fill(text: &str, width: usize) -> String {
    let indent = if text.starts_with("- ") { "  " } else { "" };
    let options = Options::new(width).word_splitter(WordSplitter::NoHyphenation).break_words(false);
    textwrap::fill(text, options.subsequent_indent(indent))
}

fn interval(row: &Row) -> String {
    match row.ci95 {
        // There is one trial, or one value for all of them.
        [None, None] => "–".to_owned(),
        // The trials are too few for a bound of the quantile.
        bounds => {
            let [low, high] = bounds.map(|bound| bound.map_or_else(|| "?".to_owned(), number));
            format!("{low} to {high}")
        }
    }
}

/// A number in four significant digits.
pub(super) fn number(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if size < 1e-2 => format!("{value:.2e}"),
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 1000.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
