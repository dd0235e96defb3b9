//! The targets on their corpora, on mutated inputs of these and on random bytes, within the time of a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use fuzz_targets::{TARGETS, seeds};
use proptest::prelude::*;
use proptest::sample::Index;

/// The corpus of a target: all files of its folder.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A change of an input.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Flip(Index, u8),
    Remove(Index, usize),
    Insert(Index, Vec<u8>),
    Repeat(Index, usize),
    Truncate(Index),
    /// From here on, the rest of another input from there on.
    Splice(Index, Index, Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        (at(), 1..9usize).prop_map(|(at, len)| Mutation::Remove(at, len)),
        (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        (at(), 1..17usize).prop_map(|(at, len)| Mutation::Repeat(at, len)),
        at().prop_map(Mutation::Truncate),
        (at(), at(), at()).prop_map(|(here, other, there)| Mutation::Splice(here, other, there)),
    ]
}

fn mutate(mut bytes: Vec<u8>, mutations: &[Mutation], corpus: &[Vec<u8>]) -> Vec<u8> {
    for mutation in mutations {
        let len = bytes.len();
        let position = |at: &Index| at.index(len + 1);
        match mutation {
            Mutation::Set(at, byte) if len > 0 => bytes[at.index(len)] = *byte,
            Mutation::Flip(at, bit) if len > 0 => bytes[at.index(len)] ^= 1 << bit,
            Mutation::Set(..) | Mutation::Flip(..) => {}
            Mutation::Remove(at, count) => {
                let from = position(at);
                bytes.drain(from..(from + count).min(len));
            }
            Mutation::Insert(at, inserted) => {
                let at = position(at);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Mutation::Repeat(at, count) => {
                let from = position(at);
                let repeated = bytes[from..(from + count).min(len)].to_vec();
                bytes.splice(from..from, repeated);
            }
            Mutation::Truncate(at) => bytes.truncate(position(at)),
            Mutation::Splice(here, other, there) => {
                let other = other.get(corpus);
                bytes.truncate(position(here));
                bytes.extend(&other[there.index(other.len() + 1)..]);
            }
        }
    }
    bytes
}

/// Tests of one target: its corpus, and as many mutated and as many random inputs.
macro_rules! properties {
    ($($target:ident: $cases:literal;)*) => {$(
        mod $target {
            use super::*;

            fn run(bytes: &[u8]) {
                let name = stringify!($target);
                (TARGETS.iter().find(|target| target.name == name).expect("a target").run)(bytes);
            }

            #[test]
            fn its_corpus_holds() {
                let corpus = corpus(stringify!($target));
                assert!(!corpus.is_empty());
                corpus.iter().for_each(|bytes| run(bytes));
            }

            #[test]
            fn mutations_of_its_corpus_hold() {
                let corpus = corpus(stringify!($target));
                let inputs = (any::<Index>(), prop::collection::vec(mutation(), 1..6));
                proptest!(config($cases), |((chosen, mutations) in inputs)| {
                    run(&mutate(chosen.get(&corpus).clone(), &mutations, &corpus));
                });
            }

            #[test]
            fn random_bytes_hold() {
                proptest!(config($cases), |(bytes in prop::collection::vec(any::<u8>(), 0..600))| run(&bytes));
            }
        }
    )*};
}

/// This number of cases, unless `PROPTEST_CASES` sets another one.
fn config(cases: u32) -> ProptestConfig {
    let is_set = std::env::var_os("PROPTEST_CASES").is_some();
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if is_set { default } else { ProptestConfig { cases, ..default } }
}

properties! {
    decode: 4000;
    open: 500;
    member: 2000;
    control: 2000;
    http: 1000;
    snapshot: 2000;
    experiment: 500;
    csv: 2000;
    state: 2000;
    query: 2000;
}

#[test]
fn every_target_has_properties() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(
        names,
        ["decode", "open", "member", "control", "http", "snapshot", "experiment", "csv", "state", "query"]
    );
}

/// `cargo run -p fuzz-targets` writes them.
#[test]
fn the_first_inputs_of_all_corpora_are_those_of_the_generator() {
    for target in TARGETS {
        let corpus = corpus(target.name);
        let missing = seeds(target.name).into_iter().filter(|(_, seed)| !corpus.contains(seed));
        assert_eq!(missing.map(|(name, _)| name).collect::<Vec<_>>(), [""; 0], "{}", target.name);
    }
}

#[test]
fn the_first_inputs_have_messages_of_all_kinds() {
    let kinds = |target: &str, of: fn(&[u8]) -> u8| -> Vec<u8> {
        let kinds: BTreeSet<u8> = seeds(target).iter().map(|(_, bytes)| of(bytes)).collect();
        kinds.into_iter().collect()
    };
    assert_eq!(kinds("decode", |bytes| bytes[1] & 0xf), (0..=9).collect::<Vec<_>>());
    // All deltas of the two members fit into one datagram, which is the last one: the kind 7, not 6.
    assert_eq!(kinds("state", |bytes| bytes[1]), [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]);
    assert_eq!(kinds("query", |bytes| bytes[1]), (0..=3).collect::<Vec<_>>());
}

#[test]
fn overflows_and_debug_assertions_panic_in_tests() {
    let overflow = std::panic::catch_unwind(|| std::hint::black_box(u8::MAX) + std::hint::black_box(1));
    assert!(overflow.is_err());
    assert!(std::hint::black_box(cfg!(debug_assertions)));
}
