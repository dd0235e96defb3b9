//! Agents whose outputs are lost, full or unread, and the signals that end them: rows of "A life around the process" in
//! docs/operations.md.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use agents::process::{Bare, Process, config, swimlab, until};
use swimlab::agent::Agent;

/// A member with both outputs read, for others to join.
fn first(dir: &Path) -> Process {
    Process::start(dir, "p0", &["--config", config(dir, 5.0).to_str().unwrap()])
}

/// A command for an agent that joins `seed`, run by a shell after `before` and with these redirections. Hangups end it,
/// also if these tests run with hangups ignored (`nohup`).
fn shell(dir: &Path, name: &str, seed: &Process, before: &str, redirections: &str) -> Command {
    let settings = format!("--config {}", config(dir, 5.0).display());
    shell_with(dir, name, seed, [before, &settings, redirections])
}

fn shell_with(dir: &Path, name: &str, seed: &Process, [before, settings, redirections]: [&str; 3]) -> Command {
    let socket = dir.join(format!("{name}.sock"));
    let agent = format!(
        "{before} exec {} agent --format json --log debug --name {name} --bind 127.0.0.1:0 --socket {} {settings} \
         --join {} {redirections}",
        swimlab().get_program().display(),
        socket.display(),
        seed.addr
    );
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP", "sh", "-c", &agent]);
    command
}

/// The number of members that an agent holds alive, asked on its control socket.
fn alive(dir: &Path, name: &str) -> Option<usize> {
    let socket = dir.join(format!("{name}.sock"));
    let output = swimlab().args(["members", "--format", "json", "--socket"]).arg(socket).output().unwrap();
    let members: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
    Some(members.as_array()?.iter().filter(|member| member["state"] == "alive").count())
}

// F1: a lost or full output ends nothing, also if it is lost before the first line.
#[test]
fn losing_an_output_loses_no_member() {
    let dir = tempfile::tempdir().unwrap();
    let seed = first(dir.path());
    let ways = [
        ("full", "> /dev/full 2> /dev/full"),
        ("closed", ">&- 2>&-"),
        ("outgone", "2> /dev/null"),
        ("errgone", "> /dev/null"),
        ("bothgone", ""),
    ];
    let mut all: Vec<(&str, Bare)> = Vec::new();
    for (name, redirections) in ways {
        let mut command = shell(dir.path(), name, &seed, "", redirections);
        let mut agent = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        // The readers are gone before the first line.
        drop((agent.0.stdout.take(), agent.0.stderr.take()));
        all.push((name, agent));
    }
    // One whose log is read until its first line.
    let mut command = shell(dir.path(), "later", &seed, "", "");
    let mut agent = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let _ = agent.0.stderr.take().unwrap().read(&mut [0]).unwrap();
    let _ = agent.0.stdout.take().unwrap().read(&mut [0]).unwrap();
    all.push(("later", agent));

    until(20, "all join", || all.iter().all(|(name, _)| alive(dir.path(), name) == Some(all.len() + 1)));
    // It logs: others suspect it.
    all.iter().for_each(|(_, agent)| agent.signal("STOP"));
    thread::sleep(Duration::from_millis(700));
    all.iter().for_each(|(_, agent)| agent.signal("CONT"));
    thread::sleep(Duration::from_secs(3));
    for (name, agent) in &mut all {
        assert!(agent.0.try_wait().unwrap().is_none(), "{name} has ended");
        agent.signal("TERM");
        assert_eq!(agent.ended(10).code(), Some(0), "{name}");
        until(10, "it has left", || seed.saw("left", name));
        assert!(!seed.saw("died", name), "{name}");
    }
}

// F6, A6: nothing waits for a reader.
#[tokio::test(flavor = "multi_thread")]
async fn outputs_that_nobody_reads_delay_neither_the_protocol_nor_signals() {
    let dir = tempfile::tempdir().unwrap();
    let seed = first(dir.path());
    for (name, signals) in [("term", &["TERM"][..]), ("int", &["INT", "INT"])] {
        let mut command = shell(dir.path(), name, &seed, "", "");
        let mut agent = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
        until(20, "it joins", || alive(dir.path(), name) == Some(2));
        let sender = agents::quick("sender").join([seed.addr.to_string()]).spawn().await.unwrap();
        agents::within(10, "the sender joins", async || sender.members().await.unwrap().len() >= 3).await;
        // More than a pipe holds, on both outputs.
        flood(&sender).await;
        until(30, "events arrive", || {
            seed.events().iter().filter(|line| line["event"] == "user" && line["name"] == "sender").count() > 60
        });
        sender.leave().await;
        until(10, "the departure arrives", || alive(dir.path(), name) == Some(2));
        assert!(!seed.saw("died", name));
        for signal in signals {
            agent.signal(signal);
        }
        let code = agent.ended(10).code();
        assert!(code == Some(0) || signals.len() == 2 && code == Some(130), "{name}: {code:?}");
        until(15, "it is gone", || seed.alive() == ["p0"]);
    }
}

/// Broadcasts events of 3 KB as JSON each.
async fn flood(sender: &Agent) {
    for _ in 0..80 {
        while sender.broadcast("load", [1; 512]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

// F6
#[test]
fn a_reader_that_returns_gets_the_events_that_waited_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("events");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let seed = first(dir.path());
    // The pipe has a reader, which does not read.
    let before = format!("exec 3<> {};", pipe.display());
    let mut command = shell(dir.path(), "p1", &seed, &before, ">&3 2> /dev/null");
    let mut agent = Bare::start(&mut command);
    until(20, "it joins", || alive(dir.path(), "p1") == Some(2));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sender = agents::quick("sender").join([seed.addr.to_string()]).spawn().await.unwrap();
        agents::within(10, "the sender joins", async || sender.members().await.unwrap().len() >= 3).await;
        flood(&sender).await;
        until(30, "events arrive", || seed.events().iter().filter(|line| line["event"] == "user").count() > 60);
        sender.leave().await;
    });
    until(10, "the departure arrives", || alive(dir.path(), "p1") == Some(2));
    let mut reader = std::fs::File::open(&pipe).unwrap();
    agent.signal("TERM");
    let mut text = String::new();
    let read = thread::spawn(move || {
        reader.read_to_string(&mut text).unwrap();
        text
    });
    assert!(agent.ended(10).success());
    let text = read.join().unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"], "started");
    let users = lines.iter().filter(|line| line["event"] == "user").count();
    // More than a pipe holds: the rest waited for the reader.
    assert!(users > 30, "{users} of 80 events in {} lines", lines.len());
}

// F10
#[test]
fn a_hangup_makes_an_agent_leave_unless_it_was_started_with_hangups_ignored() {
    let dir = tempfile::tempdir().unwrap();
    let seed = first(dir.path());
    for (name, before, ends) in [("plain", "", true), ("nohup", "trap '' HUP;", false)] {
        // With a file, a hangup makes it reload.
        let parts = [before, "--preset local", "> /dev/null 2> /dev/null"];
        let mut agent = Bare::start(&mut shell_with(dir.path(), name, &seed, parts));
        until(20, "it joins", || alive(dir.path(), name) == Some(2));
        agent.signal("HUP");
        if !ends {
            thread::sleep(Duration::from_secs(2));
            assert!(agent.0.try_wait().unwrap().is_none(), "{name} has ended");
            assert_eq!(alive(dir.path(), name), Some(2));
            agent.signal("TERM");
        }
        assert_eq!(agent.ended(10).code(), Some(0), "{name}");
        until(10, "it has left", || seed.saw("left", name));
        assert!(!seed.saw("died", name), "{name}");
    }
}

// F11
#[test]
fn names_that_could_forge_lines_are_refused_with_their_flag() {
    let dir = tempfile::tempdir().unwrap();
    let control = "it must have no control characters";
    for (args, why) in [
        (&["--name", ""][..], "--name: it must not be empty"),
        (&["--name", "web1\njoined     evil 10.0.0.1:1 (9.9)"], control),
        (&["--name", "\x1b[2J"], control),
        (&["--name", "\u{9b}2J"], control),
        (&["--name", &"x".repeat(129)], "--name: 129 bytes are more than the 128 allowed"),
        (&["--meta", "a=1", "--meta", "a=2"], "--meta: the key \"a\" is given twice"),
        (&["--meta", "a\nb=1"], "--meta: \"a\\nb=1\" must have no control characters, but has \\u{a}"),
        (&["--meta", "a=\x1b[2J"], "must have no control characters"),
        (&["--meta", "=1"], "--meta: metadata have a key"),
    ] {
        let output = swimlab().arg("agent").args(["--bind", "127.0.0.1:0"]).args(args).output().unwrap();
        let said = agents::process::stderr(&output);
        assert!(said.contains(why) && output.status.code() == Some(2), "{args:?}: {said}");
        assert!(!said.contains('\x1b') && !said.lines().any(|line| line.starts_with("joined")), "{said}");
    }
    let agent = first(dir.path());
    for name in ["", "a\nb", "\x1b[2J"] {
        let output = agent.ask(&["event", name]);
        assert_eq!(output.status.code(), Some(2), "{name:?}");
        assert!(agents::process::stderr(&output).contains("the event's name: it must"), "{output:?}");
    }
    // By the socket itself.
    let mut stream = std::os::unix::net::UnixStream::connect(dir.path().join("p0.sock")).unwrap();
    stream.write_all(b"{\"do\":\"event\",\"name\":\"a\\nb\",\"payload\":\"\"}\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("the event's name: it must have no control characters"), "{answer}");
    // What others send as payload is shown escaped.
    let mut command = swimlab();
    command.args(["agent", "--name", "p1", "--bind", "127.0.0.1:0", "--join", &agent.addr.to_string(), "--socket"]);
    command.arg(dir.path().join("p1.sock")).arg("--config").arg(config(dir.path(), 5.0));
    let mut reader = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    until(20, "it joins", || agent.alive().len() == 2);
    agent.order(&["event", "deploy", "v7\njoined     evil\x1b[2J"]);
    let mut lines = BufReader::new(reader.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let event = lines.find(|line| line.starts_with("event")).unwrap();
    assert_eq!(event, r"event      deploy from p0: v7\njoined     evil\u{1b}[2J");
    reader.signal("TERM");
    assert!(reader.ended(10).success());
    assert!(lines.all(|line| !line.contains("evil")));
}

// The kind of F1: the system would end a process that writes more.
#[test]
fn a_limit_of_file_sizes_ends_no_member() {
    let dir = tempfile::tempdir().unwrap();
    let seed = first(dir.path());
    // In blocks of 512 bytes.
    let redirections = format!("> {0}/out 2> {0}/err", dir.path().display());
    let mut command = shell(dir.path(), "limited", &seed, "ulimit -f 8;", &redirections);
    let mut agent = Bare::start(&mut command);
    until(20, "it joins", || alive(dir.path(), "limited") == Some(2));
    // Each of its lines about an event has more than 400 bytes.
    for n in 0..12 {
        seed.order(&["event", &format!("e{n}"), &"x".repeat(400)]);
    }
    until(60, "a file has as many bytes as it may", || fs::metadata(dir.path().join("out")).unwrap().len() == 4096);
    let probes = || seed.info()["probes"].as_u64().unwrap();
    let before = probes();
    until(20, "it is pinged and answers", || probes() > before + 3);
    assert_eq!(alive(dir.path(), "limited"), Some(2));
    agent.signal("TERM");
    assert_eq!(agent.ended(20).code(), Some(0));
    assert!(!seed.saw("died", "limited"));

    // As on a full disk, a start must save the generation.
    let state = dir.path().join("state");
    let start =
        format!("ulimit -f 0; exec {} agent --state-dir {}", swimlab().get_program().display(), state.display());
    let output = Command::new("sh").args(["-c", &start]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

// The kind of F6
#[test]
fn a_named_pipe_as_key_file_leaves_signals_their_effect() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("key");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for flag in ["--key-file", "--config"] {
        let mut command = swimlab();
        let mut agent = Bare::start(command.args(["agent", flag]).arg(&pipe));
        // Until it waits for a writer; before that, a signal ends it as well.
        thread::sleep(Duration::from_secs(1));
        agent.signal("TERM");
        assert!(!agent.ended(10).success());
    }
}
