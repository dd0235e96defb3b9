//! Agents as processes of their own, with their control sockets.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running `swimlab agent`; it is killed when the test ends.
pub struct Process {
    /// The member's name.
    pub name: String,
    /// The address that it listens on.
    pub addr: SocketAddr,
    child: Child,
    socket: PathBuf,
    lines: Arc<Mutex<Vec<Value>>>,
    errors: Arc<Mutex<String>>,
}

/// The settings of most tests: a period of 200 ms.
pub fn config(dir: &Path, suspicion_mult: f64) -> PathBuf {
    let path = dir.join(format!("config-{suspicion_mult}.toml"));
    let text = format!(
        "preset = 'local'\n[protocol]\nperiod = '200ms'\nprobe_timeout = '100ms'\nsuspicion_mult = {suspicion_mult:?}\n\
         sync_interval = '5s'\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// A command that runs this build's `swimlab`.
pub fn swimlab() -> Command {
    Command::new(env!("CARGO_BIN_EXE_swimlab"))
}

impl Process {
    /// Starts an agent on a port of the system's choice.
    pub fn start(dir: &Path, name: &str, args: &[&str]) -> Self {
        Self::try_start(dir, name, args).unwrap_or_else(|output| panic!("{name}: {}", stderr(&output)))
    }

    /// Starts an agent, or tells how it failed.
    pub fn try_start(dir: &Path, name: &str, args: &[&str]) -> Result<Self, Output> {
        let socket = dir.join(format!("{name}.sock"));
        let mut command = swimlab();
        command.args(["agent", "--format", "json", "--name", name, "--socket"]).arg(&socket).args(args);
        if !args.contains(&"--bind") {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        Self::run(command, name, socket)
    }

    /// Starts an agent by this command, which prints events as JSON.
    pub fn run(mut command: Command, name: &str, socket: PathBuf) -> Result<Self, Output> {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (lines, errors) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(String::new())));
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (heard, complaints) = (Arc::clone(&lines), Arc::clone(&errors));
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let complain = thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                complaints.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let addr = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut this = Self { name: name.to_owned(), addr, child, socket, lines, errors };
        let begun = Instant::now();
        loop {
            if let Some(started) = this.events().first() {
                this.addr = started["addr"].as_str().unwrap().parse().unwrap();
                return Ok(this);
            }
            if let Some(status) = this.child.try_wait().unwrap() {
                complain.join().unwrap();
                return Err(Output { status, stdout: Vec::new(), stderr: this.errors().into_bytes() });
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{name} does not start: {}", this.errors());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Events that the agent has printed so far.
    pub fn events(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// Lines that the agent has written to standard error so far.
    pub fn errors(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// The address at which the agent has told that it serves an interface.
    pub fn interface(&self, name: &str) -> SocketAddr {
        self.events()[0][name].as_str().unwrap().parse().unwrap()
    }

    /// Whether the agent has reported this event about a member.
    pub fn saw(&self, event: &str, name: &str) -> bool {
        self.count(event, name) > 0
    }

    /// Number of the agent\'s reports of this event about a member.
    pub fn count(&self, event: &str, name: &str) -> usize {
        self.events().iter().filter(|line| line["event"] == event && line["name"] == name).count()
    }

    /// Runs a command of `swimlab` against the control socket.
    pub fn ask(&self, args: &[&str]) -> Output {
        swimlab().args(args).arg("--socket").arg(&self.socket).output().unwrap()
    }

    /// Runs a command that succeeds, and returns its output.
    pub fn order(&self, args: &[&str]) -> String {
        let output = self.ask(args);
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The members that the agent has a record of.
    pub fn members(&self) -> Vec<Value> {
        serde_json::from_str(&self.order(&["members", "--format", "json"])).unwrap()
    }

    /// The names of the members that the agent holds alive, sorted.
    pub fn alive(&self) -> Vec<String> {
        let alive = self.members().into_iter().filter(|member| member["state"] == "alive");
        let mut names: Vec<String> = alive.map(|member| member["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// The output of `swimlab info`.
    pub fn info(&self) -> Value {
        serde_json::from_str(&self.order(&["info", "--format", "json"])).unwrap()
    }

    /// Sends a signal: TERM, INT, HUP, STOP, CONT, KILL.
    pub fn signal(&self, signal: &str) {
        send_signal(&self.child, signal);
    }

    /// Waits for the end of the process, for at most ten seconds.
    pub fn ended(&mut self) -> ExitStatus {
        wait(&mut self.child, 10)
    }

    /// Kills the process.
    pub fn kill(mut self) {
        self.signal("KILL");
        self.ended();
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The resident memory in KiB.
    pub fn memory_kib(&self) -> u64 {
        let mut status = String::new();
        let path = format!("/proc/{}/status", self.child.id());
        std::fs::File::open(path).unwrap().read_to_string(&mut status).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process with outputs of the test's choice; it is killed when the test ends.
pub struct Bare(pub Child);

impl Bare {
    /// Starts a command.
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: &str) {
        send_signal(&self.0, signal);
    }

    /// Waits for the end of the process, for at most this time.
    pub fn ended(&mut self, seconds: u64) -> ExitStatus {
        wait(&mut self.0, seconds)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn send_signal(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn wait(child: &mut Child, seconds: u64) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(seconds), "process {} does not end", child.id());
        thread::sleep(Duration::from_millis(10));
    }
}

/// The standard error stream of a finished command.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for something to become true.
pub fn until(seconds: u64, what: &str, mut is_true: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_true() {
        assert!(begun.elapsed() < Duration::from_secs(seconds), "not within {seconds} s: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until each agent holds exactly these members alive.
pub fn until_complete(seconds: u64, all: &[Process]) {
    let mut names: Vec<String> = all.iter().map(|process| process.name.clone()).collect();
    names.sort();
    let begun = Instant::now();
    loop {
        let wrong = all.iter().map(|process| (&process.name, process.alive())).find(|(_, alive)| *alive != names);
        let Some((name, alive)) = wrong else { return };
        assert!(begun.elapsed() < Duration::from_secs(seconds), "after {seconds} s {name} knows {alive:?}");
        thread::sleep(Duration::from_millis(50));
    }
}
