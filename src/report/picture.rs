//! picture.svg: detection, dissemination and traffic of all selectors in one drawing, for a README or a talk.
//!
//! A row for each selector and a panel for each of up to three measures: a dot at the median, a thick line over its 95
//! % interval, a thin line up to the 99th percentile. It shows the cells of the findings, follows the reader's light or
//! dark mode, and needs no particular font. The same results give the same bytes.

use std::fmt::Write;
use std::io;

use super::columns::Column;
use super::escape::escape;
use super::exporter::{ExportOptions, Exporter};
use super::figures::{digits, figure, suited};
use super::findings::{column, headline, place};
use super::overview::Overview;
use crate::experiment::statistics::Summary;
use crate::experiment::{CellResult, Results};

/// The width of the drawing in units of its view box. Its height depends on the number of rows.
const WIDTH: f64 = 900.0;
/// The space for labels at the left, and the other margins.
const LABELS: f64 = 232.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = 44.0;
const ROW: f64 = 40.0;
/// The width of a panel, and the distance from one panel to the next.
const PANEL: f64 = 196.0;
const STEP: f64 = 222.0;

/// The maximum number of rows; the report shows all selectors.
const MOST_ROWS: usize = 14;

/// The maximum number of characters in a line of a label.
const LABEL_WIDTH: usize = 32;

/// Groups of measures with their titles. Each panel shows the first measure of a group that has values.
const PANELS: [&[(&str, &str)]; 3] = [
    &[("first_ping_s", "first ping after a crash"), ("false_positives", "false positives per trial")],
    &[("informed_100_s", "every survivor informed"), ("messages_sent", "messages per member and second")],
    &[
        ("cross_region_bytes", "bytes that leave the region"),
        ("cross_zone_bytes", "bytes that leave the zone"),
        ("bytes_sent", "bytes per member and second"),
    ],
];

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1b1d21}.title{font-size:17px;font-weight:600}\
.faint{fill:#5c6370;font-size:12px}.head{font-weight:600}.axis{stroke:#d4d8df;stroke-width:1}\
.tail{stroke:#0072b2;stroke-width:1.5;opacity:.5}.interval{stroke:#0072b2;stroke-width:6;opacity:.45}\
.dot{fill:#0072b2}.base .tail,.base .interval{stroke:#5c6370}.base .dot{fill:#5c6370}.paper{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#e7e9ed}.faint{fill:#a2a9b5}.axis{stroke:#3a3f48}\
.tail,.interval{stroke:#4ba3e3}.dot{fill:#4ba3e3}.base .tail,.base .interval{stroke:#a2a9b5}\
.base .dot{fill:#a2a9b5}.paper{fill:#14161a}}";

/// A measure with the statistics of each row.
struct Panel {
    title: &'static str,
    column: &'static Column,
    rows: Vec<Summary>,
}

/// A drawing of the most important measures by selector.
#[derive(Clone, Copy, Debug, Default)]
pub struct Picture;

impl Exporter for Picture {
    fn name(&self) -> &'static str {
        "svg"
    }

    fn about(&self) -> &'static str {
        "picture.svg: one drawing, for a README or a talk"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("picture.svg")
    }

    fn export(&self, results: &Results, _: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(render(results).as_bytes())
    }
}

/// The text of the file.
fn render(results: &Results) -> String {
    draw(results, &format!("<style>{STYLE}</style>\n"))
}

/// The drawing for a page that has its styles.
pub(super) fn drawing(results: &Results) -> String {
    draw(results, "")
}

/// The drawing, with this element for its styles.
fn draw(results: &Results, style: &str) -> String {
    let cells = headline(results).unwrap_or_default();
    let shown = &cells[..cells.len().min(MOST_ROWS)];
    let panels: Vec<Panel> = PANELS.iter().filter_map(|group| Panel::of(group, shown)).collect();
    let height = TOP + BOTTOM + ROW * shown.len() as f64;
    let name = escape(&results.name);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"swimlab, experiment {name}\">\n{style}\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n"
    );
    let Some(cell) = shown.first() else {
        let _ = writeln!(svg, "<text class=\"title\" x=\"20\" y=\"32\">{name}: no trial is finished</text></svg>");
        return svg;
    };
    let trials = shown.iter().map(|cell| cell.trials.len()).max().unwrap_or(0);
    let place = escape(&place(&Overview::of(results), cell));
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"20\" y=\"32\">{name}: {} members, {trials} trials{place}</text>",
        cell.key.members
    );
    for (row, cell) in shown.iter().enumerate() {
        svg += &label(results, cell, row);
    }
    for (n, panel) in panels.iter().enumerate() {
        svg += &panel.draw(results, shown, LABELS + STEP * n as f64);
    }
    let mut caption =
        String::from("Dot: the median. Thick line: its 95 % interval. Thin line: up to the 99th percentile.");
    if shown.len() < cells.len() {
        let _ = write!(caption, " {} more selectors are in the report.", cells.len() - shown.len());
    }
    let _ = writeln!(svg, "<text class=\"faint\" x=\"20\" y=\"{}\">{caption} Less is better.</text>", height - 16.0);
    svg + "</svg>\n"
}

/// The vertical center of a row.
fn middle(row: usize) -> f64 {
    TOP + ROW * (row as f64 + 0.5)
}

/// The label of a selector, in up to two lines.
fn label(results: &Results, cell: &CellResult, row: usize) -> String {
    let mut lines = vec![String::new()];
    for part in cell.key.selector.split_inclusive([':', ',']) {
        let last = lines.last_mut().expect("there is a line");
        if !last.is_empty() && last.chars().count() + part.chars().count() > LABEL_WIDTH {
            lines.push(part.to_owned());
        } else {
            last.push_str(part);
        }
    }
    if lines.len() > 2 {
        lines.truncate(2);
        lines[1].push('…');
    }
    if results.baseline.as_deref() == Some(&cell.key.selector) {
        lines.push("(baseline)".to_owned());
    }
    let top = middle(row) + 4.5 - 7.5 * (lines.len() as f64 - 1.0);
    let line = |(n, text): (usize, &String)| {
        let class = if n == 0 { "" } else { " class=\"faint\"" };
        format!("<text{class} x=\"20\" y=\"{}\">{}</text>\n", top + 15.0 * n as f64, escape(text))
    };
    lines.iter().enumerate().map(line).collect()
}

impl Panel {
    /// The panel of the first measure of a group that has values in any cell.
    fn of(group: &[(&'static str, &'static str)], cells: &[&CellResult]) -> Option<Self> {
        group.iter().find_map(|&(measure, title)| {
            let column = column(measure);
            let rows: Vec<Summary> = cells.iter().map(|cell| column.summary(cell)).collect();
            rows.iter().any(|row| row.n > 0).then_some(Self { title, column, rows })
        })
    }

    /// The median of a row, or its mean for rare events.
    fn value(&self, row: &Summary) -> Option<f64> {
        if self.column.shown.by_mean { row.mean } else { row.median }
    }

    /// The bounds of the interval of a row, then the end of its tail.
    fn marks(&self, row: &Summary) -> [Option<f64>; 3] {
        match self.column.shown.by_mean {
            true => [row.ci95_mean.low, row.ci95_mean.high, row.max],
            false => [row.ci95.low, row.ci95.high, row.p99],
        }
    }

    /// Draws the panel with its left edge at `left`.
    fn draw(&self, results: &Results, cells: &[&CellResult], left: f64) -> String {
        let all = self.rows.iter().flat_map(|row| self.marks(row).into_iter().chain([self.value(row)])).flatten();
        let most = all.fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let at = |value: f64| rounded(left + PANEL * value / most);
        let (first, last) = (TOP - 6.0, middle(self.rows.len() - 1) + ROW / 2.0);
        let unit = self.column.unit();
        let (scale, suffix) = suited(most, unit);
        let mut svg = format!("<text class=\"head\" x=\"{left}\" y=\"66\">{}</text>\n", self.title);
        for share in [0.0, 0.5, 1.0] {
            let (x, text) = (at(most * share), digits(most * share / scale));
            let anchor = if share == 0.0 {
                "start"
            } else if share == 1.0 {
                "end"
            } else {
                "middle"
            };
            let _ = write!(svg, "<path class=\"axis\" d=\"M{x} {first}V{last}\"/>");
            let _ = writeln!(
                svg,
                "<text class=\"faint\" x=\"{x}\" y=\"84\" text-anchor=\"{anchor}\">{text}{suffix}</text>"
            );
        }
        for (row, (summary, cell)) in self.rows.iter().zip(cells).enumerate() {
            let y = middle(row);
            if summary.n == 0 {
                continue;
            }
            let is_baseline = results.baseline.as_deref() == Some(&cell.key.selector);
            let [low, high, tail] = self.marks(summary);
            let _ = write!(svg, "<g{}>", if is_baseline { " class=\"base\"" } else { "" });
            let Some(value) = self.value(summary) else {
                let _ = writeln!(svg, "<text class=\"faint\" x=\"{left}\" y=\"{}\">beyond the end</text></g>", y + 4.0);
                continue;
            };
            // A tail without a known end extends to the edge.
            let end = at(tail.unwrap_or(most));
            let _ = write!(svg, "<path class=\"tail\" d=\"M{} {y}H{end}\"/>", at(value));
            let (low, high) = (at(low.unwrap_or(value)), at(high.unwrap_or(value)));
            let _ = write!(svg, "<path class=\"interval\" d=\"M{low} {y}H{high}\"/>");
            let _ = write!(svg, "<circle class=\"dot\" cx=\"{}\" cy=\"{y}\" r=\"4.5\"/>", at(value));
            let _ = writeln!(svg, "<title>{}: {}</title></g>", escape(&cell.key.selector), figure(value, unit));
        }
        svg
    }
}

/// Rounds a coordinate to a tenth of a unit, which is finer than screens resolve.
fn rounded(value: f64) -> f64 {
    libm::round(10.0 * value) / 10.0
}
