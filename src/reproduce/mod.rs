//! Published figures compared with measured ones, as `swimlab reproduce` prints them.
//!
//! A reproduction is an experiment file or several, under examples/reproductions/, and a source file here that reads its
//! figures off their trials and compares them with the paper's. A [`Reproduction`] runs its experiments and yields a
//! [`Row`] for each published figure. The tolerance is stated with each claim, before anything is run; nothing is tuned
//! to fit.

mod claim;
mod epidemic;
mod go_swim;
mod lifeguard;
mod medley;
mod observers;
mod page;
mod rapid;
mod runner;
mod small_clusters;
mod swim;

use serde::Serialize;
use swimlab_selectors::nearest_names;

use crate::experiment::Error;
use runner::Runner;

pub use page::{markdown, table};
pub use runner::Effort;

/// A paper, or another source of figures.
#[derive(Clone, Copy)]
pub struct Reproduction {
    /// Its name on the command line.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Where the figures were published.
    pub source: &'static str,
    /// The experiments that it runs: name and text.
    pub experiments: &'static [(&'static str, &'static str)],
    figures: fn(&Runner) -> Result<Vec<Row>, Error>,
}

/// A published figure and the measured one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The reproduction's name.
    pub reproduction: &'static str,
    /// Which figure, table or formula of the source.
    pub figure: &'static str,
    /// Which of its rows or points.
    pub row: String,
    /// The measure, with its unit.
    pub measure: &'static str,
    /// The published value; of a range, the one nearest to the measured value.
    pub paper: f64,
    /// The measured value.
    pub ours: f64,
    /// The bounds of its 95 % interval; `None` if there are too few trials for one.
    pub ci95: [Option<f64>; 2],
    /// How they compare.
    pub verdict: ClaimVerdict,
    /// The source's wording, the tolerance, and the cause of a difference.
    pub note: String,
    /// Whether the published value is that of a formula; such a difference is never [`ClaimVerdict::Explained`].
    #[serde(skip)]
    pub closed_form: bool,
}

/// The result of comparing a published figure with the measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimVerdict {
    /// The published value lies in our interval, widened by the stated tolerance.
    Match,
    /// It does not, and the note gives the measured cause.
    Explained,
    /// It does not.
    Mismatch,
}

/// All reproductions, in the order in which they run.
pub const REPRODUCTIONS: &[Reproduction] = &[
    swim::REPRODUCTION,
    epidemic::REPRODUCTION,
    go_swim::REPRODUCTION,
    medley::REPRODUCTION,
    lifeguard::REPRODUCTION,
    rapid::REPRODUCTION,
    small_clusters::REPRODUCTION,
];

/// The reproduction of this name, or the nearest names.
///
/// # Errors
/// If there is none.
pub fn reproduction(name: &str) -> Result<&'static Reproduction, Vec<String>> {
    let found = REPRODUCTIONS.iter().find(|reproduction| reproduction.name == name);
    found.ok_or_else(|| nearest_names(name, REPRODUCTIONS.iter().map(|reproduction| reproduction.name)))
}

impl Reproduction {
    /// Runs its experiments and compares, row by row.
    ///
    /// # Errors
    /// If the machine cannot run them: no memory, no threads.
    pub fn run(&self, effort: Effort) -> Result<Vec<Row>, Error> {
        (self.figures)(&Runner::new(self, effort))
    }
}

impl ClaimVerdict {
    /// Its name in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Explained => "explained",
            Self::Mismatch => "mismatch",
        }
    }
}

#[cfg(test)]
mod tests;
