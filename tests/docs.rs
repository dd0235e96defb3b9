//! The documentation pages are wrapped. (`cargo xtask links` checks their links.)

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
