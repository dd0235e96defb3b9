//! Agents as separate processes: they start, end, are paused and return.

#![cfg(all(feature = "cli", feature = "agent", unix))]

pub mod agents;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use agents::process::{Process, config, stderr, swimlab, until, until_complete};

fn group(dir: &Path, count: usize, config: &Path, args: &[&str]) -> Vec<Process> {
    let config = config.to_str().unwrap();
    let mut all = vec![Process::start(dir, "p0", &[&["--config", config], args].concat())];
    let seed = all[0].addr.to_string();
    for n in 1..count {
        let args = [&["--config", config, "--join", &seed], args].concat();
        all.push(Process::start(dir, &format!("p{n}"), &args));
    }
    all
}

#[test]
fn three_members_in_three_terminals() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = group(dir.path(), 3, &config(dir.path(), 5.0), &["--meta", "role=web", "--zone", "eu/eu-1/r7"]);
    until_complete(10, &all);
    let members = all[2].members();
    assert_eq!(members.len(), 3);
    for member in &members {
        let keys: Vec<&str> = member.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["addr", "id", "incarnation", "meta", "name", "state", "zone"]);
        assert_eq!((&member["meta"]["role"], &member["state"]), (&"web".into(), &"alive".into()));
        assert_eq!(member["zone"], "eu/eu-1/r7");
    }
    assert!(all[0].order(&["members"]).starts_with("NAME  ADDRESS"));
    assert_eq!(all[0].info()["members"]["alive"], 3);

    for one in &all {
        let others = || all.iter().filter(|other| other.name != one.name);
        until(5, "each member reports each other one", || others().all(|other| one.count("joined", &other.name) == 1));
    }

    all[0].order(&["event", "deploy", "v7"]);
    until(5, "the event arrives", || {
        all[2]
            .events()
            .iter()
            .any(|line| line["event"] == "user" && line["user"] == "deploy" && line["payload"] == "v7")
    });

    let mode = fs::metadata(dir.path().join("p0.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    all[1].order(&["leave"]);
    assert!(all[1].ended().success());
    until(5, "the departure is known", || all[0].saw("left", "p1") && all[2].saw("left", "p1"));
    assert!(!all[0].saw("suspected", "p1"));
    assert!(!dir.path().join("p1.sock").exists());
}

#[test]
fn the_terminal_and_the_service_manager_end_a_member_gracefully() {
    let dir = tempfile::tempdir().unwrap();
    let mut all = group(dir.path(), 3, &config(dir.path(), 5.0), &[]);
    until_complete(10, &all);
    for (at, signal) in [(1, "INT"), (2, "TERM")] {
        all[at].signal(signal);
        assert!(all[at].ended().success());
        let name = all[at].name.clone();
        until(5, "the departure is known", || all[0].saw("left", &name));
    }
    assert!(!all[0].saw("died", "p1") && !all[0].saw("died", "p2"));
}

#[test]
fn a_killed_process_is_declared_dead_and_may_return_on_another_port() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 5.0);
    let mut all = group(dir.path(), 4, &config, &[]);
    until_complete(10, &all);
    let killed = all.pop().unwrap();
    let before = killed.addr;
    killed.kill();
    until(15, "the death is known", || all.iter().all(|process| process.saw("died", "p3")));
    let seed = all[1].addr.to_string();
    all.push(Process::start(dir.path(), "p3", &["--config", config.to_str().unwrap(), "--join", &seed]));
    assert_ne!(all[3].addr, before);
    until_complete(10, &all);
}

#[test]
fn a_member_paused_for_less_than_a_suspicion_refutes_and_is_not_declared_dead() {
    let dir = tempfile::tempdir().unwrap();
    // 45 periods of 200 ms: 9 s.
    let all = group(dir.path(), 4, &config(dir.path(), 45.0), &[]);
    until_complete(10, &all);
    all[3].signal("STOP");
    thread::sleep(Duration::from_secs(5));
    all[3].signal("CONT");
    assert!(all[..3].iter().any(|process| process.saw("suspected", "p3")), "the pause was noticed");
    until(5, "it refutes", || all[..3].iter().all(|process| process.alive().len() == 4));
    thread::sleep(Duration::from_secs(6));
    assert!(all[..3].iter().all(|process| !process.saw("died", "p3")));
    // It handled what had arrived meanwhile before it judged the others.
    assert!(all[..3].iter().all(|other| !all[3].saw("died", &other.name)));
}

#[test]
fn a_member_paused_for_longer_is_declared_dead_and_returns_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let all = group(dir.path(), 4, &config(dir.path(), 5.0), &[]);
    until_complete(10, &all);
    all[3].signal("STOP");
    until(15, "it is declared dead", || all[..3].iter().all(|process| process.saw("died", "p3")));
    thread::sleep(Duration::from_secs(1));
    all[3].signal("CONT");
    until_complete(15, &all);
    assert!(all[..3].iter().all(|process| process.count("joined", "p3") >= 2));
}

#[test]
fn a_member_without_an_answer_warns_and_finds_a_seed_that_starts_later() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 5.0);
    let config = config.to_str().unwrap();
    let seed = Process::start(dir.path(), "p0", &["--config", config]);
    let at = seed.addr.to_string();
    seed.kill();
    let early = Process::start(dir.path(), "p1", &["--config", config, "--join", &at]);
    until(15, "it warns", || early.errors().contains("no seed has answered"));
    assert!(early.errors().contains(&at), "{}", early.errors());

    let late = Process::start(dir.path(), "p0", &["--config", config, "--bind", &at]);
    until_complete(30, &[early, late]);
}

#[test]
fn members_go_on_when_all_seeds_are_gone_and_a_seed_that_returns_finds_them() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 5.0);
    let mut all = group(dir.path(), 4, &config, &[]);
    until_complete(10, &all);
    let seed = all.remove(0);
    let port = seed.addr.to_string();
    seed.kill();
    until(15, "the seed's death is known", || all.iter().all(|process| process.saw("died", "p0")));
    assert!(all.iter().all(|process| process.alive() == ["p1", "p2", "p3"]));
    // It knows no member and has no seeds: the others still have its former address.
    all.push(Process::start(dir.path(), "p0", &["--config", config.to_str().unwrap(), "--bind", &port]));
    until_complete(30, &all);
}

#[test]
fn a_whole_cluster_that_was_killed_finds_itself_without_seeds() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 5.0);
    let config = config.to_str().unwrap();
    let start = |n: usize, bind: &str, seeds: &[&str]| {
        let state = dir.path().join(format!("state{n}"));
        let args = ["--config", config, "--bind", bind, "--state-dir", state.to_str().unwrap()];
        Process::start(dir.path(), &format!("p{n}"), &[&args, seeds].concat())
    };
    let mut all = vec![start(0, "127.0.0.1:0", &[])];
    let seed = all[0].addr.to_string();
    all.extend((1..5).map(|n| start(n, "127.0.0.1:0", &["--join", &seed])));
    until_complete(10, &all);
    thread::sleep(Duration::from_secs(2)); // The first snapshot follows the first change by half a second.
    let addrs: Vec<String> = all.iter().map(|process| process.addr.to_string()).collect();
    all.drain(..).for_each(Process::kill);
    // Some stay where they were, one moves.
    all = (0..5).map(|n| start(n, if n == 4 { "127.0.0.1:0" } else { &addrs[n] }, &[])).collect();
    until_complete(30, &all);
    assert!(all.iter().all(|process| process.members().len() == 5), "no ghosts");
}

#[test]
fn obstacles_to_a_start_are_reported_in_one_line_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path(), "p0", &[]);
    let fails = |name: &str, args: &[&str], code: i32, why: &str| {
        let output = Process::try_start(dir.path(), name, args).err().expect("it fails");
        let said = stderr(&output);
        let complaints: Vec<&str> = said.lines().filter(|line| !line.starts_with("warning: ")).collect();
        assert!(complaints.len() == 1 && complaints[0].starts_with("error: ") && complaints[0].contains(why), "{said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
    };
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fails("p1", &["--bind", &first.addr.to_string()], 1, "Address already in use");
    fails("p1", &["--join", "127.0.0.1:7946,host:port"], 1, "seed \"host:port\" (--join): the port is not a number");
    fails("p1", &["--bind", "0.0.0.0:0"], 2, "give --key-file, or --plaintext");
    fails("p1", &["--key-file", &path("none")], 2, "none: cannot be read");
    fails("p1", &["--key-file", dir.path().to_str().unwrap()], 2, "cannot be read");
    fs::write(path("short"), "c2hvcnQ=").unwrap();
    fails("p1", &["--key-file", &path("short")], 2, "line 1: 5 bytes, but a key has 32");
    fails("p1", &["--selector", "shufle"], 2, "unknown selector");
    fails("p1", &["--meta", "web"], 2, "key=value");
    fails("p0", &[], 1, "another agent listens at");
    assert_eq!(first.alive(), ["p0"]);

    // A state folder that is a file, and a file in it that is no snapshot. Unreadable key files are not tried: tests
    // often run as root, who may read them.
    fs::write(path("file"), "").unwrap();
    fails("p1", &["--state-dir", &path("file")], 1, "cannot be made");
    fs::create_dir(path("state")).unwrap();
    fs::write(path("state/snapshot.json"), "{}").unwrap();
    fails("p1", &["--state-dir", &path("state")], 1, "is no snapshot");
    assert_eq!(fs::read_to_string(path("state/snapshot.json")).unwrap(), "{}");
    let output = swimlab().args(["members", "--socket", &path("none.sock")]).output().unwrap();
    assert!(stderr(&output).starts_with("error: no agent answers at"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1));
}

/// Starts an agent whose state folder is a disk of two pages in a mount namespace of its own. `before` is run by the
/// shell that becomes the agent. `None`: mount namespaces are not permitted here; that is printed.
#[cfg(target_os = "linux")]
fn on_a_tiny_disk(dir: &Path, name: &str, before: &str) -> Option<Result<Process, std::process::Output>> {
    use std::io::Write;
    use std::process::Command;

    let (state, socket) = (dir.join(format!("state-{name}")), dir.join(format!("{name}.sock")));
    fs::create_dir(&state).unwrap();
    let mount = format!("mount -t tmpfs -o size=8k tmpfs {}", state.display());
    let may = Command::new("unshare").args(["-m", "sh", "-c", &mount]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no mount namespaces here");
        return None;
    }
    let (program, config) = (swimlab().get_program().to_owned(), config(dir, 5.0));
    let agent = format!(
        "{mount}; cd {}; {before} exec {} agent --format json --name {name} --bind 127.0.0.1:0 --socket {} --config {} \
         --state-dir {}",
        state.display(),
        program.display(),
        socket.display(),
        config.display(),
        state.display()
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &agent]);
    Some(Process::run(command, name, socket))
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_full_disk_no_member_starts_that_could_not_save_its_generation() {
    let dir = tempfile::tempdir().unwrap();
    let Some(started) = on_a_tiny_disk(dir.path(), "p0", "head -c 9000 /dev/zero > fill 2> /dev/null;") else { return };
    let output = started.err().expect("there is no room");
    let said = stderr(&output);
    let complaints: Vec<&str> = said.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert!(complaints.len() == 1 && complaints[0].contains("a snapshot cannot be written"), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_stops_no_member_and_keeps_the_last_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    // The first snapshot is written within a moment of the start.
    let fill = "(sleep 2; head -c 9000 /dev/zero > fill) 2> /dev/null &";
    let Some(started) = on_a_tiny_disk(dir.path(), "p0", fill) else { return };
    let first = started.unwrap_or_else(|output| panic!("{}", stderr(&output)));
    let snapshot = format!("/proc/{}/root{}/state-p0/snapshot.json", first.pid(), dir.path().display());
    let generation = || -> serde_json::Value { serde_json::from_slice(&fs::read(&snapshot).unwrap()).unwrap() };
    let before = generation();
    thread::sleep(Duration::from_secs(3));
    let config = config(dir.path(), 5.0);
    let args = ["--config", config.to_str().unwrap(), "--join", &first.addr.to_string()];
    let all = [first, Process::start(dir.path(), "p1", &args)];
    until_complete(10, &all);
    until(15, "it is said", || all[0].errors().contains("a snapshot cannot be written"));
    thread::sleep(Duration::from_secs(6));
    assert_eq!(all[0].errors().matches("a snapshot cannot be written").count(), 1, "{}", all[0].errors());
    assert_eq!(generation(), before, "the last one is whole");
    until_complete(5, &all);
}

#[test]
fn metrics_are_served_to_prometheus() {
    use std::io::{Read, Write};

    let dir = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let config = config(dir.path(), 5.0);
    let args = ["--config", config.to_str().unwrap(), "--metrics", &free];
    let first = Process::start(dir.path(), "p0", &args);
    let second = ["--config", config.to_str().unwrap(), "--join", &first.addr.to_string()];
    let all = [first, Process::start(dir.path(), "p1", &second)];
    until_complete(10, &all);
    let get = |path: &str| {
        let mut stream = std::net::TcpStream::connect(&free).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {free}\r\n\r\n").unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    };
    until(5, "pings are counted", || get("/metrics").contains("\nswimlab_members{state=\"alive\"} 2\n"));
    let page = get("/metrics");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("\nswimlab_rtt_seconds_bucket{le=\"+Inf\"} "), "{page}");
    assert!(get("/").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_rolling_restart_of_twenty_with_changing_keys_loses_no_member_and_leaves_no_ghost() {
    const MEMBERS: usize = 20;
    let dir = tempfile::tempdir().unwrap();
    let key = |name: &str| {
        let output = swimlab().args(["keys", "new"]).output().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, &output.stdout).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (key("old"), key("new"));
    // Suspicions of 4 s and more: a restart is over before a member is declared dead.
    let config = config(dir.path(), 20.0);
    let mut all = group(dir.path(), MEMBERS, &config, &["--key-file", &old]);
    until_complete(30, &all);

    let id = |process: &Process, at: usize| process.info()["keys"][at].as_str().unwrap().to_owned();
    let first = id(&all[0], 0);
    all.iter().for_each(|process| drop(process.order(&["keys", "install", &new])));
    let second = id(&all[0], 1);
    all.iter().for_each(|process| drop(process.order(&["keys", "use", &second])));
    let refused = all[0].ask(&["keys", "remove", &second]);
    assert!(stderr(&refused).contains("in use"), "{}", stderr(&refused));
    all.iter().for_each(|process| drop(process.order(&["keys", "remove", &first])));

    for n in 0..MEMBERS {
        let name = all[n].name.clone();
        all[n].signal("TERM");
        assert!(all[n].ended().success());
        let seed = all[(n + 1) % MEMBERS].addr.to_string();
        let args = ["--config", config.to_str().unwrap(), "--key-file", &new, "--join", &seed];
        all[n] = Process::start(dir.path(), &name, &args);
        // As an operator would: one after the other.
        until(10, "it has joined", || all[n].alive().len() == MEMBERS);
    }
    until_complete(30, &all);
    thread::sleep(Duration::from_secs(5));
    until_complete(1, &all);
    for process in &all {
        assert_eq!(process.members().len(), MEMBERS, "no ghosts");
        assert!(
            process.events().iter().all(|line| line["event"] != "died"),
            "{}: {:?}",
            process.name,
            process.events()
        );
    }
}
