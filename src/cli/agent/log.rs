//! The agent's log: on standard error at the level of `--log`, and for each `swimlab monitor` at its own.

use std::fmt::Debug;
use std::io::{self, IsTerminal};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt, reload};

use crate::agent::control::{LogHub, LogLevel, LogRecord};
use crate::cli::output::ErrorStream;

/// Begins to write the log to standard error. The hub passes it on to monitors.
///
/// Without a monitor the hub's layer is off: the most verbose level that any layer wants, which each statement is compared
/// with before it does anything, is that of standard error then.
pub(super) fn start(level: LevelFilter) -> LogHub {
    let (subscriber, hub) = subscriber(level, || ErrorStream, io::stderr().is_terminal());
    subscriber.init();
    hub
}

/// A subscriber that writes records of this level to `errors`, and the hub that it feeds.
fn subscriber<W>(level: LevelFilter, errors: W, with_colors: bool) -> (impl Subscriber + Send + Sync, LogHub)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let (filter, wanted) = reload::Layer::<LevelFilter, Registry>::new(LevelFilter::OFF);
    // It fails after the end of the subscriber, which is that of the process.
    let hub = LogHub::new(move |level| _ = wanted.reload(level.map_or(LevelFilter::OFF, level_filter)));
    let errors = fmt::layer().with_target(false).with_writer(errors).with_ansi(with_colors).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(MonitorLayer(hub.clone()).with_filter(filter));
    (registry.with(errors.with_filter(level)), hub)
}

fn level_filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}

/// Passes events of `tracing` on to monitors.
struct MonitorLayer(LogHub);

impl<S: Subscriber> Layer<S> for MonitorLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = (since.as_secs_f64() * 1e6).round() / 1e6;
        let about = event.metadata();
        let mut record = LogRecord::new(at, about.level().into(), about.target(), "");
        event.record(&mut RecordVisitor(&mut record));
        self.0.publish(&record);
    }
}

/// Writes the fields of an event into a record.
struct RecordVisitor<'a>(&'a mut LogRecord);

impl RecordVisitor<'_> {
    fn set(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.0.message = text,
            (name, value) => self.0.fields.0.push((name.to_owned(), value)),
        }
    }
}

impl Visit for RecordVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.set(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use serde_json::json;
    use tokio::time::sleep;

    use super::*;
    use crate::agent::Agent;
    use crate::agent::control::{ControlSocket, LogLine, monitor};

    /// Standard error of the test.
    #[derive(Clone, Default)]
    struct Errors(Arc<Mutex<String>>);

    impl io::Write for Errors {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(text).unwrap());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Waits until this is the most verbose level that the log wants.
    async fn wanted(level: LevelFilter) {
        let begun = Instant::now();
        while LevelFilter::current() != level {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} is wanted", LevelFilter::current());
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_monitor_raises_the_level_for_itself_alone_until_it_ends() {
        let errors = Errors::default();
        let making = errors.clone();
        let (subscriber, hub) = subscriber(LevelFilter::WARN, move || making.clone(), false);
        // For this thread, on which all tasks of the test run.
        let _log = tracing::dispatcher::set_default(&tracing::Dispatch::new(subscriber));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let control = ControlSocket::open(&path).await.unwrap().with_log(hub);
        let serving = tokio::spawn(control.serve(Agent::builder().spawn().await.unwrap()));
        assert_eq!(LevelFilter::current(), LevelFilter::WARN);
        let mut reader = monitor(&path, LogLevel::Debug).await.unwrap();
        wanted(LevelFilter::DEBUG).await;

        let name = "web";
        tracing::trace!("too verbose");
        tracing::debug!(name, addr = %"127.0.0.1:1", count = 7_u64, negative = -1, share = 0.5, is_new = true, "joined");
        tracing::warn!("both");
        let Some(LogLine::Record(record)) = reader.next().await.unwrap() else { panic!("a record") };
        assert_eq!((record.level, &*record.message), (LogLevel::Debug, "joined"));
        let fields = serde_json::to_value(&record.fields).unwrap();
        let expected = json!({
            "name": "web", "addr": "127.0.0.1:1", "count": 7, "negative": -1, "share": 0.5, "is_new": true
        });
        assert_eq!(fields, expected);
        let Some(LogLine::Record(record)) = reader.next().await.unwrap() else { panic!("a record") };
        assert_eq!((record.level, &*record.message), (LogLevel::Warn, "both"));
        let written = errors.0.lock().unwrap().clone();
        assert!(written.ends_with("WARN both\n") && written.lines().count() == 1, "{written}");

        drop(reader);
        wanted(LevelFilter::WARN).await;
        serving.abort();
    }
}
