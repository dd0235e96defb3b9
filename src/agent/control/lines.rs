//! Lines of an agent, for clients that are told more than one.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::error::Fault;
use super::monitor::MAX_BYTES;

/// The longest line that is read, in bytes with its end: the longest of a log that waits for its reader.
pub(super) const MAX_LINE_BYTES: usize = MAX_BYTES;

/// Reader of lines.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    /// The beginning of the next line.
    line: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader: BufReader::new(reader), line: Vec::new() }
    }

    /// Waits for the next line; `None` once the other side has closed the connection.
    ///
    /// Cancel safe: what was read before the future is dropped belongs to the line that the next one returns.
    ///
    /// # Errors
    /// If the line is longer than [`MAX_LINE_BYTES`], or the connection fails.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let room = (MAX_LINE_BYTES + 1).saturating_sub(self.line.len()) as u64;
        match (&mut self.reader).take(room).read_until(b'\n', &mut self.line).await {
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(None),
            Err(error) => Err(Fault::Io(error)),
            Ok(_) if self.line.len() > MAX_LINE_BYTES => Err(Fault::TooLong),
            Ok(_) if self.line.ends_with(b"\n") => Ok(Some(std::mem::take(&mut self.line))),
            Ok(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use tokio::io::AsyncWriteExt;

    use super::*;

    /// Polls the next line once, and drops the future.
    async fn at_once(lines: &mut Lines<impl AsyncRead + Unpin>) -> Option<Result<Option<Vec<u8>>, Fault>> {
        let mut next = pin!(lines.next());
        poll_fn(|context| match next.as_mut().poll(context) {
            Poll::Ready(result) => Poll::Ready(Some(result)),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }

    #[tokio::test]
    async fn a_line_that_comes_in_pieces_is_whole_and_bounded_whoever_gives_up_waiting_meanwhile() {
        let (mut writer, reader) = tokio::io::duplex(1 << 12);
        let mut lines = Lines::new(reader);
        for piece in ["first ", "line", "\nsecond"] {
            assert!(at_once(&mut lines).await.is_none());
            writer.write_all(piece.as_bytes()).await.unwrap();
        }
        assert_eq!(lines.next().await.unwrap().unwrap(), b"first line\n");
        for piece in std::iter::repeat_n(vec![b'x'; 1 << 12], MAX_LINE_BYTES >> 12) {
            assert!(at_once(&mut lines).await.is_none());
            writer.write_all(&piece).await.unwrap();
        }
        assert!(matches!(at_once(&mut lines).await, Some(Err(Fault::TooLong))));
        assert!(matches!(lines.next().await, Err(Fault::TooLong)));
    }

    #[tokio::test]
    async fn the_beginning_of_a_line_is_none() {
        let mut lines = Lines::new(&b"one\ntwo"[..]);
        assert_eq!(lines.next().await.unwrap().unwrap(), b"one\n");
        assert!(lines.next().await.unwrap().is_none());
    }
}
