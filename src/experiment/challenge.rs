//! `[challenge]` in an experiment file: the bars that a selector is to reach in the experiment.
//!
//! Trials do not depend on the table. `crate::course` judges selectors by it; commands that only run the experiment check
//! its keys and ignore it.

use std::fmt;

use serde::{Deserialize, Serialize};
use swimlab_selectors::{Value, did_you_mean, nearest_names, parse_seconds};

use super::error::BadInput;
use super::limits::LONGEST_S;
use super::measures::{MEASURES, Measure, Unit};
use super::statistics::Summary;
use super::toml_source::{NamedSpec, TomlTable, TomlValue};

const KEYS: &[&str] = &["title", "hint", "bar"];

const BAR_KEYS: &[&str] = &["measure", "statistic", "at_most", "at_least", "relative_to", "hint"];

/// The most characters of a title and of a hint.
pub(super) const LONGEST_TITLE: usize = 80;
pub(super) const LONGEST_HINT: usize = 1000;

/// The most bars of a challenge.
pub(super) const MOST_BARS: usize = 20;

/// Bars for a selector in an experiment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Challenge {
    /// The goal in a few words.
    pub title: String,
    /// Help for those who miss a bar that has no hint of its own.
    pub hint: String,
    /// The bars; all must be met.
    pub bars: Vec<Bar>,
}

/// A bar: a limit for a statistic of one measure over all trials.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bar {
    /// The name of the measure, one of [`MEASURES`].
    pub measure: &'static str,
    /// The statistic.
    pub statistic: Statistic,
    /// The side of the limit that meets the bar.
    pub direction: Direction,
    /// The limit.
    pub limit: Limit,
    /// Help for those who miss it, in place of the challenge's.
    pub hint: Option<String>,
}

/// A statistic of the trials of a cell. Trials that did not reach the measured event count as more than any value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// The mean.
    Mean,
    /// The median.
    Median,
    /// The 99th percentile.
    P99,
    /// The largest value.
    Max,
}

/// The side of a limit that meets a bar. A value equal to the limit meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The limit or less.
    AtMost,
    /// The limit or more.
    AtLeast,
}

/// The limit of a bar.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Limit {
    /// A value in the measure's unit.
    Value(f64),
    /// Protocol periods, for measures in seconds.
    Periods(f64),
    /// A share of the same statistic of another selector in the same trials; 1 for as much.
    Relative {
        /// The label of the other selector.
        selector: String,
        /// The share.
        share: f64,
    },
}

/// The table of a file, with the positions of its selectors.
pub(super) struct ChallengeTable {
    pub challenge: Challenge,
    /// The selectors that bars are relative to.
    pub selectors: Vec<NamedSpec>,
}

impl ChallengeTable {
    /// Takes the table from a file.
    pub(super) fn take(file: &mut TomlTable<'_>) -> Result<Option<Self>, BadInput> {
        let Some(value) = file.take("challenge") else { return Ok(None) };
        let mut table = value.table(KEYS)?;
        let title = needed(&mut table, "title", "\"First ping below 0.6 T\"")?;
        let title = short_text(&title, LONGEST_TITLE)?;
        let hint = needed(&mut table, "hint", "\"Think of ...\"")?;
        let hint = short_text(&hint, LONGEST_HINT)?;
        let bars = needed(&mut table, "bar", "[{ measure = \"first_ping_s\", at_most = \"0.6 T\" }]")?.list()?;
        if bars.len() > MOST_BARS {
            return Err(table.error(format!("challenge has {} bars; {MOST_BARS} are the most", bars.len())));
        }
        let mut selectors = Vec::new();
        let bars = bars.into_iter().map(|bar| self::bar(bar, &mut selectors)).collect::<Result<_, _>>()?;
        Ok(Some(Self { challenge: Challenge { title, hint, bars }, selectors }))
    }
}

fn bar(value: TomlValue<'_>, selectors: &mut Vec<NamedSpec>) -> Result<Bar, BadInput> {
    let mut table = value.table(BAR_KEYS)?;
    let measure = measure(&needed(&mut table, "measure", "\"first_ping_s\"")?)?;
    let default = if measure.unit == Unit::Events { Statistic::Mean } else { Statistic::Median };
    let statistic = table.take("statistic").map_or(Ok(default), |value| statistic(&value))?;
    let relative_to = table.take("relative_to").map(TomlValue::named).transpose()?;
    let (direction, value) = match (table.take("at_most"), table.take("at_least")) {
        (Some(value), None) => (Direction::AtMost, value),
        (None, Some(value)) => (Direction::AtLeast, value),
        (Some(_), Some(value)) => return Err(value.error("a bar has at_most or at_least, not both")),
        (None, None) => return Err(table.error("a bar needs at_most or at_least")),
    };
    let limit = match &relative_to {
        Some(selector) => Limit::Relative { selector: selector.spec.to_string(), share: percentage(&value)? },
        None => absolute(&value, measure)?,
    };
    let hint = table.take("hint").map(|value| short_text(&value, LONGEST_HINT)).transpose()?;
    selectors.extend(relative_to);
    Ok(Bar { measure: measure.name, statistic, direction, limit, hint })
}

fn needed<'a>(table: &mut TomlTable<'a>, key: &str, example: &str) -> Result<TomlValue<'a>, BadInput> {
    table.take(key).ok_or_else(|| table.error(format!("missing: {key}; for example {key} = {example}")))
}

fn short_text(value: &TomlValue<'_>, longest: usize) -> Result<String, BadInput> {
    let text = value.text()?.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() || text.chars().count() > longest || text.chars().any(char::is_control) {
        return Err(value.error(format!("{} must be a text of 1 to {longest} characters", value.key)));
    }
    Ok(text)
}

fn measure(value: &TomlValue<'_>) -> Result<&'static Measure, BadInput> {
    let name = value.text()?;
    Measure::named(name).ok_or_else(|| {
        let near = did_you_mean(&nearest_names(name, MEASURES.iter().map(|measure| measure.name)));
        value.error(format!("unknown measure \"{name}\"{near}"))
    })
}

fn statistic(value: &TomlValue<'_>) -> Result<Statistic, BadInput> {
    let name = value.text()?;
    let known = Statistic::ALL.into_iter().find(|statistic| statistic.name() == name);
    known.ok_or_else(|| {
        let names = Statistic::ALL.map(Statistic::name).join(", ");
        value.error(format!("statistic must be one of {names}, not \"{name}\""))
    })
}

/// The limit of a bar that is not relative.
fn absolute(value: &TomlValue<'_>, measure: &Measure) -> Result<Limit, BadInput> {
    let key = &value.key;
    match measure.unit {
        Unit::Seconds => {
            let refuse = || {
                let time = "a time such as \"900ms\", or protocol periods such as \"0.6 T\"";
                let percent = "a percentage needs relative_to, the selector to compare with";
                value.error(format!("{key} of {} must be {time}; {percent}", measure.name))
            };
            let Value::Text(text) = value.plain()? else { return Err(refuse()) };
            let limit = match text.trim().strip_suffix('T') {
                Some(periods) => periods.trim_end().parse().ok().map(Limit::Periods),
                None => parse_seconds(&text).map(Limit::Value),
            };
            let is_valid = |limit: &Limit| match limit {
                Limit::Value(number) | Limit::Periods(number) => (0.0..=LONGEST_S).contains(number),
                Limit::Relative { .. } => false,
            };
            limit.filter(is_valid).ok_or_else(refuse)
        }
        Unit::Share if matches!(value.plain()?, Value::Text(_)) => percentage(value).map(Limit::Value),
        Unit::Share | Unit::Events | Unit::Messages | Unit::Bytes | Unit::Members => {
            value.real(0.0, 1e15).map(Limit::Value)
        }
    }
}

/// A text with a percentage from 0, as a share.
fn percentage(value: &TomlValue<'_>) -> Result<f64, BadInput> {
    let share = match value.plain()? {
        Value::Text(text) => text.trim().strip_suffix('%').and_then(|number| number.trim_end().parse().ok()),
        _ => None,
    };
    let share = share.map(|percent: f64| percent / 100.0).filter(|share| (0.0..=100.0).contains(share));
    share.ok_or_else(|| value.error(format!("{} must be a percentage here, such as \"95%\"", value.key)))
}

impl Statistic {
    const ALL: [Self; 4] = [Self::Mean, Self::Median, Self::P99, Self::Max];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
            Self::P99 => "p99",
            Self::Max => "max",
        }
    }

    /// Its value; `None` if trials without a value decide it.
    pub fn of(self, summary: &Summary) -> Option<f64> {
        match self {
            Self::Mean => summary.mean,
            Self::Median => summary.median,
            Self::P99 => summary.p99,
            Self::Max => summary.max,
        }
    }
}

impl Direction {
    /// Whether a value is on the right side of a limit. `None` counts as more than any value.
    pub fn is_met(self, value: Option<f64>, limit: Option<f64>) -> bool {
        match (self, value, limit) {
            (Self::AtMost, Some(value), Some(limit)) => value <= limit,
            (Self::AtLeast, Some(value), Some(limit)) => value >= limit,
            (Self::AtMost, value, None) => value.is_some(),
            (Self::AtLeast, None, _) => true,
            (Self::AtMost, None, Some(_)) | (Self::AtLeast, Some(_), None) => false,
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtMost => "at most",
            Self::AtLeast => "at least",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, Lab, TomlSource};

    const EXPERIMENT: &str = "topology = 'lan'\nselector = 'shuffle'\nmembers = 10\n[challenge]\n";

    fn parse(table: &str) -> Result<Challenge, String> {
        let source = TomlSource::text("mine.toml", format!("{EXPERIMENT}{table}"));
        match Experiment::parse(&source, &Lab::default()) {
            Ok(experiment) => Ok(experiment.challenge.expect("the file has one")),
            Err(bad) => Err(bad.to_string()),
        }
    }

    fn with_bar(bar: &str) -> Result<Bar, String> {
        parse(&format!("title = 'a'\nhint = 'b'\nbar = {{ {bar} }}")).map(|challenge| challenge.bars[0].clone())
    }

    #[test]
    fn bars_have_a_measure_a_statistic_a_side_and_a_limit() {
        let bar = |bar: &str| with_bar(bar).map(|bar| (bar.statistic, bar.direction, bar.limit)).unwrap();
        let (mean, median, most) = (Statistic::Mean, Statistic::Median, Direction::AtMost);
        assert_eq!(bar("measure = 'first_ping_s', at_most = '0.6 T'"), (median, most, Limit::Periods(0.6)));
        assert_eq!(bar("measure = 'first_ping_s', at_most = '900ms'"), (median, most, Limit::Value(0.9)));
        assert_eq!(bar("measure = 'false_positives', at_most = 0"), (mean, most, Limit::Value(0.0)));
        assert_eq!(bar("measure = 'busiest_member_share', at_most = '2.5%'"), (median, most, Limit::Value(0.025)));
        let relative = "measure = 'bytes_sent', statistic = 'max', at_least = '103 %', relative_to = 'shuffle'";
        let limit = Limit::Relative { selector: "shuffle".to_owned(), share: 1.03 };
        assert_eq!(bar(relative), (Statistic::Max, Direction::AtLeast, limit));
    }

    #[test]
    fn line_breaks_of_hints_are_spaces() {
        let challenge =
            parse("title = 'a'\nhint = '''\nOne\n  two.\n'''\nbar = { measure = 'violations', at_most = 0 }");
        assert_eq!(challenge.unwrap().hint, "One two.");
    }

    #[test]
    fn errors_name_the_key_and_the_line() {
        let refused = |table: &str, why: &str| {
            let error = parse(table).unwrap_err();
            assert!(error.contains(why), "{error}");
        };
        refused("title = 'a'\nhints = 'b'", "mine.toml:6: challenge has no key \"hints\"; did you mean hint?");
        refused("hint = 'b'", "mine.toml:4: missing: title; for example");
        refused("title = ''", "mine.toml:5: title must be a text of 1 to 80 characters");
        refused("title = 'a'\nhint = 'b'", "mine.toml:4: missing: bar; for example");
        refused("title = 'a'\nhint = 'b'\nbar = []", "mine.toml:7: bar is an empty list");
    }

    #[test]
    fn errors_in_bars_name_the_key_and_what_is_valid() {
        let refused = |bar: &str, why: &str| {
            let error = with_bar(bar).unwrap_err();
            assert!(error.starts_with("mine.toml:7: ") && error.contains(why), "{error}");
        };
        refused("measure = 'first_ping', at_most = '1s'", "unknown measure \"first_ping\"; did you mean first_ping_s");
        refused("measure = 'first_ping_s', most = '1s'", "bar has no key \"most\"; did you mean");
        refused("measure = 'first_ping_s'", "a bar needs at_most or at_least");
        refused("measure = 'first_ping_s', at_most = '1s', at_least = '1s'", "at_most or at_least, not both");
        refused("measure = 'first_ping_s', at_most = 0.9", "must be a time such as \"900ms\", or protocol periods");
        refused("measure = 'first_ping_s', at_most = '90%'", "a percentage needs relative_to");
        refused("measure = 'first_ping_s', at_most = '-1 T'", "must be a time such as");
        refused("measure = 'bytes_sent', at_most = 5, relative_to = 'shuffle'", "must be a percentage here");
        refused("measure = 'bytes_sent', at_most = '5%', relative_to = 'shufle'", "did you mean shuffle");
        refused("measure = 'bytes_sent', at_most = -1", "at_most must be a number from 0");
        refused("measure = 'bytes_sent', at_most = 1, statistic = 'mode'", "one of mean, median, p99, max");
    }

    #[test]
    fn what_is_not_reached_is_more_than_any_value() {
        let (most, least) = (Direction::AtMost, Direction::AtLeast);
        assert!(most.is_met(Some(1.0), Some(1.0)) && least.is_met(Some(1.0), Some(1.0)));
        assert!(!most.is_met(Some(1.1), Some(1.0)) && !least.is_met(Some(0.9), Some(1.0)));
        assert!(!most.is_met(None, Some(1.0)) && least.is_met(None, Some(1.0)));
        assert!(most.is_met(Some(1.0), None) && !most.is_met(None, None));
    }
}
