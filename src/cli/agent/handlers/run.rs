//! One run of a handler: its process, what it gets and what it says.

use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::{LOG_EVERY, MAX_OUTPUT_BYTES, POLL};
use crate::agent::{AgentEvent, IncomingQuery};
use crate::cli::agent::events::json;
use crate::cli::escape::escaped;

/// A run of a handler.
pub(super) struct Run {
    pub(super) command: String,
    pub(super) input: String,
    pub(super) environment: Vec<(&'static str, String)>,
    pub(super) failures: Arc<Failures>,
    /// The query that the run answers.
    pub(super) query: Option<IncomingQuery>,
}

/// The number of runs of a handler that failed.
#[derive(Default)]
pub(super) struct Failures(AtomicU64);

/// The first bytes that a run has written.
#[derive(Default)]
pub(super) struct Output {
    pub(super) log: Vec<u8>,
    /// Those on standard output, if they are the answer to a query; they are in `log` otherwise.
    answer: Vec<u8>,
}

/// Pipes from which the output of a run is read.
struct Readers {
    log: PipeReader,
    answer: Option<PipeReader>,
}

/// The way in which a run failed.
#[derive(Debug)]
pub(super) enum RunError {
    Io(io::Error),
    Status(ExitStatus),
    TooLong(Duration),
    /// Its answer is longer than this number of bytes.
    LongAnswer(usize),
    /// It has waited until the time of its query was over.
    Late,
    /// The agent has ended.
    Ended,
}

impl Run {
    /// A run of this command at an event of an agent.
    pub(super) fn new(command: &str, event: &AgentEvent, agent: &str, failures: &Arc<Failures>) -> Self {
        Self {
            command: command.to_owned(),
            input: json(event) + "\n",
            environment: environment(event, agent),
            failures: Arc::clone(failures),
            query: if let AgentEvent::Query(query) = event { Some(query.clone()) } else { None },
        }
    }

    /// Runs the command to its end, and returns the first bytes of its output. After `longest`, and when the agent ends, its
    /// process group is killed.
    pub(super) fn carry_out(&self, longest: Duration, is_ending: &AtomicBool) -> Result<Output, (RunError, Output)> {
        let nothing = |error| (error, Output::default());
        if is_ending.load(Ordering::Relaxed) {
            return Err(nothing(RunError::Ended));
        }
        if self.query.as_ref().is_some_and(|query| query.time_left().is_zero()) {
            return Err(nothing(RunError::Late));
        }
        let (mut child, mut readers) = self.begin().map_err(|error| nothing(RunError::Io(error)))?;
        let (begun, mut output) = (Instant::now(), Output::default());
        loop {
            let ended = child.try_wait();
            readers.read_available(&mut output);
            let failure = match ended {
                Ok(Some(status)) if status.success() => return self.checked(output),
                Ok(Some(status)) => return Err((RunError::Status(status), output)),
                Ok(None) if is_ending.load(Ordering::Relaxed) => RunError::Ended,
                Ok(None) if begun.elapsed() >= longest => RunError::TooLong(longest),
                Ok(None) => {
                    thread::sleep(POLL);
                    continue;
                }
                Err(error) => RunError::Io(error),
            };
            // The child has not been waited for: the group's number is still its own.
            let group = i32::try_from(child.id()).expect("numbers of processes are of this type");
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
            let _ = child.wait();
            return Err((failure, output));
        }
    }

    /// Starts the command in a process group of its own.
    fn begin(&self) -> io::Result<(Child, Readers)> {
        let (log, writer) = pipe()?;
        let (answer, stdout) = match &self.query {
            Some(_) => pipe().map(|(answer, stdout)| (Some(answer), stdout))?,
            None => (None, writer.try_clone()?),
        };
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(&self.command).process_group(0);
        // It is not the handler that the service manager waits for.
        command.env_remove("NOTIFY_SOCKET").envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(stdout).stderr(writer);
        let mut child = command.spawn()?;
        if let Some(mut input) = child.stdin.take() {
            // It fits into the pipe. It fails if the handler does not read.
            let _ = input.write_all(self.input.as_bytes());
        }
        Ok((child, Readers { log, answer }))
    }

    /// Takes the newlines off the end of an answer, and fails if it is too long.
    fn checked(&self, mut output: Output) -> Result<Output, (RunError, Output)> {
        while output.answer.pop_if(|byte| *byte == b'\n').is_some() {}
        match &self.query {
            Some(query) if output.answer.len() > query.answer_room() => {
                Err((RunError::LongAnswer(query.answer_room()), output))
            }
            _ => Ok(output),
        }
    }

    /// Tells the asker of the run's query the answer, or the reason why there is none.
    pub(super) fn answer(&self, result: &Result<Output, (RunError, Output)>) {
        let Some(query) = &self.query else { return };
        let answered = match result {
            Ok(output) => query.respond(&*output.answer),
            Err((RunError::Ended | RunError::Late, _)) => return,
            Err((error, output)) => {
                let said = String::from_utf8_lossy(&output.log);
                query.fail(format!("{error}: {}", said.trim_end()).trim_end_matches(": "))
            }
        };
        if let Err(error) = answered {
            tracing::debug!(command = self.command, query = query.name(), %error, "an answer was not sent");
        }
    }

    /// Logs a failure: the first of a handler, and each hundredth.
    pub(super) fn report(&self, result: Result<Output, (RunError, Output)>) {
        let shown = |output: Output| escaped(String::from_utf8_lossy(&output.log).trim_end());
        let command = &self.command;
        match result {
            Ok(output) => tracing::debug!(command, output = shown(output), "an event handler ran"),
            Err((RunError::Ended, _)) => {}
            Err((RunError::Late, _)) => {
                tracing::debug!(command, "a query waited for its handler until its time was over")
            }
            Err((error, output)) => {
                let failures = self.failures.0.fetch_add(1, Ordering::Relaxed) + 1;
                if failures % LOG_EVERY == 1 {
                    tracing::warn!(command, failures, %error, output = shown(output), "an event handler failed");
                }
            }
        }
    }
}

/// Environment variables about an event.
fn environment(event: &AgentEvent, agent: &str) -> Vec<(&'static str, String)> {
    let mut variables = vec![("SWIMLAB_AGENT", agent.to_owned())];
    match event {
        AgentEvent::Member(change, member) => variables.extend([
            ("SWIMLAB_EVENT", format!("member-{}", change.name())),
            ("SWIMLAB_NAME", member.name().to_owned()),
            ("SWIMLAB_ADDR", member.addr().to_string()),
        ]),
        AgentEvent::User { from_name, event, .. } => variables.extend([
            ("SWIMLAB_EVENT", "event".to_owned()),
            ("SWIMLAB_NAME", from_name.to_string()),
            ("SWIMLAB_USER_EVENT", event.name.to_string()),
        ]),
        AgentEvent::Query(query) => variables.extend([
            ("SWIMLAB_EVENT", "query".to_owned()),
            ("SWIMLAB_NAME", query.from_name().to_owned()),
            ("SWIMLAB_QUERY", query.name().to_owned()),
        ]),
        _ => {}
    }
    variables
}

/// A pipe whose reader never waits.
fn pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    fcntl(&reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    Ok((reader, writer))
}

impl Readers {
    fn read_available(&mut self, output: &mut Output) {
        read_available(&mut self.log, &mut output.log);
        if let Some(reader) = &mut self.answer {
            read_available(reader, &mut output.answer);
        }
    }
}

/// Reads what waits, and keeps the first [`MAX_OUTPUT_BYTES`].
fn read_available(reader: &mut PipeReader, output: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    // As much as fits into a pipe: a handler that writes without end must not be read without end.
    for _ in 0..16 {
        match reader.read(&mut buffer) {
            Ok(count) if count > 0 => {
                let room = MAX_OUTPUT_BYTES - output.len();
                output.extend_from_slice(&buffer[..count.min(room)]);
            }
            _ => return,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Status(status) => status.fmt(f),
            Self::TooLong(longest) => write!(f, "it ran for more than {longest:?} and was killed"),
            Self::LongAnswer(room) => write!(f, "its answer is longer than {room} bytes"),
            Self::Late => f.write_str("the time of the query was over"),
            Self::Ended => f.write_str("the agent has ended"),
        }
    }
}
