//! What can go wrong with an experiment, in the user's words.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why an experiment did not run, or not to its end.
#[derive(Debug)]
pub enum Error {
    /// What was asked for makes no sense; nothing was run.
    Input(BadInput),
    /// The results folder cannot be used: found out before anything was run.
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A world does not fit into memory.
    TooLarge {
        /// Its members, joiners included.
        members: u32,
        /// What they need, in bytes.
        needed: u64,
        /// What is free, in bytes.
        available: u64,
    },
    /// The system does not grant so many threads.
    Threads {
        /// How many.
        threads: usize,
        /// Why not.
        why: String,
    },
    /// Results could not be kept while the work went on.
    Lost {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Something wrong in an experiment file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadInput {
    /// The file as the user named it.
    pub file: String,
    /// The line, from 1; `None` if it is about the file as a whole.
    pub line: Option<u32>,
    /// What is wrong, and what would be right.
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
                    "a world of {members} members needs some {needed:.1} GB of memory; {available:.1} GB are free"
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
