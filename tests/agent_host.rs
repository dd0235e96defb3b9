//! Agents on hosts that are short of something, copied or started twice: rows of "A life around the process" in
//! docs/operations.md.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use agents::process::{Bare, Process, config, stderr, swimlab, until, until_complete};

/// A member for others to join.
fn first(dir: &Path) -> Process {
    Process::start(dir, "p0", &["--config", config(dir, 5.0).to_str().unwrap()])
}

/// An agent that is started by a shell after `before`, such as a limit of its own.
fn limited(dir: &Path, name: &str, before: &str, args: &[&str]) -> Process {
    let (socket, config) = (dir.join(format!("{name}.sock")), config(dir, 5.0));
    let mut command = Command::new("sh");
    command.args(["-c", &format!(r#"{before} && exec "$0" "$@""#)]).arg(swimlab().get_program());
    command.args(["agent", "--format", "json", "--name", name, "--bind", "127.0.0.1:0"]).args(args);
    command.arg("--socket").arg(&socket).arg("--config").arg(&config);
    Process::run(command, name, socket).unwrap_or_else(|output| panic!("{}", stderr(&output)))
}

/// Agents that are started at the same time: what those that ended by themselves wrote to standard error, once all but
/// one have ended with code 1.
fn all_but_one_end(mut all: Vec<Bare>) -> (Bare, Vec<String>) {
    let ended = |all: &mut Vec<Bare>| all.iter_mut().filter_map(|one| one.0.try_wait().unwrap()).count();
    let others = all.len() - 1;
    until(30, "all but one end", || ended(&mut all) >= others);
    thread::sleep(Duration::from_millis(500));
    assert_eq!(ended(&mut all), others, "one goes on");
    let at = all.iter_mut().position(|one| one.0.try_wait().unwrap().is_none()).unwrap();
    let winner = all.remove(at);
    let complaints = all.iter_mut().map(|one| {
        assert_eq!(one.ended(1).code(), Some(1));
        let mut said = String::new();
        one.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    });
    let complaints = complaints.collect();
    (winner, complaints)
}

#[test]
fn of_agents_started_at_once_with_one_state_folder_or_one_port_exactly_one_runs() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for (args, why) in [
        (["--bind", "127.0.0.1:0", "--state-dir", &state], "is in use by another agent"),
        (["--bind", &port, "--log", "warn"], "Address already in use"),
    ] {
        for round in 0..5 {
            let start = |n: usize| {
                let socket = dir.path().join(format!("{round}-{n}.sock"));
                let mut command = swimlab();
                command.args(["agent", "--name", &format!("p{n}"), "--socket"]).arg(socket).args(args);
                Bare::start(command.stdout(Stdio::null()).stderr(Stdio::piped()))
            };
            let (mut winner, complaints) = all_but_one_end((0..3).map(start).collect());
            assert!(complaints.iter().all(|said| said.contains(why)), "{complaints:?}");
            winner.signal("TERM");
            assert_eq!(winner.ended(10).code(), Some(0));
        }
    }
}

#[test]
fn of_agents_started_at_once_with_one_name_one_keeps_it() {
    let dir = tempfile::tempdir().unwrap();
    let (seed, config) = (first(dir.path()), config(dir.path(), 5.0));
    let start = |n: usize| {
        let mut command = swimlab();
        command.args(["agent", "--name", "twin", "--bind", "127.0.0.1:0", "--join", &seed.addr.to_string()]);
        command.arg("--config").arg(&config);
        command.arg("--socket").arg(dir.path().join(format!("twin{n}.sock")));
        Bare::start(command.stdout(Stdio::null()).stderr(Stdio::piped()))
    };
    let (_winner, complaints) = all_but_one_end((0..3).map(start).collect());
    assert!(complaints.iter().all(|said| said.contains("another process took this member's name")), "{complaints:?}");
    until(20, "the name is a member", || seed.alive() == ["p0", "twin"]);
    assert_eq!(seed.members().len(), 2, "no ghost is left");
}

/// A host whose disk is copied while its agent runs, with the name that the agent has drawn.
#[test]
fn a_cloned_host_takes_the_name_and_the_original_ends() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::write(&key, swimlab().args(["keys", "new"]).output().unwrap().stdout).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let sealed = ["--key-file", key.to_str().unwrap()];
    let config = config(dir.path(), 5.0);
    let seed = Process::start(dir.path(), "p0", &[&["--config", config.to_str().unwrap()], &sealed[..]].concat());
    let start = |state: &str, name: Option<&str>| {
        let socket = dir.path().join(format!("{state}.sock"));
        let mut command = swimlab();
        command.args(["agent", "--format", "json", "--bind", "127.0.0.1:0", "--join", &seed.addr.to_string()]);
        command.args(sealed).args(name.into_iter().flat_map(|name| ["--name", name])).arg("--config").arg(&config);
        command.arg("--state-dir").arg(dir.path().join(state)).arg("--socket").arg(&socket);
        let mut agent = Process::run(command, state, socket).unwrap_or_else(|output| panic!("{}", stderr(&output)));
        agent.name = agent.events()[0]["name"].as_str().unwrap().to_owned();
        agent
    };
    let generation = |agent: &Process| {
        let members = agent.members();
        let own = members.iter().find(|member| member["name"] == agent.name.as_str()).unwrap();
        let incarnation = own["incarnation"].as_str().unwrap().to_owned();
        incarnation.split('.').next().unwrap().parse::<u32>().unwrap()
    };
    let mut original = start("original", None);
    until(20, "it joins", || seed.alive().len() == 2);
    let copied = |to: &str| {
        fs::create_dir(dir.path().join(to)).unwrap();
        let from = dir.path().join("original").join("snapshot.json");
        fs::copy(from, dir.path().join(to).join("snapshot.json")).unwrap();
    };
    copied("clone");
    copied("renamed");
    let before = generation(&original);

    // A name of its own makes the copy another member, beside the original.
    let renamed = start("renamed", Some("renamed"));
    until(20, "all three are members", || seed.alive().len() == 3);
    assert_eq!(renamed.name, "renamed");
    assert!(original.events().iter().all(|line| line["event"] != "displaced"));

    let clone = start("clone", None);
    assert_eq!(clone.name, original.name, "the name in the folder");
    assert!(generation(&clone) > before);
    assert_eq!(original.ended().code(), Some(1));
    assert!(original.errors().contains("give each process a name of its own"), "{}", original.errors());
    until_complete(20, &[seed, renamed, clone]);
}

/// The limit leaves a few descriptors beside those that an agent needs itself; connections from outside take them.
#[test]
fn with_few_file_descriptors_an_agent_goes_on_and_says_so_once() {
    let dir = tempfile::tempdir().unwrap();
    let seed = first(dir.path());
    let state = dir.path().join("state").to_str().unwrap().to_owned();
    let args = ["--join", &seed.addr.to_string(), "--metrics", "127.0.0.1:0", "--state-dir", &state];
    let agent = limited(dir.path(), "p1", "ulimit -n 32", &args);
    until(20, "it joins", || seed.alive() == ["p0", "p1"]);
    let silent: Vec<TcpStream> = (0..64).map(|_| TcpStream::connect(agent.addr).unwrap()).collect();
    let warning = "connections of members cannot be accepted";
    until(20, "it says so", || agent.errors().contains(warning));
    // Twenty periods: pings and gossip go on.
    thread::sleep(Duration::from_secs(4));
    drop(silent);
    let config = config(dir.path(), 5.0);
    let args = ["--config", config.to_str().unwrap(), "--join", &agent.addr.to_string()];
    let late = Process::start(dir.path(), "p2", &args);
    let all = [seed, agent, late];
    until_complete(30, &all);
    assert!(!all[0].saw("died", "p1"));
    assert_eq!(all[1].errors().matches(warning).count(), 1, "{}", all[1].errors());
}

#[test]
fn an_agent_of_a_small_group_runs_within_64_mib() {
    let dir = tempfile::tempdir().unwrap();
    let seed = first(dir.path());
    // Heap, stacks of threads and other private memory that is written to.
    let agent = limited(dir.path(), "p1", "ulimit -d 65536", &["--join", &seed.addr.to_string()]);
    seed.order(&["event", "deploy", "v7"]);
    until_complete(20, &[seed, agent]);
}

/// A resolver that takes questions and never answers them. The agent has a mount namespace of its own, in which this one
/// is the system's.
#[test]
fn a_resolver_that_does_not_answer_delays_a_start_by_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let skipped = |why: &str| drop(writeln!(std::io::stderr(), "SKIPPED: {why}"));
    let Ok(resolver) = UdpSocket::bind("127.83.45.1:53") else { return skipped("port 53 is not for this user") };
    fs::write(dir.path().join("resolv.conf"), "nameserver 127.83.45.1\n").unwrap();
    let mount = format!("mount --bind {}/resolv.conf /etc/resolv.conf", dir.path().display());
    let may = Command::new("unshare").args(["-m", "sh", "-c", &mount]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        return skipped("no mount namespaces here");
    }
    let seed = first(dir.path());
    let (socket, state) = (dir.path().join("p1.sock"), dir.path().join("state"));
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &format!(r#"{mount} && exec "$0" "$@""#)]).arg(swimlab().get_program());
    command.args(["agent", "--format", "json", "--name", "p1", "--bind", "127.0.0.1:0", "--socket"]).arg(&socket);
    command.arg("--config").arg(config(dir.path(), 5.0)).arg("--state-dir").arg(&state);
    command.args(["--join", &format!("seed.example.org,{}", seed.addr)]);
    // `Process::run` waits for 20 s: the resolver alone would take more for the two kinds of addresses.
    let agent = Process::run(command, "p1", socket).unwrap_or_else(|output| panic!("{}", stderr(&output)));
    let mut question = [0; 512];
    resolver.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert!(resolver.recv(&mut question).is_ok(), "it was asked");
    until(30, "it is said", || agent.errors().contains("seed.example.org"));
    // The other seed is used meanwhile.
    let mut all = [seed, agent];
    until_complete(20, &all);
    all[1].signal("TERM");
    assert!(all[1].ended().success(), "nobody waits for the resolver at the end");
}

/// The service of docs/operations.md: its command starts an agent, SIGTERM ends it as systemd expects, and its lines are
/// ones that systemd knows.
#[test]
fn the_service_in_the_documentation_starts_and_stops() {
    let dir = tempfile::tempdir().unwrap();
    let page = include_str!("../docs/operations.md");
    let unit = page.split("```ini\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a unit");
    let unit = unit.replace("\\\n", " ");
    let value = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("{key}= in {unit}"))
    };
    assert_eq!((value("Restart"), value("RestartPreventExitStatus"), value("Type")), ("on-failure", "2", "notify"));
    let stop: u64 = value("TimeoutStopSec").parse().unwrap();

    let key = dir.path().join("key");
    fs::write(&key, swimlab().args(["keys", "new"]).output().unwrap().stdout).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let folder = dir.path().to_str().unwrap();
    let own = [
        ("${CREDENTIALS_DIRECTORY}", folder),
        ("${STATE_DIRECTORY}", folder),
        ("${RUNTIME_DIRECTORY}", folder),
        ("%H", "host"),
        ("0.0.0.0:7946", "127.0.0.1:0"),
        ("seed1,seed2,seed3", "127.0.0.1:9"),
        ("127.0.0.1:9100", "127.0.0.1:0"),
    ];
    let line = own.iter().fold(value("ExecStart").to_owned(), |line, (from, to)| {
        assert!(line.contains(from), "{from} in {line}");
        line.replace(from, to)
    });
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words[0], "/usr/local/bin/swimlab");
    let mut command = swimlab();
    command.args(&words[1..]);
    let socket = dir.path().join("swimlab.sock");
    let mut agent = Process::run(command, "host", socket).unwrap_or_else(|output| panic!("{}", stderr(&output)));
    assert_eq!(agent.alive(), ["host"]);
    agent.signal("TERM");
    // `Process::ended` waits for ten seconds.
    assert!(stop >= 10 && agent.ended().success());

    // Every line but the commands is of a form that systemd checks, if it is installed.
    let file = dir.path().join("swimlab.service");
    fs::write(&file, unit.replace("/usr/local/bin/swimlab", swimlab().get_program().to_str().unwrap())).unwrap();
    let Ok(checked) = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output() else {
        return drop(writeln!(std::io::stderr(), "SKIPPED: systemd-analyze is not installed"));
    };
    let said = stderr(&checked);
    let about_the_unit: BTreeSet<&str> = said.lines().filter(|line| line.contains("swimlab.service")).collect();
    assert!(about_the_unit.is_empty(), "{about_the_unit:#?}");
}
