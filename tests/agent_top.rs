//! `swimlab top` in a pseudo-terminal of `script`, and without a terminal.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use agents::process::{Bare, Process, config, stderr, swimlab, until, until_complete};

const ENTER_SCREEN: &str = "\u{1b}[?1049h";
const LEAVE_SCREEN: &str = "\u{1b}[?1049l";

fn agent(dir: &Path, name: &str, args: &[&str]) -> Process {
    let config = config(dir, 5.0);
    Process::start(dir, name, &[&["--config", config.to_str().unwrap()], args].concat())
}

/// `swimlab top` in a terminal of its own.
struct Top {
    script: Bare,
    keys: ChildStdin,
    /// All that was written to the terminal.
    output: Arc<Mutex<String>>,
    /// Holds the id of the process.
    pid: std::path::PathBuf,
    /// Holds the exit code, and the settings of the terminal afterwards.
    after: std::path::PathBuf,
}

impl Top {
    /// Starts it on a screen of this size. `None`: `script` is not installed; that is printed.
    fn start(dir: &Path, socket: &str, size: &str, environment: &str) -> Option<Self> {
        let help = Command::new("script").arg("--help").output();
        if !help.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--command")) {
            // Past the test harness, which keeps what passing tests print to itself.
            let _ = writeln!(std::io::stderr(), "SKIPPED: script of util-linux is not installed: top has no terminal");
            return None;
        }
        let (pid, after) = (dir.join("pid"), dir.join("after"));
        let inner = format!(
            "stty {size}; before=$(stty -g); \
             sh -c 'echo $$ > {pid}; exec env {environment} TERM=xterm-256color {swimlab} top --interval 200ms --socket {socket}'; \
             code=$?; [ \"$before\" = \"$(stty -g)\" ] && same=restored || same=changed; echo $code $same > {after}",
            pid = pid.display(),
            after = after.display(),
            swimlab = swimlab().get_program().display(),
        );
        let mut command = Command::new("script");
        command.args(["--quiet", "--flush", "--command", &inner, "/dev/null"]).env("SHELL", "/bin/sh");
        let mut script = Bare::start(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let (keys, mut out) = (script.0.stdin.take().unwrap(), script.0.stdout.take().unwrap());
        let output = Arc::<Mutex<String>>::default();
        let heard = Arc::clone(&output);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = out.read(&mut buffer) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            }
        });
        Some(Self { script, keys, output, pid, after })
    }

    fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Waits for a text on the screen.
    fn until_shown(&self, text: &str) {
        until(30, text, || screen(&self.output()).contains(text));
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.keys.flush().unwrap();
    }

    /// Waits for the end; returns the exit code, and whether the terminal is as before.
    fn ended(&mut self) -> String {
        until(30, "the end", || fs::read_to_string(&self.after).is_ok_and(|text| text.ends_with('\n')));
        let output = self.output();
        assert_eq!((output.matches(ENTER_SCREEN).count(), output.matches(LEAVE_SCREEN).count()), (1, 1), "{output:?}");
        fs::read_to_string(&self.after).unwrap().trim().to_owned()
    }

    fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(&self.pid).unwrap();
        assert!(Command::new("kill").args([&format!("-{signal}"), pid.trim()]).status().unwrap().success());
    }
}

/// The screen of a terminal after this output, with one blank in place of several: a view writes only what has changed.
fn screen(output: &str) -> String {
    let (mut cells, mut at) = (vec![vec![' '; 200]; 60], (0, 0));
    let mut chars = output.chars();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' if chars.next() == Some('[') => {
                let mut parameters = String::new();
                let end = chars.by_ref().find(|&char| {
                    parameters.push(char);
                    ('@'..='~').contains(&char)
                });
                let mut numbers =
                    parameters.split(|char: char| !char.is_ascii_digit()).map_while(|text| text.parse().ok());
                let mut number = || numbers.next().unwrap_or(1_usize) - 1;
                match end {
                    Some('H') => at = (number(), number()),
                    Some('J') => cells.iter_mut().for_each(|line| line.fill(' ')),
                    _ => {}
                }
            }
            char if char.is_control() => {}
            char => {
                if let Some(cell) = cells.get_mut(at.0).and_then(|line| line.get_mut(at.1)) {
                    *cell = char;
                }
                at.1 += 1;
            }
        }
    }
    let lines = cells.iter().map(|line| line.iter().collect::<String>());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n").collect()
}

#[test]
fn a_view_shows_members_live_and_leaves_the_terminal_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &["--service", "web:8080"]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    let all = [a, b];
    until_complete(20, &all);
    let [a, b] = all;
    let socket = dir.path().join("a.sock");
    let Some(mut top) = Top::start(dir.path(), socket.to_str().unwrap(), "rows 24 cols 120", "") else { return };
    top.until_shown("alive 2");
    top.until_shown("web:8080");
    top.until_shown("latest events");
    let c = agent(dir.path(), "c", &["--join", &a.addr.to_string()]);
    top.until_shown(&format!("joined c {}", c.addr));
    let (name, addr) = (b.name.clone(), b.addr);
    b.kill();
    top.until_shown(&format!("declared dead {name} {addr}"));
    top.press("?");
    top.until_shown("Ctrl-C quit");
    top.press("q");
    assert_eq!(top.ended(), "0 restored");
    top.script.ended(20);
}

#[test]
fn a_view_says_that_the_agent_is_gone_and_goes_on_when_it_is_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut a = agent(dir.path(), "a", &[]);
    let socket = dir.path().join("a.sock");
    let Some(mut top) = Top::start(dir.path(), socket.to_str().unwrap(), "rows 24 cols 80", "NO_COLOR=1") else {
        return;
    };
    top.until_shown("alive 1");
    a.signal("TERM");
    a.ended();
    top.until_shown("the agent does not answer");
    let _back = agent(dir.path(), "a", &["--zone", "eu/back"]);
    top.until_shown("zone eu/back");
    until(30, "it answers", || !screen(&top.output()).contains("does not answer"));
    // Neither a color of the text nor one of the background.
    let output = top.output();
    assert!(!output.contains("[38;") && !output.contains("[48;"), "{output:?}");
    top.press("\u{3}");
    assert_eq!(top.ended(), "0 restored");
}

#[test]
fn a_signal_ends_a_view_and_restores_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let _a = agent(dir.path(), "a", &[]);
    let socket = dir.path().join("a.sock");
    let Some(mut top) = Top::start(dir.path(), socket.to_str().unwrap(), "rows 24 cols 80", "") else { return };
    top.until_shown("alive 1");
    top.signal("TERM");
    assert_eq!(top.ended(), "130 restored");
}

#[test]
fn without_a_terminal_or_an_agent_the_error_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let output = a.ask(&["top"]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.lines().count() == 1 && said.contains("swimlab members") && said.contains("swimlab info"), "{said}");
    assert!(output.stdout.is_empty());
    let output = swimlab().args(["top", "--interval", "0s"]).output().unwrap();
    assert!(output.status.code() == Some(2) && stderr(&output).contains("at least 100ms"), "{}", stderr(&output));
}
