//! Errors of control sockets.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Error of a control socket: it cannot be opened, or its agent cannot be asked.
#[derive(Debug)]
pub struct ControlError {
    path: PathBuf,
    fault: Fault,
}

#[derive(Debug)]
pub(super) enum Fault {
    NoAgent(io::Error),
    InUse,
    Io(io::Error),
    TimedOut,
    NotAnswer,
}

impl ControlError {
    pub(super) fn new(path: &Path, fault: Fault) -> Self {
        Self { path: path.to_owned(), fault }
    }
}

impl Error for ControlError {}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.fault {
            Fault::NoAgent(error) => write!(f, "no agent answers at {path}: {error}"),
            Fault::InUse => write!(f, "another agent listens at {path}"),
            Fault::Io(error) => write!(f, "control socket {path}: {error}"),
            Fault::TimedOut => write!(f, "the agent at {path} does not answer"),
            Fault::NotAnswer => write!(f, "the process that listens at {path} is not an agent of this version"),
        }
    }
}
