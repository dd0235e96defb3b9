//! `swimlab compare` from end to end, through the real binary.

#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SMALL: &str = "\
name = 'small'
seed = 7
trials = 12
topology = ['lan', 'zones']
selector = ['uniform', 'shuffle']
members = 12
warmup = '5s'
duration = '30s'
protocol = { period = '1500ms' }
fault = [{ kind = 'crash', at = '2s' }]
";

fn swimlab(dir: &Path, args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swimlab")).current_dir(dir).args(args.split_whitespace()).output().unwrap()
}

fn done(dir: &Path, args: &str) -> String {
    let output = swimlab(dir, args);
    assert!(output.status.success(), "swimlab {args}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(dir: &Path, args: &str) -> String {
    let output = swimlab(dir, args);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args}");
    String::from_utf8(output.stderr).unwrap()
}

/// Runs an experiment with its results in the folder `out`.
fn run(dir: &Path, out: &str, file: &str) {
    fs::write(dir.join(format!("{out}.toml")), file).unwrap();
    done(dir, &format!("run {out}.toml --quiet --out {out}"));
}

fn compared(dir: &Path, args: &str) -> Value {
    serde_json::from_str(&done(dir, &format!("compare {args} --format json"))).unwrap()
}

#[test]
fn two_equal_runs_are_equal_in_all_measures() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "a", SMALL);
    run(dir.path(), "b", SMALL);
    let table = done(dir.path(), "compare a b");
    assert!(table.starts_with("A: a\nB: b\n\ntopology lan, selector uniform, "), "{table}");
    assert!(table.contains("12 pairs of trials"), "{table}");
    assert!(!table.contains("They differ"), "{table}");
    for cell in compared(dir.path(), "a b")["cells"].as_array().unwrap() {
        for (name, measure) in cell["measures"].as_object().unwrap() {
            assert_eq!((&measure["less"], &measure["more"]), (&0.into(), &0.into()), "{name}");
            assert_eq!(measure["verdict"], "within noise", "{name}");
        }
    }
}

#[test]
fn a_shorter_period_is_better_in_time_and_worse_in_traffic() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "a", SMALL);
    run(dir.path(), "b", &SMALL.replace("1500ms", "750ms"));
    let table = done(dir.path(), "compare a b");
    assert!(table.contains("They differ in period: 1500ms in A, 750ms in B."), "{table}");
    let document = compared(dir.path(), "a b");
    let cells = document["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 4);
    for cell in cells {
        let measure = |name: &str| &cell["measures"][name];
        assert_eq!(cell["paired"], true);
        assert_eq!(measure("first_declaration_s")["verdict"], "better");
        assert_eq!(measure("messages_sent")["verdict"], "worse");
        let ratio = measure("messages_sent")["ratio"].as_f64().unwrap();
        assert!((1.9..2.1).contains(&ratio), "twice the periods, twice the messages: {ratio}");
        let ci95 = &measure("messages_sent")["ci95"];
        let difference = measure("messages_sent")["mean_difference"].as_f64().unwrap();
        assert!(ci95[0].as_f64().unwrap() <= difference && difference <= ci95[1].as_f64().unwrap());
    }
    assert_eq!(compared(dir.path(), "b a")["cells"][0]["measures"]["messages_sent"]["verdict"], "better");
}

#[test]
fn csv_and_json_have_the_same_values() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "a", SMALL);
    run(dir.path(), "b", &SMALL.replace("at = '2s'", "at = '3s'"));
    let document = compared(dir.path(), "a b");
    let csv = done(dir.path(), "compare a b --format csv");
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let headers = rows.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    let measures = |cell: &Value| cell["measures"].as_object().unwrap().len();
    assert_eq!(rows.len(), document["cells"].as_array().unwrap().iter().map(measures).sum::<usize>());
    for row in rows {
        let is_its =
            |cell: &&Value| cell["topology"] == row[column("topology")] && cell["selector"] == row[column("selector")];
        let cell = document["cells"].as_array().unwrap().iter().find(is_its).unwrap();
        let measure = &cell["measures"][&row[column("measure")]];
        assert_eq!(row[column("difference")].parse().ok(), measure["mean_difference"].as_f64());
        assert_eq!(&row[column("verdict")], measure["verdict"].as_str().unwrap());
    }
}

#[test]
fn runs_with_different_seeds_are_compared_unpaired() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "a", SMALL);
    run(dir.path(), "b", &SMALL.replace("seed = 7", "seed = 8"));
    let table = done(dir.path(), "compare a b");
    let text = table.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("They differ in seed: 7 in A, 8 in B."), "{table}");
    assert!(text.contains("so unpaired: 12 trials of A, 12 of B"), "{table}");
    assert_eq!(compared(dir.path(), "a b")["cells"][0]["paired"], false);
}

#[test]
fn only_common_trials_and_cells_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    run(dir.path(), "a", SMALL);
    run(dir.path(), "b", &SMALL.replace("trials = 12", "trials = 8").replace("['lan', 'zones']", "'lan'"));
    let document = compared(dir.path(), "a b");
    assert_eq!(document["cells"].as_array().unwrap().len(), 2);
    assert_eq!(document["cells"][0]["trials"], serde_json::json!([8, 8]));
    assert!(done(dir.path(), "compare a b").contains("2 cells have finished trials in A only, or in none."));
}

#[test]
fn a_folder_without_results_is_refused_with_the_reason() {
    let dir = tempfile::tempdir().unwrap();
    let short = SMALL.replace("trials = 12", "trials = 1");
    run(dir.path(), "a", &short);
    run(dir.path(), "other", &short.replace("members = 12", "members = 13"));
    fs::create_dir(dir.path().join("letters")).unwrap();
    let error = |args| refused(dir.path(), &format!("compare {args}"));
    assert_eq!(error("a nowhere"), "error: results folder nowhere: there is none\n");
    assert_eq!(error("a a.toml"), "error: results folder a.toml: is no folder\n");
    assert_eq!(error("letters a"), "error: results folder letters: is no results folder: it has no manifest.json\n");
    let nothing = error("a other");
    assert!(
        nothing.starts_with("error: nothing to compare: no cell is in both folders; a has for instance"),
        "{nothing}"
    );
    assert!(nothing.contains("members 12") && nothing.contains("members 13"), "{nothing}");

    let trials = dir.path().join("other/trials.jsonl");
    fs::write(&trials, fs::read_to_string(&trials).unwrap().replacen("\"cell\"", "\"sell\"", 1)).unwrap();
    assert!(error("a other").starts_with("error: results folder other: trials.jsonl:1: "));
}
