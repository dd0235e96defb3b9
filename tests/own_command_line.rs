//! The example examples/own_command_line.rs from end to end: its selector in `list`, `run` and `replay`.
//!
//! A command needs a process with its own arguments, so this test has no harness: it starts itself as another process,
//! which runs the example.

#[path = "../examples/own_command_line.rs"]
pub mod own_command_line;

use std::process::{Command, ExitCode, Output};
use std::{env, fs};

use swimlab_selectors::{DynSelector, laws};

/// Set in the processes that are to be the example.
const IS_EXAMPLE: &str = "SWIMLAB_TEST_IS_EXAMPLE";

const EXPERIMENT: &str = "\
trials = 2
topology = 'zones'
selector = ['shuffle', 'half-local']
members = 12
warmup = '5s'
duration = '20s'
fault = [{ kind = 'crash', at = '2s' }]
";

fn main() -> ExitCode {
    if env::var_os(IS_EXAMPLE).is_some() {
        return own_command_line::main();
    }
    its_selector_keeps_the_laws();
    its_selector_is_listed();
    its_selector_runs_and_is_replayed();
    a_misspelled_selector_is_refused_with_the_right_name();
    ExitCode::SUCCESS
}

fn its_selector_keeps_the_laws() {
    laws::check(|| DynSelector::new("half-local", own_command_line::HalfLocal));
}

fn its_selector_is_listed() {
    let listed = example(&["list", "selectors"]);
    assert!(listed.contains("\n  half-local "), "{listed}");
    assert!(listed.contains("Half of the pings into the own region, half anywhere."), "{listed}");
    assert!(listed.contains("\n  shuffle "), "the built-in ones are there, too: {listed}");
}

fn its_selector_runs_and_is_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let (file, out) = (dir.path().join("mine.toml"), dir.path().join("out"));
    fs::write(&file, EXPERIMENT).unwrap();
    let [file, folder] = [&file, &out].map(|path| path.to_str().unwrap());
    let table = example(&["run", file, "--out", folder, "--quiet"]);
    assert!(table.contains("half-local"), "{table}");
    let trials = fs::read_to_string(out.join("trials.csv")).unwrap();
    assert_eq!(trials.lines().filter(|line| line.contains("half-local")).count(), 2, "{trials}");
    assert!(fs::read_to_string(out.join("report.html")).unwrap().contains("half-local"));
    let replayed = example(&["replay", file, "--trial", "0", "--selector", "half-local"]);
    assert!(replayed.contains("selector half-local"), "{replayed}");
}

fn a_misspelled_selector_is_refused_with_the_right_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("typo.toml");
    fs::write(&file, "topology = 'lan'\nselector = 'half-locl'\nmembers = 12\n").unwrap();
    let output = run(&["run", file.to_str().unwrap()]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && error.contains("half-local"), "{error}");
}

/// Output of the example, which must succeed.
fn example(args: &[&str]) -> String {
    let output = run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn run(args: &[&str]) -> Output {
    Command::new(env::current_exe().unwrap()).args(args).env(IS_EXAMPLE, "1").output().unwrap()
}
