//! `swimlab top`: a live view of a running agent and its members.
//!
//! Snapshots and keys go into a [`Model`], which knows no terminal; [`view`] draws it. This module holds the loop: threads
//! for keys, snapshots and signals send inputs, and the main thread draws after each.

mod columns;
mod format;
mod keys;
mod model;
mod screen;
#[cfg(test)]
mod tests;
mod view;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event};

use self::keys::Key;
#[cfg(test)]
pub(super) use self::model::MAX_FILTER_BYTES;
use self::model::{Effect, Model};
use self::screen::Screen;
use self::view::Palette;
use super::client::Socket;
use super::{Failed, INTERRUPTED, signals};
use crate::agent::control::{Answer, OverviewSummary, Request, ask};

/// The shortest interval.
pub(super) const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// The longest interval.
pub(super) const LONGEST_INTERVAL: Duration = Duration::from_secs(3600);

/// The longest wait for one answer before the view says that the agent does not answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Inputs that wait to be handled: those who send them wait beyond that.
const INPUTS: usize = 64;

/// The longest time for which a signal lets the loop end by itself; a terminal that takes no output may stop it.
const END_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(clap::Args)]
pub(super) struct TopArgs {
    #[command(flatten)]
    socket: Socket,
    /// Time between two snapshots.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    interval: Duration,
}

/// Something that happened.
enum Input {
    Key(Key),
    /// The screen has another size.
    Resized,
    /// The agent's answer, or the reason why there is none.
    Snapshot(Box<Result<OverviewSummary, String>>),
    /// A signal asked the process to end.
    Signal,
    /// The terminal cannot be read.
    Unreadable(io::Error),
}

pub(super) fn top(args: &TopArgs) -> Result<ExitCode, Failed> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        let message = "`swimlab top` needs a terminal for its input and output: `swimlab members` and `swimlab info` print \
                       the same once, also into a pipe or a file";
        return Err(failed(message.to_owned()));
    }
    let path = args.socket.path()?;
    // An agent that is not there now is probably a wrong path.
    let Answer::Overview(first) = args.socket.ask(&Request::Overview)? else {
        return Err(failed(UNEXPECTED.to_owned()));
    };
    let (sender, inputs) = sync_channel(INPUTS);
    let is_paused = Arc::<AtomicBool>::default();
    let no_thread = |error| failed(format!("no thread: {error}"));
    start_asking(sender.clone(), path, args.interval, Arc::clone(&is_paused)).map_err(no_thread)?;
    let on_signal = sender.clone();
    signals::on_end(move || {
        let _ = on_signal.try_send(Input::Signal);
        thread::sleep(END_TIMEOUT);
        screen::restore();
        std::process::exit(INTERRUPTED.into());
    });
    let mut model = Model::default();
    model.hear(Ok(*first));
    let no_terminal = |error: io::Error| failed(format!("the terminal: {error}"));
    let screen = Screen::open().map_err(no_terminal)?;
    start_reading_keys(sender).map_err(no_thread)?;
    show(screen, model, &inputs, &is_paused).map_err(no_terminal)
}

const UNEXPECTED: &str = "unexpected answer from the agent: are both of the same version?";

/// Shows the model until a key or a signal ends it.
fn show(
    mut screen: Screen,
    mut model: Model,
    inputs: &Receiver<Input>,
    is_paused: &AtomicBool,
) -> io::Result<ExitCode> {
    let palette = Palette { has_colors: console::colors_enabled() };
    loop {
        screen.draw(|frame| {
            model.fit(view::rows(frame.area()));
            view::draw(frame, &model, palette);
        })?;
        let first = inputs.recv().map_err(io::Error::other)?;
        for input in std::iter::once(first).chain(inputs.try_iter().take(INPUTS)) {
            match input {
                Input::Key(key) if model.press(key) == Effect::Quit => return Ok(ExitCode::SUCCESS),
                Input::Key(_) => is_paused.store(model.is_paused(), Ordering::Relaxed),
                // One that was asked for before the pause.
                Input::Snapshot(_) if model.is_paused() => {}
                Input::Snapshot(answer) => model.hear(*answer),
                Input::Resized => {}
                Input::Signal => return Ok(ExitCode::from(INTERRUPTED)),
                Input::Unreadable(error) => return Err(error),
            }
        }
    }
}

/// Sends keys and resizes from a thread of its own.
fn start_reading_keys(inputs: SyncSender<Input>) -> io::Result<()> {
    let read = move || {
        loop {
            let input = match event::read() {
                Ok(Event::Resize(..)) => Some(Input::Resized),
                Ok(event) => Key::of(&event).map(Input::Key),
                Err(error) => {
                    // It fails if the loop has ended.
                    let _ = inputs.send(Input::Unreadable(error));
                    return;
                }
            };
            if let Some(input) = input
                && inputs.send(input).is_err()
            {
                return;
            }
        }
    };
    thread::Builder::new().name("keys".to_owned()).spawn(read).map(drop)
}

/// Asks the agent for a snapshot after each interval, in a thread of its own, except during a pause.
fn start_asking(
    inputs: SyncSender<Input>,
    path: PathBuf,
    interval: Duration,
    is_paused: Arc<AtomicBool>,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ask_on = move || {
        loop {
            thread::sleep(interval);
            if is_paused.load(Ordering::Relaxed) {
                continue;
            }
            let answer = runtime.block_on(snapshot(&path));
            if inputs.send(Input::Snapshot(Box::new(answer))).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name("snapshots".to_owned()).spawn(ask_on).map(drop)
}

async fn snapshot(path: &Path) -> Result<OverviewSummary, String> {
    let answer = tokio::time::timeout(PATIENCE, ask(path, &Request::Overview)).await;
    let answer = answer.map_err(|_| format!("no answer at {} within {PATIENCE:?}", path.display()))?;
    match answer.map_err(|error| error.to_string())? {
        Answer::Overview(overview) => Ok(*overview),
        Answer::Refused(why) => Err(why),
        _ => Err(UNEXPECTED.to_owned()),
    }
}

/// Parses an interval within its range: a number with its unit.
fn interval(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    let number =
        units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?.parse::<f64>().ok()?, seconds)));
    let (number, unit) = number.ok_or("expected a time with its unit, as in 500ms, 1s or 2m")?;
    let time = Duration::try_from_secs_f64(number * unit).unwrap_or_default();
    if (SHORTEST_INTERVAL..=LONGEST_INTERVAL).contains(&time) {
        Ok(time)
    } else {
        Err("it must be at least 100ms and at most 60m".to_owned())
    }
}

fn failed(message: String) -> Failed {
    Failed { code: 1, message }
}
