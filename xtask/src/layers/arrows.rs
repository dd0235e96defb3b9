//! Arrows between rooms, and what has no place in rooms that do no I/O.

use super::tree::Tree;
use super::{ROOMS, SANS_IO_ROOMS, SELECTORS, room_of};

/// Paths that reach for the clock, the network, threads or randomness of the host, or for a random generator whose stream
/// may change. A path also stands for those below it.
const FORBIDDEN: [&str; 13] = [
    "std::net",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "tokio",
    "mio",
    "async_std",
    "getrandom",
    "rand::rng",
    "rand::random",
    "rand::thread_rng",
    "rand::rngs::SmallRng",
    "rand::rngs::StdRng",
];

/// Finds uses of a room by one below it in the list of rooms, and rooms that are not in the list.
pub(super) fn upward(tree: &Tree) -> Vec<String> {
    let floor = |room: &str| ROOMS.iter().position(|&other| other == room);
    let mut found = Vec::new();
    for module in tree.modules.iter().filter(|module| module.parent.is_some_and(|id| tree.modules[id].parent.is_none()))
    {
        let room = room_of(&module.file);
        if room != SELECTORS && floor(room).is_none() && !module.file.starts_with("selectors/") {
            found
                .push(format!("{}: \"{room}\" is missing in the list of rooms (xtask/src/layers/mod.rs)", module.file));
        }
    }
    for mention in tree.mentions() {
        let file = &tree.modules[mention.module].file;
        // A path that is not found, as one made by a macro, still names the room.
        let target = match (mention.target, mention.path) {
            (Some(target), _) => room_of(&tree.modules[target].file),
            (None, [first, room, ..]) if first == "crate" || first == "swimlab" => room,
            _ => continue,
        };
        if let (Some(from), Some(to)) = (floor(room_of(file)), floor(target))
            && to > from
        {
            let (line, path) = (mention.line, mention.path.join("::"));
            found.push(format!("{file}:{line}: {} uses {target}, which is above it: {path}", room_of(file)));
        }
    }
    found
}

/// Finds forbidden paths in the rooms that do no I/O.
pub(super) fn host_uses(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for module in tree.modules.iter().filter(|module| SANS_IO_ROOMS.contains(&room_of(&module.file))) {
        let imports = module.source.imports.iter().map(|import| (import.line, import.path.join("::")));
        let paths = module.source.paths.iter().map(|(path, &line)| (line, path.join("::")));
        for (line, path) in imports.chain(paths) {
            let is_below =
                |word: &str| path.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
            if FORBIDDEN.iter().any(|word| is_below(word)) {
                found.push(format!("{}:{line}: {path} has no place in a room that does no I/O", module.file));
            }
        }
    }
    found
}

/// Whether the manifest of `swimlab-selectors` names `swimlab` as a dependency.
pub(super) fn is_upside_down(manifest: &str) -> bool {
    let mut in_dependencies = false;
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            in_dependencies = line.trim_end_matches(']').ends_with("dependencies");
            return line.ends_with("dependencies.swimlab]");
        }
        in_dependencies && line.split(['=', '.']).next().is_some_and(|name| name.trim() == "swimlab")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    #[test]
    fn a_room_uses_only_rooms_listed_above_it() {
        let files = [
            ("selectors/src/lib.rs", "pub struct Peer;"),
            ("src/lib.rs", "pub mod sim; pub mod wire; pub use sim::World;"),
            ("src/sim/mod.rs", "use crate::wire::Codec; pub struct World(Codec);"),
            (
                "src/wire/mod.rs",
                "use swimlab_selectors::Peer;\npub struct Codec(Peer);\nfn f() { crate::World::new() }",
            ),
            ("src/main.rs", "mod cli;"),
            ("src/cli/mod.rs", "fn f() { swimlab::sim::World::new() }"),
        ];
        let found = upward(&tree(&files));
        assert_eq!(found, ["src/wire/mod.rs:3: wire uses sim, which is above it: crate::World::new"]);
    }

    #[test]
    fn paths_that_nothing_defines_still_name_a_room() {
        let files = [
            ("src/lib.rs", "mod wire; mod report;"),
            ("src/wire/mod.rs", "fn f() { crate::report::made_by_macro() }"),
            ("src/report/mod.rs", ""),
        ];
        assert_eq!(upward(&tree(&files)).len(), 1);
    }

    #[test]
    fn a_room_must_be_listed() {
        let found = upward(&tree(&[("src/lib.rs", "mod attic;"), ("src/attic.rs", "")]));
        assert_eq!(found, ["src/attic.rs: \"attic\" is missing in the list of rooms (xtask/src/layers/mod.rs)"]);
    }

    #[test]
    fn rooms_without_io_know_no_clock_and_no_socket() {
        let files = [
            ("src/lib.rs", "mod protocol; mod agent;"),
            ("src/protocol/mod.rs", "use std::time::{Duration, Instant};\nfn f() { std::net::UdpSocket::bind() }"),
            ("src/agent/mod.rs", "use tokio::net::UdpSocket;"),
        ];
        let found = host_uses(&tree(&files));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("src/protocol/mod.rs:1: std::time::Instant "), "{found:?}");
        assert!(found[1].starts_with("src/protocol/mod.rs:2: std::net::UdpSocket::bind "), "{found:?}");
    }

    #[test]
    fn the_selectors_crate_stands_alone() {
        assert!(is_upside_down("[dev-dependencies]\nswimlab = { path = \"..\" }"));
        assert!(is_upside_down("[dependencies.swimlab]\npath = \"..\""));
        assert!(is_upside_down("[dependencies]\nswimlab.workspace = true"));
        assert!(!is_upside_down("[package]\nname = \"swimlab-selectors\"\nswimlab = 1\n[dependencies]\nrand = \"1\""));
    }
}
