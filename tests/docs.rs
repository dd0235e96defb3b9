//! The documentation pages are wrapped, and the tests that they name exist. (`cargo xtask links` checks their links.)

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest line of prose, in characters.
const WIDTH: usize = 120;

/// README.md and the pages in docs/ and below.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages = vec![root.join("README.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

/// The lines of prose that are too long, by number. Tables and code are no prose, and the target of a link is not seen
/// by a reader.
fn long_lines(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let prose = (1..).zip(text.lines()).filter(|(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence && !line.trim_start().starts_with('|')
    });
    let targets = |line: &str| -> usize {
        let after = line.split("](").skip(1);
        after.filter_map(|rest| rest.split(')').next()).map(|target| target.chars().count()).sum()
    };
    prose.filter(|(_, line)| line.chars().count() - targets(line) > WIDTH).map(|(number, _)| number).collect()
}

#[test]
fn prose_is_wrapped() {
    let long = pages().into_iter().flat_map(|page| {
        let text = fs::read_to_string(&page).unwrap();
        long_lines(&text).into_iter().map(move |number| format!("{}:{number}", page.display()))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "more than {WIDTH} characters:\n{}", long.join("\n"));
}

#[test]
fn tables_code_and_targets_of_links_may_be_long() {
    let long = "x".repeat(121);
    assert_eq!(long_lines(&format!("{long}\n| {long} |\n```\n{long}\n```\n[a](https://{long})\n{long}\n")), [1, 7]);
}

/// The names of the functions in `tests/` and `src/`.
fn functions() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = ["tests", "src"].map(|folder| root.join(folder)).into();
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let functions = text.split("fn ").skip(1);
                names.extend(functions.filter_map(|rest| rest.split_once('(')).map(|(name, _)| name.to_owned()));
            }
        }
    }
    names
}

/// The rows of the tables of a page whose last column is headed `tests`, and their last cells.
fn rows_with_tests(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut is_inside = false;
    let rows = text.lines().filter(|line| {
        let is_head = line.ends_with("| tests |") || line.ends_with("| test |");
        is_inside = is_head || is_inside && line.starts_with('|');
        is_inside && !is_head && !line.starts_with("|---")
    });
    rows.map(|row| {
        let tests = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        (row, tests.split('`').skip(1).step_by(2).collect())
    })
    .collect()
}

#[test]
fn tests_that_tables_name_exist() {
    let tests = functions();
    for (page, least) in [("operations.md", 25), ("security.md", 30)] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
        let rows = rows_with_tests(&text);
        assert!(rows.len() >= least, "{page}: {} rows", rows.len());
        for (row, named) in rows {
            assert!(!named.is_empty() || row.ends_with("the same |"), "{page}: no test in {row}");
            let missing: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
            assert!(missing.is_empty(), "{page}: {missing:?} in {row}");
        }
    }
}
