//! Beginnings of doc comments: a noun or a verb in the third person says what an item is, a question word only asks.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// Folders with Rust sources of ours.
const FOLDERS: [&str; 9] =
    ["src", "selectors", "campaign", "exploration", "benches", "examples", "tests", "fuzz", "xtask"];

const QUESTION_WORDS: [&str; 10] =
    ["Who", "Whom", "Whose", "Whoever", "What", "Whatever", "How", "When", "Where", "Why"];

/// Finds doc comments that begin with a question word, as lines `file:line: comment`.
///
/// # Errors
/// If a file or a folder cannot be read.
pub(crate) fn questions(root: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for folder in FOLDERS {
        find_sources(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).display();
        found.extend(questions_of(&text).map(|(line, comment)| format!("{name}:{line}: {comment}")));
    }
    Ok(found)
}

fn find_sources(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            // Build output, the fuzz package's for one.
            if path.file_name().is_none_or(|name| name != "target") {
                find_sources(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

/// First lines of the doc comments that begin so, with their numbers.
fn questions_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    (1..).zip(text.lines().map(str::trim_start)).filter(move |(_, line)| {
        let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let is_first = comment.is_some() && !inside;
        inside = comment.is_some();
        let first_word = comment.and_then(|text| text.split_whitespace().next()).unwrap_or_default();
        is_first && QUESTION_WORDS.contains(&first_word.trim_end_matches(|char: char| !char.is_alphanumeric()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_word_of_a_doc_comment_counts() {
        let text = "/// How many.\nfn a();\n/// Number of peers.\n/// When none is left: 0.\nfn b();\n// Why not.\n  //! Where.";
        let found: Vec<usize> = questions_of(text).map(|(line, _)| line).collect();
        assert_eq!(found, [1, 7]);
        assert_eq!(questions_of("/// Whether it is so.\n/// Whoever.\n").count(), 0);
    }
}
