//! `swimlab monitor` from end to end: levels, slow readers, and its ends.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use agents::process::{Bare, Process, config, stderr, swimlab, until, until_complete};
use serde_json::Value;

fn socket(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.sock"))
}

fn agent(dir: &Path, name: &str, args: &[&str]) -> Process {
    let config = config(dir, 5.0);
    Process::start(dir, name, &[&["--config", config.to_str().unwrap()], args].concat())
}

/// A running `swimlab monitor`, and what it has printed so far.
struct Reading {
    process: Bare,
    lines: Arc<Mutex<Vec<String>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Reading {
    /// Starts a monitor, and waits until the agent serves it.
    fn start(dir: &Path, name: &str, args: &[&str]) -> Self {
        let mut command = swimlab();
        command.arg("monitor").args(args).arg("--socket").arg(socket(dir, name));
        let mut process = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        let lines = collect(process.0.stdout.take().unwrap());
        let errors = collect(process.0.stderr.take().unwrap());
        until(20, "the monitor is served", || !errors.lock().unwrap().is_empty());
        Self { process, lines, errors }
    }

    fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    fn has(&self, text: &str) -> bool {
        self.lines.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// Waits for the end; returns its exit code and what it has written to standard error.
    fn ended(&mut self) -> (Option<i32>, String) {
        let code = self.process.ended(20).code();
        let mut said = String::new();
        // The reader of the pipe may be a moment late.
        until(10, "it says something at its end", || {
            let errors = self.errors.lock().unwrap();
            said = errors.last().cloned().unwrap_or_default();
            errors.len() > 1
        });
        (code, said)
    }
}

fn collect(out: impl std::io::Read + Send + 'static) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::<Mutex<Vec<String>>>::default();
    let heard = Arc::clone(&lines);
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            heard.lock().unwrap().push(line);
        }
    });
    lines
}

/// Sends datagrams that are no packets: the agent writes a line of level trace about each.
fn send_garbage(to: &Process, count: usize) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..count {
        socket.send_to(b"garbage", to.addr).unwrap();
        if n % 50 == 49 {
            // The agent's buffer is finite.
            thread::sleep(Duration::from_millis(2));
        }
    }
}

#[test]
fn a_monitor_shows_a_member_that_joins_and_one_that_is_killed_whatever_the_agent_logs() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &["--log", "off"]);
    let text = Reading::start(dir.path(), "a", &[]);
    let json = Reading::start(dir.path(), "a", &["--format", "json"]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    until(20, "b has joined", || text.has(" INFO joined name=b addr=127.0.0.1:") && json.has("\"message\":\"joined\""));
    b.kill();
    until(20, "b is declared dead", || text.has(" INFO died name=b") && json.has("\"message\":\"died\""));
    send_garbage(&a, 10);
    for line in json.lines.lock().unwrap().iter() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["at"].as_f64().unwrap() > 1e9 && record["level"] != "trace", "{line}");
        assert!(record["target"].as_str().unwrap().starts_with("swimlab"), "{line}");
    }
    let died: Value = json
        .lines
        .lock()
        .unwrap()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|record| record["message"] == "died")
        .unwrap();
    assert_eq!((&died["fields"]["name"], &died["level"]), (&"b".into(), &"info".into()));
    assert_eq!(
        a.errors().lines().filter(|line| line.contains("INFO") || line.contains("WARN")).count(),
        0,
        "{}",
        a.errors()
    );
}

#[test]
fn monitors_have_levels_of_their_own_and_what_serves_them_makes_no_lines() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let (trace, warn) =
        (Reading::start(dir.path(), "a", &["--level", "trace"]), Reading::start(dir.path(), "a", &["--level", "warn"]));
    send_garbage(&a, 1);
    until(20, "a line of level trace", || trace.has("TRACE dropped a datagram"));
    // Nothing happens: no line makes another one.
    thread::sleep(Duration::from_millis(500));
    let before = trace.lines.lock().unwrap().len();
    thread::sleep(Duration::from_secs(2));
    assert_eq!(trace.lines.lock().unwrap().len(), before, "{}", trace.text());
    assert_eq!(warn.text(), "");
    assert!(!a.errors().contains("TRACE"), "{}", a.errors());
    a.order(&["event", "deploy", "x"]);
    until(20, "an event is of level debug", || trace.has("DEBUG an application event event=deploy"));
    assert_eq!(warn.text(), "");
}

#[test]
fn a_monitor_that_does_not_read_delays_nobody_and_is_told_what_it_missed() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    let all = [a, b];
    until_complete(20, &all);
    let [a, b] = all;
    let mut stream = UnixStream::connect(socket(dir.path(), "a")).unwrap();
    stream.write_all(b"{\"do\":\"monitor\",\"level\":\"trace\"}\n").unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap())
        .lines()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(lines.next().unwrap(), "done");
    // More than the buffers of the system and of the agent hold.
    for _ in 0..20 {
        send_garbage(&a, 1000);
        assert_eq!(a.alive(), ["a", "b"]);
    }
    assert_eq!((a.count("suspected", "b"), b.count("suspected", "a")), (0, 0));
    let received = || a.info()["dropped"]["malformed"].as_u64().unwrap_or(0);
    let dropped = received();
    assert!(dropped > 10_000, "{dropped}");
    let (mut read, mut missed) = (0, 0);
    while missed == 0 {
        let line = lines.next().unwrap();
        read += u64::from(line["record"]["message"] == "dropped a datagram");
        missed += line["missed"].as_u64().unwrap_or(0);
    }
    assert!(read > 1000 && read + missed >= dropped, "{read} read, {missed} missed of {dropped}");
}

#[test]
fn a_monitor_says_how_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    // Interrupted.
    let mut a = agent(dir.path(), "a", &[]);
    let mut reading = Reading::start(dir.path(), "a", &["--level", "trace"]);
    reading.process.signal("INT");
    assert_eq!(reading.ended(), (Some(130), "monitor: interrupted".to_owned()));

    // Its reader is gone, while nothing is logged.
    let mut command = swimlab();
    command.arg("monitor").arg("--socket").arg(socket(dir.path(), "a"));
    let mut process = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    drop(process.0.stdout.take());
    let errors = collect(process.0.stderr.take().unwrap());
    assert_eq!(process.ended(20).code(), Some(0));
    until(10, "it says so", || errors.lock().unwrap().iter().any(|line| line == "monitor: standard output was closed"));

    // The agent leaves.
    let mut text = Reading::start(dir.path(), "a", &["--level", "trace"]);
    let mut json = Reading::start(dir.path(), "a", &["--level", "trace", "--format", "json"]);
    a.signal("TERM");
    assert!(a.ended().success());
    assert_eq!(text.ended(), (Some(0), "monitor: the agent has ended: left".to_owned()));
    assert_eq!(json.ended().0, Some(0));
    until(10, "the last line", || json.has("{\"ended\":\"left\"}"));
    assert!(text.has("INFO the agent has ended reason=Left"), "{}", text.text());

    // The agent is killed.
    let killed = agent(dir.path(), "killed", &[]);
    let mut reading = Reading::start(dir.path(), "killed", &["--level", "trace"]);
    killed.kill();
    let (code, said) = reading.ended();
    assert!(code == Some(1) && said.ends_with("killed.sock has ended without a word"), "{code:?}: {said}");

    // There is none.
    let output = swimlab().arg("monitor").arg("--socket").arg(socket(dir.path(), "none")).output().unwrap();
    assert!(output.status.code() == Some(1) && stderr(&output).contains("no agent answers at"), "{}", stderr(&output));
}

#[test]
fn an_agent_ends_in_time_beside_a_monitor_that_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut a = agent(dir.path(), "a", &[]);
    let reading = Reading::start(dir.path(), "a", &["--level", "trace"]);
    reading.process.signal("STOP");
    send_garbage(&a, 5000);
    a.signal("TERM");
    assert!(a.ended().success());
    reading.process.signal("CONT");
}
