//! The findings of a run in at most three sentences: detection of crashes, dissemination, traffic.
//!
//! All numbers and verdicts come from the results. Each sentence names the best of several selectors, so the verdicts
//! against the baseline are corrected for the number of comparisons from which the sentences were chosen: all selectors
//! with the baseline, in the measure of each sentence. A difference that does not hold then is called within noise; a
//! median beyond the end of the trials is never given as a number.

use super::columns::Column;
use super::figures::{digits, figure, range};
use super::key_value;
use super::notes::fill;
use super::overview::Overview;
use crate::experiment::statistics::{Comparison, Summary, Verdict, holm};
use crate::experiment::{CellResult, MeasuredValue, Results};

/// A measure that can be the subject of a sentence.
struct Topic {
    measure: &'static str,
    /// The words after the selector that is best.
    wins: &'static str,
    /// The words before the baseline that nothing beats.
    beats: &'static str,
    /// The words between the selector and the number.
    does: &'static str,
    /// The words after the number.
    since: &'static str,
    /// The comparatives of better and worse values.
    better: &'static str,
    worse: &'static str,
}

const fn time(measure: &'static str, [wins, beats]: [&'static str; 2], does: &'static str) -> Topic {
    Topic { measure, wins, beats, does, since: " after the crash", better: "sooner", worse: "later" }
}

const fn cost(
    measure: &'static str,
    [wins, beats]: [&'static str; 2],
    does: &'static str,
    since: &'static str,
) -> Topic {
    Topic { measure, wins, beats, does, since, better: "less", worse: "more" }
}

/// The groups of measures. Each becomes a sentence about its first measure that has values.
const GROUPS: [&[Topic]; 3] = [
    &[
        time(
            "first_ping_s",
            ["notices a crash soonest", "notices a crash sooner than"],
            "first pings a crashed member",
        ),
        time(
            "first_declaration_s",
            ["declares a crash soonest", "declares a crash sooner than"],
            "first declares a crashed member dead",
        ),
    ],
    &[
        time(
            "informed_100_s",
            ["informs everybody soonest", "informs everybody sooner than"],
            "informs every survivor",
        ),
        cost(
            "false_positives",
            ["takes the fewest live members for dead", "takes fewer live members for dead than"],
            "takes live members for dead",
            " times per trial",
        ),
    ],
    &[
        cost(
            "cross_region_bytes",
            ["sends the least between regions", "sends less between regions than"],
            "sends",
            " of its bytes between regions",
        ),
        cost(
            "cross_zone_bytes",
            ["sends the least between zones", "sends less between zones than"],
            "sends",
            " of its bytes between zones",
        ),
        cost("bytes_sent", ["sends the fewest bytes", "sends fewer bytes than"], "sends", " per member and second"),
    ],
];

/// The findings as a paragraph in lines of `width` columns, after an empty line; empty without finished trials.
pub fn findings(results: &Results, width: u16) -> String {
    let Some(found) = Findings::of(results) else { return String::new() };
    let sentence = |finding: &Finding<'_>| finding.sentence(results, found.comparisons);
    let sentences: Vec<String> = found.findings.iter().map(sentence).collect();
    format!("\n{}", fill(&format!("Found{}: {}", found.place, sentences.join(" ")), width))
}

/// All findings of a run.
pub(super) struct Findings<'a> {
    /// The setting in which they hold, after a space; empty if there is one only.
    pub(super) place: String,
    findings: Vec<Finding<'a>>,
    /// The number of comparisons that were corrected together.
    comparisons: usize,
}

/// A finding in words for everybody.
pub(super) struct PlainFinding {
    /// The finding in a few words.
    pub(super) headline: String,
    /// The figure behind it, and how much better than the baseline that is.
    pub(super) figure: String,
}

impl<'a> Findings<'a> {
    /// `None` without finished trials.
    pub(super) fn of(results: &'a Results) -> Option<Self> {
        let cells = headline(results)?;
        let overview = Overview::of(results);
        let mut findings: Vec<Finding<'_>> =
            GROUPS.iter().filter_map(|group| Finding::of(&overview, &cells, group)).collect();
        let rows = findings.iter_mut().flat_map(|finding| &mut finding.rows);
        let mut family: Vec<&mut Comparison> = rows.filter_map(|row| row.comparison.as_mut()).collect();
        let comparisons = family.len();
        holm(&mut family);
        (!findings.is_empty()).then(|| Self { place: place(&overview, cells[0]), findings, comparisons })
    }

    /// The findings in words for everybody, without intervals.
    pub(super) fn in_plain_words(&self, results: &Results) -> Vec<PlainFinding> {
        self.findings.iter().map(|finding| finding.in_plain_words(results)).collect()
    }
}

/// The cells that findings compare: those that are equal to one cell apart from the selector. That is the first cell
/// with regions, else with zones, else the first one: selectors differ most in the bytes that cross such a border.
pub(super) fn headline(results: &Results) -> Option<Vec<&CellResult>> {
    let finished = || results.cells.iter().filter(|cell| !cell.trials.is_empty());
    let with = |measure: &str| {
        let column = column(measure);
        finished().find(|cell| column.readings(cell).iter().any(|reading| *reading != MeasuredValue::Absent))
    };
    let first = with("cross_region_bytes").or_else(|| with("cross_zone_bytes")).or_else(|| finished().next())?;
    Some(finished().filter(|cell| cell.key.same_setting(&first.key)).collect())
}

/// The setting in which the findings hold: the varied dimensions of a headline cell other than the selector.
pub(super) fn place(overview: &Overview<'_>, cell: &CellResult) -> String {
    let varied = overview.key_names.iter().filter(|key| **key != "selector" && overview.is_varied(key));
    let named: Vec<String> = varied.map(|key| format!("{key} {}", key_value(cell, key))).collect();
    if named.is_empty() { String::new() } else { format!(" for {}", named.join(", ")) }
}

/// The column of a measure.
pub(super) fn column(measure: &str) -> &'static Column {
    Column::of(measure).expect("findings are made of columns")
}

/// The values behind a sentence.
struct Finding<'a> {
    topic: &'static Topic,
    column: &'static Column,
    /// The cells that have values.
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    cell: &'a CellResult,
    summary: Summary,
    /// The comparison with the baseline, whose verdict is corrected for the number of comparisons.
    comparison: Option<Comparison>,
    /// The verdict before that correction.
    alone: Option<Verdict>,
}

impl<'a> Finding<'a> {
    /// The first measure of a group that has values.
    fn of(overview: &Overview<'_>, cells: &[&'a CellResult], group: &'static [Topic]) -> Option<Self> {
        group.iter().find_map(|topic| {
            let column = column(topic.measure);
            let row = |cell: &&'a CellResult| {
                let summary = column.summary(cell);
                let baseline = overview.baseline_of(cell).filter(|_| summary.n > 0);
                let comparison = baseline.map(|baseline| column.comparison(cell, baseline));
                Row { cell, summary, comparison, alone: comparison.map(|comparison| comparison.verdict) }
            };
            let rows: Vec<Row<'a>> = cells.iter().map(row).filter(|row| row.summary.n > 0).collect();
            (!rows.is_empty()).then_some(Self { topic, column, rows })
        })
    }

    fn center(&self, row: &Row<'_>) -> Option<f64> {
        self.column.middle(&row.summary)
    }

    /// The row with the least value.
    fn best(&self) -> &Row<'a> {
        let order = |row: &Row<'_>| self.center(row).unwrap_or(f64::INFINITY);
        self.rows.iter().min_by(|one, other| order(one).total_cmp(&order(other))).expect("there are rows")
    }

    fn in_plain_words(&self, results: &Results) -> PlainFinding {
        let Self { topic, column, rows } = self;
        let best = self.best();
        let selector = &best.cell.key.selector;
        let Some(value) = self.center(best) else {
            let headline = "Most trials ended too soon to tell.".to_owned();
            let (who, does) = (if rows.len() > 1 { "Every selector" } else { selector }, topic.does);
            return PlainFinding { headline, figure: format!("{who} {does} only after the end, in the median.") };
        };
        let kind = if column.shown.by_mean { "mean" } else { "median" };
        let number = figure(value, column.unit());
        let does = format!("{selector} {} a {kind} of {number}{}", topic.does, topic.since);
        let baseline = results.baseline.as_deref();
        let verdict = best.comparison.as_ref().map(|comparison| comparison.verdict);
        let is_small = best.comparison.as_ref().is_some_and(|comparison| comparison.is_below(results.smallest_effect));
        let (headline, than) = match (baseline, verdict) {
            _ if rows.len() == 1 => (does.clone(), String::new()),
            (Some(baseline), _) if baseline == selector => {
                (format!("Nothing {} {baseline}, the baseline.", topic.beats), String::new())
            }
            (Some(baseline), Some(Verdict::Undecided)) => {
                (format!("Too few trials to compare anything with {baseline}."), String::new())
            }
            (Some(baseline), Some(Verdict::WithinNoise)) => {
                let than = format!(", the least of {}, but within noise of {baseline}", rows.len());
                (format!("Nothing clearly {} {baseline}.", topic.beats), than)
            }
            (Some(baseline), Some(_)) if is_small => {
                let than = format!(", the least of {}, but hardly less than {baseline}", rows.len());
                (format!("Nothing clearly {} {baseline}.", topic.beats), than)
            }
            (Some(baseline), Some(_)) => {
                let share = best.comparison.as_ref().and_then(Comparison::relative).map(|(share, _)| share);
                let word = if share.is_some_and(|share| share > 0.0) { topic.worse } else { topic.better };
                let much = share.map(|share| format!("{} % ", digits(100.0 * share.abs()))).unwrap_or_default();
                (format!("{selector} {}.", topic.wins), format!(", {much}{word} than {baseline}"))
            }
            _ => (format!("{selector} {}.", topic.wins), format!(", the least of {}", rows.len())),
        };
        match rows.len() {
            1 => PlainFinding { headline: format!("{}.", headline), figure: String::new() },
            _ => PlainFinding { headline, figure: format!("{}{than}.", does) },
        }
    }

    /// The sentence about the best selector, one of `comparisons` that were corrected together.
    fn sentence(&self, results: &Results, comparisons: usize) -> String {
        let Self { topic, column, rows } = self;
        let best = self.best();
        let selector = &best.cell.key.selector;
        let Some(value) = self.center(best) else {
            // If all medians lie beyond the end, none is the best.
            let selector = if rows.len() > 1 { "every selector" } else { selector };
            return format!("{selector} {} only after the end of the trial, in the median.", topic.does);
        };
        let (kind, interval) = match column.shown.by_mean {
            true => ("mean", best.summary.ci95_mean),
            false => ("median", best.summary.ci95),
        };
        let interval = range(interval, Some(value), column.unit());
        let interval = if interval.is_empty() { interval } else { format!(" (95 % interval {interval})") };
        let number = figure(value, column.unit());
        let mut text = format!("{selector} {} a {kind} of {number}{}{interval}", topic.does, topic.since);
        if rows.len() > 1 {
            text += &format!(", the least of {} selectors", rows.len());
        }
        if results.baseline.as_deref() == Some(selector.as_str()) {
            text += ", and is the baseline";
        } else if let (Some(baseline), Some(comparison)) = (&results.baseline, &best.comparison) {
            text += &against(topic, baseline, comparison, results.smallest_effect);
            if best.alone != Some(comparison.verdict) {
                text += &format!(" as one of {comparisons} comparisons");
            }
        }
        text + "."
    }
}

/// The words for a comparison with the baseline.
fn against(topic: &Topic, baseline: &str, comparison: &Comparison, smallest_effect: f64) -> String {
    let is_decided = matches!(comparison.verdict, Verdict::Better | Verdict::Worse);
    if is_decided && comparison.is_below(smallest_effect) {
        let smallest = digits(100.0 * smallest_effect);
        return format!(", in the mean less than {smallest} % from {baseline}, the smallest effect of interest");
    }
    let word = match comparison.verdict {
        Verdict::Undecided => return format!(", with too few trials to compare it with {baseline}"),
        Verdict::WithinNoise => return format!(", within noise of {baseline}"),
        Verdict::Better => topic.better,
        Verdict::Worse => topic.worse,
    };
    let Some((share, interval)) = comparison.relative() else {
        let (less, pairs) = (comparison.less, comparison.pairs);
        return format!(", {word} than {baseline} ({} in {less} of {pairs} trials)", topic.better);
    };
    let percent = |share: f64| digits(100.0 * share.abs());
    let interval = match [interval.low, interval.high].map(|bound| bound.map(|bound| share.signum() * bound)) {
        [Some(one), Some(other)] => {
            format!(" (95 % interval {} to {} %)", percent(one.min(other)), percent(one.max(other)))
        }
        _ => String::new(),
    };
    format!("; in the mean {} % {word} than {baseline}{interval}", percent(share))
}
