//! Small inputs that claim much: they are refused at once, without the memory and the time that they claim.

use std::fmt::Write;

use fuzz_targets::{csv, experiment};
use swimlab::experiment::{Experiment, Lab, TomlSource};
use swimlab::topology::{InputFile, csv_topology};

/// The message by which an experiment file is refused.
fn refusal(file: &str) -> String {
    experiment(file.as_bytes());
    let parsed = Experiment::parse(&TomlSource::text("large.toml", file), &Lab::default());
    parsed.err().unwrap_or_else(|| panic!("accepted: {}", &file[..file.len().min(400)])).message
}

fn list(n: usize, value: impl Fn(usize) -> String) -> String {
    format!("[{}]", (0..n).map(value).collect::<Vec<_>>().join(","))
}

const GOOD: &str = "topology = 'lan'\nselector = 'shuffle'\nmembers = 10\n";

#[test]
fn lists_in_a_label_do_not_multiply_without_a_limit() {
    let ten = list(10, |n| n.to_string());
    let keys: Vec<String> = (0..9).map(|key| format!("k{key} = {ten}")).collect();
    let selector = format!("{{ kind = 'x', {} }}", keys.join(", "));
    let why = refusal(&format!("topology = 'lan'\nmembers = 9\nselector = {selector}\n"));
    assert_eq!(why, "the lists of selector multiply to 20000 or more; 10000 are the most");
    let nested = format!("{{ kind = 'x', metric = {} }}", list(200, |_| selector.replace("'x'", "'y'")));
    assert!(refusal(&format!("topology = 'lan'\nmembers = 9\nselector = {nested}\n")).contains("10000 are the most"));
}

#[test]
fn lists_have_a_limit() {
    let numbers = list(100_000, |n| (n + 1).to_string());
    for key in ["loss", "members", "topology", "preset", "suspicion", "start"] {
        let others = GOOD.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
        let why = refusal(&format!("{others}\n{key} = {numbers}\n"));
        assert_eq!(why, format!("{key} lists 100000 values; 10000 are the most"));
    }
    let members = list(5000, |n| (n + 1).to_string());
    let topologies = list(5000, |n| format!("'lan:local_ms=0.1,x={n}'"));
    let why = refusal(&format!("topology = {topologies}\nselector = 'shuffle'\nmembers = {members}\n"));
    assert_eq!(why, "its lists multiply to 25000000 cells or more; 10000 are the most");
}

#[test]
fn scenarios_do_not_multiply_the_faults_without_a_limit() {
    let scenarios = list(9000, |n| format!("{{name='{n}'}}"));
    let faults = list(9000, |_| "'crash'".to_owned());
    let why = refusal(&format!("{GOOD}scenario = {scenarios}\nfault = {faults}\n"));
    assert_eq!(why, "the scenarios have 81000000 faults together; 1000000 are the most");
    let loss = list(1000, |n| format!("{}e-4", n));
    let faults = list(9000, |_| "'crash'".to_owned());
    let why = refusal(&format!("{GOOD}loss = {loss}\nfault = {faults}\n"));
    assert_eq!(why, "its cells have 9000000 faults together; 1000000 are the most");
}

#[test]
fn long_names_and_deep_tables_are_refused_in_time() {
    let long = "x".repeat(400_000);
    let why = refusal(&format!("topology = 'lan'\nmembers = 9\nselector = '{long}'\nbaseline = '{long}y'\n"));
    assert!(why.starts_with("baseline \"xxx"));
    assert!(refusal(&format!("{long} = 1\n")).starts_with("this file has no key"));
    refusal(&format!("{GOOD}x = {}1\n", "[".repeat(400_000)));
    refusal(&format!("{GOOD}x = {}\n", "{a=".repeat(100_000)));
    refusal(&format!("{GOOD}{}a = 1\n", "a.".repeat(400_000)));
    refusal(&format!("{GOOD}[{}a]\n", "a.".repeat(400_000)));
    let mut tables = GOOD.to_owned();
    (0..40_000).for_each(|n| writeln!(tables, "[a{n}.b]").unwrap());
    refusal(&tables);
}

#[test]
fn members_beyond_the_limit_are_refused() {
    for claimed in ["1_000_000_000", "1e9", "0x3b9aca00"] {
        let why = refusal(&format!("topology = 'lan'\nselector = 'shuffle'\nmembers = {claimed}\n"));
        assert!(why.starts_with("members must be an integer from 1 to 10000000, not "), "{why}");
    }
    let why = refusal("topology = 'lan:members=1000000000'\nselector = 'shuffle'\nmembers = 1\n");
    assert!(why.contains("members must be an integer from 1 to 10000000"), "{why}");
}

#[test]
fn tables_that_claim_more_than_they_have_are_refused() {
    let refusal = |rtt: &str, places: Option<&str>| {
        csv(rtt.as_bytes());
        let places = places.map(|places| InputFile::new("places.csv", places.as_bytes()));
        csv_topology(InputFile::new("rtt.csv", rtt.as_bytes()), places).unwrap_err()
    };
    let header = |n: usize| "from".to_owned() + &(0..n).map(|n| format!(",{n}")).collect::<String>() + "\n";
    assert!(refusal(&header(5000), None).ends_with("column \"0\" has no row of that name"));
    assert!(refusal(&header(5001), None).contains("5001 sites are more than 5000"));
    let commas = ",".repeat(2_000_000);
    assert!(refusal(&commas, None).contains("sites are more than 5000"));
    let why = refusal("from,a\na,\n", Some("name,members\na,1000000000000\n"));
    assert!(why.contains("\"1000000000000\" must be an integer from 0 to 1000000000"), "{why}");
    let why = refusal("from,a\na,\n", Some(&format!("name,{}\na,1\n", "y".repeat(1_000_000))));
    assert!(why.contains("unknown column"));
}
