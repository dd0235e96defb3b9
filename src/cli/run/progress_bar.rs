//! The progress bar of `swimlab run`.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use super::output::ErrorStream;
use crate::experiment::Progress;

/// The progress bar, drawn on standard error if that is a terminal.
pub(in crate::cli) fn bar() -> ProgressBar {
    let terminal = Term::stderr();
    let target = match terminal.is_term() {
        true => ProgressDrawTarget::term_like(Box::new(Terminal { terminal, frame: Mutex::default() })),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    // The remaining time is updated while trials run, which can take minutes.
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}

/// Shows the progress on a bar. Trials of earlier runs count as done, but not for the estimate of the remaining time.
pub(super) fn follow(bar: ProgressBar) -> Box<dyn Fn(Progress) + Send + Sync> {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} trials{left}").expect("a valid template");
    let begun: Arc<OnceLock<(Instant, u64)>> = Arc::default();
    let start = Arc::clone(&begun);
    bar.set_style(style.with_key("left", move |state: &ProgressState, out: &mut dyn fmt::Write| {
        let Some((instant, earlier)) = start.get() else { return };
        let left = state.len().unwrap_or(0).saturating_sub(state.pos());
        if let Some(time) = time_left(instant.elapsed(), state.pos().saturating_sub(*earlier), left) {
            let _ = write!(out, ", {} left", HumanDuration(time));
        }
    }));
    Box::new(move |Progress { done, all }| {
        begun.get_or_init(|| (Instant::now(), done as u64));
        bar.set_length(all as u64);
        bar.set_position(done as u64);
    })
}

/// The time that `left` trials take if the last `new` ones took `elapsed`; `None` before the first has ended.
fn time_left(elapsed: Duration, new: u64, left: u64) -> Option<Duration> {
    (new > 0).then(|| elapsed.mul_f64(left as f64 / new as f64))
}

/// The terminal on standard error, written to by the thread of [`ErrorStream`]: a bar that draws itself blocks the
/// trials while the terminal is stopped.
#[derive(Debug)]
struct Terminal {
    terminal: Term,
    /// Text that the next flush draws.
    frame: Mutex<String>,
}

impl Terminal {
    fn frame(&self) -> MutexGuard<'_, String> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, text: &str) -> io::Result<()> {
        self.frame().push_str(text);
        Ok(())
    }

    /// Moves the cursor `n` cells in the direction of this letter of ANSI X3.64.
    fn move_cursor(&self, n: usize, direction: char) -> io::Result<()> {
        if n > 0 { self.append(&format!("\x1b[{n}{direction}")) } else { Ok(()) }
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        self.terminal.size().1
    }

    fn height(&self) -> u16 {
        self.terminal.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.append(&format!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.append(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.append("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        ErrorStream.draw(std::mem::take(&mut *self.frame()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_counts_new_trials_only() {
        let minute = Duration::from_secs(60);
        assert_eq!(time_left(minute, 0, 100), None);
        assert_eq!(time_left(minute, 10, 100), Some(10 * minute));
        assert_eq!(time_left(minute, 10, 0), Some(Duration::ZERO));
    }
}
