//! A selector with a bug, in an agent and in a run: the exit codes and messages that docs/operations.md promises.
//!
//! As tests/own_command_line.rs, this test has no harness: it starts itself as another process, a `swimlab` that has the
//! selector.

use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use swimlab::experiment::Lab;
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

/// Set in the processes that are to be `swimlab`.
const IS_SWIMLAB: &str = "SWIMLAB_TEST_IS_SWIMLAB";

const EXPERIMENT: &str = "\
trials = 2
topology = 'lan'
selector = ['shuffle', 'panicking']
members = 12
warmup = '5s'
duration = '20s'
fault = [{ kind = 'crash', at = '2s' }]
";

/// Panics when it is asked for targets.
#[derive(Clone, Copy)]
struct Panicking;

impl Selector for Panicking {
    type RosterIndex = ();
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), _: &mut Context<'_>) {}

    fn targets(&self, (): &(), (): &mut (), _: &mut Context<'_>, _: usize, _: &mut Vec<Slot>) {
        panic!("the selector's bug")
    }

    fn bound(&self, _: u32, _: u32) -> Bound {
        Bound::PerPeriod(1.0)
    }
}

fn main() -> ExitCode {
    if env::var_os(IS_SWIMLAB).is_some() {
        let mut lab = Lab::default();
        lab.selectors.register("panicking", "Panics.", vec![], |_, _| Ok(DynSelector::new("panicking", Panicking)));
        return swimlab::cli::main(lab);
    }
    #[cfg(all(unix, feature = "agent"))]
    an_agent_whose_task_panics_ends_with_code_1();
    a_trial_that_panics_is_reported_with_the_command_that_replays_it();
    ExitCode::SUCCESS
}

#[cfg(all(unix, feature = "agent"))]
fn an_agent_whose_task_panics_ends_with_code_1() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("a.sock");
    let mut command = swimlab(&["agent", "--name", "a", "--bind", "127.0.0.1:0", "--preset", "local"]);
    command.args(["--selector", "panicking", "--socket"]).arg(&socket);
    let agent = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (code, said) = ended(agent);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the selector's bug"), "{said}");
    assert!(said.contains("error: a task of the agent panicked, which is a bug"), "{said}");
    assert!(!socket.exists(), "its socket is removed");
}

fn a_trial_that_panics_is_reported_with_the_command_that_replays_it() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("mine.toml"), dir.path().join("out"));
    fs::write(&file, EXPERIMENT).unwrap();
    let mut command = swimlab(&["run", file.to_str().unwrap(), "--quiet", "--out", out.to_str().unwrap()]);
    let (code, said) = ended(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("went wrong: the selector's bug"), "{said}");
    assert!(said.contains(&format!("replay {} --trial 1", file.display())), "{said}");
    let trials = fs::read_to_string(out.join("trials.csv")).unwrap();
    assert_eq!(trials.lines().filter(|line| line.contains("shuffle")).count(), 2, "the others are saved: {trials}");
}

fn swimlab(args: &[&str]) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(args).env(IS_SWIMLAB, "1");
    command
}

/// The exit code of a process that ends by itself, and what it has written to standard error.
fn ended(mut child: Child) -> (Option<i32>, String) {
    // A backtrace may be longer than a pipe holds.
    let mut stderr = child.stderr.take().expect("it is piped");
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        stderr.read_to_end(&mut said).map(|_| String::from_utf8_lossy(&said).into_owned())
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(20));
    };
    (status.code(), reader.join().unwrap().unwrap())
}
