//! `swimlab monitor`.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use super::{Format, Socket};
use crate::agent::control::{ControlError, LogLevel, LogLine, LogRecord, monitor as read_log};
use crate::cli::escape::escaped;
use crate::cli::output::{self, report};
use crate::cli::{Failed, INTERRUPTED, signals};

#[derive(clap::Args)]
pub(in crate::cli) struct MonitorArgs {
    #[command(flatten)]
    socket: Socket,
    /// Level of the log: records of this level and more severe ones are shown.
    #[arg(long, value_name = "LEVEL", default_value = "info", value_parser = level_parser())]
    level: LogLevel,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// End of a monitor.
enum End {
    /// The agent has ended, in this way.
    Agent(String),
    /// The connection to the agent has ended.
    Lost,
    /// Nobody reads standard output any more.
    Unread,
}

pub(in crate::cli) fn monitor(args: &MonitorArgs) -> Result<ExitCode, Failed> {
    let path = args.socket.path()?;
    let failed = |message: String| Failed { code: 1, message };
    // In a thread of its own: it is heard also while the reader of standard output takes nothing.
    signals::on_end(|| {
        report("monitor: interrupted");
        output::flush();
        std::process::exit(INTERRUPTED.into());
    });
    end_when_unread();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(format!("no runtime: {error}")))?;
    match runtime.block_on(follow(&path, args))? {
        End::Agent(how) => {
            report(&format!("monitor: the agent has ended: {}", escaped(&how)));
            Ok(ExitCode::SUCCESS)
        }
        End::Lost => Err(failed(format!("the agent at {} has ended without a word", path.display()))),
        End::Unread => Ok(ExitCode::from(unread())),
    }
}

/// Prints lines until one of the ends.
async fn follow(path: &Path, args: &MonitorArgs) -> Result<End, Failed> {
    let failed = |error: ControlError| Failed { code: 1, message: error.to_string() };
    let mut log = read_log(path, args.level).await.map_err(failed)?;
    // There may be nothing to read for long.
    report(&format!("monitor: reads the log of the agent at {}, level {}", path.display(), args.level.name()));
    loop {
        let Some(line) = log.next().await.map_err(failed)? else { return Ok(End::Lost) };
        let text = match args.format {
            Format::Text => text(&line),
            Format::Json => Some(json(&line)),
        };
        if let Some(text) = text
            && !write(&text)?
        {
            return Ok(End::Unread);
        }
        if let LogLine::Ended(how) = line {
            return Ok(End::Agent(how));
        }
    }
}

fn level_parser() -> impl TypedValueParser<Value = LogLevel> {
    let names = PossibleValuesParser::new(LogLevel::ALL.map(LogLevel::name));
    names.map(|name| LogLevel::named(&name).expect("only names of levels pass"))
}

/// Ends the process when nobody reads standard output any more: a thread notices it also between two lines.
fn end_when_unread() {
    let wait = || {
        let out = io::stdout();
        let mut polled = [PollFd::new(out.as_fd(), PollFlags::empty())];
        while let Err(Errno::EINTR) = poll(&mut polled, PollTimeout::NONE) {}
        if polled[0].any() == Some(true) {
            std::process::exit(unread().into());
        }
    };
    // Without it, the next line notices it.
    let _ = thread::Builder::new().name("output".to_owned()).spawn(wait);
}

/// Says that nobody reads standard output any more; returns the exit code.
fn unread() -> u8 {
    report("monitor: standard output was closed");
    output::flush();
    0
}

/// Writes a line to standard output. `false`: its reader has closed it.
fn write(line: &str) -> Result<bool, Failed> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failed { code: 1, message: format!("cannot write to standard output: {error}") }),
    }
}

/// A line for people; that of the agent's end has none, as it is told at the end of the command.
fn text(line: &LogLine) -> Option<String> {
    match line {
        LogLine::Record(record) => Some(record_text(record)),
        LogLine::Missed(missed) => Some(format!("missed {missed} lines: they were not read in time")),
        LogLine::Ended(_) => None,
    }
}

fn json(line: &LogLine) -> String {
    match line {
        LogLine::Record(record) => serde_json::to_string(record).expect("plain data"),
        LogLine::Missed(missed) => json!({ "missed": missed }).to_string(),
        LogLine::Ended(how) => json!({ "ended": how }).to_string(),
    }
}

/// A record as the agent's own log shows it.
fn record_text(record: &LogRecord) -> String {
    let level = record.level.name().to_uppercase();
    let mut line = format!("{} {level:>5} {}", timestamp(record.at), escaped(&record.message));
    for (name, value) in &record.fields.0 {
        line.push_str(&format!(" {}={}", escaped(name), field(value)));
    }
    line
}

/// A value; quoted if its end could not be told.
fn field(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() || text.contains([' ', '"', '=']) => {
            format!("\"{}\"", text.escape_debug())
        }
        Value::String(text) => escaped(text),
        value => escaped(&value.to_string()),
    }
}

/// Seconds since 1970 as date and time of UTC, to the microsecond.
fn timestamp(at: f64) -> String {
    // Beyond that the year has five digits.
    const LAST: f64 = 253_402_300_799.0;
    let micros = (at.clamp(0.0, LAST) * 1e6).round() as u64;
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Year, month and day of the Gregorian calendar, of a number of days since 1970-01-01.
fn date(mut days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    loop {
        let length = 365 + u64::from(is_leap(year));
        if days < length {
            break;
        }
        days -= length;
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month as u64 + 1, days + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_look_like_those_of_the_agents_own_log_and_forge_nothing() {
        let record = r#"{"record":{"at":1795998970.123456,"level":"warn","target":"swimlab","message":"it\nis",
            "fields":{"name":"web\u001b[2J","why":"a \"b\"","empty":"","count":7,"zone":"eu/a"}}}"#;
        let record: LogLine = serde_json::from_str(record).unwrap();
        let expected =
            r#"2026-11-30T00:36:10.123456Z  WARN it\nis name=web\u{1b}[2J why="a \"b\"" empty="" count=7 zone=eu/a"#;
        assert_eq!(text(&record).unwrap(), expected);
        let in_json =
            r#"{"at":1795998970.123456,"level":"warn","target":"swimlab","message":"it\nis","fields":{"name":"#;
        assert!(json(&record).starts_with(in_json), "{}", json(&record));
        assert_eq!(text(&LogLine::Missed(7)).unwrap(), "missed 7 lines: they were not read in time");
        assert_eq!(json(&LogLine::Missed(7)), r#"{"missed":7}"#);
        let ended = LogLine::Ended("left".to_owned());
        assert_eq!((text(&ended), json(&ended)), (None, r#"{"ended":"left"}"#.to_owned()));
    }

    #[test]
    fn times_are_those_of_the_gregorian_calendar() {
        for (at, expected) in [
            (0.0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399.5, "2000-02-28T23:59:59.500000Z"),
            (951_782_400.0, "2000-02-29T00:00:00.000000Z"),
            (4_107_542_400.0, "2100-03-01T00:00:00.000000Z"),
            (-5.0, "1970-01-01T00:00:00.000000Z"),
            (1e300, "9999-12-31T23:59:59.000000Z"),
        ] {
            assert_eq!(timestamp(at), expected);
        }
    }
}
