//! Published figures compared with measured ones, as `swimlab reproduce` prints them.
//!
//! A [`Reproduction`] runs the experiments of one paper and yields a [`Row`] for each published value. It consists of
//! experiment files under examples/reproductions/ and a source file of this module, which takes the values from their
//! trials. The tolerance is stated with each claim in the source, before anything is run; nothing is tuned to match.
//! What is measured without a published value is in a [`Section`] of its own.
//!
//! ```
//! use swimlab::reproduce::{REPRODUCTIONS, reproduction};
//!
//! let swim = reproduction("swim").expect("a built-in reproduction");
//! println!("{}: {}", swim.name, swim.source);
//! assert!(swim.experiments.iter().any(|(name, _)| *name == "swim-detection"));
//! // In minutes: `swim.run(Effort::Usual)?`
//! assert!(REPRODUCTIONS.iter().all(|reproduction| !reproduction.experiments.is_empty()));
//! ```
//!
//! The sources of the papers are in [`Reproduction::source`]; docs/reproductions of the repository has all rows.

mod claim;
mod classes;
mod closed_forms;
mod epidemic;
mod go_swim;
mod lifeguard;
mod medley;
mod observers;
mod page;
mod rapid;
mod ratio;
mod runner;
mod section;
mod small_clusters;
mod swim;

use serde::Serialize;
use swimlab_selectors::nearest_names;

use crate::experiment::Error;
use runner::Runner;

pub use page::{markdown, sections, table};
pub use runner::Effort;
pub use section::Section;

/// The reproduction of a paper or another source of published values.
#[derive(Clone, Copy)]
pub struct Reproduction {
    /// Name on the command line.
    pub name: &'static str,
    /// Description in one sentence.
    pub about: &'static str,
    /// The source of the published values.
    pub source: &'static str,
    /// Names and texts of the experiment files.
    pub experiments: &'static [(&'static str, &'static str)],
    figures: fn(&Runner) -> Result<Reproduced, Error>,
}

/// The result of a reproduction.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Reproduced {
    /// A row for each published value.
    pub rows: Vec<Row>,
    /// Measured values that nobody has published, and conclusions from them. Most reproductions have none.
    pub sections: Vec<Section>,
}

/// A published value and the measured one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Row {
    /// Name of the reproduction.
    pub reproduction: &'static str,
    /// The figure, table or formula of the source.
    pub figure: &'static str,
    /// The row or point of it.
    pub row: String,
    /// The measure, with its unit.
    pub measure: &'static str,
    /// The published value; for a range, its value nearest to the measured one.
    pub paper: f64,
    /// The measured value.
    pub ours: f64,
    /// The bounds of its 95 % interval; `None` if there are too few trials for one.
    pub ci95: [Option<f64>; 2],
    /// The verdict.
    pub verdict: ClaimVerdict,
    /// The source's wording, the tolerance, and the cause of a difference.
    pub note: String,
    /// Whether the published value is that of a formula. A difference from it is never [`ClaimVerdict::Explained`].
    #[serde(skip)]
    pub closed_form: bool,
}

/// The result of comparing a published figure with the measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClaimVerdict {
    /// The published value lies within the measured interval, widened by the tolerance.
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
    classes::REPRODUCTION,
];

/// The reproduction of this name, or the nearest names.
///
/// # Errors
/// If there is none of this name.
pub fn reproduction(name: &str) -> Result<&'static Reproduction, Vec<String>> {
    let found = REPRODUCTIONS.iter().find(|reproduction| reproduction.name == name);
    found.ok_or_else(|| nearest_names(name, REPRODUCTIONS.iter().map(|reproduction| reproduction.name)))
}

impl Reproduction {
    /// Runs the experiments and compares all published values.
    ///
    /// # Errors
    /// If memory does not suffice or threads cannot be started.
    pub fn run(&self, effort: Effort) -> Result<Reproduced, Error> {
        (self.figures)(&Runner::new(self, effort))
    }
}

impl From<Vec<Row>> for Reproduced {
    /// Rows without sections.
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, sections: Vec::new() }
    }
}

impl ClaimVerdict {
    /// The name in tables and files.
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
