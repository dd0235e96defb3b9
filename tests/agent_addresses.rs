//! Addresses and names of agents: those that are told to others, those of seeds, and names that are given by default.
//! Tests with hosts of their own say so and do nothing where network namespaces are not permitted.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;

use agents::network::Network;
use agents::process::{Process, config, stderr, swimlab, until, until_complete};

/// A file of the names of hosts.
fn hosts(dir: &Path, name: &str, lines: &[&str]) -> PathBuf {
    let path = dir.join(format!("hosts-{name}"));
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    path
}

/// The address that an agent tells, without its port.
fn told(agent: &Process) -> String {
    agent.addr.ip().to_string()
}

/// The standard error stream of an agent that refuses to start.
fn refusal(dir: &Path, args: &[&str]) -> String {
    let output = Process::try_start(dir, "refused", args).err().expect("it does not start");
    assert!(matches!(output.status.code(), Some(1 | 2)), "{output:?}");
    stderr(&output)
}

// F5
#[test]
fn addresses_at_which_no_member_could_be_reached_are_refused_with_their_flag() {
    let dir = tempfile::tempdir().unwrap();
    for (addr, why) in [
        ("0.0.0.0:7946", "it is unspecified"),
        ("0.0.0.0:0", "it is unspecified"),
        ("[::]:7946", "it is unspecified"),
        ("[::ffff:0.0.0.0]:7946", "it is unspecified"),
        ("224.0.0.1:7946", "it is a multicast group"),
        ("[ff02::1]:7946", "it is a multicast group"),
        ("255.255.255.255:7946", "it is the broadcast address"),
        ("[2001:db8::7]:7946", "receives no IPv6 packets"),
        ("[fe80::7]:7946", "needs the interface"),
    ] {
        let said = refusal(dir.path(), &["--bind", "127.0.0.1:0", "--advertise", addr]);
        assert!(said.contains(why) && (said.contains("--advertise") || why.contains("needs")), "{addr}: {said}");
    }
    for (addr, why) in [
        ("224.0.0.1:7946", "it is a multicast group"),
        ("255.255.255.255:7946", "it is the broadcast address"),
        ("[fe80::7]:7946", "needs the interface"),
    ] {
        let said = refusal(dir.path(), &["--plaintext", "--bind", addr]);
        assert!(said.contains(why), "{addr}: {said}");
    }
    for (seed, why) in [
        ("0.0.0.0:7946", "it is unspecified"),
        ("224.0.0.1:7946", "it is a multicast group"),
        ("127.0.0.1:0", "the port is not a number from 1 to 65535"),
        ("host:x", "the port is not a number from 1 to 65535"),
        ("[::1", "brackets"),
    ] {
        let said = refusal(dir.path(), &["--join", &format!("127.0.0.1:9,{seed}")]);
        assert!(said.contains(why) && said.contains(&format!("{seed:?}")) && said.contains("--join"), "{seed}: {said}");
    }
}

// F12
#[test]
fn a_default_name_does_not_come_from_an_address_and_is_kept_in_the_state_folder() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state");
    let start = |args: &[&str]| {
        let mut command = swimlab();
        let socket = dir.path().join("agent.sock");
        command.args(["agent", "--format", "json", "--bind", "127.0.0.1:0", "--socket"]).arg(&socket).args(args);
        let agent = Process::run(command, "agent", socket).unwrap_or_else(|output| panic!("{output:?}"));
        let name = agent.events()[0]["name"].as_str().unwrap().to_owned();
        (agent, name)
    };
    let kept = ["--state-dir", state.to_str().unwrap()];
    let (agent, first) = start(&kept);
    let host = Command::new("uname").arg("-n").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    assert!(first.starts_with(host.trim()) && !first.contains(&agent.addr.to_string()), "{first}");
    agent.kill();
    let (agent, second) = start(&kept);
    assert_eq!(first, second);
    agent.kill();
    let (agent, third) = start(&[]);
    assert_ne!(second, third);
    drop(agent);
}

// F9
#[test]
fn a_seed_without_an_address_is_logged_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "p0", &["--join", "no.such.host.invalid"]);
    until(30, "the failure is logged", || agent.errors().contains("no.such.host.invalid"));
    assert_eq!((agent.alive(), agent.info()["is_joining"].clone()), (vec!["p0".to_owned()], true.into()));
}

// F5
#[test]
fn a_member_that_is_its_only_seed_does_not_wait_for_another() {
    let dir = tempfile::tempdir().unwrap();
    let addr = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let agent = Process::start(dir.path(), "p0", &["--bind", &addr, "--join", &addr]);
    assert_eq!(agent.info()["is_joining"], false);
}

// F9
#[test]
fn an_agent_with_a_snapshot_finds_its_cluster_without_a_resolver() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 20.0);
    let state = dir.path().join("state");
    let args = ["--config", config.to_str().unwrap()];
    let first = Process::start(dir.path(), "p0", &args);
    let seed = first.addr.to_string();
    let saved = [&args[..], &["--state-dir", state.to_str().unwrap()]].concat();
    let second = Process::start(dir.path(), "p1", &[&saved[..], &["--join", &seed]].concat());
    until(20, "they know each other", || second.alive() == ["p0", "p1"] && first.alive() == ["p0", "p1"]);
    until(20, "it is saved", || fs::read_to_string(state.join("snapshot.json")).unwrap().contains("\"p0\""));
    second.kill();
    let second = Process::start(dir.path(), "p1", &[&saved[..], &["--join", "no.such.host.invalid"]].concat());
    until(20, "it is back", || second.alive() == ["p0", "p1"] && first.alive() == ["p0", "p1"]);
}

// A5
#[test]
fn members_that_are_gone_do_not_keep_a_member_from_a_seed_that_starts_late() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 20.0);
    let args = ["--config", config.to_str().unwrap()];
    let state = dir.path().join("state");
    fs::create_dir(&state).unwrap();
    // Nobody listens at these addresses, and no error says so: they belong to a socket that is never read.
    let silent = UdpSocket::bind("127.0.0.7:0").unwrap();
    let gone = |n: usize| {
        let addr = match n % 2 {
            0 => silent.local_addr().unwrap().to_string(),
            _ => format!("127.1.{}.{}:7946", n / 200, n % 200),
        };
        serde_json::json!({ "name": format!("gone{n}"), "id": format!("{n:016x}"), "addr": addr })
    };
    let members: Vec<_> = (1..=300).map(gone).collect();
    let snapshot = serde_json::json!({ "version": 1, "name": "p1", "generation": 1, "members": members });
    fs::write(state.join("snapshot.json"), snapshot.to_string()).unwrap();

    let seed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let late = [&args[..], &["--state-dir", state.to_str().unwrap(), "--join", &seed]].concat();
    let late = Process::start(dir.path(), "p1", &late);
    std::thread::sleep(std::time::Duration::from_secs(2));
    let first = Process::start(dir.path(), "p0", &[&args[..], &["--bind", &seed]].concat());
    until(15, "it is in", || late.alive() == ["p0", "p1"] && first.alive() == ["p0", "p1"]);
}

// A5
#[test]
fn one_member_of_many_in_a_snapshot_suffices() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 20.0);
    let args = ["--config", config.to_str().unwrap()];
    let (first, state) = (Process::start(dir.path(), "p0", &args), dir.path().join("state"));
    fs::create_dir(&state).unwrap();
    let member = |n: usize| {
        let addr = if n == 300 { first.addr.to_string() } else { format!("127.1.{}.{}:7946", n / 200, n % 200) };
        serde_json::json!({ "name": format!("m{n}"), "id": format!("{n:016x}"), "addr": addr })
    };
    let members: Vec<_> = (1..=300).map(member).collect();
    let snapshot = serde_json::json!({ "version": 1, "name": "p1", "generation": 1, "members": members });
    fs::write(state.join("snapshot.json"), snapshot.to_string()).unwrap();
    let back = Process::start(dir.path(), "p1", &[&args[..], &["--state-dir", state.to_str().unwrap()]].concat());
    until(20, "it is in", || back.alive() == ["p0", "p1"] && first.alive() == ["p0", "p1"]);
}

// W1
#[test]
fn clusters_with_different_labels_do_not_merge_without_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 20.0);
    let start = |name: &str, label: &str, seeds: &[&Process]| {
        let seeds: Vec<String> = seeds.iter().map(|seed| seed.addr.to_string()).collect();
        let mut args = vec!["--config".to_owned(), config.to_str().unwrap().to_owned()];
        if !label.is_empty() {
            args.extend(["--label".to_owned(), label.to_owned()]);
        }
        if !seeds.is_empty() {
            args.extend(["--join".to_owned(), seeds.join(",")]);
        }
        Process::start(dir.path(), name, &args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (blue, green, none) = (start("b0", "blue", &[]), start("g0", "green", &[]), start("n0", "", &[]));
    let seeds = [&blue, &green, &none];
    let others = [start("b1", "blue", &seeds), start("g1", "green", &seeds), start("n1", "", &seeds)];
    for (first, second, names) in
        [(&blue, &others[0], ["b0", "b1"]), (&green, &others[1], ["g0", "g1"]), (&none, &others[2], ["n0", "n1"])]
    {
        until(20, "each finds its own", || first.alive() == names && second.alive() == names);
        // They have met the others' seeds meanwhile.
        until(20, "the others are refused", || first.info()["dropped"]["forged"].as_u64() > Some(0));
        assert_eq!((first.members().len(), second.members().len()), (2, 2));
    }
    // W4
    assert!(blue.errors().contains("its sender is in a cluster with another label"), "{}", blue.errors());
}

// F5: Debian gives a host's own name the address 127.0.1.1.
#[test]
fn hosts_whose_own_name_is_a_loopback_address_tell_the_address_of_their_network() {
    let (Some(network), dir) = (Network::new(3), tempfile::tempdir().unwrap()) else { return };
    let mut all = Vec::new();
    for host in 0..3 {
        let ip = |seed: usize| if seed == host { "127.0.1.1".to_owned() } else { format!("10.77.0.{}", seed + 1) };
        let lines: Vec<String> = (0..3).map(|seed| format!("{} seed{}", ip(seed), seed + 1)).collect();
        let hosts = hosts(dir.path(), &host.to_string(), &lines.iter().map(String::as_str).collect::<Vec<_>>());
        let args = ["--plaintext", "--preset", "local", "--bind", "0.0.0.0:7946", "--join", "seed1,seed2,seed3"];
        all.push(network.agent_with_hosts(dir.path(), host, &hosts, &args));
    }
    assert_eq!(all.iter().map(told).collect::<Vec<_>>(), ["10.77.0.1", "10.77.0.2", "10.77.0.3"]);
    until_complete(30, &all);
}

// F5
#[test]
fn of_two_interfaces_the_one_that_leads_to_the_seed_is_told() {
    let (Some(network), dir) = (Network::new(2), tempfile::tempdir().unwrap()) else { return };
    network.configure(0, "link add other0 type veth peer name other1");
    network.configure(0, "addr add 10.78.0.1/24 dev other0");
    network.configure(0, "link set other0 up");
    network.configure(0, "link set other1 up");
    network.configure(0, "route add default via 10.78.0.2");
    let hosts = hosts(dir.path(), "0", &["127.0.1.1 own", "fd00::2 seed", "10.77.0.2 seed"]);
    let common = ["--plaintext", "--preset", "local", "--bind", "0.0.0.0:7946"];
    let alone = network.agent_with_hosts(dir.path(), 0, &hosts, &common);
    assert_eq!(told(&alone), "10.78.0.1");
    alone.kill();
    let first = network.agent_with_hosts(dir.path(), 1, &hosts, &common);
    assert_eq!(told(&first), "10.77.0.2", "without a route, its only address");
    // The first seed is its own, the second has an address of a family that it does not reach.
    let second = network.agent_with_hosts(dir.path(), 0, &hosts, &[&common[..], &["--join", "own,seed"]].concat());
    assert_eq!(told(&second), "10.77.0.1");
    until_complete(30, &[first, second]);
}

// F9
#[test]
fn a_seed_whose_name_gets_its_address_later_is_found() {
    let (Some(network), dir) = (Network::new(2), tempfile::tempdir().unwrap()) else { return };
    let hosts = hosts(dir.path(), "all", &["127.0.0.1 localhost"]);
    let args = ["--plaintext", "--preset", "local", "--join", "seed"];
    let first = network.agent_with_hosts(dir.path(), 0, &hosts, &[&args[..], &["--bind", "0.0.0.0:7946"]].concat());
    let second = network.agent_with_hosts(dir.path(), 1, &hosts, &[&args[..], &["--bind", "10.77.0.2:7946"]].concat());
    assert_eq!([&first, &second].map(|agent| agent.info()["is_joining"].clone()), [true, true]);
    assert_eq!([told(&first), told(&second)], ["10.77.0.1", "10.77.0.2"]);
    until(30, "the failure is logged", || second.errors().contains("seed"));
    assert_eq!(second.alive(), ["p1"]);
    fs::write(&hosts, "127.0.0.1 localhost\n10.77.0.1 seed\n").unwrap();
    let all = [first, second];
    until_complete(60, &all);
    // The first one is its only seed.
    until(60, "none waits for a seed", || all.iter().all(|agent| agent.info()["is_joining"] == false));
}

// F15
#[test]
fn link_local_addresses_work_with_their_interface() {
    let (Some(network), dir) = (Network::new(3), tempfile::tempdir().unwrap()) else { return };
    let hosts = hosts(dir.path(), "all", &[]);
    let mut all = Vec::new();
    for host in 0..3 {
        network.configure(host, &format!("addr add fe80::a{host}/64 dev eth0 nodad"));
        let bind = if host == 2 { "[::]:7946".to_owned() } else { format!("[fe80::a{host}%eth0]:7946") };
        let args = ["--plaintext", "--preset", "local", "--bind", &bind, "--join", "[fe80::a0%eth0]:7946"];
        all.push(network.agent_with_hosts(dir.path(), host, &hosts, &args));
    }
    until_complete(30, &all);
}
