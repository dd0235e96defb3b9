//! Standard output and standard error as streams of lines, each written by a thread of its own.
//!
//! The reader of an output may be slow, stopped or gone, and the disk under it may be full. Nothing that matters may
//! wait for it: not the protocol, not the trials, not the task that hears signals. [`LineWriter::push`] therefore never
//! blocks and never fails. Lines beyond a bound are dropped and counted, and the reader is told once it reads again.
//!
//! Results that a command was asked for, such as tables, are written directly to standard output instead: there, waiting
//! for the reader is right.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most lines that wait for a reader.
pub(super) const MAX_LINES: usize = 4096;

/// The most bytes that wait for a reader.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Pause after a failed write: the disk may have room again, a named pipe another reader.
const RETRY: Duration = Duration::from_secs(1);

/// Pause while an output that never blocks takes no more.
const FULL: Duration = Duration::from_millis(10);

/// The longest wait of [`flush`] for each output.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Standard error.
static ERRORS: LazyLock<LineWriter> = LazyLock::new(|| {
    LineWriter::start(duplicate(io::stderr()), |missed| {
        format!("warning: {missed} lines are missing here: standard error was not read, or not writable\n")
    })
});

/// Writes lines to an output without ever blocking the caller.
pub(super) struct LineWriter {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Notified after each change of the queue.
    changed: Condvar,
    /// Makes the line that tells how many lines were dropped.
    missed_line: fn(u64) -> String,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The lines that were dropped since the reader was last told.
    missed: u64,
    is_writing: bool,
    /// Whether the last write failed.
    is_failing: bool,
}

/// Writes a line to standard error.
pub(super) fn report(line: &str) {
    ERRORS.push(format!("{line}\n").into_bytes());
}

/// Waits until standard error has taken all lines; gives up after a second, or at once if it takes none.
pub(super) fn flush() {
    // Before the first line there is nothing to wait for, and no thread.
    if let Some(errors) = LazyLock::get(&ERRORS) {
        errors.flush(FLUSH_TIMEOUT);
    }
}

/// Writes messages of panics like other lines: the thread that panics does not wait for a reader either.
pub(super) fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let backtrace = std::backtrace::Backtrace::capture();
        let name = thread::current().name().unwrap_or("<unnamed>").to_owned();
        report(&match backtrace.status() {
            std::backtrace::BacktraceStatus::Captured => format!("thread '{name}' {panic}\n{backtrace}"),
            _ => format!("thread '{name}' {panic}"),
        });
        // The panic of the main thread ends the process.
        if name == "main" {
            flush();
        }
    }));
}

/// Passes text on to standard error: for loggers, which hand over a whole line at a time, and for a progress bar.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorStream;

impl ErrorStream {
    /// Writes text that may be dropped without being counted: of a progress bar, which is drawn again soon.
    pub(super) fn draw(self, text: String) {
        ERRORS.push_if_idle(text.into_bytes());
    }
}

impl Write for ErrorStream {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        ERRORS.push(text.to_vec());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LineWriter {
    /// A writer of standard output, for events. `missed_line` makes the line that tells how many lines were dropped.
    #[cfg(all(feature = "agent", unix))]
    pub(super) fn of_stdout(missed_line: fn(u64) -> String) -> Self {
        Self::start(duplicate(io::stdout()), missed_line)
    }

    fn start(out: io::Result<Box<dyn Write + Send>>, missed_line: fn(u64) -> String) -> Self {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new(), missed_line });
        let writing = Arc::clone(&shared);
        let started = out
            .and_then(|out| thread::Builder::new().name("output".to_owned()).spawn(move || writing.write_lines(out)));
        // Without a thread, lines are dropped as if nobody read them.
        shared.lock().is_failing = started.is_err();
        Self { shared }
    }

    /// Appends a line, or drops and counts it if too many wait.
    pub(super) fn push(&self, line: Vec<u8>) {
        self.shared.lock().push(line, self.shared.missed_line);
        self.shared.changed.notify_all();
    }

    /// Appends text unless other text waits.
    fn push_if_idle(&self, text: Vec<u8>) {
        let mut queue = self.shared.lock();
        if queue.lines.is_empty() && !queue.is_writing {
            queue.push(text, self.shared.missed_line);
            drop(queue);
            self.shared.changed.notify_all();
        }
    }

    /// Waits until all lines are written, for as long as `timeout`, and not at all while writing fails.
    pub(super) fn flush(&self, timeout: Duration) {
        let waits =
            |queue: &mut Queue| !queue.is_failing && (queue.is_writing || queue.missed > 0 || !queue.lines.is_empty());
        drop(self.shared.changed.wait_timeout_while(self.shared.lock(), timeout, waits));
    }
}

impl Queue {
    fn push(&mut self, line: Vec<u8>, missed_line: fn(u64) -> String) {
        // After lines were dropped, half of the room must be free: else every other line would tell of missing ones.
        let has_room = |limit: usize| 2 * self.lines.len() < limit && 2 * self.bytes < MAX_BYTES;
        if self.missed > 0 && has_room(MAX_LINES) {
            let missed = std::mem::take(&mut self.missed);
            self.append(missed_line(missed).into_bytes());
        }
        if self.missed > 0 || self.lines.len() >= MAX_LINES || self.bytes + line.len() > MAX_BYTES {
            self.missed += 1;
        } else {
            self.append(line);
        }
    }

    fn append(&mut self, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes lines as they come, without end.
    fn write_lines(&self, mut out: Box<dyn Write + Send>) {
        loop {
            let line = self.next();
            self.write(&line, &mut *out);
        }
    }

    /// Waits for a line. Tells of dropped ones once all earlier lines are written.
    fn next(&self) -> Vec<u8> {
        let mut queue = self.lock();
        loop {
            queue.is_writing = false;
            let line = match queue.lines.pop_front() {
                None if queue.missed > 0 => Some((self.missed_line)(std::mem::take(&mut queue.missed)).into_bytes()),
                line => line.inspect(|line| queue.bytes -= line.len()),
            };
            if let Some(line) = line {
                queue.is_writing = true;
                return line;
            }
            self.changed.notify_all();
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Writes a line, however long it takes.
    fn write(&self, line: &[u8], out: &mut dyn Write) {
        let mut rest = line;
        while !rest.is_empty() {
            match out.write(rest) {
                Ok(written @ 1..) => {
                    rest = &rest[written..];
                    self.lock().is_failing = false;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(FULL),
                Err(error) if error.kind() == ErrorKind::BrokenPipe && rest.len() < line.len() => {
                    // Another reader of a named pipe begins with a whole line.
                    self.lock().missed += 1;
                    return;
                }
                Ok(0) | Err(_) => {
                    self.lock().is_failing = true;
                    self.changed.notify_all();
                    thread::sleep(RETRY);
                }
            }
        }
    }
}

/// The same output through a file descriptor of its own: without the locks and buffers of the standard library, on which
/// a blocked write would make other threads wait.
#[cfg(unix)]
fn duplicate(out: impl std::os::fd::AsFd) -> io::Result<Box<dyn Write + Send>> {
    Ok(Box::new(std::fs::File::from(out.as_fd().try_clone_to_owned()?)))
}

#[cfg(not(unix))]
fn duplicate(out: impl Write + Send + 'static) -> io::Result<Box<dyn Write + Send>> {
    Ok(Box::new(out))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// An output that takes a line each time it is asked to, and fails with these errors before.
    struct Slow {
        asked: Receiver<()>,
        taken: Arc<Mutex<String>>,
        errors: Vec<ErrorKind>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(error) = self.errors.pop() {
                return Err(error.into());
            }
            let _ = self.asked.recv();
            self.taken.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow(errors: Vec<ErrorKind>) -> (LineWriter, SyncSender<()>, Arc<Mutex<String>>) {
        let ((ask, asked), taken) = (sync_channel(2 * MAX_LINES), Arc::<Mutex<String>>::default());
        let out = Slow { asked, taken: Arc::clone(&taken), errors };
        let writer = LineWriter::start(Ok(Box::new(out)), |missed| format!("missed {missed}\n"));
        (writer, ask, taken)
    }

    // F6, A6
    #[test]
    fn lines_beyond_the_bound_are_dropped_counted_and_told_of_when_the_reader_returns() {
        let (writer, ask, taken) = slow(Vec::new());
        writer.push(b"first\n".to_vec());
        while !writer.shared.lock().is_writing {
            thread::yield_now();
        }
        (0..MAX_LINES + 7).for_each(|n| writer.push(format!("{n}\n").into_bytes()));
        writer.flush(Duration::ZERO);
        assert_eq!(*taken.lock().unwrap(), "");
        (0..MAX_LINES + 2).for_each(|_| ask.send(()).unwrap());
        writer.flush(Duration::from_secs(60));
        let taken = taken.lock().unwrap();
        assert!(taken.starts_with("first\n0\n1\n"), "{taken}");
        assert!(taken.ends_with(&format!("\n{}\nmissed 7\n", MAX_LINES - 1)), "{taken}");
    }

    #[test]
    fn long_lines_are_bounded_in_bytes() {
        let (writer, _ask, _) = slow(Vec::new());
        (0..100).for_each(|_| writer.push(vec![b'x'; MAX_BYTES / 10]));
        let queue = writer.shared.lock();
        assert!(queue.bytes <= MAX_BYTES && queue.lines.len() <= 10 && queue.missed >= 89, "{}", queue.missed);
    }

    #[test]
    fn the_end_waits_for_a_reader_until_the_timeout() {
        let (writer, _ask, _) = slow(Vec::new());
        writer.push(b"first\n".to_vec());
        let begun = std::time::Instant::now();
        writer.flush(FLUSH_TIMEOUT);
        assert!(begun.elapsed() >= FLUSH_TIMEOUT && begun.elapsed() < 60 * FLUSH_TIMEOUT);
    }

    #[test]
    fn a_failed_write_is_tried_again_and_nobody_waits_for_it_at_the_end() {
        let (writer, ask, taken) = slow(vec![ErrorKind::StorageFull]);
        writer.push(b"first\n".to_vec());
        writer.flush(Duration::from_secs(60));
        assert!(writer.shared.lock().is_failing);
        ask.send(()).unwrap();
        while taken.lock().unwrap().is_empty() {
            thread::yield_now();
        }
        assert_eq!(*taken.lock().unwrap(), "first\n");
    }
}
