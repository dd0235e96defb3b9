//! Import circles among the files of a room.
//!
//! An edge leads from a file to another of the same room that defines what the first one uses; re-exports are followed to
//! the definition. A child that uses what its parent's own file defines, while the parent uses the child, is the usual
//! way to split a Rust module, so the edge up is left out unless it closes a circle through a file outside of the
//! parent's folder. `strict` keeps all edges.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use super::room_of;
use super::tree::Tree;

/// Files of a room that use each other in a circle.
#[derive(Debug)]
pub(super) struct Circle {
    room: String,
    /// One shortest way around; the first file is not repeated.
    way: Vec<String>,
    /// All files that lie on circles with these.
    files: BTreeSet<String>,
    /// The uses among these files.
    uses: Vec<Use>,
}

/// Lines of one file that use one other.
#[derive(Debug)]
struct Use {
    from: String,
    to: String,
    /// The paths that are used, by line number.
    lines: Lines,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way: Vec<&str> = self.way.iter().chain(self.way.first()).map(String::as_str).collect();
        writeln!(f, "circle in {}: {}", self.room, way.join(" -> "))?;
        if self.files.len() > self.way.len() {
            let files: Vec<&str> = self.files.iter().map(String::as_str).collect();
            writeln!(f, "  {} files lie on circles with each other: {}", files.len(), files.join(", "))?;
        }
        for Use { from, to, lines } in &self.uses {
            for (line, paths) in lines {
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                writeln!(f, "  {from}:{line}: {} -> {to}", paths.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Finds the circles of all rooms, each room's in the order of its files.
pub(super) fn circles(tree: &Tree, strict: bool) -> Vec<Circle> {
    let graph = Graph::new(tree);
    let kept = if strict { graph.edges() } else { graph.without_idiomatic() };
    let mut circles: Vec<Circle> = components(&kept).into_iter().map(|files| graph.circle(files, &kept)).collect();
    circles.sort_by(|a, b| (&a.room, &a.way).cmp(&(&b.room, &b.way)));
    circles
}

type Lines = BTreeMap<usize, BTreeSet<String>>;

type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

struct Graph<'a> {
    /// Uses by (from, to).
    uses: BTreeMap<(&'a str, &'a str), Lines>,
    /// The files above each file: those that declare it, and those that declare them.
    above: BTreeMap<&'a str, BTreeSet<&'a str>>,
}

impl<'a> Graph<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut uses: BTreeMap<_, Lines> = BTreeMap::new();
        for mention in tree.mentions() {
            let Some(target) = mention.target else { continue };
            let (from, to) = (tree.modules[mention.module].file.as_str(), tree.modules[target].file.as_str());
            if from != to && room_of(from) == room_of(to) {
                let lines = uses.entry((from, to)).or_default();
                lines.entry(mention.line).or_default().insert(mention.path.join("::"));
            }
        }
        let mut above: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for module in &tree.modules {
            let mut parent = module.parent;
            let files = above.entry(module.file.as_str()).or_default();
            while let Some(id) = parent {
                files.insert(tree.modules[id].file.as_str());
                parent = tree.modules[id].parent;
            }
            files.remove(module.file.as_str());
        }
        Self { uses, above }
    }

    fn edges(&self) -> Edges<'a> {
        edges(self.uses.keys().copied())
    }

    /// The edges but those from a file to one above it that close circles only below that one.
    fn without_idiomatic(&self) -> Edges<'a> {
        let is_up = |&(from, to): &(&str, &str)| self.above[from].contains(to);
        let mut kept = edges(self.uses.keys().filter(|edge| !is_up(edge)).copied());
        let down = kept.clone();
        for &(child, parent) in self.uses.keys().filter(|edge| is_up(edge)) {
            let from_parent = reachable(&down, parent, None);
            let is_outside = |file: &&str| *file != parent && !self.above[file].contains(parent);
            let mut outside = from_parent.into_iter().filter(is_outside);
            if outside.any(|file| reachable(&down, file, Some(parent)).contains(child)) {
                kept.entry(child).or_default().insert(parent);
            }
        }
        kept
    }

    fn circle(&self, files: BTreeSet<&'a str>, edges: &Edges<'a>) -> Circle {
        let ways = files.iter().filter_map(|file| shortest_way(edges, file, &files));
        let way = ways.min_by_key(Vec::len).unwrap_or_default();
        let among = |(from, to): &(&str, &str)| {
            files.contains(from) && files.contains(to) && edges.get(from).is_some_and(|tos| tos.contains(to))
        };
        let uses = self.uses.iter().filter(|(edge, _)| among(edge));
        Circle {
            room: way.first().map(|file| room_of(file).to_owned()).unwrap_or_default(),
            way: way.into_iter().map(str::to_owned).collect(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            uses: uses
                .map(|(&(from, to), lines)| Use { from: from.to_owned(), to: to.to_owned(), lines: lines.clone() })
                .collect(),
        }
    }
}

fn edges<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Edges<'a> {
    let mut edges = Edges::new();
    for (from, to) in pairs {
        edges.entry(from).or_default().insert(to);
    }
    edges
}

/// The files that can be reached from `start` in one step or more, never through `around`.
fn reachable<'a>(edges: &Edges<'a>, start: &str, around: Option<&str>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&str> = vec![start];
    while let Some(file) = waiting.pop() {
        for &next in edges.get(file).into_iter().flatten() {
            if Some(next) != around && reached.insert(next) {
                waiting.push(next);
            }
        }
    }
    reached
}

/// Sets of files that can all reach each other, and of which there is more than one.
fn components<'a>(edges: &Edges<'a>) -> Vec<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|&file| (file, reachable(edges, file, None))).collect();
    let mut components: Vec<BTreeSet<&str>> = Vec::new();
    for (&file, reach) in &reached {
        if !reach.contains(file) || components.iter().any(|component| component.contains(file)) {
            continue;
        }
        let mutual = reach.iter().filter(|&&other| reached.get(other).is_some_and(|back| back.contains(file)));
        components.push(mutual.copied().collect());
    }
    components
}

/// A shortest way from a file back to itself within `files`.
fn shortest_way<'a>(edges: &Edges<'a>, start: &'a str, files: &BTreeSet<&'a str>) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut waiting = VecDeque::from([start]);
    while let Some(file) = waiting.pop_front() {
        for &next in edges.get(file).into_iter().flatten().filter(|next| files.contains(*next)) {
            if next == start {
                let mut way: Vec<&str> = std::iter::successors(Some(file), |at| before.get(at).copied()).collect();
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(next) {
                before.insert(next, file);
                waiting.push_back(next);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::tree;
    use super::*;

    fn found(files: &[(&str, &str)], strict: bool) -> Vec<String> {
        circles(&tree(files), strict).iter().map(|circle| circle.way.join(" ")).collect()
    }

    #[test]
    fn siblings_that_use_each_other_are_a_circle() {
        let files = [
            ("src/lib.rs", "pub mod sim;"),
            ("src/sim/mod.rs", "mod a; mod b; mod c;"),
            ("src/sim/a.rs", "use super::b::B; pub struct A(B);"),
            ("src/sim/b.rs", "\nuse crate::sim::a::A;\npub struct B(Box<A>);"),
            ("src/sim/c.rs", "use super::a::A; pub fn c(_: A) {}"),
        ];
        assert_eq!(found(&files, false), ["src/sim/a.rs src/sim/b.rs"]);
        let text = circles(&tree(&files), false)[0].to_string();
        assert!(text.starts_with("circle in sim: src/sim/a.rs -> src/sim/b.rs -> src/sim/a.rs\n"), "{text}");
        assert!(text.contains("  src/sim/a.rs:1: super::b::B -> src/sim/b.rs\n"), "{text}");
        assert!(text.contains("  src/sim/b.rs:2: crate::sim::a::A -> src/sim/a.rs\n"), "{text}");
    }

    #[test]
    fn re_exports_are_followed_to_the_definition() {
        let files = [
            ("src/lib.rs", "pub mod protocol;"),
            ("src/protocol/mod.rs", "mod member; mod time; pub use member::Member; pub use time::{Span as Length};"),
            ("src/protocol/member.rs", "use crate::protocol::Length; pub struct Member(Length);"),
            ("src/protocol/time.rs", "pub struct Span; fn f(_: &super::Member) {}"),
        ];
        assert_eq!(found(&files, false), ["src/protocol/member.rs src/protocol/time.rs"]);
        // The room's own file only passes names on.
        let files = [
            files[0],
            (
                "src/protocol/mod.rs",
                "mod member; mod time; pub use member::Member; pub use time::Span; pub const N: u8 = 1;",
            ),
            ("src/protocol/member.rs", "use super::{N, Span}; pub struct Member([Span; N]);"),
            ("src/protocol/time.rs", "pub struct Span;"),
        ];
        assert_eq!(found(&files, true), [""; 0]);
    }

    #[test]
    fn paths_in_code_count_with_and_without_an_import_of_their_module() {
        let files = [
            ("selectors/src/lib.rs", "mod a; mod b; mod c;"),
            ("selectors/src/a.rs", "use super::b; pub fn a() { b::b() }"),
            ("selectors/src/b.rs", "pub fn b() { crate::c::c(1) }"),
            ("selectors/src/c.rs", "use super::*; pub fn c(_: u8) { a::a() }"),
        ];
        assert_eq!(found(&files, false), ["selectors/src/a.rs selectors/src/b.rs selectors/src/c.rs"]);
    }

    #[test]
    fn names_from_a_glob_count_where_they_are_used() {
        let files = |used: &'static str| {
            [
                ("src/lib.rs", "mod sim;"),
                ("src/sim/mod.rs", "mod a; mod b;"),
                ("src/sim/a.rs", "use super::b::B; pub struct A; pub fn a(_: B) {}"),
                ("src/sim/b.rs", used),
            ]
        };
        assert_eq!(found(&files("use super::a::*; pub struct B(A);"), false).len(), 1);
        assert_eq!(found(&files("use super::a::*; pub struct B(u8);"), false).len(), 0);
    }

    #[test]
    fn a_parent_and_its_child_are_a_circle_only_if_strict() {
        let files = [
            ("src/lib.rs", "mod sim;"),
            ("src/sim/mod.rs", "mod a; pub struct P(a::A);"),
            ("src/sim/a.rs", "use super::P; pub struct A; fn f(_: P) {}"),
        ];
        assert_eq!(found(&files, false), [""; 0]);
        assert_eq!(found(&files, true), ["src/sim/a.rs src/sim/mod.rs"]);
    }

    #[test]
    fn a_circle_through_a_parent_and_its_neighbor_counts() {
        let files = [
            ("src/lib.rs", "mod sim;"),
            ("src/sim/mod.rs", "mod a; mod b;"),
            ("src/sim/a/mod.rs", "mod x; pub use x::X; pub struct P; fn f(_: super::b::B) {}"),
            ("src/sim/a/x.rs", "use super::P; pub struct X(P);"),
            ("src/sim/b.rs", "use super::a::X; pub struct B(X);"),
        ];
        assert_eq!(found(&files, false), ["src/sim/a/mod.rs src/sim/b.rs src/sim/a/x.rs"]);
    }

    #[test]
    fn tests_make_no_circle() {
        let files = [
            ("src/lib.rs", "mod sim;"),
            ("src/sim/mod.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
            ("src/sim/a.rs", "pub struct A; #[cfg(test)] mod tests { use super::super::b::B; fn f(_: B) {} }"),
            ("src/sim/b.rs", "use super::a::A; pub struct B(A);"),
        ];
        assert_eq!(found(&files, true), [""; 0]);
    }
}
