//! Errors of control sockets.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The longest path of a socket, in bytes.
pub(super) const MAX_PATH_BYTES: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

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
    /// A path that cannot be a socket's, of this length in bytes.
    Path(usize),
    /// Something of this kind is at the path.
    Occupied(&'static str),
    /// The folder of the socket cannot be used.
    Folder(PathBuf, io::Error),
    Io(io::Error),
    TimedOut,
    Closed,
    NotAnswer,
    /// A request that the agent does not carry out, for this reason.
    Refused(String),
    /// An answer that is longer than any that is read.
    TooLong,
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
            Fault::Path(bytes) => write!(
                f,
                "control socket {path:?}: a path of {bytes} bytes cannot be a socket's: it has at least one byte, and at \
                 most {MAX_PATH_BYTES}"
            ),
            Fault::Occupied(kind) => write!(
                f,
                "control socket {path}: {kind} is there, and stays as it is: choose another path, or remove it first"
            ),
            Fault::Folder(folder, error) => write!(f, "control socket {path}: folder {}: {error}", folder.display()),
            Fault::Closed => write!(f, "the agent at {path} closed the connection without an answer"),
            Fault::Io(error) => write!(f, "control socket {path}: {error}"),
            Fault::Refused(why) => f.write_str(why),
            Fault::TimedOut => write!(f, "the agent at {path} does not answer"),
            Fault::TooLong => write!(f, "the answer of the agent at {path} is too long"),
            Fault::NotAnswer => write!(f, "the process that listens at {path} is not an agent of this version"),
        }
    }
}
