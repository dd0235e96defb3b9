//! The client's side of a control socket.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::error::{ControlError, Fault};
use super::messages::{Answer, Request};

/// The longest answer that is read, in bytes: enough for 100,000 members.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request to the agent whose control socket is at `path`.
///
/// # Errors
/// If no agent listens there, or it does not answer within 10 seconds.
pub async fn ask(path: &Path, request: &Request) -> Result<Answer, ControlError> {
    let fail = |fault| ControlError::new(path, fault);
    let mut stream = UnixStream::connect(path).await.map_err(|error| fail(Fault::NoAgent(error)))?;
    let exchange = async {
        let mut line = serde_json::to_vec(request).expect("plain data");
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(MAX_ANSWER_BYTES)).read_until(b'\n', &mut answer).await?;
        Ok(answer)
    };
    let answer = timeout(TIMEOUT, exchange).await.map_err(|_| fail(Fault::TimedOut))?;
    let answer = answer.map_err(|error| fail(Fault::Io(error)))?;
    serde_json::from_slice(&answer).map_err(|_| fail(Fault::NotAnswer))
}
