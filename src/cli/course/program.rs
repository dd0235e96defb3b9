//! Programs that run for the command: cargo, and the one with a student's selector.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// The longest line that is read as one, in bytes.
pub(in crate::cli) const LONGEST_LINE: u64 = 1 << 20;

/// The most lines that are read ahead.
pub(in crate::cli) const MOST_LINES: usize = 1024;

/// Time between two looks at a program.
const TICK: Duration = Duration::from_millis(20);

/// Time that lines of a program which has ended may take to arrive. Another process may hold its output open.
const DRAIN: Duration = Duration::from_secs(1);

/// The end of a program.
#[derive(Debug)]
pub(super) enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// It was killed, as its time was over.
    TimedOut,
    /// It was killed, as this command was asked to end.
    Interrupted,
}

/// Input and limits of a program.
pub(super) struct Task<'a> {
    /// Its standard input.
    pub input: String,
    /// The time that it may take; without one as long as it wants.
    pub limit: Option<Duration>,
    /// Set when this command is asked to end.
    pub interrupted: &'a AtomicBool,
}

/// Runs a program and passes the lines of its standard output to `on_line`. Its standard error is that of this process.
///
/// # Errors
/// If it cannot be started.
pub(super) fn run(command: &mut Command, task: Task<'_>, mut on_line: impl FnMut(String)) -> io::Result<Ended> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut input = child.stdin.take().expect("it is piped");
    // A program that ends without reading all of it says why by the way it ends.
    thread::spawn(move || drop(input.write_all(task.input.as_bytes())));
    let lines = lines(child.stdout.take().expect("it is piped"));
    let ended = wait(&mut child, &lines, task.limit, task.interrupted, &mut on_line);
    if !matches!(ended, Ok(Ended::Exited(_))) {
        let _ = child.kill();
        let _ = child.wait();
    }
    ended
}

fn wait(
    child: &mut Child,
    lines: &Receiver<String>,
    limit: Option<Duration>,
    interrupted: &AtomicBool,
    on_line: &mut impl FnMut(String),
) -> io::Result<Ended> {
    let begun = Instant::now();
    loop {
        match lines.recv_timeout(TICK) {
            Ok(line) => on_line(line),
            Err(RecvTimeoutError::Disconnected) => thread::sleep(TICK),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if interrupted.load(Ordering::Relaxed) {
            return Ok(Ended::Interrupted);
        }
        if let Some(status) = child.try_wait()? {
            let until = Instant::now() + DRAIN;
            while let Ok(line) = lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                on_line(line);
            }
            return Ok(if is_interrupt(status) { Ended::Interrupted } else { Ended::Exited(status) });
        }
        if limit.is_some_and(|limit| begun.elapsed() > limit) {
            return Ok(Ended::TimedOut);
        }
    }
}

/// The lines of an output, as they come.
fn lines(out: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(MOST_LINES);
    thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut line = Vec::new();
        while out.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if sender.send(text).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Whether Ctrl-C ended a program: the terminal sends it to all programs in the foreground.
fn is_interrupt(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let interrupt = std::os::unix::process::ExitStatusExt::signal(&status) == Some(signal_hook::consts::SIGINT);
    #[cfg(not(unix))]
    let interrupt = {
        let _ = status;
        false
    };
    interrupt
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Option<Duration>, interrupted: bool) -> (Ended, Vec<String>) {
        let mut said = Vec::new();
        let interrupted = AtomicBool::new(interrupted);
        let task = Task { input: "hello\n".to_owned(), limit, interrupted: &interrupted };
        let ended = run(Command::new("sh").args(["-c", script]), task, |line| said.push(line)).unwrap();
        (ended, said)
    }

    #[test]
    fn a_program_reads_its_input_and_all_its_lines_arrive() {
        let (ended, said) = shell("cat; for i in 1 2 3; do echo $i; done; exit 3", None, false);
        assert!(matches!(ended, Ended::Exited(status) if status.code() == Some(3)), "{ended:?}");
        assert_eq!(said, ["hello", "1", "2", "3"]);
    }

    #[test]
    fn a_program_is_killed_when_its_time_is_over_or_the_command_ends() {
        let begun = Instant::now();
        let (ended, _) = shell("exec sleep 60", Some(Duration::from_millis(100)), false);
        assert!(matches!(ended, Ended::TimedOut), "{ended:?}");
        let (ended, _) = shell("exec sleep 60", None, true);
        assert!(matches!(ended, Ended::Interrupted), "{ended:?}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_flood_of_lines_arrives_in_order() {
        let (_, said) = shell(&format!("seq {}", 20 * MOST_LINES), None, false);
        assert!((1..=20 * MOST_LINES).map(|n| n.to_string()).eq(said));
    }

    #[test]
    fn a_line_without_an_end_is_read_in_parts() {
        let (_, said) = shell("head -c 3000000 /dev/zero", None, false);
        assert_eq!(said.len(), 3);
    }
}
