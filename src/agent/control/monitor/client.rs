//! The client's side of a monitor.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::hub::MAX_BYTES;
use super::record::{LogLevel, LogLine};
use crate::agent::control::client::TIMEOUT;
use crate::agent::control::error::{ControlError, Fault};
use crate::agent::control::messages::{Answer, Request};

/// Reader of a running agent's log.
#[derive(Debug)]
pub struct Monitor {
    path: PathBuf,
    stream: BufReader<UnixStream>,
    /// The beginning of a line.
    line: Vec<u8>,
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
    let mut monitor = Monitor { path: path.to_owned(), stream: BufReader::new(stream), line: Vec::new() };
    let answer = timeout(TIMEOUT, monitor.next_line()).await.map_err(|_| fail(Fault::TimedOut))??;
    match serde_json::from_slice(&answer.ok_or_else(|| fail(Fault::Closed))?) {
        Ok(Answer::Done) => Ok(monitor),
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
        let Some(line) = self.next_line().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|_| ControlError::new(&self.path, Fault::NotAnswer))
    }

    async fn next_line(&mut self) -> Result<Option<Vec<u8>>, ControlError> {
        let room = (MAX_BYTES + 1).saturating_sub(self.line.len()) as u64;
        // What was read before this future is dropped is in the line.
        let read = (&mut self.stream).take(room).read_until(b'\n', &mut self.line).await;
        let fail = |fault| ControlError::new(&self.path, fault);
        match read {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(fail(Fault::Io(error))),
            Ok(_) if self.line.ends_with(b"\n") => Ok(Some(std::mem::take(&mut self.line))),
            Ok(_) if self.line.len() > MAX_BYTES => Err(fail(Fault::TooLong)),
            Ok(_) => Ok(None),
        }
    }
}
