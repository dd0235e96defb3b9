//! Event handlers and the notification of a service manager, through the program itself.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;

use agents::process::{Process, config, stderr, swimlab, until};
use serde_json::Value;

/// An agent with the settings of tests.
fn agent(dir: &Path, name: &str, args: &[&str]) -> Process {
    Process::start(dir, name, &[&["--config", config(dir, 5.0).to_str().unwrap()], args].concat())
}

#[test]
fn handlers_get_events_as_json_and_in_their_environment() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    // A file appears whole.
    let handler = |event: &str, file: &str| {
        let file = path(file).display().to_string();
        let own = "env | grep -E '^SWIMLAB_(ADDR|AGENT|EVENT|NAME|USER_EVENT)=' | sort";
        format!("{event}=(cat; {own}) > {file}.$$ && mv {file}.$$ {file}")
    };
    let (deploy, joined, died) =
        (handler("event:deploy", "deploy"), handler("member-joined", "joined"), handler("member-died", "died"));
    let a = agent(dir.path(), "a", &["--on", &deploy, "--on", &joined, "--on", &died]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    let read = |file: &str| {
        until(20, file, || path(file).exists());
        let text = fs::read_to_string(path(file)).unwrap();
        let (json, environment) = text.split_once('\n').unwrap();
        (serde_json::from_str::<Value>(json).unwrap(), environment.to_owned())
    };
    let (event, environment) = read("joined");
    assert_eq!((&event["event"], &event["name"]), (&"joined".into(), &"b".into()));
    let expected = format!("SWIMLAB_ADDR={}\nSWIMLAB_AGENT=a\nSWIMLAB_EVENT=member-joined\nSWIMLAB_NAME=b\n", b.addr);
    assert_eq!(environment, expected);

    b.order(&["event", "other", "v0"]);
    b.order(&["event", "deploy", "v7"]);
    let (event, environment) = read("deploy");
    assert_eq!((&event["user"], &event["payload"]), (&"deploy".into(), &"v7".into()));
    let expected = "SWIMLAB_AGENT=a\nSWIMLAB_EVENT=event\nSWIMLAB_NAME=b\nSWIMLAB_USER_EVENT=deploy\n";
    assert_eq!(environment, expected);
    b.kill();
    assert_eq!(read("died").0["name"], "b");
}

#[test]
fn a_handler_that_fails_is_logged_once_and_one_that_hangs_delays_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let hanging = format!("event:hang=echo $$ > {0}.tmp && mv {0}.tmp {0}; sleep 1000", pid.display());
    let mut a = agent(dir.path(), "a", &["--on", "event:fail=echo oh no; exit 7", "--on", &hanging]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    until(20, "they join", || a.alive().len() == 2);
    a.order(&["event", "hang"]);
    until(20, "it runs", || pid.exists());
    for _ in 0..3 {
        a.order(&["event", "fail"]);
    }
    until(20, "its failure is logged", || a.errors().contains("an event handler failed"));
    let probes = |agent: &Process| agent.info()["probes"].as_u64().unwrap();
    let before = probes(&a);
    until(20, "it goes on", || probes(&a) > before + 5);
    assert_eq!(a.errors().matches("an event handler failed").count(), 1, "{}", a.errors());
    assert!(a.errors().contains("exit status: 7") && a.errors().contains("oh no"), "{}", a.errors());
    assert!(!b.saw("suspected", "a"));

    // At the end of the agent no handler is left.
    let process = format!("/proc/{}", fs::read_to_string(&pid).unwrap().trim());
    assert!(Path::new(&process).exists());
    a.signal("TERM");
    assert!(a.ended().success());
    until(20, "it is gone", || !Path::new(&process).exists());
}

#[test]
fn handlers_that_cannot_be_are_refused_with_their_flag() {
    for (on, why) in [
        ("deploy", "expected EVENT=COMMAND"),
        ("member-dead=x", "unknown event \"member-dead\""),
        ("event:deploy=", "the command is empty"),
    ] {
        let output = swimlab().args(["agent", "--on", on]).output().unwrap();
        let said = stderr(&output);
        assert!(said.contains(why) && said.contains("--on <EVENT=COMMAND>"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.toml");
    fs::write(&file, "bind = '127.0.0.1:0'\non = ['event:deploy=true', 'deploy=x']\n").unwrap();
    let output = swimlab().args(["agent", "--config"]).arg(&file).output().unwrap();
    assert!(stderr(&output).contains("a.toml:2: on: "), "{}", stderr(&output));
}

/// An agent that notifies the socket of this name.
fn notifying(dir: &Path, name: &str, socket: &str, args: &[&str]) -> Process {
    let control = dir.join(format!("{name}.sock"));
    let mut command = swimlab();
    command.args(["agent", "--format", "json", "--bind", "127.0.0.1:0", "--name", name, "--socket"]).arg(&control);
    command.arg("--config").arg(config(dir, 5.0)).args(args).env("NOTIFY_SOCKET", socket);
    Process::run(command, name, control).unwrap_or_else(|output| panic!("{}", stderr(&output)))
}

/// The next notification, for which the test waits for 20 s at most.
fn notification(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let count = manager.recv(&mut buffer).expect("a notification");
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

#[test]
fn the_service_manager_is_told_of_readiness_and_of_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let mut a = notifying(dir.path(), "a", path.to_str().unwrap(), &[]);
    assert_eq!(notification(&manager), "READY=1\nSTATUS=running");

    // By an abstract name, and with a seed that is not there yet.
    let name = format!("swimlab-test-{}", std::process::id());
    let abstract_name = SocketAddr::from_abstract_name(&name).unwrap();
    let other_manager = UnixDatagram::bind_addr(&abstract_name).unwrap();
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let b = notifying(dir.path(), "b", &format!("@{name}"), &["--join", &nobody]);
    assert_eq!(notification(&other_manager), "STATUS=joining: no seed has answered yet");
    b.order(&["join", &a.addr.to_string()]);
    assert_eq!(notification(&other_manager), "READY=1\nSTATUS=running");

    a.signal("TERM");
    assert_eq!(notification(&manager), "STOPPING=1");
    assert!(a.ended().success());
    b.order(&["leave"]);
    assert_eq!(notification(&other_manager), "STOPPING=1");
}

#[test]
fn without_a_service_manager_that_listens_an_agent_runs_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    for (socket, why) in
        [("/nowhere/notify", "was not notified"), ("notify", "neither an absolute path nor @ and a name")]
    {
        let a = notifying(dir.path(), "a", socket, &[]);
        until(20, "it says so", || a.errors().contains(why));
        assert_eq!(a.alive(), ["a"]);
    }
}
