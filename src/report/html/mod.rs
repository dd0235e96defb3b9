//! report.html: the tables with pictures, in one file that opens without a network. docs/report.md tells how to read it.
//!
//! The same results give the same bytes.

mod distributions;
mod frontier;
mod map;
mod series;
mod svg;
mod tables;
#[cfg(test)]
mod tests;
mod traffic;

use std::fmt::Write;

use super::{is_varied, key_names, key_value, notes};
use crate::experiment::results::{CellResult, Results};
use crate::experiment::{Manifest, PingMap};
use series::Series;

const STYLE: &str = include_str!("style.css");

/// Settings beyond these have no pictures of their own; the file would become too large to open.
const MOST_SETTINGS: usize = 40;

/// No line of the notes is broken.
const UNBROKEN: u16 = u16::MAX;

/// What the report is made from.
pub struct Report<'a> {
    /// What was measured.
    pub results: &'a Results,
    /// What it depends on.
    pub manifest: &'a Manifest,
    /// The experiment file.
    pub file: &'a str,
    /// Trials that were watched for pictures; may be empty.
    pub sketches: &'a [PingMap],
}

/// The whole file.
pub fn render(report: &Report<'_>) -> String {
    let results = report.results;
    let series = Series::of(results);
    let name = escape(&results.name);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n\
         <title>{name}: swimlab</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{name}</h1>\n"
    );
    html += &paragraphs(&notes::heading(results, UNBROKEN));
    let topologies = distinct(results.cells.iter().map(|cell| cell.key.topology.as_str()));
    html += "<p>";
    for (n, topology) in topologies.iter().enumerate() {
        let _ = write!(html, "<a href=\"#topology-{n}\">{}</a> · ", escape(topology));
    }
    html += "<a href=\"#rerun\">settings, seeds, sources</a></p>\n";
    let mut pictured = 0;
    for (n, topology) in topologies.iter().enumerate() {
        let _ = write!(html, "<section id=\"topology-{n}\">\n<h2>{}</h2>\n", escape(topology));
        html += &paragraphs(&notes::topology(results, topology, UNBROKEN));
        html += &section(report, &series, topology, &mut pictured);
        html += "</section>\n";
    }
    html += &paragraphs(&notes::legend(results, UNBROKEN));
    html += &rerun(report);
    html + "</body>\n</html>\n"
}

/// All of one topology: for each setting the tables and pictures over all trials, then those of the sketches.
fn section(report: &Report<'_>, series: &Series<'_>, topology: &str, pictured: &mut usize) -> String {
    let results = report.results;
    let cells: Vec<_> = results.cells.iter().filter(|cell| cell.key.topology == topology).collect();
    let mut html = series.key(&distinct(cells.iter().map(|cell| cell.key.selector.as_str())));
    for setting in distinct(cells.iter().map(|cell| setting(results, cell))) {
        let cells: Vec<_> = cells.iter().copied().filter(|cell| self::setting(results, cell) == setting).collect();
        if !setting.is_empty() {
            let _ = writeln!(html, "<h3>{}</h3>", escape(&setting));
        }
        html += &tables::draw(results, &cells);
        html += &paragraphs(&notes::below(results, &cells, UNBROKEN));
        *pictured += 1;
        if *pictured > MOST_SETTINGS {
            html += "<p class=\"faint\">No pictures: there are too many settings. summary.json has all figures.</p>\n";
            continue;
        }
        html += &grid("What it costs, and what it gives", &frontier::draw(&cells, series));
        html += &grid("Detection and dissemination", &distributions::draw(&cells, series));
    }
    let sketches: Vec<_> = report.sketches.iter().filter(|ping_map| ping_map.topology == topology).collect();
    html += &grid("How far traffic goes", &traffic::draw(&sketches, series));
    html + &grid("Who pings whom", &map::draw(&sketches, series))
}

/// What a reader needs to run it again.
fn rerun(report: &Report<'_>) -> String {
    let Report { results, manifest, file, .. } = report;
    let (seed, trials) = (results.seed, results.trials);
    let mut html = format!(
        "<section id=\"rerun\">\n<h2>Settings, seeds, sources</h2>\n<p>swimlab {}, seed {seed}, {trials} trials of each \
         cell. With the file below as experiment.toml (there is a copy beside this report; tables that it names are \
         looked for beside it), the same again, to the last bit:</p>\n\
         <pre>swimlab run experiment.toml --seed {seed} --trials {trials}</pre>\n",
        escape(&manifest.swimlab)
    );
    for note in &results.topologies {
        let credit = note.attribution.as_deref().unwrap_or("no measured data");
        let _ = writeln!(html, "<p><b>{}</b>: {}. {}.</p>", escape(&note.label), escape(&note.title), escape(credit));
    }
    let seeds = results.cells.iter().max_by_key(|cell| cell.trials.len());
    let seeds: Vec<_> = seeds.iter().flat_map(|cell| &cell.trials).map(|trial| trial.seed.to_string()).collect();
    let _ = write!(
        html,
        "<details><summary>Seeds of the trials, the same in every cell</summary><p class=\"faint\">{}</p></details>\n\
         <details><summary>What the trials depend on</summary><div class=\"wide\"><table>",
        seeds.join(", ")
    );
    for (key, value) in &manifest.experiment {
        let _ = write!(html, "<tr><td>{}</td><td>{}</td></tr>", escape(key), escape(value));
    }
    let _ = write!(
        html,
        "</table></div></details>\n<details open=\"open\"><summary>The experiment file</summary><pre>{}</pre></details>\n\
         </section>\n",
        escape(file)
    );
    html
}

/// What a cell's setting is, of that which varies besides topology and selector.
fn setting(results: &Results, cell: &CellResult) -> String {
    let keys = key_names(results).into_iter().skip(2).filter(|key| is_varied(results, key));
    keys.map(|key| format!("{key} {}", key_value(cell, key))).collect::<Vec<_>>().join(", ")
}

fn grid(title: &str, figures: &str) -> String {
    match figures.is_empty() {
        true => String::new(),
        false => format!("<h3>{title}</h3>\n<div class=\"grid\">\n{figures}</div>\n"),
    }
}

fn paragraphs(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| format!("<p class=\"faint\">{}</p>\n", escape(line))).collect()
}

/// Each once, in the order of their first appearance.
fn distinct<T: PartialEq>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in all {
        if !distinct.contains(&one) {
            distinct.push(one);
        }
    }
    distinct
}

/// A text that may hold a strategy's label, which is broken after its kind and its parameters rather than anywhere.
fn breakable(text: &str) -> String {
    escape(text).replace(',', ",<wbr/>").replace(':', ":<wbr/>")
}

/// Text as it is written between tags and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(letter),
        }
    }
    escaped
}
