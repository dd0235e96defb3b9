//! Control sockets and metrics of agents as processes: whose files they replace and remove, what a request to leave
//! waits for, and clients that hold connections open.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileExt, FileTypeExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use agents::process::{Bare, Process, stderr, swimlab, until};

fn agent(socket: &Path, args: &[&str]) -> Command {
    let mut command = swimlab();
    command.args(["agent", "--name", "a", "--socket"]).arg(socket).args(args);
    if !args.contains(&"--bind") {
        command.args(["--bind", "127.0.0.1:0"]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn ask(socket: &Path, args: &[&str]) -> Output {
    swimlab().args(args).arg("--socket").arg(socket).output().unwrap()
}

fn answers(socket: &Path) -> bool {
    ask(socket, &["members"]).status.success()
}

/// An agent that has started, with a socket.
fn running(socket: &Path, args: &[&str]) -> Bare {
    let agent = Bare::start(&mut agent(socket, args));
    until(20, "it answers", || answers(socket));
    agent
}

fn refused(socket: &Path, why: &str) {
    let output = agent(socket, &[]).stderr(Stdio::piped()).output().unwrap();
    let said = stderr(&output);
    assert!(said.contains(why) && said.contains(socket.to_str().unwrap()), "{said}");
    assert_eq!(output.status.code(), Some(1), "{said}");
}

// F4
#[test]
fn only_a_socket_that_nobody_listens_on_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    fs::write(path("notes.txt"), "precious").unwrap();
    refused(&path("notes.txt"), "a regular file is there, and stays as it is: choose another path, or remove it first");
    assert_eq!(fs::read_to_string(path("notes.txt")).unwrap(), "precious");

    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    refused(&path("pipe"), "a named pipe is there");
    assert!(fs::symlink_metadata(path("pipe")).unwrap().file_type().is_fifo());

    fs::create_dir(path("folder")).unwrap();
    refused(&path("folder"), "a folder is there");

    symlink("notes.txt", path("link")).unwrap();
    symlink("nowhere", path("dangling")).unwrap();
    drop(UnixListener::bind(path("dead")).unwrap());
    symlink("dead", path("to-dead")).unwrap();
    for link in ["link", "dangling", "to-dead"] {
        refused(&path(link), "a symbolic link is there");
        assert!(fs::symlink_metadata(path(link)).unwrap().is_symlink());
    }
    assert_eq!(fs::read_to_string(path("notes.txt")).unwrap(), "precious");

    let _other = UnixListener::bind(path("other")).unwrap();
    refused(&path("other"), "another agent listens at");

    // An agent that was killed leaves its socket behind.
    let mut killed = running(&path("agent"), &[]);
    killed.signal("KILL");
    killed.ended(10);
    assert!(fs::symlink_metadata(path("agent")).unwrap().file_type().is_socket());
    let _next = running(&path("agent"), &[]);
    refused(&path("agent"), "another agent listens at");
    assert!(answers(&path("agent")));
}

// F4
#[test]
fn an_agent_that_cannot_start_touches_no_socket() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let socket = dir.path().join("a.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let before = fs::symlink_metadata(&socket).unwrap().modified().unwrap();
    let output = agent(&socket, &["--bind", &port]).stderr(Stdio::piped()).output().unwrap();
    assert!(stderr(&output).contains("Address already in use"), "{}", stderr(&output));
    assert_eq!(fs::symlink_metadata(&socket).unwrap().modified().unwrap(), before);
}

// F4
#[test]
fn an_agent_removes_only_its_own_socket() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("a.sock");
    let mut first = running(&socket, &[]);
    fs::remove_file(&socket).unwrap();
    let mut second = running(&socket, &[]);
    first.signal("TERM");
    assert!(first.ended(10).success());
    assert!(answers(&socket), "the second one's socket is still there");
    fs::remove_file(&socket).unwrap();
    fs::write(&socket, "precious").unwrap();
    second.signal("TERM");
    assert!(second.ended(10).success());
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
}

// A7
#[test]
fn of_agents_started_at_once_with_one_socket_exactly_one_runs() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("a.sock");
    for round in 0..10 {
        if round % 2 == 1 {
            drop(UnixListener::bind(&socket).unwrap());
        }
        let mut all: Vec<Bare> = (0..3).map(|_| Bare::start(agent(&socket, &[]).stderr(Stdio::piped()))).collect();
        let ended = |all: &mut Vec<Bare>| all.iter_mut().filter_map(|one| one.0.try_wait().unwrap()).count();
        until(20, "two end", || ended(&mut all) >= 2);
        until(20, "one answers", || answers(&socket));
        assert_eq!(ended(&mut all), 2);
        for one in &mut all {
            if let Some(status) = one.0.try_wait().unwrap() {
                let mut said = String::new();
                one.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                assert!(said.contains("another agent listens at") && status.code() == Some(1), "{said}");
            }
        }
        assert!(ask(&socket, &["leave"]).status.success());
        assert!(!socket.exists());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left behind");
    }
}

#[test]
fn paths_of_sockets_may_be_as_long_as_the_system_allows() {
    let dir = tempfile::tempdir().unwrap();
    let of_length = |length: usize| {
        let folder = dir.path().to_str().unwrap().len() + 1;
        dir.path().join("s".repeat(length - folder))
    };
    let longest = of_length(107);
    let mut agent = running(&longest, &[]);
    agent.signal("TERM");
    assert!(agent.ended(10).success());
    assert!(!longest.exists());
    refused(&of_length(108), "a path of 108 bytes cannot be a socket's: it has at least one byte, and at most 107");
}

// F14
#[test]
fn after_leave_the_socket_the_ports_and_the_state_folder_are_free() {
    let dir = tempfile::tempdir().unwrap();
    let (socket, state) = (dir.path().join("a.sock"), dir.path().join("state"));
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (bind, metrics) = (free(), free());
    let args = ["--bind", &bind, "--metrics", &metrics, "--state-dir", state.to_str().unwrap()];
    let mut all = vec![running(&socket, &args)];
    for round in 0..10 {
        let left = ask(&socket, &["leave"]);
        assert!(left.status.success(), "{}", stderr(&left));
        // Started at once.
        let mut next = Bare::start(agent(&socket, &args).stderr(Stdio::piped()));
        until(20, "it answers", || {
            if let Some(status) = next.0.try_wait().unwrap() {
                let mut said = String::new();
                next.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                panic!("round {round}: {status}: {said}");
            }
            answers(&socket)
        });
        all.push(next);
    }
    for mut left in all.drain(..10) {
        assert_eq!(left.ended(10).code(), Some(0));
    }
}

// A16
#[test]
fn a_key_that_was_installed_and_removed_is_nowhere_in_the_memory_of_the_agent() {
    let dir = tempfile::tempdir().unwrap();
    let key = |name: &str| {
        let (path, text) = (dir.path().join(name), swimlab().args(["keys", "new"]).output().unwrap().stdout);
        fs::write(&path, &text).unwrap();
        (path, text.trim_ascii_end().to_owned())
    };
    let ((first, _), (second, text)) = (key("first"), key("second"));
    let agent = Process::start(dir.path(), "p0", &["--key-file", first.to_str().unwrap()]);
    let names = |agent: &Process| agent.order(&["keys", "list"]).lines().map(str::to_owned).collect::<Vec<_>>();
    agent.order(&["keys", "install", second.to_str().unwrap()]);
    let installed = names(&agent);
    assert_eq!(installed.len(), 2);
    agent.order(&["keys", "remove", &installed[1]]);
    assert_eq!(names(&agent).len(), 1);

    let found = |text: &[u8]| {
        let maps = fs::read_to_string(format!("/proc/{}/maps", agent.pid())).unwrap();
        let memory = fs::File::open(format!("/proc/{}/mem", agent.pid())).unwrap();
        let writable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|mode| mode.starts_with("rw")));
        writable
            .filter(|line| {
                let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
                let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
                let mut bytes = vec![0; (to - from) as usize];
                let read = memory.read_at(&mut bytes, from).unwrap_or(0);
                bytes[..read].windows(text.len()).any(|window| window == text)
            })
            .count()
    };
    assert!(found(b"p0.sock") > 0, "the memory can be searched");
    assert_eq!(found(&text), 0);
}

#[test]
fn metrics_are_served_with_a_query_to_head_and_at_a_port_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "p0", &["--metrics", "127.0.0.1:0"]);
    let addr = agent.events()[0]["metrics"].as_str().unwrap().to_owned();
    assert!(!addr.ends_with(":0"), "{addr}");
    assert_eq!(agent.info()["metrics"], *addr);
    assert!(agent.order(&["info"]).contains(&format!("metrics      http://{addr}/metrics\n")));
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(&addr).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: {addr}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let (head, body) = (ask("HEAD /metrics"), ask("GET /metrics?x=y"));
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(body.starts_with("HTTP/1.1 200 OK\r\n") && body.contains("\nswimlab_members{"), "{body}");
    let length = |answer: &str| answer.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
    let of_head: usize = length(&head).unwrap();
    assert!(of_head > 1000, "{head}");
    assert!(ask("GET /?metrics").starts_with("HTTP/1.1 404"));
    assert!(ask("POST /metrics").starts_with("HTTP/1.1 405"));
}

// A4
#[test]
fn clients_that_hold_connections_open_keep_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "p0", &["--metrics", "127.0.0.1:0"]);
    let addr = agent.events()[0]["metrics"].as_str().unwrap().to_owned();
    let mut http: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&addr).unwrap()).collect();
    let mut control: Vec<UnixStream> =
        (0..30).map(|_| UnixStream::connect(dir.path().join("p0.sock")).unwrap()).collect();
    // Some say nothing, some begin a request.
    for stream in http.iter_mut().step_by(2) {
        let _ = stream.write_all(b"GET /met");
    }
    for stream in control.iter_mut().step_by(2) {
        let _ = stream.write_all(b"{");
    }
    let begun = Instant::now();
    let mut asker = TcpStream::connect(&addr).unwrap();
    asker.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    let mut page = String::new();
    asker.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK"), "{page}");
    assert_eq!(agent.alive(), ["p0"]);
    // Far less than it takes until the silent ones are given up.
    assert!(begun.elapsed() < Duration::from_millis(1900), "{:?}", begun.elapsed());

    // Those that never say a word are disconnected.
    let mut silent = TcpStream::connect(&addr).unwrap();
    silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap(), 0);
}
