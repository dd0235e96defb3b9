//! Challenges for selectors, and their judge, through the library and the real binary.
//!
//! Tests that build a selector run cargo without a network, on the versions of Cargo.lock. What it builds is kept in
//! `target/tmp/course`; the first time takes minutes.

#![cfg(feature = "cli")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use swimlab::course::challenges::{JudgeOptions, Outcome, judge, shipped};
use swimlab::experiment::Lab;

/// A challenge of a teacher, quick to judge.
const QUICK: &str = "\
topology = 'lan'
selector = ['uniform', 'auto']
members = 20
warmup = '2s'
duration = '10s'
trials = 20
fault = [{ kind = 'crash' }]

[challenge]
title = 'A quick first ping'
hint = 'Think of the others.'

[[challenge.bar]]
measure = 'first_ping_s'
at_most = '5 T'

[[challenge.bar]]
measure = 'messages_sent'
statistic = 'max'
at_most = '110%'
relative_to = 'shuffle'
";

/// A selector whose behavior depends on the number of members, so that it keeps the laws, which are checked with fewer: with
/// 77 of them it panics, with 78 it never returns, with 79 it ends the process, and with 80 it prints.
const MOODY: &str = r#"
//! A selector with moods.
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot, pick_uniform};

pub struct Moody;

pub fn selector() -> DynSelector {
    DynSelector::new("moody", Moody)
}

impl Selector for Moody {
    type RosterIndex = ();
    type State = ();
    fn build_index(&self, _: &[Peer]) {}
    fn new_state(&self, _: &(), _: &mut Context<'_>) {}
    fn targets(&self, _: &(), _: &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        match ctx.view.slots() {
            77 => panic!("too many members"),
            78 => loop {
                std::hint::spin_loop();
            },
            79 => std::process::exit(7),
            80 if ctx.period == 0 => println!("eighty"),
            _ => {}
        }
        pick_uniform(ctx, want, picks, |_| true);
    }
    fn bound(&self, n: u32, direct: u32) -> Bound {
        let others = n.saturating_sub(1);
        Bound::PerPeriod(if direct >= others { 1.0 } else { f64::from(direct) / f64::from(others) })
    }
}
"#;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder for what cargo builds, which outlives the test.
fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("course")
}

fn course(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swimlab"));
    command.current_dir(dir).env("COLUMNS", "120").arg("course").args(args).output().unwrap()
}

/// Builds and judges a selector, without a network.
fn check(dir: &Path, args: &[&str]) -> Output {
    let cache = cache();
    course(dir, &[&["check", "--offline", "--cache", cache.to_str().unwrap()], args].concat())
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The standard error of a command that must end with this code.
fn failed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{}{}", out(output), err(output));
    err(output)
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(dir.path().join(name), text).unwrap());
    dir
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", out(output), err(output)))
}

/// The challenge with this many members.
fn with_members(members: u32) -> String {
    QUICK.replace("members = 20", &format!("members = {members}"))
}

// The seeds and trials are those of the files: seed 1, 60 to 1,000 trials.
#[test]
fn every_bar_is_met_by_a_selector_that_its_file_names_and_missed_by_another() {
    let lab = Lab::default();
    for challenge in shipped(&lab) {
        let scores = challenge.selectors.iter().map(|selector| {
            let judgment = judge(&challenge, selector, &lab, JudgeOptions::default()).unwrap();
            let Outcome::Judged { bars } = judgment.outcome else { panic!("{judgment:?}") };
            bars
        });
        let scores: Vec<_> = scores.collect();
        for bar in 0..challenge.goal.bars.len() {
            let met: BTreeSet<bool> = scores.iter().map(|bars| bars[bar].met).collect();
            assert_eq!(
                met.len(),
                2,
                "{}: {:?}",
                challenge.name,
                scores.iter().map(|bars| &bars[bar]).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn every_file_of_challenges_is_listed_and_printed_by_its_name() {
    let files = fs::read_dir(root().join("docs/course/challenges")).unwrap();
    let files = files.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    let names = shipped(&Lab::default()).into_iter().map(|challenge| challenge.name).collect::<Vec<_>>();
    assert_eq!(files.collect::<BTreeSet<_>>(), names.iter().cloned().collect(), "a line in shipped.rs for each file");
    let dir = folder(&[]);
    let listed = course(dir.path(), &["list", "--json"]);
    let listed: Vec<Value> = json(&listed).as_array().unwrap().clone();
    assert_eq!(listed.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for name in names {
        let file = root().join(format!("docs/course/challenges/{name}.toml"));
        assert_eq!(out(&course(dir.path(), &["list", &name])), fs::read_to_string(file).unwrap());
    }
    let error = failed(&course(dir.path(), &["list", "first"]), 2);
    assert!(error.contains("unknown challenge \"first\"; did you mean first-ping"), "{error}");
}

/// The blocks of the page that follow a block with this command.
fn quoted(command: &str) -> String {
    let page = fs::read_to_string(root().join("docs/course/challenges.md")).unwrap();
    let after = page.split_once(&format!("```sh\n{command}\n```")).unwrap_or_else(|| panic!("no block {command}")).1;
    after.split_once("```text\n").unwrap().1.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_page_quotes_what_the_program_prints() {
    let dir = folder(&[]);
    assert_eq!(quoted("swimlab course list"), out(&course(dir.path(), &["list"])));
    let judged = course(dir.path(), &["check", "--selector", "auto"]);
    failed(&judged, 1);
    assert_eq!(quoted("swimlab course check --selector auto"), out(&judged));
}

#[test]
fn a_shipped_selector_is_judged_without_a_build() {
    let dir = folder(&[("quick.toml", QUICK)]);
    let args = ["check", "--scenario", "quick.toml", "--challenge", "quick", "--selector"];
    let met = course(dir.path(), &[&args[..], &["auto", "--json"]].concat());
    assert_eq!(met.status.code(), Some(0), "{}", err(&met));
    let scores = json(&met);
    assert_eq!(scores["challenges"].as_array().unwrap().len(), 1);
    assert_eq!(scores["challenges"][0]["challenge"], "quick");
    assert_eq!(scores["challenges"][0]["bars"][1]["unit"], serde_json::json!({ "relative_to": "shuffle" }));
    // The same command has the same result, to the byte; another seed has others.
    let again = course(dir.path(), &[&args[..], &["auto", "--json", "--threads", "1"]].concat());
    assert_eq!(out(&again), out(&met));
    let other = course(dir.path(), &[&args[..], &["auto", "--json", "--seed", "9"]].concat());
    assert_ne!(json(&other)["challenges"][0]["bars"], scores["challenges"][0]["bars"]);

    let hard = QUICK.replace("5 T", "0.1 T");
    fs::write(dir.path().join("quick.toml"), hard).unwrap();
    let missed = course(dir.path(), &[&args[..], &["uniform"]].concat());
    failed(&missed, 1);
    let table = out(&missed);
    assert!(table.contains("✗ missed") && table.contains("✓ met"), "{table}");
    assert!(table.contains("quick: Think of the others.\n0 of 1 challenges met\n"), "{table}");
}

#[test]
fn time_that_is_over_ends_a_challenge() {
    let dir = folder(&[]);
    let args = ["check", "--selector", "auto", "--challenge", "first-ping", "--time-limit", "1ms"];
    let judged = course(dir.path(), &args);
    failed(&judged, 1);
    assert!(out(&judged).contains("not done after 0.001 s"), "{}", out(&judged));
}

#[test]
fn what_cannot_be_judged_is_named() {
    let dir = folder(&[("quick.toml", QUICK), ("first-ping.toml", QUICK), ("notes.txt", "")]);
    fs::write(dir.path().join("measure.toml"), QUICK.replace("messages_sent", "message_sent")).unwrap();
    fs::write(dir.path().join("key.toml"), QUICK.replace("statistic", "statistics")).unwrap();
    fs::write(dir.path().join("absent.toml"), QUICK.replace("messages_sent", "cross_zone_bytes")).unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    let refused = |args: &[&str], why: &str| {
        let error = failed(&course(dir.path(), &[&["check"], args].concat()), 2);
        assert!(error.contains(why), "{args:?}: {error}");
    };
    let auto = ["--selector", "auto"];
    let with = |flag, value| [&auto[..], &[flag, value]].concat();
    refused(
        &with("--scenario", "measure.toml"),
        "measure.toml:18: unknown measure \"message_sent\"; did you mean messages_sent",
    );
    refused(&with("--scenario", "key.toml"), "key.toml:19: bar has no key \"statistics\"; did you mean statistic?");
    refused(&with("--scenario", "none.toml"), "none.toml: cannot be read");
    refused(&with("--scenario", "first-ping.toml"), "another challenge first-ping; name = \"...\"");
    refused(&with("--challenge", "first"), "unknown challenge \"first\"; did you mean first-ping");
    refused(&with("--time-limit", "5"), "must be a time");
    let absent = [&with("--scenario", "absent.toml")[..], &["--challenge", "absent"]].concat();
    refused(&absent, "absent.toml: no trial of auto has a value of cross_zone_bytes");
    refused(&["--selector", "shufle"], "--selector: unknown selector \"shufle\"; did you mean shuffle");
    refused(&["none.rs"], "none.rs: No such file");
    refused(&["notes.txt"], "notes.txt: is neither a Rust file (.rs) nor the folder of a crate");
    refused(&["empty"], "empty: has no Cargo.toml; `swimlab course new` makes a crate");
    refused(&["a.rs", "--selector", "auto"], "cannot be used with");
    refused(&[], "required");
}

#[test]
fn a_missing_cargo_is_named() {
    let dir = folder(&[("mine.rs", MOODY)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_swimlab"));
    command.current_dir(dir.path()).env_remove("CARGO").env("PATH", dir.path());
    let error = failed(&command.args(["course", "check", "mine.rs", "--cache", "cache"]).output().unwrap(), 2);
    assert!(error.contains("cargo builds the selector, but cannot be started") && error.contains("rustup"), "{error}");
}

#[test]
fn new_overwrites_nothing_and_names_what_a_crate_may_be_called() {
    let dir = folder(&[("mine", "dear")]);
    let refused = |args: &[&str], why: &str| {
        let error = failed(&course(dir.path(), &[&["new"], args].concat()), 2);
        assert!(error.contains(why), "{error}");
    };
    refused(&["mine"], "mine exists already; nothing is overwritten");
    refused(&["7up"], "must be that of a crate");
    refused(&["other", "--swimlab", "."], "--swimlab .: is no checkout of swimlab");
    assert_eq!(fs::read_to_string(dir.path().join("mine")).unwrap(), "dear");
    assert!(!dir.path().join("other").exists());
}

/// Runs the tests of a crate, without a network.
fn cargo_test(dir: &Path) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(dir).args(["test", "--release", "--offline", "--target-dir"]).arg(cache().join("target"));
    command.output().unwrap()
}

#[test]
fn a_new_crate_keeps_the_laws_and_is_judged() {
    let dir = folder(&[("quick.toml", QUICK)]);
    let made = course(dir.path(), &["new", "work/my_selector"]);
    assert_eq!(made.status.code(), Some(0), "{}", err(&made));
    assert!(out(&made).contains("swimlab course check ."), "{}", out(&made));
    let crate_folder = dir.path().join("work/my_selector");
    let tested = cargo_test(&crate_folder);
    assert!(tested.status.success(), "{}{}", out(&tested), err(&tested));
    assert!(out(&tested).contains("the_selector_keeps_the_laws ... ok"), "{}", out(&tested));

    let judged = check(&crate_folder, &[".", "--scenario", "../../quick.toml", "--challenge", "quick", "--json"]);
    assert_eq!(judged.status.code(), Some(0), "{}{}", out(&judged), err(&judged));
    let scores = json(&judged);
    assert_eq!((&scores["selector"], &scores["laws"]["outcome"]), (&"my_selector".into(), &"kept".into()));
    // It is the selector `uniform` under another name, in the same trials.
    let uniform = ["check", "--selector", "uniform", "--scenario", "quick.toml", "--challenge", "quick", "--json"];
    assert_eq!(scores["challenges"], json(&course(dir.path(), &uniform))["challenges"]);
}

#[test]
fn the_example_of_a_selector_is_judged_as_a_file() {
    let dir = folder(&[("quick.toml", QUICK)]);
    let example = root().join("examples/custom_selector.rs");
    let args = [example.to_str().unwrap(), "--scenario", "quick.toml", "--challenge", "quick"];
    let judged = check(dir.path(), &args);
    assert_eq!(judged.status.code(), Some(0), "{}{}", out(&judged), err(&judged));
    let table = out(&judged);
    assert!(
        table.starts_with("walk\n") && table.contains("kept") && table.ends_with("1 of 1 challenges met\n"),
        "{table}"
    );
}

#[test]
fn a_selector_that_panics_loops_or_ends_the_process_takes_nothing_else_with_it() {
    let dir = folder(&[("moody.rs", MOODY)]);
    let mut args = vec!["moody.rs".to_owned(), "--time-limit".to_owned(), "20s".to_owned(), "--json".to_owned()];
    for members in 76..=80 {
        let name = format!("with{members}");
        fs::write(dir.path().join(format!("{name}.toml")), with_members(members)).unwrap();
        args.extend(["--scenario".to_owned(), format!("{name}.toml"), "--challenge".to_owned(), name]);
    }
    let judged = check(dir.path(), &args.iter().map(String::as_str).collect::<Vec<_>>());
    let said = failed(&judged, 1);
    assert!(said.lines().any(|line| line == "eighty"), "what it prints is shown, beside the scores: {said}");
    let scores = json(&judged);
    assert_eq!(scores["laws"]["outcome"], "kept");
    let outcome = |n: usize| &scores["challenges"][n];
    assert_eq!(outcome(0)["outcome"], "judged");
    assert_eq!(outcome(1)["outcome"], "panicked");
    assert_eq!((&outcome(1)["failed"], &outcome(1)["trials"]), (&20.into(), &20.into()));
    let message = outcome(1)["message"].as_str().unwrap();
    assert!(message.starts_with("too many members (") && message.contains("moody.rs:18"), "{message}");
    assert_eq!(outcome(2)["outcome"], "timed_out");
    assert_eq!((&outcome(3)["outcome"], &outcome(3)["how"]), (&"died".into(), &"exit status: 7".into()));
    assert_eq!(outcome(4)["outcome"], "judged");
}

#[test]
fn a_selector_that_breaks_a_law_is_not_judged() {
    // It pings itself where it should not.
    let broken =
        MOODY.replace("pick_uniform(ctx, want, picks, |_| true)", "picks.extend((want > 0).then(|| ctx.view.me()))");
    let dir = folder(&[("broken.rs", &broken), ("quick.toml", QUICK)]);
    let judged = check(dir.path(), &["broken.rs", "--scenario", "quick.toml", "--challenge", "quick"]);
    failed(&judged, 1);
    let table = out(&judged);
    assert!(table.contains("broken: never itself") && table.contains("not judged"), "{table}");
    assert!(
        table.contains("laws: the selector breaks the law \"never itself\", so no challenge is judged.\n"),
        "{table}"
    );
}

#[test]
fn what_does_not_compile_is_shown_as_the_compiler_says_it() {
    let broken = MOODY.replace("Bound::PerPeriod(if", "Bound::EachPeriod(if");
    let nameless = MOODY.replace("pub fn selector()", "pub fn chooser()");
    let dir = folder(&[("broken.rs", &broken), ("nameless.rs", &nameless)]);
    let said = failed(&check(dir.path(), &["broken.rs"]), 2);
    assert!(said.contains("error[E0599]") && said.contains("broken.rs:30"), "{said}");
    assert!(said.contains("error: broken.rs cannot be built, for the reasons above; it must compile"), "{said}");
    let said = failed(&check(dir.path(), &["nameless.rs"]), 2);
    assert!(
        said.contains("error[E0425]") && said.contains("pub fn selector() -> swimlab_selectors::DynSelector"),
        "{said}"
    );
}
