//! The agent's side of a monitor.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::hub::{LogHub, LogReader, line};
use super::record::{LogLevel, LogLine};
use crate::agent::exit::ExitReason;
use crate::agent::handle::Agent;

/// The most monitors at once.
pub(in crate::agent::control) const MONITORS: usize = 8;

/// The longest time for which the end of an agent waits for monitors to take the last lines.
pub(in crate::agent::control) const LAST_LINES_TIMEOUT: Duration = Duration::from_secs(1);

/// Bytes of lines that are sent at once, about.
const BATCH_BYTES: usize = 1 << 14;

/// The monitors of a control socket.
#[derive(Debug, Default)]
pub(in crate::agent::control) struct Monitors {
    /// `None`: the program keeps no log that could be read here.
    log: Option<LogHub>,
    tasks: Mutex<JoinSet<()>>,
}

impl Monitors {
    pub(in crate::agent::control) fn new(log: Option<LogHub>) -> Self {
        Self { log, tasks: Mutex::default() }
    }

    /// Sends `answer` and the log from now on to a client, in a task of its own.
    ///
    /// # Errors
    /// The reason why it is refused. The stream stays where it was then.
    pub(in crate::agent::control) fn start(
        &self,
        level: LogLevel,
        stream: &mut Option<UnixStream>,
        answer: Vec<u8>,
        agent: &Agent,
    ) -> Result<(), String> {
        let log = self.log.as_ref().ok_or(
            "the log of this agent's program cannot be read here: `swimlab agent` offers its log, other programs by \
             ControlSocket::with_log",
        )?;
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= MONITORS {
            return Err(format!("{MONITORS} monitors read the log of this agent already: end one of them first"));
        }
        if let Some(stream) = stream.take() {
            tasks.spawn(serve(stream, answer, log.subscribe(level), agent.clone()));
        }
        Ok(())
    }

    /// Waits until all monitors have the last lines, or their time is over. For the time after the agent's end.
    pub(in crate::agent::control) async fn ended(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        while tasks.join_next().await.is_some() {}
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends lines to a client until it is gone, or the agent has ended and the client has been told so.
async fn serve(mut stream: UnixStream, answer: Vec<u8>, reader: LogReader, agent: Agent) {
    let (mut from_client, mut to_client) = stream.split();
    let (mut sending, mut sent) = (answer, 0);
    // The agent's end, and the time until which the client may take the last lines.
    let mut end: Option<(ExitReason, Instant)> = None;
    let mut is_told = false;
    let mut unasked = [0; 64];
    loop {
        if sent == sending.len() {
            sent = 0;
            sending.clear();
            reader.take(&mut sending, BATCH_BYTES);
            match end {
                Some(_) if sending.is_empty() && is_told => return,
                Some((reason, _)) if sending.is_empty() => {
                    is_told = true;
                    sending.extend_from_slice(&line(&LogLine::Ended(reason.name().to_owned())));
                }
                _ => {}
            }
        }
        let deadline = end.map_or_else(Instant::now, |(_, deadline)| deadline);
        tokio::select! {
            written = to_client.write(&sending[sent..]), if sent < sending.len() => match written {
                Ok(written @ 1..) => sent += written,
                _ => return,
            },
            () = reader.changed(), if sent == sending.len() => {}
            // It has nothing more to say: this is its end.
            read = from_client.read(&mut unasked) => match read {
                Ok(1..) => {}
                _ => return,
            },
            reason = agent.ended(), if end.is_none() => end = Some((reason, Instant::now() + LAST_LINES_TIMEOUT)),
            () = sleep_until(deadline), if end.is_some() => return,
        }
    }
}
