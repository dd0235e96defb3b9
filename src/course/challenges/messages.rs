//! Messages between `swimlab course check` and the program with a student's selector: one request as JSON on standard
//! input, one response as a line on standard output. Other lines there are the selector's own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::judgment::{Judgment, LawsOutcome};
use crate::experiment::TomlSource;

/// The start of the line of a response.
pub const RESPONSE: &str = "swimlab-judge: ";

/// A task for the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Check the laws.
    Laws,
    /// Judge the selector in a challenge.
    Judge {
        /// The name of the challenge's file.
        file: String,
        /// Its text.
        text: String,
        /// The folder in which its relative paths start.
        dir: PathBuf,
        /// The seed; that of the file without one.
        seed: Option<u64>,
        /// Number of threads, 0 for one per core.
        threads: usize,
    },
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Response {
    /// To [`Request::Laws`].
    Laws {
        /// The label that the selector gives itself.
        selector: String,
        /// Whether it keeps the laws.
        outcome: LawsOutcome,
    },
    /// To [`Request::Judge`].
    Judged(Judgment),
    /// The request is invalid, or cannot be carried out.
    Refused {
        /// The reason.
        message: String,
    },
}

impl Request {
    /// The request to judge a selector in the challenge of this source.
    pub fn judge(source: &TomlSource, seed: Option<u64>, threads: usize) -> Self {
        let (file, text, dir) = (source.name.clone(), source.text.clone(), source.dir.clone());
        Self::Judge { file, text, dir, seed, threads }
    }
}
