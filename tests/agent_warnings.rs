//! Zones, places, selector and clocks as agents show them, and warnings about them.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::path::Path;

use agents::process::{Process, config, until, until_complete};
use serde_json::{Value, json};

/// A member with a zone path, or without one, that joins the first.
fn start(dir: &Path, name: &str, zone: &str, seed: Option<&Process>, args: &[&str]) -> Process {
    // On a loaded machine, members are paused for a second now and then.
    let config = config(dir, 40.0);
    let seed = seed.map(|seed| seed.addr.to_string());
    let mut all = vec!["--config", config.to_str().unwrap()];
    if !zone.is_empty() {
        all.extend(["--zone", zone]);
    }
    if let Some(seed) = &seed {
        all.extend(["--join", seed]);
    }
    all.extend(args);
    Process::start(dir, name, &all)
}

/// Members with these zone paths, all known to each other.
fn group(dir: &Path, zones: &[&str], args: &[&str]) -> Vec<Process> {
    let mut all = vec![start(dir, "m0", zones[0], None, args)];
    for (n, zone) in zones.iter().enumerate().skip(1) {
        all.push(start(dir, &format!("m{n}"), zone, Some(&all[0]), args));
    }
    until_complete(60, &all);
    all
}

fn warnings(process: &Process) -> Vec<String> {
    serde_json::from_value(process.info()["warnings"].clone()).unwrap()
}

#[test]
fn members_are_shown_with_their_zones_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let first = start(dir.path(), "a", "eu/eu-1/r7", None, &["--meta", "role=web"]);
    let second = start(dir.path(), "b", "", Some(&first), &["--place", "-33.9,151.2"]);
    let third = start(dir.path(), "c", "", Some(&first), &[]);
    let all = [first, second, third];
    until_complete(60, &all);
    for process in &all {
        let members = process.members();
        let of = |name: &str| members.iter().find(|member| member["name"] == name).unwrap().clone();
        assert_eq!((&of("a")["zone"], &of("a")["meta"]), (&json!("eu/eu-1/r7"), &json!({ "role": "web" })));
        assert_eq!(of("a")["place"], Value::Null);
        assert_eq!((&of("b")["zone"], &of("b")["place"]), (&Value::Null, &json!({ "lat": -33.9, "lon": 151.2 })));
        let table = process.order(&["members"]);
        let titles: Vec<&str> = table.lines().next().unwrap().split_whitespace().collect();
        assert_eq!(titles, ["NAME", "ADDRESS", "STATE", "INCARNATION", "ZONE", "PLACE", "META"], "{table}");
        assert!(table.contains("eu/eu-1/r7") && table.contains("-33.9,151.2"), "{table}");
    }
    // The metadata of events are the member's own, too.
    until(10, "b reports a", || all[1].saw("joined", "a"));
    let event = all[1].events().into_iter().find(|event| event["name"] == "a").unwrap();
    assert_eq!(event["meta"], json!({ "role": "web" }));
}

#[test]
fn selector_preset_neighborhood_and_far_bytes_are_shown() {
    let dir = tempfile::tempdir().unwrap();
    let all = group(dir.path(), &["eu/a", "eu/a", "eu/a", "us/b", "us/b", "us/b"], &[]);
    let info = all[0].info();
    assert_eq!(
        (&info["selector"], &info["profile"], &info["preset"]),
        (&json!("auto"), &json!("swim"), &json!("local"))
    );
    assert_eq!(info["period_s"], 0.2);
    assert_eq!(info["clock"], Value::Null);
    until(60, "the neighborhood is known", || all[0].info()["neighborhood"] == 2);
    until(60, "some bytes are near, some are far", || {
        let share = all[0].info()["far_share"].as_f64().unwrap_or_default();
        share > 0.0 && share < 0.9
    });
    let text = all[0].order(&["info"]);
    assert!(text.contains("near         2 other members; ") && text.contains(", preset local, period 0.2 s"), "{text}");
    assert_eq!(warnings(&all[0]), [""; 0]);
}

#[test]
fn a_misspelled_zone_is_warned_about_once_with_its_member_by_all() {
    let dir = tempfile::tempdir().unwrap();
    let all = group(dir.path(), &["eu/eu-west", "eu/eu-west", "eu/eu-west", "eu/eu-wset"], &[]);
    let warning = "no other member is in zone eu/eu-wset of m3; nearest spelling: eu/eu-west";
    for process in &all {
        until(60, "it warns", || warnings(process) == [warning]);
        assert_eq!(process.errors().matches(warning).count(), 1, "{}", process.errors());
        assert!(process.order(&["info"]).contains(warning));
    }
    // Once only, for as long as it lasts; it ends with the member.
    let [first, .., last] = &all[..] else { unreachable!() };
    assert_eq!(last.ask(&["leave"]).status.code(), Some(0));
    until(60, "the warning ends", || warnings(first).is_empty());
    assert_eq!(first.errors().matches(warning).count(), 1, "{}", first.errors());
}

#[test]
fn zones_of_one_member_each_are_no_reason_for_a_warning() {
    let dir = tempfile::tempdir().unwrap();
    let all = group(dir.path(), &["eu/eu-1", "us/us-1", "ap/ap-1"], &[]);
    std::thread::sleep(std::time::Duration::from_secs(10));
    for process in &all {
        assert_eq!(warnings(process), [""; 0]);
        assert!(!process.errors().contains("zone"), "{}", process.errors());
    }
}

#[test]
fn with_a_key_clocks_are_compared() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let new = agents::process::swimlab().args(["keys", "new"]).output().unwrap();
    std::fs::write(&key, new.stdout).unwrap();
    let all = group(dir.path(), &["", "", ""], &["--key-file", key.to_str().unwrap()]);
    for process in &all {
        until(60, "two others are compared", || process.info()["clock"]["peers"] == 2);
        let ahead = process.info()["clock"]["ahead_s"].as_f64().unwrap();
        assert!(ahead.abs() < 1.0, "{ahead}");
        assert!(process.order(&["info"]).contains(" s against 2 others"));
    }
}
