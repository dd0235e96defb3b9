//! Errors of experiments.

use std::fmt;
use std::path::{Path, PathBuf};

/// The reason why an experiment did not run, or did not complete.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The experiment file or an argument is invalid; nothing was run.
    Input(BadInput),
    /// The results folder cannot be used; nothing was run.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        why: String,
    },
    /// A world does not fit into memory.
    TooLarge {
        /// Number of its members, joiners included.
        members: u32,
        /// Memory that it needs, in bytes.
        needed: u64,
        /// Free memory, in bytes.
        available: u64,
    },
    /// Threads cannot be started.
    Threads {
        /// Number of threads.
        threads: usize,
        /// The reason.
        why: String,
    },
    /// A finished trial or a table could not be written. The trials that were written before are kept.
    Lost {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
}

/// An error in an experiment file, with its position.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadInput {
    /// The name of the file as it was given.
    pub file: String,
    /// The line, from 1; `None` if the error concerns the file as a whole.
    pub line: Option<u32>,
    /// The error, and what would be valid.
    pub message: String,
}

impl Error {
    pub(super) fn folder(path: &Path, why: impl Into<String>) -> Self {
        Self::Folder { path: path.to_owned(), why: why.into() }
    }
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(bad) => bad.fmt(f),
            Self::Folder { path, why } => write!(f, "results folder {}: {why}", path.display()),
            Self::TooLarge { members, needed, available } => {
                let gb = |bytes: &u64| *bytes as f64 / 1e9;
                let (needed, available) = (gb(needed), gb(available));
                write!(
                    f,
                    "a world of {members} members needs some {needed:.1} GB of memory; {available:.1} GB are free for \
                     this process"
                )
            }
            Self::Threads { threads, why } => write!(f, "cannot start {threads} threads: {why}"),
            Self::Lost { path, source } => write!(f, "cannot write {}: {source}", path.display()),
        }
    }
}

impl std::error::Error for BadInput {}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lost { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<BadInput> for Error {
    fn from(bad: BadInput) -> Self {
        Self::Input(bad)
    }
}
