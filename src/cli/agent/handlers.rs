//! Event handlers: commands that `--on` runs at events of the agent.
//!
//! A few threads run them, so that the protocol never waits for one. A handler gets the event as JSON on its standard
//! input, the line that `--format json` prints, and in environment variables. What one for a query writes to its standard
//! output is the answer.

use std::fmt;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::events::json;
use crate::agent::{AgentEvent, IncomingQuery, MemberChange, Query};
use crate::cli::escape::escaped;
use crate::protocol::{NameError, UserEvent};

/// The most handlers that run at once.
pub(in crate::cli) const HANDLERS_AT_ONCE: usize = 4;

/// The most runs that wait for their turn.
pub(in crate::cli) const MAX_WAITING: usize = 256;

/// The longest that a handler may run.
pub(in crate::cli) const LONGEST_RUN: Duration = Duration::from_secs(30);

/// The most bytes of a handler's output that are kept for the log or as an answer.
pub(in crate::cli) const MAX_OUTPUT_BYTES: usize = 4 << 10;

/// Failures of a handler, and runs that are left out, from one line of the log to the next.
const LOG_EVERY: u64 = 100;

/// Pause between two looks at a handler that runs.
const POLL: Duration = Duration::from_millis(10);

/// The longest wait for running handlers when the agent ends, after they were killed.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// The events at which a handler runs, and its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handler {
    trigger: Trigger,
    command: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Trigger {
    /// An application event; `None`: with any name.
    Event(Option<String>),
    /// A query; `None`: with any name.
    Query(Option<String>),
    /// A change of a member; `None`: any change.
    Member(Option<MemberChange>),
}

/// The handlers of an agent, and the threads that run them.
pub(super) struct Handlers {
    all: Vec<(Handler, Arc<Failures>)>,
    runs: Option<SyncSender<Run>>,
    left_out: u64,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Whether the agent ends: running handlers are killed, waiting ones do not begin.
    is_ending: AtomicBool,
    /// The number of handlers that run.
    running: AtomicUsize,
}

/// The number of runs of a handler that failed.
#[derive(Default)]
struct Failures(AtomicU64);

/// A run of a handler.
struct Run {
    command: String,
    input: String,
    environment: Vec<(&'static str, String)>,
    failures: Arc<Failures>,
    /// The query that the run answers.
    query: Option<IncomingQuery>,
}

/// The first bytes that a run has written.
#[derive(Default)]
struct Output {
    log: Vec<u8>,
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
enum RunError {
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

impl Handler {
    /// Parses `EVENT=COMMAND`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (trigger, command) = text.split_once('=').ok_or_else(|| format!("expected EVENT=COMMAND, {EVENTS}"))?;
        let command = command.trim();
        if command.is_empty() {
            return Err("the command is empty".to_owned());
        }
        let trigger = match (trigger, trigger.split_once(':'), trigger.strip_prefix("member-")) {
            ("event", ..) => Trigger::Event(None),
            ("query", ..) => Trigger::Query(None),
            ("member", ..) => Trigger::Member(None),
            (_, Some(("event", name)), _) => {
                NameError::check(name, UserEvent::NAME_LIMIT).map_err(|error| format!("the event's name: {error}"))?;
                Trigger::Event(Some(name.to_owned()))
            }
            (_, Some(("query", name)), _) => {
                NameError::check(name, Query::NAME_LIMIT).map_err(|error| format!("the query's name: {error}"))?;
                Trigger::Query(Some(name.to_owned()))
            }
            (.., Some(change)) => {
                let found = MemberChange::ALL.into_iter().find(|known| known.name() == change);
                Trigger::Member(Some(found.ok_or_else(|| format!("unknown event {trigger:?}: {EVENTS}"))?))
            }
            _ => return Err(format!("unknown event {trigger:?}: {EVENTS}")),
        };
        Ok(Self { trigger, command: command.to_owned() })
    }

    fn is_for(&self, event: &AgentEvent) -> bool {
        match (&self.trigger, event) {
            (Trigger::Event(name), AgentEvent::User { event, .. }) => {
                name.as_deref().is_none_or(|name| *name == *event.name)
            }
            (Trigger::Query(name), AgentEvent::Query(query)) => name.as_deref().is_none_or(|name| name == query.name()),
            (Trigger::Member(change), AgentEvent::Member(happened, _)) => {
                change.is_none_or(|change| change == *happened)
            }
            _ => false,
        }
    }
}

/// The events that a handler may be for.
const EVENTS: &str = "where EVENT is event, event:NAME, query, query:NAME, member, member-joined, member-suspected, member-refuted, \
                      member-died, member-left or member-updated";

impl Handlers {
    /// Starts the threads for handlers, if there are any.
    pub(super) fn start(handlers: Vec<Handler>) -> io::Result<Self> {
        let mut this = Self { all: Vec::new(), runs: None, left_out: 0, shared: Arc::default() };
        this.replace(handlers)?;
        Ok(this)
    }

    /// Sets the handlers of events from now on. Those that run or wait are carried out.
    pub(super) fn replace(&mut self, handlers: Vec<Handler>) -> io::Result<()> {
        if self.runs.is_none() && !handlers.is_empty() {
            let (sender, receiver) = sync_channel(MAX_WAITING);
            let receiver = Arc::new(Mutex::new(receiver));
            for _ in 0..HANDLERS_AT_ONCE {
                let (receiver, shared) = (Arc::clone(&receiver), Arc::clone(&self.shared));
                thread::Builder::new().name("handler".to_owned()).spawn(move || work(&receiver, &shared))?;
            }
            self.runs = Some(sender);
        }
        self.all = handlers.into_iter().map(|handler| (handler, Arc::default())).collect();
        Ok(())
    }

    /// Runs the handlers that are for an event of this agent, without waiting for them. Beyond [`MAX_WAITING`] they are left
    /// out. A query fails if all its handlers are; otherwise one of the others answers it.
    pub(super) fn handle(&mut self, event: &AgentEvent, agent: &str) {
        let Some(runs) = &self.runs else { return };
        let (mut queued, mut left_out) = (0, 0);
        for (handler, failures) in self.all.iter().filter(|(handler, _)| handler.is_for(event)) {
            let run = Run {
                command: handler.command.clone(),
                input: json(event) + "\n",
                environment: environment(event, agent),
                failures: Arc::clone(failures),
                query: if let AgentEvent::Query(query) = event { Some(query.clone()) } else { None },
            };
            match runs.try_send(run) {
                Err(TrySendError::Full(_)) => left_out += 1,
                _ => queued += 1,
            }
        }
        if let AgentEvent::Query(query) = event
            && (queued, left_out > 0) == (0, true)
        {
            // It fails if the program has answered.
            let _ = query.fail(format!("{MAX_WAITING} runs of handlers wait at this member"));
        }
        for _ in 0..left_out {
            self.left_out += 1;
            if self.left_out % LOG_EVERY == 1 {
                tracing::warn!(left_out = self.left_out, "event handlers are too slow: runs are left out");
            }
        }
    }

    /// Kills the handlers that run, and waits for a second at most until they are gone.
    pub(super) fn end(&mut self) {
        self.shared.is_ending.store(true, Ordering::Relaxed);
        self.runs = None;
        let begun = Instant::now();
        while self.shared.running.load(Ordering::Acquire) > 0 && begun.elapsed() < END_TIMEOUT {
            thread::sleep(POLL);
        }
    }
}

/// Runs handlers until the agent ends.
fn work(runs: &Mutex<Receiver<Run>>, shared: &Shared) {
    loop {
        let next = runs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(run) = next else { return };
        shared.running.fetch_add(1, Ordering::AcqRel);
        let result = run.carry_out(LONGEST_RUN, &shared.is_ending);
        run.answer(&result);
        run.report(result);
        shared.running.fetch_sub(1, Ordering::AcqRel);
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

impl Run {
    /// Runs the command to its end, and returns the first bytes of its output. After `longest`, and when the agent ends, its
    /// process group is killed.
    fn carry_out(&self, longest: Duration, is_ending: &AtomicBool) -> Result<Output, (RunError, Output)> {
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
    fn answer(&self, result: &Result<Output, (RunError, Output)>) {
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
    fn report(&self, result: Result<Output, (RunError, Output)>) {
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::agent::{Agent, RespondError};

    fn run(command: &str) -> Run {
        let environment = vec![("SWIMLAB_EVENT", "event".to_owned())];
        let (command, input) = (command.to_owned(), "{}\n".to_owned());
        Run { command, input, environment, failures: Arc::default(), query: None }
    }

    fn carried_out(command: &str, longest: Duration) -> Result<String, String> {
        let text = |output: Output| String::from_utf8(output.log).unwrap();
        let result = run(command).carry_out(longest, &AtomicBool::new(false));
        result.map(text).map_err(|(error, output)| format!("{error}: {}", text(output)))
    }

    fn event() -> AgentEvent {
        AgentEvent::User {
            from: 1,
            from_name: "b".into(),
            event: Arc::new(UserEvent { seq: 1, name: "e".into(), payload: [].into() }),
        }
    }

    #[test]
    fn events_and_commands_are_parsed() {
        let trigger = |text: &str| Handler::parse(text).map(|handler| handler.trigger);
        assert_eq!(trigger("event=x"), Ok(Trigger::Event(None)));
        assert_eq!(trigger("event:deploy=x"), Ok(Trigger::Event(Some("deploy".to_owned()))));
        assert_eq!(trigger("query=x"), Ok(Trigger::Query(None)));
        assert_eq!(trigger("query:uptime=x"), Ok(Trigger::Query(Some("uptime".to_owned()))));
        assert_eq!(trigger("member=x"), Ok(Trigger::Member(None)));
        assert_eq!(trigger("member-died=x"), Ok(Trigger::Member(Some(MemberChange::Died))));
        assert_eq!(Handler::parse("event= a=b ").unwrap().command, "a=b");
        for (text, why) in [
            ("event", "expected EVENT=COMMAND"),
            ("event=", "the command is empty"),
            ("event:=x", "the event's name: it must not be empty"),
            ("query:=x", "the query's name: it must not be empty"),
            (
                "member-dead=x",
                "unknown event \"member-dead\": where EVENT is event, event:NAME, query, query:NAME, member,",
            ),
            ("deploy=x", "unknown event \"deploy\""),
        ] {
            assert!(Handler::parse(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn a_handler_has_its_event_and_its_output_is_cut() {
        let long = Duration::from_secs(60);
        assert_eq!(carried_out("cat; echo $SWIMLAB_EVENT >&2", long), Ok("{}\nevent\n".to_owned()));
        // It need not read its input, nor stop to write.
        assert_eq!(carried_out("exit 3", long), Err("exit status: 3: ".to_owned()));
        let endless = carried_out("head -c 1000000 /dev/zero | tr '\\0' x", long).unwrap();
        assert_eq!(endless.len(), MAX_OUTPUT_BYTES);
    }

    #[test]
    fn a_handler_that_hangs_is_killed_with_its_children() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let command = format!("sleep 1000 & echo $! > {0}.tmp; mv {0}.tmp {0}; sleep 1000", file.display());
        let error = carried_out(&command, Duration::from_millis(500)).unwrap_err();
        assert!(error.starts_with("it ran for more than 500ms and was killed"), "{error}");
        let Ok(child) = fs::read_to_string(&file) else { panic!("the machine is too slow for this test") };
        let begun = Instant::now();
        // Gone, or a zombie that nobody has waited for.
        let runs = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", child.trim()));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        while cfg!(target_os = "linux") && runs() {
            assert!(begun.elapsed() < Duration::from_secs(10), "its child still runs");
            thread::sleep(POLL);
        }
    }

    /// As many handlers as may run, and as many more that wait.
    fn busy(waiting: usize) -> Handlers {
        let mut handlers = Handlers::start(vec![Handler::parse("event=sleep 1000").unwrap()]).unwrap();
        (0..HANDLERS_AT_ONCE).for_each(|_| handlers.handle(&event(), "a"));
        let begun = Instant::now();
        while handlers.shared.running.load(Ordering::Acquire) < HANDLERS_AT_ONCE {
            assert!(begun.elapsed() < Duration::from_secs(20));
            thread::sleep(POLL);
        }
        (0..waiting).for_each(|_| handlers.handle(&event(), "a"));
        handlers
    }

    #[tokio::test]
    async fn a_query_fails_for_want_of_room_only_if_none_of_its_handlers_has_any() {
        let (agent, mut events) = Agent::builder().name("a").spawn_watched().await.unwrap();
        let mut handlers = busy(MAX_WAITING - 1);
        let handler = || Handler::parse("query=true").unwrap();
        handlers.replace(vec![handler(), handler()]).unwrap();
        for (left_out, answered) in [(1, Ok(())), (3, Err(RespondError::Answered))] {
            let asked = Query::new("q").timeout(Duration::from_secs(200));
            let _answers = agent.query(asked).await.unwrap();
            let event = loop {
                match events.next().await.unwrap() {
                    event @ AgentEvent::Query(_) => break event,
                    _ => continue,
                }
            };
            handlers.handle(&event, "a");
            assert_eq!(handlers.left_out, left_out);
            let AgentEvent::Query(query) = event else { unreachable!() };
            assert_eq!(query.respond("x"), answered);
        }
        handlers.end();
    }

    #[test]
    fn as_many_handlers_run_and_wait_as_the_limits_say_and_all_end_with_the_agent() {
        let mut idle = Handlers::start(vec![Handler::parse("member=sleep 1000").unwrap()]).unwrap();
        idle.handle(&event(), "a");
        assert_eq!(idle.shared.running.load(Ordering::Acquire), 0, "it is for members");
        let mut handlers = busy(MAX_WAITING);
        handlers.handle(&event(), "a");
        assert_eq!(handlers.left_out, 1);
        let begun = Instant::now();
        handlers.end();
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
}
