//! `cargo xtask layers`: the order of the rooms, and import circles within them.
//!
//! A room is the crate `swimlab-selectors` or a folder of `src/`. A room uses only rooms listed above it; rooms that do no
//! I/O use nothing of the host. The check reads the sources by itself: names are resolved through imports and re-exports,
//! as the compiler does, but not through macros, traits and methods.

mod arrows;
mod circles;
mod lexer;
mod parse;
mod tree;

use std::path::Path;

use tree::Tree;

/// The crate `swimlab-selectors`, which is below all rooms.
const SELECTORS: &str = "selectors";

/// The rooms, lowest first.
const ROOMS: [&str; 14] = [
    SELECTORS,
    "protocol",
    "wire",
    "topology",
    "sim",
    "detectors",
    "discovery",
    "agent",
    "experiment",
    "report",
    "reproduce",
    "course",
    "advise",
    "cli",
];

/// The rooms that know no clock, socket, thread or global. `wire` is not among them: sealing takes nonces from the system's
/// random source and the time of a packet from its clock.
const SANS_IO_ROOMS: [&str; 6] = [SELECTORS, "protocol", "topology", "sim", "detectors", "discovery"];

/// Faults to look for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Import circles within rooms, besides arrows between them.
    pub circles: bool,
    /// Circles of a parent module and its children, too.
    pub strict: bool,
}

/// Checks the repository in `root` and prints what is wrong; true if nothing is.
///
/// # Errors
/// If a source file cannot be read.
pub(crate) fn check(root: &Path, options: Options) -> Result<bool, String> {
    let tree = Tree::read(root).map_err(|error| format!("cannot read the sources: {error}"))?;
    let manifest = std::fs::read_to_string(root.join("selectors/Cargo.toml"))
        .map_err(|error| format!("cannot read selectors/Cargo.toml: {error}"))?;
    let mut wrong = arrows::upward(&tree);
    wrong.extend(arrows::host_uses(&tree));
    if arrows::is_upside_down(&manifest) {
        wrong.push("selectors/Cargo.toml: swimlab-selectors must not depend on swimlab".to_owned());
    }
    if options.circles {
        wrong.extend(circles::circles(&tree, options.strict).iter().map(ToString::to_string));
    }
    for line in &wrong {
        println!("{line}");
    }
    if wrong.is_empty() {
        println!("{}", if options.circles { "no arrow points up, no circles" } else { "no arrow points up" });
    }
    Ok(wrong.is_empty())
}

/// The room of a file: the first folder or file of `src/`, or `selectors`.
fn room_of(file: &str) -> &str {
    if file.starts_with("selectors/") {
        return SELECTORS;
    }
    let below = file.strip_prefix("src/").unwrap_or(file);
    below.split_once('/').map_or_else(|| below.trim_end_matches(".rs"), |(room, _)| room)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of these files.
    pub(super) fn tree(files: &[(&str, &str)]) -> Tree {
        let text_of = |file: &str| Ok(files.iter().find(|(name, _)| *name == file).map(|(_, text)| (*text).to_owned()));
        Tree::load(&text_of).unwrap()
    }

    #[test]
    fn a_room_is_a_folder_or_a_file() {
        assert_eq!(room_of("selectors/src/laws/mod.rs"), "selectors");
        assert_eq!(room_of("src/sim/tests/streams.rs"), "sim");
        assert_eq!(room_of("src/wire.rs"), "wire");
    }

    #[test]
    fn a_declared_module_without_a_file_is_an_error() {
        let text_of = |file: &str| Ok((file == "src/lib.rs").then(|| "mod lost;".to_owned()));
        assert_eq!(Tree::load(&text_of).unwrap_err().to_string(), "no src/lost.rs and no src/lost/mod.rs");
    }
}
