//! Fan-out of a program's log to the readers of control sockets.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::record::{LogLevel, LogLine, LogRecord};

/// The most log records that wait for one reader.
pub(in crate::agent::control) const MAX_LINES: usize = 4096;

/// The most bytes of log records that wait for one reader, and of one record.
pub(in crate::agent::control) const MAX_BYTES: usize = 1 << 20;

/// Passes records of a program's log on to the readers of its control socket, each at the level that it has asked for.
/// Clones share the readers.
///
/// [`LogHub::publish`] never waits for a reader. What feeds a hub, such as a subscriber of the crate `tracing`, is told of
/// the most verbose level that a reader wants each time that it changes, so that what no reader wants need not be made.
///
/// ```
/// use swimlab::agent::control::{ControlSocket, LogHub, LogLevel, LogRecord};
///
/// # fn give(socket: ControlSocket) {
/// let hub = LogHub::new(|wanted| println!("records are wanted up to {wanted:?}"));
/// let socket = socket.with_log(hub.clone());
/// # }
/// # let hub = LogHub::new(|_| {});
/// // Without a reader, nothing is wanted.
/// assert_eq!(hub.level(), None);
/// hub.publish(&LogRecord::new(1795377303.5, LogLevel::Info, "my_program", "it has begun"));
/// ```
#[derive(Clone)]
pub struct LogHub(Arc<Shared>);

struct Shared {
    /// The number of levels that are wanted: 0 without readers, 5 with one of all levels.
    wanted: AtomicU8,
    /// Called with the level that is wanted when it has changed.
    on_change: Box<dyn Fn(Option<LogLevel>) + Send + Sync>,
    readers: Mutex<Vec<Arc<Queue>>>,
}

/// Reader of a log. Dropping it ends its subscription.
#[derive(Debug)]
pub(super) struct LogReader {
    hub: LogHub,
    queue: Arc<Queue>,
}

/// Records that wait for one reader.
#[derive(Debug)]
struct Queue {
    level: LogLevel,
    waiting: Mutex<Waiting>,
    /// Notified after each change.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<Arc<[u8]>>,
    bytes: usize,
    /// The records that were dropped since the reader was last told.
    missed: u64,
}

impl LogHub {
    /// A hub without readers. `on_change` is called with each new value of [`LogHub::level`]; it must not publish.
    pub fn new(on_change: impl Fn(Option<LogLevel>) + Send + Sync + 'static) -> Self {
        let (wanted, readers) = (AtomicU8::default(), Mutex::default());
        Self(Arc::new(Shared { wanted, on_change: Box::new(on_change), readers }))
    }

    /// The most verbose level that a reader wants; `None` without readers.
    pub fn level(&self) -> Option<LogLevel> {
        usize::from(self.0.wanted.load(Ordering::Relaxed)).checked_sub(1).map(|at| LogLevel::ALL[at])
    }

    /// Passes a record on to those readers that want its level.
    pub fn publish(&self, record: &LogRecord) {
        if self.level().is_none_or(|most| record.level > most) {
            return;
        }
        let line = line(&LogLine::Record(record.clone()));
        for queue in self.readers().iter().filter(|queue| record.level <= queue.level) {
            queue.waiting().push(&line);
            queue.changed.notify_one();
        }
    }

    /// Adds a reader of the records from now on, of this level and more severe ones.
    pub(super) fn subscribe(&self, level: LogLevel) -> LogReader {
        let queue = Arc::new(Queue { level, waiting: Mutex::default(), changed: Notify::new() });
        let mut readers = self.readers();
        readers.push(Arc::clone(&queue));
        self.set_wanted(&readers);
        drop(readers);
        LogReader { hub: self.clone(), queue }
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.0.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over the level that these readers want. They stay locked meanwhile, so that changes are told in their order.
    fn set_wanted(&self, readers: &[Arc<Queue>]) {
        let wanted = readers.iter().map(|queue| queue.level as u8 + 1).max().unwrap_or(0);
        if self.0.wanted.swap(wanted, Ordering::Relaxed) != wanted {
            (self.0.on_change)(self.level());
        }
    }
}

impl fmt::Debug for LogHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogHub").field("level", &self.level()).finish_non_exhaustive()
    }
}

impl LogReader {
    /// Waits until there is something to take.
    pub(super) async fn changed(&self) {
        while self.queue.waiting().is_empty() {
            self.queue.changed.notified().await;
        }
    }

    /// Appends lines that wait to `buffer`, until it has at least `enough` bytes.
    pub(super) fn take(&self, buffer: &mut Vec<u8>, enough: usize) {
        let mut waiting = self.queue.waiting();
        while buffer.len() < enough
            && let Some(line) = waiting.pop()
        {
            buffer.extend_from_slice(&line);
        }
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        let mut readers = self.hub.readers();
        readers.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
        self.hub.set_wanted(&readers);
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.missed == 0
    }

    /// Appends a line, or drops and counts it.
    fn push(&mut self, line: &Arc<[u8]>) {
        // After lines were dropped, half of the room must be free: else every other line would tell of missing ones.
        if self.missed > 0 && 2 * self.lines.len() < MAX_LINES && 2 * self.bytes < MAX_BYTES {
            let missed = self.missed_line();
            self.append(missed);
        }
        if self.missed > 0 || self.lines.len() >= MAX_LINES || self.bytes + line.len() > MAX_BYTES {
            self.missed += 1;
        } else {
            self.append(Arc::clone(line));
        }
    }

    fn append(&mut self, line: Arc<[u8]>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    /// Takes the oldest line. Tells of dropped ones once all earlier ones are taken.
    fn pop(&mut self) -> Option<Arc<[u8]>> {
        match self.lines.pop_front() {
            None if self.missed > 0 => Some(self.missed_line()),
            line => line.inspect(|line| self.bytes -= line.len()),
        }
    }

    fn missed_line(&mut self) -> Arc<[u8]> {
        line(&LogLine::Missed(std::mem::take(&mut self.missed)))
    }
}

/// A line as it is sent.
pub(super) fn line(content: &LogLine) -> Arc<[u8]> {
    let mut line = serde_json::to_vec(content).expect("plain data");
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(level: LogLevel, message: String) -> LogRecord {
        LogRecord::new(1.5, level, "test", message)
    }

    /// All that waits for a reader: messages, and the numbers of missed records.
    fn taken(reader: &LogReader) -> Vec<Result<String, u64>> {
        let mut bytes = Vec::new();
        reader.take(&mut bytes, usize::MAX);
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| match serde_json::from_slice(line).unwrap() {
                LogLine::Record(record) => Ok(record.message),
                LogLine::Missed(missed) => Err(missed),
                LogLine::Ended(how) => panic!("ended: {how}"),
            })
            .collect()
    }

    #[test]
    fn each_reader_gets_the_records_of_its_level_from_its_beginning_on() {
        let told = Arc::<Mutex<Vec<_>>>::default();
        let telling = Arc::clone(&told);
        let hub = LogHub::new(move |level| telling.lock().unwrap().push(level));
        let publish_all = |round: &str| {
            LogLevel::ALL
                .into_iter()
                .for_each(|level| hub.publish(&record(level, format!("{round} {}", level.name()))));
        };
        publish_all("none");
        let warnings = hub.subscribe(LogLevel::Warn);
        assert_eq!(hub.level(), Some(LogLevel::Warn));
        publish_all("one");
        let all = hub.subscribe(LogLevel::Trace);
        assert_eq!(hub.level(), Some(LogLevel::Trace));
        publish_all("two");
        let text = |lines: &[&str]| lines.iter().map(|line| Ok((*line).to_owned())).collect::<Vec<_>>();
        assert_eq!(taken(&warnings), text(&["one error", "one warn", "two error", "two warn"]));
        assert_eq!(taken(&all), text(&["two error", "two warn", "two info", "two debug", "two trace"]));
        drop(all);
        assert_eq!(hub.level(), Some(LogLevel::Warn));
        drop(warnings);
        assert_eq!(hub.level(), None);
        let (warn, trace) = (Some(LogLevel::Warn), Some(LogLevel::Trace));
        assert_eq!(*told.lock().unwrap(), [warn, trace, warn, None]);
    }

    #[test]
    fn records_beyond_the_limit_are_dropped_counted_and_told_of_where_they_are_missing() {
        let hub = LogHub::new(|_| {});
        let reader = hub.subscribe(LogLevel::Info);
        (0..MAX_LINES + 7).for_each(|n| hub.publish(&record(LogLevel::Info, n.to_string())));
        // Half of the room must be free before records are taken again.
        let mut some = Vec::new();
        reader.take(&mut some, 1);
        hub.publish(&record(LogLevel::Info, "too soon".to_owned()));
        let mut lines = taken(&reader);
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines.pop(), Some(Err(8)));
        assert_eq!(lines.pop(), Some(Ok((MAX_LINES - 1).to_string())));
        hub.publish(&record(LogLevel::Info, "later".to_owned()));
        assert_eq!(taken(&reader), [Ok("later".to_owned())]);
    }

    #[test]
    fn long_records_are_bounded_in_bytes() {
        let hub = LogHub::new(|_| {});
        let reader = hub.subscribe(LogLevel::Info);
        hub.publish(&record(LogLevel::Info, "x".repeat(MAX_BYTES)));
        assert_eq!(taken(&reader), [Err(1)]);
        (0..20).for_each(|_| hub.publish(&record(LogLevel::Info, "x".repeat(MAX_BYTES / 10))));
        let lines = taken(&reader);
        assert_eq!((lines.len(), lines.last()), (10, Some(&Err(11))));
    }

    #[test]
    fn fields_keep_their_order_and_types() {
        let mut sent = record(LogLevel::Debug, "it \"speaks\"\n".to_owned());
        sent.fields.0 = vec![("zebra".to_owned(), "a\u{1b}".into()), ("age".to_owned(), 7.into())];
        let line = line(&LogLine::Record(sent.clone()));
        assert!(!line[..line.len() - 1].contains(&b'\n'));
        assert_eq!(serde_json::from_slice::<LogLine>(&line).unwrap(), LogLine::Record(sent));
    }
}
