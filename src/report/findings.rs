//! What a run found, in at most three sentences: how soon crashes are noticed, how soon all know, what it costs.
//!
//! Every number and verdict comes from the results. A difference that may be chance is called within noise, too few
//! trials are called so, and a median beyond the end of the trials is never given as a number.

use super::columns::Column;
use super::figures::{digits, figure, range};
use super::notes::fill;
use super::{is_varied, key_names, key_value};
use crate::experiment::results::{CellResult, Results};
use crate::experiment::statistics::{Comparison, Summary, Verdict};

/// A measure that findings speak of.
struct Topic {
    measure: &'static str,
    /// Between the selector and the figure.
    does: &'static str,
    /// After the figure.
    since: &'static str,
    /// The comparative of a better value, and that of a worse one.
    better: &'static str,
    worse: &'static str,
}

const fn time(measure: &'static str, does: &'static str) -> Topic {
    Topic { measure, does, since: " after the crash", better: "sooner", worse: "later" }
}

const fn cost(measure: &'static str, does: &'static str, since: &'static str) -> Topic {
    Topic { measure, does, since, better: "less", worse: "more" }
}

/// One sentence is made of each group: of its first measure that has values.
const GROUPS: [&[Topic]; 3] = [
    &[
        time("first_ping_s", "first pings a crashed member"),
        time("first_declaration_s", "first declares a crashed member dead"),
    ],
    &[
        time("informed_100_s", "informs every survivor"),
        cost("false_positives", "takes live members for dead", " times per trial"),
    ],
    &[
        cost("cross_region_bytes", "sends", " of its bytes between regions"),
        cost("cross_zone_bytes", "sends", " of its bytes between zones"),
        cost("bytes_sent", "sends", " per member and second"),
    ],
];

/// The findings as a paragraph in lines of `width` columns, after an empty line; empty without finished trials.
pub fn render(results: &Results, width: u16) -> String {
    let Some(cells) = headline(results) else { return String::new() };
    let sentences: Vec<String> = GROUPS.iter().filter_map(|group| sentence(results, &cells, group)).collect();
    if sentences.is_empty() {
        return String::new();
    }
    let place = place(results, cells[0]);
    format!("\n{}", fill(&format!("Found{place}: {}", sentences.join(" ")), width))
}

/// The cells that findings compare: those that differ from one cell in the selector alone. That is the first cell whose
/// members are in regions, else in zones, else the first one, as bytes that cross a border are what selectors differ in.
pub(super) fn headline(results: &Results) -> Option<Vec<&CellResult>> {
    let finished = || results.cells.iter().filter(|cell| !cell.trials.is_empty());
    let with = |measure: &str| {
        let column = column(measure);
        finished().find(|cell| column.summary(cell).n > 0)
    };
    let first = with("cross_region_bytes").or_else(|| with("cross_zone_bytes")).or_else(|| finished().next())?;
    Some(finished().filter(|cell| cell.key.same_setting(&first.key)).collect())
}

/// Where the findings hold: the varied keys of the headline cells, the selector left out.
pub(super) fn place(results: &Results, cell: &CellResult) -> String {
    let varied = key_names(results).into_iter().filter(|key| *key != "selector" && is_varied(results, key));
    let named: Vec<String> = varied.map(|key| format!("{key} {}", key_value(cell, key))).collect();
    if named.is_empty() { String::new() } else { format!(" for {}", named.join(", ")) }
}

/// The column of a measure.
pub(super) fn column(measure: &str) -> &'static Column {
    Column::of(measure).expect("findings are made of columns")
}

/// A sentence about the best selector in the group's first measure that has values.
fn sentence(results: &Results, cells: &[&CellResult], group: &[Topic]) -> Option<String> {
    let summaries = |topic: &Topic| -> Vec<(&CellResult, Summary)> {
        let column = column(topic.measure);
        cells.iter().map(|cell| (*cell, column.summary(cell))).filter(|(_, summary)| summary.n > 0).collect()
    };
    let (topic, all) = group.iter().map(|topic| (topic, summaries(topic))).find(|(_, all)| !all.is_empty())?;
    let column = column(topic.measure);
    let middle = |summary: &Summary| if column.shown.by_mean { summary.mean } else { summary.median };
    let order = |summary: &Summary| middle(summary).unwrap_or(f64::INFINITY);
    let (cell, best) = all.iter().min_by(|one, other| order(&one.1).total_cmp(&order(&other.1)))?;
    let selector = &cell.key.selector;
    let Some(value) = middle(best) else {
        // The least of medians that all lie beyond the end says nothing about one selector.
        let selector = if all.len() > 1 { "every selector" } else { selector };
        return Some(format!("{selector} {} only after the end of the trial, in the median.", topic.does));
    };
    let kind = if column.shown.by_mean { "mean" } else { "median" };
    let interval = range(if column.shown.by_mean { best.ci95_mean } else { best.ci95 }, Some(value), column.unit());
    let interval = if interval.is_empty() { interval } else { format!(" (95 % interval {interval})") };
    let told = figure(value, column.unit());
    let mut text = format!("{selector} {} a {kind} of {told}{}{interval}", topic.does, topic.since);
    if all.len() > 1 {
        text += &format!(", the least of {} selectors", all.len());
    }
    if results.baseline.as_deref() == Some(selector.as_str()) {
        text += ", and is the baseline";
    } else if let Some(baseline) = results.baseline_of(cell) {
        text += &against(topic, &baseline.key.selector, &column.comparison(cell, baseline));
    }
    Some(text + ".")
}

/// What the comparison with the baseline comes to.
fn against(topic: &Topic, baseline: &str, comparison: &Comparison) -> String {
    let word = match comparison.verdict {
        Verdict::Undecided => return format!(", with too few trials to compare it with {baseline}"),
        Verdict::WithinNoise => return format!(", within noise of {baseline}"),
        Verdict::Better => topic.better,
        Verdict::Worse => topic.worse,
    };
    // The mean of the baseline, from the difference and the ratio of the means.
    let base = comparison.mean_difference.zip(comparison.ratio).map(|(difference, ratio)| difference / (ratio - 1.0));
    let (Some(base), Some(ratio)) = (base.filter(|base| base.is_finite() && *base > 0.0), comparison.ratio) else {
        let (less, pairs) = (comparison.less, comparison.pairs);
        return format!(", {word} than {baseline} ({} in {less} of {pairs} trials)", topic.better);
    };
    let percent = |share: f64| digits(100.0 * share.abs());
    let sign = (ratio - 1.0).signum();
    let bounds = [comparison.ci95.low, comparison.ci95.high].map(|bound| bound.map(|bound| sign * bound / base));
    let interval = match bounds {
        [Some(one), Some(other)] => {
            format!(" (95 % interval {} to {} %)", percent(one.min(other)), percent(one.max(other)))
        }
        _ => String::new(),
    };
    format!("; in the mean {} % {word} than {baseline}{interval}", percent(ratio - 1.0))
}
