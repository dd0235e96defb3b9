//! Programs that others have written find the services of agents: HAProxy by DNS, Prometheus by HTTP.

#![cfg(all(feature = "cli", feature = "agent", unix))]

pub mod agents;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use agents::clients::{get, has, raw};
use agents::process::{Process, config, until};

/// Another program's process; it is killed in the end.
struct Running(Child);

impl Running {
    fn start(command: &mut Command, log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        Self(command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that was free a moment ago.
fn free_addr() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A server whose every page is this name, for as long as the test lasts. Its agent may die meanwhile.
fn serve(name: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let length = name.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{name}");
        }
    });
    port
}

/// An agent that others join, with HTTP and DNS, and two that offer the service `web`.
struct Group {
    dir: tempfile::TempDir,
    front: Process,
    ports: [u16; 2],
}

impl Group {
    fn start() -> (Self, [Process; 2]) {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), 3.0);
        let servers = ["--config", config.to_str().unwrap(), "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"];
        let front = Process::start(dir.path(), "front", &servers);
        let group = Self { dir, front, ports: [serve("red"), serve("blue")] };
        let backends = [group.backend("red"), group.backend("blue")];
        (group, backends)
    }

    fn backend(&self, name: &str) -> Process {
        let config = config(self.dir.path(), 3.0);
        let service = format!("web:{}", self.ports[usize::from(name == "blue")]);
        let seed = self.front.addr.to_string();
        let args = ["--config", config.to_str().unwrap(), "--join", &seed, "--service", &service];
        Process::start(self.dir.path(), name, &args)
    }
}

#[test]
fn haproxy_loses_a_backend_whose_agent_is_killed_and_gets_it_back() {
    if !has("haproxy", "-v", "it finds no service") {
        return;
    }
    let (group, [red, _blue]) = Group::start();
    let (dns, http, path) = (group.front.interface("dns"), free_addr(), group.dir.path().join("haproxy.cfg"));
    let text = format!(
        "defaults\n  mode http\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\n\
         resolvers swimlab\n  nameserver agent {dns}\n  accepted_payload_size 1232\n  timeout resolve 200ms\n  \
         timeout retry 200ms\n  resolve_retries 2\n  hold valid 200ms\n  hold obsolete 0s\n  hold nx 0s\n\
         frontend here\n  bind {http}\n  default_backend web\n\
         backend web\n  balance roundrobin\n  \
         server-template web 4 _web._tcp.service.swimlab resolvers swimlab init-addr none\n"
    );
    fs::write(&path, text).unwrap();
    let log = group.dir.path().join("haproxy.log");
    let _haproxy = Running::start(Command::new("haproxy").arg("-db").arg("-f").arg(&path), &log);
    // Both answer, one, or none, in eight requests.
    let answering = || {
        let page = |_| TcpStream::connect(http).map(|_| get(http, "/")).ok().filter(|(status, _)| *status == 200);
        let mut names: Vec<String> = (0..8).filter_map(page).map(|(_, name)| name).collect();
        names.sort();
        names.dedup();
        names.join(" ")
    };
    until(30, "both serve", || answering() == "blue red");
    red.kill();
    until(30, "one is left", || answering() == "blue");
    let _red = group.backend("red");
    until(30, "both serve again", || answering() == "blue red");
}

#[test]
fn prometheus_drops_a_target_whose_agent_is_killed() {
    if !has("prometheus", "--version", "it finds no target") {
        return;
    }
    let (group, [red, _blue]) = Group::start();
    let (http, web, path) = (group.front.interface("http"), free_addr(), group.dir.path().join("prometheus.yml"));
    let text = format!(
        "scrape_configs:\n  - job_name: web\n    scrape_interval: 1s\n    http_sd_configs:\n      \
         - url: http://{http}/v1/sd?service=web\n        refresh_interval: 1s\n    relabel_configs:\n      \
         - source_labels: [__meta_swimlab_member]\n        target_label: member\n"
    );
    fs::write(&path, text).unwrap();
    let mut command = Command::new("prometheus");
    command.arg(format!("--config.file={}", path.display())).arg(format!("--web.listen-address={web}"));
    command.arg(format!("--storage.tsdb.path={}", group.dir.path().join("data").display()));
    let _prometheus = Running::start(&mut command, &group.dir.path().join("prometheus.log"));
    let targets = || {
        TcpStream::connect(web).map_or_else(
            |_| String::new(),
            |_| raw(web, b"GET /api/v1/targets?state=active HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"),
        )
    };
    let shows = |page: &str, name: &str| page.contains(&format!("\"member\":\"{name}\""));
    until(60, "both are targets", || {
        let page = targets();
        shows(&page, "red") && shows(&page, "blue")
    });
    red.kill();
    until(60, "one is left", || {
        let page = targets();
        !shows(&page, "red") && shows(&page, "blue")
    });
}
