//! The documentation pages: relative links and their anchors lead somewhere, and prose is wrapped.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest line of prose, in characters.
const WIDTH: usize = 120;

/// The Markdown pages of the repository, by path relative to its root.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = markdown_in(Path::new(".")).collect();
    let mut folders = vec![PathBuf::from("docs"), PathBuf::from("examples")];
    while let Some(folder) = folders.pop() {
        pages.extend(markdown_in(&folder));
        folders.extend(entries(&folder).filter(|path| root().join(path).is_dir()));
    }
    pages.sort();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let folder = folder.to_owned();
    let listed = fs::read_dir(root().join(&folder)).unwrap();
    listed.map(move |entry| folder.join(entry.unwrap().file_name()))
}

fn markdown_in(folder: &Path) -> impl Iterator<Item = PathBuf> {
    entries(folder).filter(|path| path.extension().is_some_and(|extension| extension == "md"))
}

fn read(page: &Path) -> String {
    fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// The lines outside of code blocks, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The targets of the links in a line: the parts in parentheses of `[text](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The anchors of a page's headings, as GitHub derives them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for heading in lines(text).filter_map(|(_, line)| line.starts_with('#').then(|| line.trim_start_matches('#'))) {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|&letter| letter.is_alphanumeric() || " -_".contains(letter));
        let anchor: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
        let mut unique = anchor.clone();
        let mut count = 0;
        while !anchors.insert(unique.clone()) {
            count += 1;
            unique = format!("{anchor}-{count}");
        }
    }
    anchors
}

#[test]
fn relative_links_lead_to_files_and_headings() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = read(&page);
        for (number, target) in
            lines(&text).flat_map(|(number, line)| targets(line).map(move |target| (number, target)))
        {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let exists = root().join(&path).exists();
            if !exists || !anchor.is_empty() && !anchors(&read(&path)).contains(anchor) {
                broken.push(format!("{}:{number}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn prose_is_wrapped() {
    let mut long = Vec::new();
    for page in pages().iter().filter(|page| page.starts_with("docs") || page.ends_with("README.md")) {
        for (number, line) in lines(&read(page)) {
            let is_table = line.trim_start().starts_with('|');
            // The target of a link cannot be broken, and is not seen by a reader.
            let linked: usize = targets(line).map(|target| target.chars().count()).sum();
            if !is_table && line.chars().count() - linked > WIDTH {
                long.push(format!("{}:{number}", page.display()));
            }
        }
    }
    assert!(long.is_empty(), "more than {WIDTH} characters:\n{}", long.join("\n"));
}

#[test]
fn anchors_are_those_of_github() {
    let text = "# One, two\n## `metrics`: cost\n```sh\n# no heading\n```\n## One two\n";
    let expected = ["metrics-cost", "one-two", "one-two-1"].map(str::to_owned);
    assert_eq!(anchors(text), BTreeSet::from(expected));
}
