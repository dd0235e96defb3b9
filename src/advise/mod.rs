//! Advice: for a group, a network and targets, which detector with which settings, measured in the laboratory.
//!
//! A [`Question`] is answered by [`advise`]: closed forms place candidates near the targets and rule out others, a race
//! of trials finds the best, trials with seeds that the race has not seen confirm it, and the nearest changes of the
//! question are looked for that would change the answer. Everything runs as ordinary experiments; the [`Advice`] holds
//! the figures, and writes the files that apply it.
//!
//! The same question and seed give the same answer to the last byte: the budget counts simulated work, and no clock is
//! asked ([`UNITS_PER_SECOND`]). docs/advise.md of the repository describes the method and walks through three
//! questions.
//!
//! ```
//! use std::path::Path;
//! use swimlab::advise::{QuestionText, advise};
//! use swimlab::experiment::Lab;
//!
//! let mut text = QuestionText::default();
//! for (key, value) in [("members", "5"), ("topology", "lan"), ("declare_within", "5s"), ("false_deaths", "1/day")] {
//!     text.set_flag(key, value);
//! }
//! text.set_flag("budget", "1s");
//! let lab = Lab::default();
//! let question = text.parse(Path::new(""), &lab)?;
//! let advice = advise(&question, &lab, &Default::default(), &|_| ()).expect("an answer");
//! println!("{}", advice.recommended().candidate.label());
//! # Ok::<(), swimlab::experiment::BadInput>(())
//! ```
//!
//! # Papers
//!
//! - Jamieson, Talwalkar: [Non-stochastic Best Arm Identification and Hyperparameter
//!   Optimization](https://arxiv.org/abs/1502.07943), AISTATS 2016. Successive halving.
//! - Cérou, Guyader: Adaptive Multilevel Splitting for Rare Event Analysis, Stochastic Analysis and Applications 25 (2007).
//! - Birattari, Stützle, Paquete, Varrentrapp: A Racing Algorithm for Configuring Metaheuristics, GECCO 2002. F-race.

mod answer;
mod bench;
mod boundaries;
mod bounds;
mod budget;
mod candidate;
mod closed_forms;
mod confirm;
mod false_deaths;
mod files;
mod network;
mod output;
mod poisson;
mod provoked;
mod question;
mod race;
mod record;
mod sample;
mod space;
mod splitting;
mod suspicions;
mod table;
#[cfg(test)]
mod tests;
mod units;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::experiment::{Error, Lab, Results};
use bench::Bench;
use space::Site;

pub use bench::{SearchProgress, UNITS_PER_SECOND};
pub use boundaries::Boundary;
pub use bounds::Impossible;
pub use candidate::Candidate;
pub use closed_forms::DeathBound;
pub use false_deaths::{DeathRate, Method};
pub use network::Network;
pub use question::{Clocks, QUESTION_KEYS, Question, QuestionKey, QuestionText, required_flags};
pub use sample::{Assessment, Estimate, Meets};
pub use units::{EventRate, HOURS_PER_MONTH};

/// The reason why there is no advice.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoAdvice {
    /// A bound forbids the targets.
    Impossible(Impossible),
    /// It was stopped before any candidate had a trial.
    Stopped,
    /// The trials cannot run.
    Error(Error),
}

impl From<Error> for NoAdvice {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A candidate with its figures.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Ranked {
    /// The candidate.
    pub candidate: Candidate,
    /// The figures.
    pub figures: Assessment,
    /// Whether it is a finalist, with all trials of the confirmation; the others have fewer.
    pub is_confirmed: bool,
    /// Whether an agent can run it.
    pub is_swim: bool,
    /// Whether no other row is at least as good in time, bytes and false deaths, and better in one.
    pub is_on_front: bool,
}

/// The answer to a question.
#[non_exhaustive]
pub struct Advice {
    /// The question.
    pub question: Question,
    /// The candidates, the recommended one first.
    pub ranked: Vec<Ranked>,
    /// The number of candidates that were tried.
    pub tried: usize,
    /// The candidates that were not tried, or not to the end, each with the reason.
    pub left_out: Vec<(String, String)>,
    /// The nearest changes of the question that would change the answer.
    pub boundaries: Vec<Boundary>,
    /// For the other directions (fewer members, more members, more loss), a phrase that says how far nothing better was
    /// found.
    pub unchanged: Vec<String>,
    /// The results of the confirmation.
    pub confirmation: Results,
    /// The number of candidates that were confirmed.
    pub confirmed: u32,
    /// The reason for the recommendation, in two sentences.
    pub reason: String,
    /// The work done, in units.
    pub spent: f64,
    /// Whether it was stopped before its end.
    pub is_unfinished: bool,
    /// The experiment file of the recommended candidate, with the seed and trials of the confirmation.
    pub experiment_toml: String,
    /// The file for agents, of the best candidate that they can run.
    pub agent_toml: Option<(Candidate, String)>,
}

impl Advice {
    /// The recommended candidate.
    pub fn recommended(&self) -> &Ranked {
        &self.ranked[0]
    }

    /// The ranked table and the recommendation, for a terminal of `width` columns.
    pub fn render(&self, width: u16) -> String {
        table::render(self, width)
    }

    /// The decision record: question, options, evidence, risks, migration and the way back, in Markdown.
    pub fn record(&self) -> String {
        record::markdown(self)
    }

    /// Writes the files that apply the advice into a folder, which is created if it does not exist: `advice.toml`,
    /// `agent.toml`, `advice.md`, `question.toml` and `report.html`, and the files of the network. Returns their names.
    ///
    /// # Errors
    /// If one cannot be written.
    pub fn write(&self, folder: &Path) -> Result<Vec<String>, Error> {
        output::write(self, folder)
    }
}

/// Answers a question. Once `stop` is set, no further trial is started, and what was found so far is returned.
///
/// # Errors
/// If a bound forbids the targets, or if no world of the question fits into memory.
pub fn advise(
    question: &Question,
    lab: &Lab,
    stop: &AtomicBool,
    progress: &(dyn Fn(SearchProgress<'_>) + Sync),
) -> Result<Advice, NoAdvice> {
    let placement = question.network.place(question.members, question.seed, lab);
    if let Some(impossible) = bounds::forbids(question, &placement) {
        return Err(NoAdvice::Impossible(impossible));
    }
    let site = Site { question, placement: &placement, lab };
    let mut bench = Bench::new(&site, stop, progress);
    let raced = race::race(&mut bench, space::candidates(&site), seeds::search(question.seed))?;
    let confirmed = confirm::confirm(&mut bench, raced, seeds::confirmation(question.seed))?;
    let boundaries = boundaries::find(&mut bench, &confirmed, seeds::boundaries(question.seed))?;
    answer::advice(&bench, confirmed, boundaries).ok_or(NoAdvice::Stopped)
}

/// The seeds of the parts, which share no trial.
mod seeds {
    use swimlab_selectors::rng::mix;

    /// A seed that files can hold.
    fn part(seed: u64, part: u64) -> u64 {
        mix(mix(seed).wrapping_add(part)) >> 11
    }

    pub(super) fn search(seed: u64) -> u64 {
        part(seed, 1)
    }

    pub(super) fn confirmation(seed: u64) -> u64 {
        part(seed, 2)
    }

    pub(super) fn boundaries(seed: u64) -> u64 {
        part(seed, 3)
    }
}
