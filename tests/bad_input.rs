//! Errors in experiment files: every message names the file and, if there is one, the line.

#![cfg(feature = "lab")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use swimlab::experiment::{Experiment, Lab, TomlSource};

/// A valid file to which errors are added.
const GOOD: &str = "\
topology = 'lan'
selector = ['uniform', 'shuffle']
members = 10
";

const CATALOGUE: &[(&str, &str)] = &[
    ("an empty file", ""),
    ("only a comment", "# nothing yet\n"),
    ("no topology", "selector = 'shuffle'\nmembers = 10\n"),
    ("no selector", "topology = 'lan'\nmembers = 10\n"),
    ("no members", "topology = 'lan'\nselector = 'shuffle'\n"),
    ("an unknown key", "+ trails = 10"),
    ("an unknown key that stands first", "topologies = ['lan']\nselector = 'shuffle'\nmembers = 10\n"),
    ("an unknown table", "+ [network]\nloss = 0.1"),
    ("a key in the wrong table", "+ [protocol]\nloss = 0.1"),
    ("an unknown protocol key", "+ [protocol]\nperoid = '1s'"),
    ("no TOML", "topology = lan"),
    ("an open bracket", "+ loss = [0.0, 0.1"),
    ("the same key twice", "+ members = 20"),
    ("an unknown topology", "topology = 'lam'\nselector = 'shuffle'\nmembers = 10\n"),
    ("an unknown selector", "topology = 'lan'\nselector = ['uniform',\n  'shufle']\nmembers = 10\n"),
    ("an unknown profile", "+ profile = 'swum'"),
    ("an unknown helper", "+ helpers = 'divers'"),
    ("an unknown fault", "+ [[fault]]\nkind = 'crush'"),
    ("an unknown prober", "+ prober = 'batch'"),
    ("an unknown suspicion", "+ suspicion = { kind = 'fix' }"),
    ("an unknown parameter", "+ [[fault]]\nkind = 'crash'\nafter = '5s'"),
    (
        "an unknown parameter of a topology",
        "topology = { kind = 'aws', zone = 3 }\nselector = 'shuffle'\nmembers = 10\n",
    ),
    ("a strategy without kind", "topology = { zones = 3 }\nselector = 'shuffle'\nmembers = 10\n"),
    ("a strategy that is a number", "topology = 3\nselector = 'shuffle'\nmembers = 10\n"),
    ("a label that is none", "topology = 'aws:zones'\nselector = 'shuffle'\nmembers = 10\n"),
    ("a selector twice", "topology = 'lan'\nselector = ['shuffle', { kind = 'shuffle' }]\nmembers = 10\n"),
    ("members twice", "topology = 'lan'\nselector = 'shuffle'\nmembers = [10, 20, 10]\n"),
    ("a protocol value twice", "+ [protocol]\ndirect = [1, 2,\n  1]"),
    ("an empty list", "topology = 'lan'\nselector = []\nmembers = 10\n"),
    ("no members at all", "topology = 'lan'\nselector = 'shuffle'\nmembers = 0\n"),
    ("negative members", "topology = 'lan'\nselector = 'shuffle'\nmembers = -3\n"),
    ("half a member", "topology = 'lan'\nselector = 'shuffle'\nmembers = 2.5\n"),
    ("members as text", "topology = 'lan'\nselector = 'shuffle'\nmembers = '10'\n"),
    ("members beyond all memory", "topology = 'lan'\nselector = 'shuffle'\nmembers = 4000000000\n"),
    ("members beyond all integers", "topology = 'lan'\nselector = 'shuffle'\nmembers = 99999999999999999999\n"),
    ("loss above 1", "+ loss = 1.5"),
    ("negative loss", "+ loss = [0.0, -0.1]"),
    ("loss that is no number", "+ loss = nan"),
    ("no trials", "+ trials = 0"),
    ("negative trials", "+ trials = -5"),
    ("a negative seed", "+ seed = -1"),
    ("a seed with a fraction", "+ seed = 1.5"),
    ("a time without a unit", "+ warmup = 20"),
    ("a time in an unknown unit", "+ warmup = '20 parsecs'"),
    ("a negative time", "+ warmup = '-20s'"),
    ("a duration of nothing", "+ duration = '0s'"),
    ("a date", "+ warmup = 2026-08-17"),
    ("a probe timeout not below the period", "+ [protocol]\nperiod = '1s'\nprobe_timeout = '1s'"),
    ("a period below the default probe timeout", "+ [protocol]\nperiod = ['2s', '400ms']"),
    ("no direct pings", "+ [protocol]\ndirect = 0"),
    ("negative helpers", "+ [protocol]\nindirect = -1"),
    ("a part of the profile twice", "+ suspicion = 'fixed'\n[protocol]\nsuspicion = 'none'"),
    ("a protocol that is no table", "+ protocol = 'swim'"),
    ("an unknown start", "+ start = 'joined up'"),
    ("a baseline that is no selector", "+ baseline = 'shufle'"),
    (
        "a baseline that could be two selectors",
        "topology = 'lan'\nmembers = 9\nselector = ['neighborhood:metric=rtt', 'neighborhood:metric=xor']\nbaseline = 'neighborhood'",
    ),
    ("a name that is no folder's", "+ name = '../../etc'"),
    ("a fault after the end", "+ duration = '10s'\n[[fault]]\nkind = 'crash'\nat = '10s'"),
    ("a fault for more members than there are", "+ [[fault]]\nkind = 'crash'\ncount = 11"),
    ("a fault for a member that there is not", "+ [[fault]]\nkind = 'crash'\ntarget = [3, 10]"),
    ("a fault for a zone where there are none", "+ [[fault]]\nkind = 'crash'\ntarget = 'zone'"),
    (
        "a fault for an unknown region",
        "topology = 'aws'\nselector = 'shuffle'\nmembers = 99\n[[fault]]\nkind = 'partition'\ntarget = 'region:eu-west-9'",
    ),
    ("a fault that is no table", "+ fault = 3"),
    ("a fault for everybody", "+ [[fault]]\nkind = 'crash'\ntarget = 'everybody'"),
    ("two scenarios of one name", "+ [[scenario]]\nname = 'a'\n[[scenario]]\nname = 'a'"),
    ("two scenarios without a name", "+ [[scenario]]\nfault = []\n[[scenario]]\nfault = []"),
    ("an unknown key of a scenario", "+ [[scenario]]\nnam = 'a'"),
    ("a challenge without bars", "+ [challenge]\ntitle = 'a'\nhint = 'b'"),
    ("an unknown key of a challenge", "+ [challenge]\ntitles = 'a'"),
    (
        "an unknown measure of a bar",
        "+ challenge = { title = 'a', hint = 'b', bar = { measure = 'first_pings', at_most = '1s' } }",
    ),
    (
        "a bar without a unit",
        "+ challenge = { title = 'a', hint = 'b', bar = { measure = 'first_ping_s', at_most = 1 } }",
    ),
    ("joiners beyond all memory", "+ [[fault]]\nkind = 'churn'\ncount = 10\ntimes = 1000000000"),
    ("more joiners than a world holds", "+ [[fault]]\nkind = 'churn'\ncount = 10\ntimes = 1000000\nevery = '1ms'"),
    (
        "more cells than anybody wants",
        "+ [protocol]\ndirect = [1, 2, 3, 4, 5, 6, 7, 8]\nindirect = [1, 2, 3, 4, 5, 6, 7, 8]\n\
         retransmit_mult = [1, 2, 3, 4, 5, 6, 7, 8]\nmax_updates = [1, 2, 3, 4, 5, 6, 7, 8]\n\
         confirmations = [1, 2, 3, 4, 5, 6, 7, 8]",
    ),
    ("delays that are not there", "topology = 'csv:rtt=nowhere.csv'\nselector = 'shuffle'\nmembers = 10\n"),
    ("nested beyond reason", "+ loss = [[[[[[[[[[0.0]]]]]]]]]]"),
];

fn message(text: &str) -> String {
    match Experiment::parse(&TomlSource::text("mine.toml", text), &Lab::default()) {
        Ok(_) => "(accepted)".to_owned(),
        Err(bad) => bad.to_string(),
    }
}

#[test]
fn a_valid_file_is_accepted() {
    assert_eq!(message(GOOD), "(accepted)");
}

#[test]
fn every_error_names_its_line_and_a_valid_alternative() {
    let mut all = String::new();
    for (what, text) in CATALOGUE {
        // `+` stands for a valid file with lines added.
        let text = text.strip_prefix("+ ").map_or_else(|| (*text).to_owned(), |more| format!("{GOOD}{more}\n"));
        let message = message(&text);
        assert_ne!(message, "(accepted)", "{what}");
        writeln!(all, "{what}\n    {message}").unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn files_that_cannot_be_read_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let read = |name: &str| TomlSource::read(&dir.path().join(name)).unwrap_err();
    assert!(read("nowhere.toml").message.starts_with("cannot be read: "), "{}", read("nowhere.toml"));
    assert!(TomlSource::read(dir.path()).unwrap_err().message.starts_with("cannot be read: "));

    fs::write(dir.path().join("latin1.toml"), b"name = 'a'\n# caf\xe9\n").unwrap();
    let bad = read("latin1.toml");
    assert_eq!((bad.line, bad.message.as_str()), (Some(2), "is not text in UTF-8"));

    fs::write(dir.path().join("long.toml"), vec![b'#'; 2 << 20]).unwrap();
    assert!(read("long.toml").message.contains("is longer than"));
    if Path::new("/dev/zero").exists() {
        assert!(TomlSource::read(Path::new("/dev/zero")).unwrap_err().message.contains("is longer than"));
    }
}

#[test]
fn reduced_values_are_noted() {
    let text = "topology = 'aws'\nselector = 'shuffle'\nmembers = [1, 3, 50]\n[protocol]\ndirect = 4\nindirect = 3\n";
    let experiment = Experiment::parse(&TomlSource::text("mine.toml", text), &Lab::default()).unwrap();
    let config = experiment.cells.iter().filter_map(|cell| cell.config());
    let cut: Vec<_> = config.map(|config| (config.direct, config.indirect)).collect();
    assert_eq!(cut, [(1, 0), (2, 1), (4, 3)]);
    insta::assert_snapshot!(experiment.notices.join("\n"));
}
