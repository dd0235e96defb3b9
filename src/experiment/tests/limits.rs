//! Limits of experiment files, each reached and exceeded.

use super::*;
use crate::experiment::challenge::{LONGEST_HINT, LONGEST_TITLE, MOST_BARS};
use crate::experiment::file::File;
use crate::experiment::limits::{LONGEST_S, MOST_CELLS, MOST_FAULTS};
use crate::experiment::toml_source::LONGEST;

/// Whether a file with these lines is refused before anything is built.
fn is_refused(lines: &str) -> bool {
    let text = format!("topology = 'lan'\nselector = 'shuffle'\n{lines}\n");
    File::parse(&TomlSource::text("mine.toml", text)).is_err()
}

#[test]
fn members_trials_and_times_have_limits_of_their_own() {
    let cases = |more: u32| {
        [
            format!("members = {}", MOST_MEMBERS + more),
            format!("members = 9\ntrials = {}", MOST_TRIALS + more),
            format!("members = 9\nwarmup = '{}s'", LONGEST_S as u32 + more),
            format!("members = 9\nduration = '{}s'", LONGEST_S as u32 + more),
        ]
    };
    assert_eq!(cases(0).map(|lines| is_refused(&lines)), [false; 4]);
    assert_eq!(cases(1).map(|lines| is_refused(&lines)), [true; 4]);
}

#[test]
fn joiners_count_as_members_of_the_largest_world() {
    let joiners = MOST_MEMBERS - 10;
    let text = |members: u32| {
        format!(
            "topology = 'lan'\nselector = 'shuffle'\nmembers = {members}\n\
             [[fault]]\nkind = 'churn'\ncount = 10\ntimes = {}\nevery = '1ms'\n",
            joiners / 10
        )
    };
    parse(&text(10));
    assert!(refused(&text(11)).contains("10000001 members, joiners included, are more than 10000000"));
}

#[test]
fn a_list_has_as_many_values_as_an_experiment_cells() {
    let lines = |values: usize| {
        let values: Vec<String> = (0..values).map(|n| format!("{}", n as f64 / 1e6)).collect();
        format!("members = 9\nloss = [{}]", values.join(", "))
    };
    assert_eq!([MOST_CELLS, MOST_CELLS + 1].map(|values| is_refused(&lines(values))), [false, true]);
}

#[test]
fn cells_have_as_many_faults_together_as_the_limit_and_no_more() {
    let text = |faults: usize| {
        let losses: Vec<String> = (0..1000).map(|n| format!("{}", f64::from(n) / 1e6)).collect();
        format!("{SHORT}loss = [{}]\n{}", losses.join(", "), "[[fault]]\nkind = 'crash'\n".repeat(faults))
    };
    let at_limit = File::parse(&TomlSource::text("mine.toml", text(MOST_FAULTS / 1000))).unwrap();
    assert_eq!(at_limit.faults(), MOST_FAULTS);
    assert!(refused(&text(MOST_FAULTS / 1000 + 1)).contains("1001000 faults together; 1000000 are the most"));
}

#[test]
fn an_experiment_has_as_many_cells_as_the_limit_and_no_more() {
    let list = |values: &mut dyn Iterator<Item = String>| values.collect::<Vec<_>>().join(", ");
    let text = |losses: u32, repetitions: u32| {
        let losses = list(&mut (0..losses).map(|n| (f64::from(n) / 1000.0).to_string()));
        let repetitions = list(&mut (1..=repetitions).map(|n| n.to_string()));
        format!("{SHORT}loss = [{losses}]\n[protocol]\nretransmit_mult = [{repetitions}]\n")
    };
    assert_eq!(parse(&text(100, 100)).cells.len(), MOST_CELLS);
    let why = refused(&text(137, 73));
    assert!(why.contains("its lists multiply to 10001 cells; 10000 are the most"), "{why}");
}

#[test]
fn an_experiment_file_is_read_up_to_the_longest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    let read = |len: u64| {
        std::fs::write(&path, vec![b'#'; len as usize]).unwrap();
        TomlSource::read(&path).map(|_| ())
    };
    assert!(read(LONGEST).is_ok());
    assert!(read(LONGEST + 1).unwrap_err().message.contains("is longer than 1048576 bytes"));
}

#[test]
fn a_challenge_has_as_many_bars_and_characters_as_the_limits_and_no_more() {
    let text = |title: usize, hint: usize, bars: usize| {
        let (title, hint) = ("a".repeat(title), "b".repeat(hint));
        let bars = "[[challenge.bar]]\nmeasure = 'bytes_sent'\nat_most = 5\n".repeat(bars);
        format!("{SHORT}[challenge]\ntitle = '{title}'\nhint = '{hint}'\n{bars}")
    };
    let (title, hint, bars) = (LONGEST_TITLE, LONGEST_HINT, MOST_BARS);
    assert_eq!(parse(&text(title, hint, bars)).challenge.unwrap().bars.len(), bars);
    assert!(refused(&text(title + 1, hint, bars)).contains("title must be a text of 1 to 80 characters"));
    assert!(refused(&text(title, hint + 1, bars)).contains("hint must be a text of 1 to 1000 characters"));
    assert!(refused(&text(title, hint, bars + 1)).contains("challenge has 21 bars; 20 are the most"));
}
