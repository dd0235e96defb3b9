//! Queries over a control socket: a request, a line for each answer, and a last one.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::client::TIMEOUT;
use super::error::{ControlError, Fault};
use super::lines::Lines;
use super::messages::{Answer, Request};
use super::query_messages::{LONGEST_QUERY, QueryAnswerSummary, QueryRequest, QuerySummary};
use crate::agent::handle::Agent;
use crate::agent::query::QueryAnswers;

/// Asks members, and tells the client of their answers; for each it has this time. Leaves the stream if the query is
/// refused.
///
/// # Errors
/// The reason why it is refused.
pub(super) async fn serve(
    request: QueryRequest,
    stream: &mut Option<UnixStream>,
    agent: &Agent,
    patience: Duration,
) -> Result<(), String> {
    let answers = agent.query(request.query()?).await.map_err(text)?;
    if let Some(stream) = stream.take() {
        tell(answers, stream, patience).await;
    }
    Ok(())
}

/// Tells a client of all answers. The query ends when the client has closed its side, or does not read.
async fn tell(mut answers: QueryAnswers, mut stream: UnixStream, patience: Duration) {
    let (mut reader, mut writer) = stream.split();
    let (mut is_listening, mut ignored) = (true, [0]);
    loop {
        let next = tokio::select! {
            next = answers.next() => next,
            read = reader.read(&mut ignored), if is_listening => {
                if !matches!(read, Ok(1..)) {
                    is_listening = false;
                    answers.cancel();
                }
                continue;
            }
        };
        let is_last = next.is_none();
        let answer = match next {
            Some(answer) => Answer::QueryAnswer(QueryAnswerSummary::from(answer)),
            None => Answer::QueryEnd(QuerySummary::of(&answers)),
        };
        let written = timeout(patience, writer.write_all(&answer.line())).await;
        if is_last || !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}

/// Answers to a query that an agent was told to ask.
#[derive(Debug)]
pub struct QueryStream {
    path: PathBuf,
    lines: Lines<OwnedReadHalf>,
    /// `None` once the query is to end.
    writer: Option<OwnedWriteHalf>,
}

/// Tells the agent whose control socket is at `path` to ask members something.
///
/// # Errors
/// If no agent listens there, or it does not take the request.
pub async fn start_query(path: &Path, request: QueryRequest) -> Result<QueryStream, ControlError> {
    let fail = |fault| ControlError::new(path, fault);
    let stream = UnixStream::connect(path).await.map_err(|error| fail(Fault::NoAgent(error)))?;
    let (reader, mut writer) = stream.into_split();
    let mut line = serde_json::to_vec(&Request::Query(request)).expect("plain data");
    line.push(b'\n');
    let written = timeout(TIMEOUT, writer.write_all(&line)).await.map_err(|_| fail(Fault::TimedOut))?;
    written.map_err(|error| fail(Fault::Io(error)))?;
    Ok(QueryStream { path: path.to_owned(), lines: Lines::new(reader), writer: Some(writer) })
}

impl QueryStream {
    /// Waits for the next line: [`Answer::QueryAnswer`], or [`Answer::QueryEnd`] or [`Answer::Refused`], after which there
    /// is none.
    ///
    /// Cancel safe: nothing is lost if the future is dropped, as in `tokio::select!`.
    ///
    /// # Errors
    /// If the agent has ended, or does not say anything for longer than a query may take.
    pub async fn next(&mut self) -> Result<Answer, ControlError> {
        let read = timeout(LONGEST_QUERY + TIMEOUT, self.lines.next()).await;
        let line = read.map_err(|_| self.fail(Fault::TimedOut))?.map_err(|fault| self.fail(fault))?;
        serde_json::from_slice(&line.ok_or_else(|| self.fail(Fault::Closed))?).map_err(|_| self.fail(Fault::NotAnswer))
    }

    /// Ends the query. What has come until then can still be read, and the last line.
    pub fn cancel(&mut self) {
        // Dropping this half closes this side of the connection.
        self.writer = None;
    }

    fn fail(&self, fault: Fault) -> ControlError {
        ControlError::new(&self.path, fault)
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;
    use tokio::time::{Instant, sleep};

    use super::*;
    use crate::agent::control::ControlSocket;
    use crate::agent::control::lines::MAX_LINE_BYTES;
    use crate::agent::{AgentEvent, Events};

    /// Asks a process that says this after a while; returns the next line or the error.
    async fn answered(after: Duration, bytes: Vec<u8>) -> Result<Answer, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let answering = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            sleep(after).await;
            // It fails if the asker has given up.
            let _ = stream.write_all(&bytes).await;
            std::future::pending::<()>().await;
        };
        let asking = async {
            let mut lines = start_query(&path, QueryRequest::default()).await.unwrap();
            lines.next().await.map_err(|error| error.to_string())
        };
        tokio::select! {
            () = answering => unreachable!("it has no end"),
            answer = asking => answer,
        }
    }

    #[tokio::test]
    async fn a_line_of_a_query_is_read_up_to_the_longest() {
        let line = |len: usize| {
            let text = b"\"done\"\n";
            let mut bytes = vec![b' '; len - text.len()];
            bytes.extend_from_slice(text);
            answered(Duration::ZERO, bytes)
        };
        assert_eq!(line(MAX_LINE_BYTES).await, Ok(Answer::Done));
        let error = line(MAX_LINE_BYTES + 1).await.unwrap_err();
        assert!(error.ends_with("is too long"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_line_of_a_query_is_waited_for_until_the_timeout() {
        let (moment, longest) = (Duration::from_millis(100), LONGEST_QUERY + TIMEOUT);
        assert_eq!(answered(longest - moment, b"\"done\"\n".to_vec()).await, Ok(Answer::Done));
        let error = answered(longest + moment, b"\"done\"\n".to_vec()).await.unwrap_err();
        assert!(error.ends_with("does not answer"), "{error}");
    }

    /// An agent with a control socket, and what it is asked.
    async fn agent(path: &Path) -> (Agent, Events) {
        let (agent, events) = Agent::builder().name("a").spawn_watched().await.unwrap();
        tokio::spawn(ControlSocket::open(path).await.unwrap().serve(agent.clone()));
        (agent, events)
    }

    fn request(name: &str) -> QueryRequest {
        QueryRequest { name: name.to_owned(), ..QueryRequest::default() }
    }

    #[tokio::test]
    async fn a_query_that_its_client_ends_is_over_at_once_and_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let (_agent, mut events) = agent(&path).await;
        // More than there may be at once.
        for _ in 0..20 {
            let begun = Instant::now();
            let mut lines =
                start_query(&path, QueryRequest { timeout_ms: Some(300_000), ..request("x") }).await.unwrap();
            let Some(AgentEvent::Query(query)) = events.next().await else { panic!("a query") };
            lines.cancel();
            let Answer::QueryEnd(summary) = lines.next().await.unwrap() else { panic!("the end") };
            assert_eq!((&*summary.end, summary.acknowledged, summary.answered), ("canceled", 1, 0));
            assert!(begun.elapsed() < Duration::from_secs(60));
            drop(query);
        }
    }

    #[tokio::test]
    async fn a_query_that_is_refused_says_why_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let _agent = agent(&path).await;
        for (request, why) in [
            (request(""), "the query's name: it must not be empty"),
            (QueryRequest { filter: Some("x".to_owned()), ..request("x") }, "\"x\" is not KEY=VALUE or KEY!=VALUE"),
            (QueryRequest { timeout_ms: Some(1), ..request("x") }, "the time for answers is 100ms to 5m, and not 1ms"),
            (
                QueryRequest { to: vec!["b".to_owned()], ..request("x") },
                "no member that is alive or suspected has the name \"b\" (--to)",
            ),
        ] {
            let answer = start_query(&path, request).await.unwrap().next().await.unwrap();
            assert_eq!(answer, Answer::Refused(why.to_owned()));
        }
    }
}
