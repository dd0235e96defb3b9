//! Event handlers: commands that `--on` runs at events of the agent.
//!
//! A few threads run them, so that the protocol never waits for one. A handler gets the event as JSON on its standard
//! input, the line that `--format json` prints, and in environment variables. What one for a query writes to its standard
//! output is the answer.

mod handler;
mod run;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub(super) use self::handler::Handler;
use self::run::{Failures, Run};
use crate::agent::AgentEvent;

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
            let run = Run::new(&handler.command, event, agent, failures);
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
