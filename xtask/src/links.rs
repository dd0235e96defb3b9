//! Links between the repository's Markdown pages: each must lead to a file, and each `#fragment` to a heading.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

/// Folders without pages of ours.
const SKIPPED: [&str; 4] = ["target", "results", "snapshots", "node_modules"];

/// Finds the links that lead nowhere, as lines `page:line: target`.
///
/// # Errors
/// If a page or a folder cannot be read.
pub(crate) fn dead(root: &Path) -> io::Result<Vec<String>> {
    let mut pages = BTreeMap::new();
    read_pages(root, Path::new(""), &mut pages)?;
    let headings: BTreeMap<&Path, BTreeSet<String>> =
        pages.iter().map(|(page, text)| (page.as_path(), anchors(text))).collect();
    let mut dead = Vec::new();
    for (page, text) in &pages {
        for (line, target) in links(text) {
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let folder = page.parent().unwrap_or(Path::new(""));
            let file = if file.is_empty() { page.clone() } else { normalize(&folder.join(file)) };
            let has_heading = |anchors: &BTreeSet<String>| fragment.is_empty() || anchors.contains(fragment);
            let leads_somewhere = match headings.get(file.as_path()) {
                Some(anchors) => has_heading(anchors),
                None => root.join(&file).exists(),
            };
            if !leads_somewhere {
                dead.push(format!("{}:{line}: {target}", page.display()));
            }
        }
    }
    Ok(dead)
}

/// Reads the pages in `folder` and below, by their paths from the root.
fn read_pages(root: &Path, folder: &Path, pages: &mut BTreeMap<PathBuf, String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                read_pages(root, &path, pages)?;
            }
        } else if name.ends_with(".md") {
            pages.insert(path, fs::read_to_string(entry.path())?);
        }
    }
    Ok(())
}

/// Lines outside of code blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    })
}

/// The targets of a page's links to other pages and headings, with their lines.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut links = Vec::new();
    for (number, line) in prose(text) {
        for after in line.split("](").skip(1) {
            let target = after.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                links.push((number, target));
            }
        }
    }
    links
}

/// The fragments of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let kept = line.trim_start_matches('#').trim().chars().filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
        });
        let anchor: String = kept.collect();
        let numbered = (1..).map(|n| format!("{anchor}-{n}"));
        let free = std::iter::once(anchor.clone()).chain(numbered).find(|anchor| !anchors.contains(anchor));
        anchors.extend(free);
    }
    anchors
}

/// A path without `.` and `..`.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_targets_in_parentheses_outside_of_code() {
        let text = "[a](b.md) and [c](d.md#e \"title\"), [f](https://g)\n```\n[h](i.md)\n```\n[j](#k)";
        assert_eq!(links(text), [(1, "b.md"), (1, "d.md#e"), (5, "#k")]);
    }

    #[test]
    fn headings_become_fragments() {
        let text = "# One Thing\n## `b`, c: d-e?\n```\n# no\n```\n## One thing\n";
        let wanted = ["b-c-d-e", "one-thing", "one-thing-1"].map(str::to_owned);
        assert_eq!(anchors(text), BTreeSet::from(wanted));
    }

    #[test]
    fn paths_are_normal_without_dots() {
        assert_eq!(normalize(Path::new("docs/variants/../wire.md")), Path::new("docs/wire.md"));
        assert_eq!(normalize(Path::new("./a/./b")), Path::new("a/b"));
    }
}
