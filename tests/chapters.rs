//! The chapters of the course: their links lead to trials, their commands name scenes, and the timelines and tables that
//! they quote are those of the program.

#![cfg(feature = "cli")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use swimlab::course::scenes;
use swimlab::experiment::{Experiment, Lab, LinkedExperiment, Measure, TomlSource, TrialLink};

/// The start of the links that open the page where `swimlab play` serves it.
const SERVED: &str = "http://127.0.0.1:8700/#";

/// Keys of links that the page understands besides those of the trial.
const VIEW_KEYS: [&str; 6] = ["at", "speed", "subject", "predict", "formula", "formula_name"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The chapters of the course and its first page, by their file names.
fn chapters() -> Vec<(String, String)> {
    let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let is_chapter = |name: &str| name == "README.md" || name.starts_with(char::is_numeric);
    let mut names: Vec<String> = names.filter(|name| is_chapter(name)).collect();
    names.sort();
    let with_text = names.into_iter().map(|name| (name.clone(), fs::read_to_string(folder().join(name)).unwrap()));
    with_text.collect()
}

fn folder() -> PathBuf {
    root().join("docs/course")
}

/// The links to trials in a text: those to the page, and those in commands, which are in quotation marks.
fn links(text: &str) -> Vec<&str> {
    let beginnings = text.match_indices(SERVED).chain(text.match_indices("'#").map(|(at, _)| (at + 1, "")));
    let mut links: Vec<&str> = beginnings
        .map(|(at, _)| text[at..].split([')', '>', '\'', '`', '"', ' ', '\n']).next().unwrap_or_default())
        .collect();
    links.sort_unstable();
    links.dedup();
    links
}

/// The blocks of code of a text: language and content.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts = text.split("\n```").skip(1).step_by(2);
    parts.filter_map(|block| block.split_once('\n')).collect()
}

/// The arguments of the commands of a block that begin with `swimlab VERB`, without comments.
fn commands(block: &str, verb: &str) -> Vec<Vec<String>> {
    let lines = block.replace("\\\n", " ");
    let words = lines.lines().map(|line| line.split(" # ").next().unwrap_or_default().split_whitespace());
    let words = words.map(|words| words.map(|word| word.trim_matches('\'').to_owned()).collect::<Vec<_>>());
    let commands = words.filter(|words| words.len() > 1 && words[0] == "swimlab" && words[1] == verb);
    commands.map(|words| words[1..].to_vec()).collect()
}

#[test]
fn every_link_of_a_chapter_leads_to_a_trial() {
    let lab = Lab::default();
    let mut count = 0;
    for (chapter, text) in chapters() {
        for written in links(&text) {
            let link = TrialLink::parse(written).unwrap_or_else(|error| panic!("{chapter}: {written}: {error}"));
            let linked = link.open(&lab, scenes::text).unwrap_or_else(|error| panic!("{chapter}: {written}: {error}"));
            let members = linked.cells.iter().map(|cell| cell.key.members).min().unwrap();
            for (key, value) in &link.view {
                assert!(VIEW_KEYS.contains(&key.as_str()), "{chapter}: {written}: unknown key {key}");
                let is_valid = match key.as_str() {
                    "at" | "speed" | "formula" => value.parse::<f64>().is_ok_and(|number| number >= 0.0),
                    "subject" => value.parse::<u32>().is_ok_and(|member| member < members),
                    "predict" => Measure::named(value).is_some(),
                    _ => !value.is_empty(),
                };
                assert!(is_valid, "{chapter}: {written}: {key}={value}");
            }
            count += 1;
        }
    }
    assert!(count > 20, "{count} links");
}

#[test]
fn every_scene_is_an_experiment_that_a_chapter_opens() {
    let text: String = chapters().into_iter().map(|(_, text)| text).collect();
    let opened: BTreeSet<String> = links(&text)
        .into_iter()
        .filter_map(|link| match TrialLink::parse(link).unwrap().experiment {
            LinkedExperiment::Named(name) => Some(name),
            _ => None,
        })
        .collect();
    let names: BTreeSet<String> = scenes().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(opened, names);

    let files = fs::read_dir(folder().join("scenes")).unwrap();
    let files = files.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), names, "a line in src/course/scenes.rs for each file");
    for (name, text) in scenes() {
        Experiment::parse(&TomlSource::text(name, text), &Lab::default()).unwrap();
    }
}

/// The output of the program for the arguments of a command of a chapter.
fn printed(arguments: &[String]) -> String {
    let folder = tempfile::tempdir().unwrap();
    // Results go into the folder; paths of experiments are those of the repository.
    let path = |argument: &String| match argument.starts_with("docs/") {
        true => root().join(argument).display().to_string(),
        false => argument.clone(),
    };
    let arguments: Vec<String> = arguments.iter().map(path).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_swimlab"));
    let output = command.current_dir(&folder).env("COLUMNS", "120").args(&arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines that are not all in the output in this order. A line of dots stands for lines that are left out.
fn missing<'a>(quoted: &'a str, output: &str) -> Option<&'a str> {
    let mut rest = output.lines().map(str::trim_end);
    quoted.lines().map(str::trim_end).filter(|line| line.trim() != "...").find(|line| !rest.any(|other| other == *line))
}

#[test]
fn what_chapters_quote_is_what_the_program_prints() {
    let mut quotes = 0;
    for (chapter, text) in chapters() {
        let mut command = None;
        for (language, block) in blocks(&text) {
            if language == "sh" {
                command = [commands(block, "replay"), commands(block, "run")].concat().pop();
            } else if language == "text" {
                let command: Vec<String> =
                    command.take().unwrap_or_else(|| panic!("{chapter}: no command for\n{block}"));
                let output = printed(&command);
                let line = missing(block, &output);
                assert!(line.is_none(), "{chapter}: swimlab {}\nprints no\n{}", command.join(" "), line.unwrap());
                quotes += 1;
            }
        }
    }
    assert!(quotes > 10, "{quotes} quotes");
}

#[test]
fn quotes_are_compared_in_their_order() {
    let output = "a\nb  \nc\n";
    assert_eq!(missing("a\n    ...\nc", output), None);
    assert_eq!(missing("b\n", output), None);
    assert_eq!(missing("c\na", output), Some("a"));
    assert_eq!(missing("a\nx\nc", output), Some("x"));
}

#[test]
fn links_and_commands_are_found_in_prose_and_in_code() {
    let text = "See [it](http://127.0.0.1:8700/#a?cell=1), or\n\n```sh\nswimlab replay '#b?trial=2' \\\n  --until 9  # now\n```\n";
    assert_eq!(links(text), ["#b?trial=2", "http://127.0.0.1:8700/#a?cell=1"]);
    let found = blocks(text);
    assert_eq!(found.len(), 1);
    assert_eq!(commands(found[0].1, "replay"), [["replay", "#b?trial=2", "--until", "9"]]);
    assert!(commands(found[0].1, "run").is_empty());
}
