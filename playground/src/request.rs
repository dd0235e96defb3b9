//! Requests of the page.

use serde::Deserialize;

/// A request of the page, in JSON such as `{"open":{"link":"#basic"}}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Opens the trial of a link. The response describes the experiment, its cells, and the members' locations.
    Open {
        /// The link, as [`swimlab::experiment::TrialLink`] parses it.
        link: String,
    },
    /// Records the trial in one of the link's cells from its start to its end. The response has the trace hash and counts;
    /// packets, events and faults are the words.
    Record {
        /// Which of the link's cells, from 0.
        world: usize,
    },
    /// Looks into a member.
    Inspect {
        /// Which of the link's cells, from 0.
        world: usize,
        /// Time since the trial's start, in microseconds. All events before it have happened.
        at_us: u64,
        /// The member.
        member: u32,
    },
    /// Measures further trials of one of the link's cells.
    Measure {
        /// Which of the link's cells, from 0.
        world: usize,
        /// A measure of docs/measures.md.
        measure: String,
        /// The number of the first trial.
        first: u32,
        /// The number of trials, at most 1,000.
        count: u32,
    },
    /// Writes a link to an experiment with this text, and no files.
    Link {
        /// The name that messages give the experiment.
        name: String,
        /// Its TOML.
        text: String,
    },
    /// Lists the experiments that links can name.
    Scenes,
}
