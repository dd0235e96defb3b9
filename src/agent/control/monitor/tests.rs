//! Monitors of agents: their number, their end, and that of the agent.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::serve::{LAST_LINES_TIMEOUT, MONITORS};
use super::{LogHub, LogLevel, LogLine, LogRecord, Monitor, monitor};
use crate::agent::control::{Answer, ControlSocket, Leaving, Request, ask};
use crate::agent::handle::Agent;

/// An agent whose log can be read.
struct Served {
    _folder: TempDir,
    path: PathBuf,
    agent: Agent,
    hub: LogHub,
    serving: JoinHandle<Leaving>,
}

impl Served {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        let (agent, hub) = (Agent::builder().spawn().await.unwrap(), LogHub::new(|_| {}));
        let control = ControlSocket::open(&path).await.unwrap().with_log(hub.clone());
        let serving = tokio::spawn(control.serve(agent.clone()));
        Self { _folder: folder, path, agent, hub, serving }
    }

    async fn monitor(&self, level: LogLevel) -> Result<Monitor, String> {
        monitor(&self.path, level).await.map_err(|error| error.to_string())
    }

    fn publish(&self, message: impl Into<String>) {
        self.hub.publish(&LogRecord::new(1.5, LogLevel::Info, "test", message));
    }
}

async fn next(monitor: &mut Monitor) -> Option<LogLine> {
    timeout(Duration::from_secs(60), monitor.next()).await.expect("a line in time").unwrap()
}

async fn next_message(monitor: &mut Monitor) -> String {
    match next(monitor).await {
        Some(LogLine::Record(record)) => record.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_program_that_offers_no_log_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let control = ControlSocket::open(&path).await.unwrap();
    let serving = tokio::spawn(control.serve(Agent::builder().spawn().await.unwrap()));
    let why = monitor(&path, LogLevel::Info).await.unwrap_err().to_string();
    assert!(why.starts_with("the log of this agent's program cannot be read here"), "{why}");
    serving.abort();
}

#[tokio::test]
async fn a_monitor_more_than_allowed_is_refused_until_another_has_ended() {
    let served = Served::start().await;
    let mut all = Vec::new();
    for _ in 0..MONITORS {
        all.push(served.monitor(LogLevel::Info).await.unwrap());
    }
    let why = served.monitor(LogLevel::Info).await.unwrap_err();
    assert_eq!(why, "8 monitors read the log of this agent already: end one of them first");
    // They are no clients of the socket that others would have to wait for.
    assert!(matches!(ask(&served.path, &Request::Members).await, Ok(Answer::Members(_))));
    all.pop();
    let begun = Instant::now();
    while served.monitor(LogLevel::Info).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_monitor_that_does_not_read_is_told_what_it_missed_and_delays_nobody() {
    let served = Served::start().await;
    let mut slow = served.monitor(LogLevel::Info).await.unwrap();
    // More than the system's buffers and the queue hold.
    let published = 40_000;
    for n in 0..published {
        served.publish(format!("{n} {}", "x".repeat(100)));
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert!(matches!(ask(&served.path, &Request::Members).await, Ok(Answer::Members(_))));
    let (mut read, mut missed) = (0, 0);
    while read + missed < published {
        match next(&mut slow).await {
            Some(LogLine::Record(record)) => {
                assert!(record.message.starts_with(&format!("{} ", read + missed)), "{read} {missed}: {record:?}");
                read += 1;
            }
            Some(LogLine::Missed(count)) => missed += count,
            other => panic!("{other:?}"),
        }
    }
    assert!(missed > 0 && read > 0, "{read} {missed}");
}

#[tokio::test]
async fn the_last_lines_and_the_end_of_the_agent_are_told() {
    let served = Served::start().await;
    let mut reader = served.monitor(LogLevel::Trace).await.unwrap();
    served.publish("last words");
    served.agent.leave().await;
    assert_eq!(next_message(&mut reader).await, "last words");
    assert_eq!(next(&mut reader).await, Some(LogLine::Ended("left".to_owned())));
    assert_eq!(next(&mut reader).await, None);
    timeout(Duration::from_secs(20), served.serving).await.expect("it waits for nobody").unwrap();
}

#[tokio::test]
async fn the_end_of_an_agent_waits_for_a_stopped_monitor_until_the_timeout() {
    let served = Served::start().await;
    let _stopped = served.monitor(LogLevel::Info).await.unwrap();
    // More than the system's buffers hold.
    for n in 0..4000 {
        served.publish(format!("{n} {}", "x".repeat(200)));
        if n % 10 == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    let begun = Instant::now();
    served.agent.leave().await;
    served.serving.await.unwrap();
    let elapsed = begun.elapsed();
    assert!(elapsed >= LAST_LINES_TIMEOUT && elapsed < 20 * LAST_LINES_TIMEOUT, "{elapsed:?}");
}
