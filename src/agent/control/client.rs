//! The client's side of a control socket.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::error::{ControlError, Fault};
use super::messages::{Answer, Request};

/// The longest answer that is read, in bytes: enough for 100,000 members.
pub(super) const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// Room for a request, in bytes.
const REQUEST_BYTES: usize = 1 << 13;

/// The longest wait for an answer; for that of a request that takes long, in addition to the longest that it may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends a request to the agent whose control socket is at `path`.
///
/// # Errors
/// If no agent listens there, or it does not answer within 10 seconds (later if the request takes longer), or with more
/// than 64 MiB.
pub async fn ask(path: &Path, request: &Request) -> Result<Answer, ControlError> {
    let fail = |fault| ControlError::new(path, fault);
    let mut stream = UnixStream::connect(path).await.map_err(|error| fail(Fault::NoAgent(error)))?;
    let exchange = async {
        // Room for all of it, as it may hold a key: a buffer that grows leaves copies behind.
        let mut line = Zeroizing::new(Vec::with_capacity(REQUEST_BYTES));
        serde_json::to_writer(&mut *line, request).expect("plain data");
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(MAX_ANSWER_BYTES + 1)).read_until(b'\n', &mut answer).await?;
        Ok(answer)
    };
    let answer = timeout(TIMEOUT + request.longest(), exchange).await.map_err(|_| fail(Fault::TimedOut))?;
    let answer = answer.map_err(|error| fail(Fault::Io(error)))?;
    if answer.len() as u64 > MAX_ANSWER_BYTES {
        return Err(fail(Fault::TooLong));
    }
    if answer.is_empty() {
        return Err(fail(Fault::Closed));
    }
    serde_json::from_slice(&answer).map_err(|_| fail(Fault::NotAnswer))
}
