//! The client's side of a monitor.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::record::{LogLevel, LogLine};
use crate::agent::control::client::TIMEOUT;
use crate::agent::control::error::{ControlError, Fault};
use crate::agent::control::lines::Lines;
use crate::agent::control::messages::{Answer, Request};

/// Reader of a running agent's log.
#[derive(Debug)]
pub struct Monitor {
    path: PathBuf,
    lines: Lines<UnixStream>,
}

/// Begins to read the log of the agent whose control socket is at `path`: records of this level and more severe ones, from
/// now on.
///
/// # Errors
/// If no agent listens there, it does not answer within 10 seconds, or it refuses: its program offers no log, or as many
/// monitors as it serves read it already.
pub async fn monitor(path: &Path, level: LogLevel) -> Result<Monitor, ControlError> {
    let fail = |fault| ControlError::new(path, fault);
    let mut stream = UnixStream::connect(path).await.map_err(|error| fail(Fault::NoAgent(error)))?;
    let mut request = serde_json::to_vec(&Request::Monitor { level }).expect("plain data");
    request.push(b'\n');
    stream.write_all(&request).await.map_err(|error| fail(Fault::Io(error)))?;
    let mut lines = Lines::new(stream);
    let answer = timeout(TIMEOUT, lines.next()).await.map_err(|_| fail(Fault::TimedOut))?.map_err(fail)?;
    match serde_json::from_slice(&answer.ok_or_else(|| fail(Fault::Closed))?) {
        Ok(Answer::Done) => Ok(Monitor { path: path.to_owned(), lines }),
        Ok(Answer::Refused(why)) => Err(fail(Fault::Refused(why))),
        _ => Err(fail(Fault::NotAnswer)),
    }
}

impl Monitor {
    /// Waits for the next line. `None`: the connection ended, without [`LogLine::Ended`] before.
    ///
    /// Cancel safe: no line is lost if the future is dropped, as in `tokio::select!`.
    ///
    /// # Errors
    /// If what comes is no line of an agent's log.
    pub async fn next(&mut self) -> Result<Option<LogLine>, ControlError> {
        let fail = |fault| ControlError::new(&self.path, fault);
        let Some(line) = self.lines.next().await.map_err(fail)? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|_| fail(Fault::NotAnswer))
    }
}
