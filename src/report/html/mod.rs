//! report.html: tables and plots in one file that loads nothing from elsewhere. docs/report.md explains them.
//!
//! The same results give the same bytes.

mod coastline;
mod distributions;
mod frontier;
mod map;
mod quality;
mod series;
mod svg;
mod tables;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::HashMap;
use std::fmt::Write;
use std::io;

use super::escape::escape;
use super::exporter::{ExportOptions, Exporter};
use super::findings::Findings;
use super::overview::{Overview, groups};
use super::{key_value, notes, picture};
use crate::experiment::{CellResult, Experiment, PingMap, Results};
use rayon::prelude::*;
use series::Series;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The maximum number of settings with plots and with a table of all measures, which bounds the size of the file.
const MOST_SETTINGS: usize = 40;

/// The maximum number of selectors in a plot; more cannot be told apart.
const MOST_CURVES: usize = 100;

/// The width at which notes are not broken into lines.
const UNBROKEN: u16 = u16::MAX;

/// One page with the tables, plots and maps of a run, and with what is needed to repeat it.
#[derive(Clone, Copy, Debug, Default)]
pub struct HtmlReport;

impl Exporter for HtmlReport {
    fn name(&self) -> &'static str {
        "html"
    }

    fn about(&self) -> &'static str {
        "report.html: tables, plots and maps in one page"
    }

    fn file_name(&self) -> Option<&'static str> {
        Some("report.html")
    }

    fn export(&self, results: &Results, options: &ExportOptions<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        out.write_all(render(results, options).as_bytes())
    }
}

/// The text of the file.
fn render(results: &Results, options: &ExportOptions<'_>) -> String {
    let overview = Overview::of(results);
    let series = Series::of(results);
    let name = escape(&results.name);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'\"/>\n\
         <title>{name}: swimlab</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<button id=\"theme\" type=\"button\" hidden=\"hidden\">dark</button>\n\
         <h1>{name}</h1>\n"
    );
    html += &opening(results);
    html += &paragraphs(&notes::heading(&overview, UNBROKEN));
    html += &map::land(options.ping_maps);
    let topologies = groups(&results.cells, |cell| cell.key.topology.as_str());
    html += "<p>";
    for (n, (topology, _)) in topologies.iter().enumerate() {
        let _ = write!(html, "<a href=\"#topology-{n}\">{}</a> · ", escape(topology));
    }
    if options.experiment.is_some() {
        html += "<a href=\"#rerun\">settings, seeds, sources</a>";
    }
    html += "</p>\n";
    let mut ping_maps: HashMap<&str, Vec<&PingMap>> = HashMap::new();
    for ping_map in options.ping_maps {
        ping_maps.entry(&ping_map.topology).or_default().push(ping_map);
    }
    let mut plotted = 0;
    for (n, (topology, cells)) in topologies.iter().enumerate() {
        let _ = write!(html, "<section id=\"topology-{n}\">\n<h2>{}</h2>\n", escape(topology));
        html += &paragraphs(&notes::topology(&overview, topology, UNBROKEN));
        html += &section(&overview, &series, cells, &mut plotted);
        html += &quality::draw(&overview, cells, &series);
        let ping_maps = ping_maps.get(topology).map_or(&[][..], Vec::as_slice);
        html += &grid("How far traffic goes", &traffic::draw(ping_maps, &series));
        html += &grid("Pings between places", &map::draw(ping_maps, &series));
        html += "</section>\n";
    }
    html += &paragraphs(&notes::legend(results, UNBROKEN));
    if let Some(experiment) = options.experiment {
        html += &rerun(results, experiment);
    }
    html + &format!("<script>\n{SCRIPT}</script>\n</body>\n</html>\n")
}

/// The findings in words and in one picture; empty without finished trials.
fn opening(results: &Results) -> String {
    let Some(findings) = Findings::of(results) else { return String::new() };
    let item = |found: super::findings::PlainFinding| {
        let (headline, figure) = (breakable(&found.headline), breakable(&found.figure));
        format!("<li><strong>{headline}</strong> {figure}</li>\n")
    };
    let items: String = findings.in_plain_words(results).into_iter().map(item).collect();
    format!(
        "<section id=\"found\">\n<p class=\"lead\">What was found{}:</p>\n<ul class=\"found\">\n{items}</ul>\n\
         <figure class=\"picture\">{}<figcaption>Less is better in every panel: look for the dots farthest to the left, and \
         whether their thick lines overlap.</figcaption></figure>\n</section>\n",
        escape(&findings.place),
        picture::drawing(results)
    )
}

/// The tables and plots over all trials, for each setting of a topology. `plotted` counts the settings with plots.
fn section(overview: &Overview<'_>, series: &Series<'_>, cells: &[&CellResult], plotted: &mut usize) -> String {
    let selectors: Vec<&str> = groups(cells, |cell| cell.key.selector.as_str()).into_iter().map(|one| one.0).collect();
    let html = series.key(&selectors);
    let settings = groups(cells.iter().copied(), |cell| setting(overview, cell));
    let first = *plotted;
    *plotted += settings.len();
    let part = |(n, (setting, cells)): (usize, &(String, Vec<&CellResult>))| {
        let mut html = String::new();
        if !setting.is_empty() {
            let _ = writeln!(html, "<h3>{}</h3>", escape(setting));
        }
        let is_short = first + n >= MOST_SETTINGS;
        let table = tables::draw(overview, cells, series, is_short);
        let table = table + &paragraphs(&notes::below(overview, cells, UNBROKEN));
        let too_many = if is_short { "settings" } else { "selectors" };
        if is_short || cells.len() > MOST_CURVES {
            let why = format!("No pictures: there are too many {too_many}. summary.json has all figures.");
            return html + &table + &format!("<p class=\"faint\">{why}</p>\n");
        }
        html += &grid("Time against cost", &frontier::draw(cells, series));
        html += &grid("Detection and dissemination", &distributions::draw(cells, series));
        html + "<h3>Figures</h3>\n" + &table
    };
    let parts: Vec<String> = settings.par_iter().enumerate().map(part).collect();
    html + &parts.concat()
}

/// The section with what is needed to run the experiment again.
fn rerun(results: &Results, experiment: &Experiment) -> String {
    let manifest = experiment.manifest();
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
        escape(&experiment.source.text)
    );
    html
}

/// The varied dimensions of a cell besides topology and selector.
fn setting(overview: &Overview<'_>, cell: &CellResult) -> String {
    let keys = overview.key_names.iter().skip(2).filter(|key| overview.is_varied(key));
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

/// Escaped text with a strategy's label, which may be broken after its kind and its parameters.
fn breakable(text: &str) -> String {
    escape(text).replace(',', ",<wbr/>").replace(':', ":<wbr/>")
}
