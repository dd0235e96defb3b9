//! Results of judging: scores, and the reasons why there are none.

use serde::{Deserialize, Serialize};

use crate::experiment::{Direction, Statistic, Unit};

/// The judgment on a selector in one challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Judgment {
    /// The name of the challenge.
    pub challenge: String,
    /// Its title.
    pub title: String,
    /// Its hint.
    pub hint: String,
    /// The outcome.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// The outcome of a challenge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// All trials have run.
    Judged {
        /// The score of each bar.
        bars: Vec<BarScore>,
    },
    /// The selector panicked.
    Panicked {
        /// The message of the first panic, with its place if that is known.
        message: String,
        /// Number of trials that panicked.
        failed: u32,
        /// Number of trials.
        trials: u32,
    },
    /// The time was over before all trials had run.
    TimedOut,
    /// The program with the selector ended without an answer.
    Died {
        /// The way in which it ended.
        how: String,
    },
    /// Not judged, as the selector breaks the laws.
    NotJudged,
}

/// A bar with what was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BarScore {
    /// The name of the measure.
    pub measure: String,
    /// The statistic.
    pub statistic: Statistic,
    /// The side of the limit that meets the bar.
    pub direction: Direction,
    /// The unit of limit and value.
    pub unit: LimitUnit,
    /// The limit.
    pub limit: f64,
    /// The measured value; `None` if the event was not reached in enough trials, or if the other selector that it is
    /// relative to has no value other than zero.
    pub measured: Option<f64>,
    /// Whether the bar is met.
    pub met: bool,
    /// Help for those who miss it.
    pub hint: String,
}

/// The unit of a bar's limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitUnit {
    /// Seconds.
    Seconds,
    /// Protocol periods.
    Periods,
    /// Bytes.
    Bytes,
    /// A share of a whole.
    Share,
    /// Counts.
    Count,
    /// A share of what this selector has.
    RelativeTo(String),
}

/// Whether a selector keeps the laws.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LawsOutcome {
    /// It keeps them.
    Kept,
    /// It breaks one.
    Broken {
        /// The law.
        law: String,
        /// The violation, with the shortest scenario found.
        details: String,
    },
    /// It panicked.
    Panicked {
        /// The message, with its place if that is known.
        message: String,
    },
    /// The time was over.
    TimedOut,
    /// The program with the selector ended without an answer.
    Died {
        /// The way in which it ended.
        how: String,
    },
    /// A selector from the registry, which is not checked again.
    NotChecked,
}

impl Judgment {
    /// Whether all bars are met.
    pub fn is_met(&self) -> bool {
        matches!(&self.outcome, Outcome::Judged { bars } if bars.iter().all(|bar| bar.met))
    }
}

impl LawsOutcome {
    /// Whether nothing speaks against the selector.
    pub fn is_fine(&self) -> bool {
        matches!(self, Self::Kept | Self::NotChecked)
    }
}

impl LimitUnit {
    /// The unit of a measure.
    pub(super) fn of(unit: Unit) -> Self {
        match unit {
            Unit::Seconds => Self::Seconds,
            Unit::Bytes => Self::Bytes,
            Unit::Share => Self::Share,
            Unit::Events | Unit::Messages | Unit::Members => Self::Count,
        }
    }
}
