//! Agents on hosts of their own, behind a switch that really loses packets: partitions, one-way loss, and the recovery
//! from them. Where network namespaces are not permitted these tests say so and do nothing.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use agents::network::Network;
use agents::process::{Process, until, until_complete};

/// A period of 200 ms, suspicions of two seconds; the dead are forgotten after two, and one of them is tried every
/// second.
const QUICK: &str = "period = '200ms'\nprobe_timeout = '100ms'\nsuspicion_mult = 10.0\nsync_interval = '5s'\n\
                     dead_retention = '2s'\nreconnect_every = 5\n";

/// With one probe in 15 unanswered, each suspect must learn of its suspicion before the timeout. By the defaults each of
/// five members sends it the suspicion 0.8 x 4/5 times, and one suspect in 25 receives it from none. Twice the timeout
/// and three times the transmissions leave one in 16,000.
const LOSSY: &str = "period = '500ms'\nprobe_timeout = '250ms'\nsuspicion_mult = 8.0\nretransmit_mult = 12.0\n";

/// Writes a configuration and a key file; members on hosts need a key.
fn config(dir: &Path, protocol: &str) -> [String; 4] {
    let config = write(dir, "config.toml", &format!("preset = 'lan'\n[protocol]\n{protocol}"));
    let key = write(dir, "key", &"5a".repeat(32));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let path = |path: PathBuf| path.to_str().unwrap().to_owned();
    ["--config".into(), path(config), "--key-file".into(), path(key)]
}

fn write(dir: &Path, name: &str, text: &str) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn cluster(hosts: usize, protocol: &str) -> Option<(tempfile::TempDir, Network, Vec<Process>)> {
    let network = Network::new(hosts)?;
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), protocol);
    let all = network.agents(dir.path(), &config.each_ref().map(String::as_str));
    until_complete(20, &all);
    Some((dir, network, all))
}

/// Whether none of these members has ever declared another of them dead.
fn none_died(all: &[Process]) -> bool {
    let mut deaths = all.iter().flat_map(|process| all.iter().map(move |other| (process, &other.name)));
    deaths.all(|(process, name)| {
        let has_died = process.saw("died", name);
        if has_died {
            println!("{} takes {name} for dead: {:#?}", process.name, process.events());
        }
        !has_died
    })
}

#[test]
fn both_halves_of_a_partition_go_on_and_become_one_again() {
    let Some((_dir, network, all)) = cluster(6, QUICK) else { return };
    network.lose(&[
        r#"iifname { "p0", "p1", "p2" } oifname { "p3", "p4", "p5" } drop"#,
        r#"iifname { "p3", "p4", "p5" } oifname { "p0", "p1", "p2" } drop"#,
    ]);
    until(20, "each half knows itself alone", || {
        all[..3].iter().all(|process| process.alive() == ["p0", "p1", "p2"])
            && all[3..].iter().all(|process| process.alive() == ["p3", "p4", "p5"])
    });
    until(20, "the others are forgotten", || all.iter().all(|process| process.members().len() == 3));
    // Neither half declared one of its own dead. (Once they meet, a member may learn from the other half that a
    // neighbor is dead, a moment before the neighbor learns it and refutes.)
    assert!(none_died(&all[..3]) && none_died(&all[3..]));
    network.lose(&[]);
    until_complete(30, &all);
    thread::sleep(Duration::from_secs(3));
    until_complete(1, &all);
    // Such a death came as an update: no member's own suspicion ended in one, and each member was back at once.
    for half in [&all[..3], &all[3..]] {
        for (process, other) in half.iter().flat_map(|process| half.iter().map(move |other| (process, &other.name))) {
            let deaths = process.count("died", other);
            assert!(deaths == 0 || !process.saw("suspected", other), "{} declared {other} dead", process.name);
            assert!(
                deaths == 0 || process.count("joined", other) > deaths,
                "{} did not take {other} back",
                process.name
            );
        }
    }
}

#[test]
fn one_direction_that_is_cut_leads_to_no_death() {
    let Some((_dir, network, all)) = cluster(5, QUICK) else { return };
    network.lose(&[r#"iifname "p0" oifname "p1" drop"#]);
    thread::sleep(Duration::from_secs(12));
    assert!(none_died(&all), "helpers reach the peer");
    until_complete(2, &all);
}

#[test]
fn a_member_that_cannot_send_is_declared_dead_and_one_that_cannot_receive_causes_no_other_death() {
    let Some((_dir, network, all)) = cluster(6, QUICK) else { return };
    // No packet of p4 arrives.
    network.lose(&[r#"iifname "p4" drop"#]);
    until(20, "p4 is dead", || [0, 1, 2, 3, 5].iter().all(|&at| all[at].alive() == ["p0", "p1", "p2", "p3", "p5"]));
    network.lose(&[]);
    until_complete(30, &all);
    // p4 receives nothing, takes all others for dead, and gossips it.
    let died = |at: usize, name: &str| all[at].count("died", name);
    let before = died(0, "p4");
    network.lose(&[r#"oifname "p4" drop"#]);
    until(30, "p4 is dead again", || died(0, "p4") > before && all[0].alive().len() == 5);
    thread::sleep(Duration::from_secs(3));
    assert!(all[0].alive() == ["p0", "p1", "p2", "p3", "p5"], "{:?}", all[0].alive());
    network.lose(&[]);
    until_complete(30, &all);
    // The five suspected each other for no longer than a refutation takes.
    for (at, name) in [(0, "p1"), (1, "p2"), (2, "p3"), (3, "p5"), (5, "p0")] {
        assert_eq!(died(at, name), 0, "{} thought {name} dead", all[at].name);
    }
}

#[test]
fn with_a_fifth_of_all_packets_lost_only_a_crashed_member_is_declared_dead() {
    let Some((_dir, network, mut all)) = cluster(6, LOSSY) else { return };
    network.lose(&["numgen random mod 100 < 20 drop"]);
    thread::sleep(Duration::from_secs(20));
    assert!(none_died(&all), "suspects learn of it in time, and refute");
    until(10, "all are alive", || all.iter().all(|process| process.alive().len() == 6));
    let victim = all.pop().unwrap();
    let name = victim.name.clone();
    victim.kill();
    until(20, "a death is known to all", || all.iter().all(|process| process.saw("died", &name)));
    assert!(none_died(&all));
    // Joining works, too.
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), LOSSY);
    all.push(network.agent(dir.path(), 5, &config.each_ref().map(String::as_str)));
    until(30, "a joiner is known to all, and knows all", || all.iter().all(|process| process.alive().len() == 6));
}
