//! Commands that change or question a running cluster, through the program itself.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::net::UdpSocket;
use std::path::Path;

use agents::process::{Process, config, stderr, until, until_complete};
use serde_json::{Value, json};

/// An agent with the settings of tests.
fn agent(dir: &Path, name: &str, args: &[&str]) -> Process {
    Process::start(dir, name, &[&["--config", config(dir, 5.0).to_str().unwrap()], args].concat())
}

/// The error of a command that fails with this code.
fn failure(agent: &Process, args: &[&str], code: i32) -> String {
    let output = agent.ask(args);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    stderr(&output)
}

/// Three members that know each other.
fn three(dir: &Path) -> [Process; 3] {
    let a = agent(dir, "a", &[]);
    let [b, c] = ["b", "c"].map(|name| agent(dir, name, &["--join", &a.addr.to_string()]));
    let all = [a, b, c];
    until_complete(20, &all);
    all
}

#[test]
fn an_agent_joins_at_run_time_and_two_clusters_become_one() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    let c = agent(dir.path(), "c", &[]);
    let d = agent(dir.path(), "d", &["--join", &c.addr.to_string()]);
    until(20, "two clusters", || a.alive() == ["a", "b"] && c.alive() == ["c", "d"]);

    // A port where nobody listens is told apart from the member that answers.
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let localhost = format!("localhost:{}", c.addr.port());
    let output = b.order(&["join", &nobody, &localhost, "--format", "json"]);
    let contacts: Vec<Value> = serde_json::from_str(&output).unwrap();
    let of = |seed: &str| contacts.iter().filter(|contact| contact["seed"] == *seed).collect::<Vec<_>>();
    assert_eq!(of(&nobody)[0]["error"], "no connection", "{output}");
    let contacted = of(&localhost)
        .into_iter()
        .any(|contact| contact["addr"] == c.addr.to_string().as_str() && contact.get("error").is_none());
    assert!(contacted, "{output}");
    let all = [a, b, c, d];
    until_complete(30, &all);

    // A member that is known already is contacted again.
    let again = all[3].order(&["join", &all[0].addr.to_string()]);
    assert_eq!(again, format!("1 of 1 contacted\n{}: contacted\n", all[0].addr));
}

#[test]
fn a_join_that_contacts_nobody_says_why_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let error = failure(&a, &["join", &nobody, "no.such.host.invalid", &a.addr.to_string(), "[2001:db8::7]:1"], 1);
    assert!(error.starts_with("error: no member could be contacted; "), "{error}");
    for why in [
        format!("{nobody}: no connection"),
        "no.such.host.invalid: no address: ".to_owned(),
        format!("{}: it is the agent's own address", a.addr),
        "[2001:db8::7]:1: an agent bound to 127.0.0.1:".to_owned(),
    ] {
        assert!(error.contains(&why), "{error}");
    }
    assert_eq!(a.info()["is_joining"], false);
    assert_eq!(a.alive(), ["a"]);

    let scheme = failure(&a, &["join", "http://seed:7946"], 2);
    assert!(scheme.contains("HOST:PORT: \"http://seed:7946\": an address has no scheme: leave out"), "{scheme}");
    assert!(failure(&a, &["join", "host:0"], 2).contains("\"host:0\": the port is not a number from 1 to 65535"));
    assert!(failure(&a, &["join"], 2).contains("<HOST:PORT>..."));
}

/// The state of a member in an agent's table.
fn state(agent: &Process, name: &str) -> Option<String> {
    let members = agent.members();
    let found = members.iter().find(|member| member["name"] == name)?;
    Some(found["state"].as_str().unwrap().to_owned())
}

#[test]
fn a_dead_member_that_is_made_to_leave_has_left_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let seed = a.addr.to_string();
    let all = [agent(dir.path(), "b", &["--join", &seed]), agent(dir.path(), "c", &["--join", &seed]), a];
    let d = agent(dir.path(), "d", &["--join", &seed]);
    until(20, "all join", || all.iter().all(|agent| agent.alive().len() == 4));

    let error = failure(&all[0], &["force-leave", "d"], 1);
    assert_eq!(error, "error: member \"d\": it is alive, and only suspected and dead members can be made to leave\n");
    assert!(failure(&all[0], &["force-leave", "e"], 1).contains("member \"e\": no member is known by this name"));
    assert!(failure(&all[0], &["force-leave", "b"], 1).contains("it is this member itself"));

    d.kill();
    until(30, "its death is known", || all.iter().all(|agent| state(agent, "d").unwrap() == "dead"));
    all[0].order(&["force-leave", "d"]);
    assert_eq!(state(&all[0], "d").unwrap(), "left");
    until(20, "the departure is known", || all.iter().all(|agent| state(agent, "d").unwrap() == "left"));
    assert!(failure(&all[1], &["force-leave", "d"], 1).contains("it has left already"));

    // A new life of the name is a member like any other.
    let _d = agent(dir.path(), "d", &["--join", &seed]);
    until(20, "it has returned", || all.iter().all(|agent| state(agent, "d").unwrap() == "alive"));
}

#[test]
fn a_living_member_that_is_made_to_leave_by_mistake_comes_back_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let all = three(dir.path());
    for wanted in ["suspect", "dead"] {
        all[2].signal("STOP");
        until(30, wanted, || state(&all[0], "c").unwrap() == wanted);
        // A suspicion may have ended meanwhile; that serves as well.
        all[0].order(&["force-leave", "c"]);
        until(20, "its departure is known", || all[..2].iter().all(|agent| state(agent, "c").unwrap() == "left"));
        all[2].signal("CONT");
        until_complete(30, &all);
    }
}

/// The metadata of a member in an agent's table, as `key=value`.
fn meta(agent: &Process, name: &str) -> Vec<String> {
    let members = agent.members();
    let found = members.iter().find(|member| member["name"] == name).unwrap();
    let pairs = found["meta"].as_object().unwrap();
    pairs.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap())).collect()
}

#[test]
fn metadata_are_set_and_removed_at_run_time_and_all_members_see_it() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &["--meta", "role=web", "--meta", "shard=1", "--zone", "eu/eu-1"]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    until(20, "they join", || b.alive().len() == 2);
    a.order(&["meta", "set", "shard=2", "deployed=v7"]);
    until(20, "the change arrives", || meta(&b, "a") == ["deployed=v7", "role=web", "shard=2"]);
    a.order(&["meta", "unset", "role", "deployed"]);
    until(20, "the removal arrives", || meta(&b, "a") == ["shard=2"]);
    assert_eq!(a.order(&["meta", "list"]), "shard=2\n");
    let list: Value = serde_json::from_str(&a.order(&["meta", "list", "--format", "json"])).unwrap();
    assert_eq!(list, serde_json::json!({"shard": "2"}));
    // A pair of its own hides the names of the zone path, for as long as it is there.
    let zone = || b.members().iter().find(|member| member["name"] == "a").unwrap()["zone"].clone();
    assert_eq!(zone(), "eu/eu-1");
    a.order(&["meta", "set", "zone=mine"]);
    until(20, "its own pair arrives", || meta(&b, "a") == ["shard=2", "zone=mine"]);
    a.order(&["meta", "unset", "zone"]);
    until(20, "the names are back", || zone() == "eu/eu-1");

    assert!(failure(&a, &["meta", "unset", "rol"], 1).contains("there is no key \"rol\" to remove"));
    assert!(failure(&a, &["meta", "set", "role"], 2).contains("KEY=VALUE: metadata are key=value, not \"role\""));
    assert!(failure(&a, &["meta", "set", "a=1", "a=2"], 2).contains("the key \"a\" is given twice"));
    assert!(failure(&a, &["meta", "set", "a=\u{1b}"], 2).contains("must have no control characters"));
    let long = format!("k={}", "x".repeat(509));
    assert!(failure(&a, &["meta", "set", &long], 1).contains("metadata take 519 bytes, more than 512"), "{long}");
    assert_eq!(meta(&a, "a"), ["shard=2"]);
}

/// The instance of the service `web` that an agent knows, as JSON.
fn instance(agent: &Process) -> Value {
    let instances: Value = serde_json::from_str(&agent.order(&["services", "web", "--format", "json"])).unwrap();
    instances[0].clone()
}

#[test]
fn health_and_load_are_reported_at_run_time_and_change_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &["--service", "web:80", "--service-tag", "web:v2", "--kind", "backend"]);
    let b = agent(dir.path(), "b", &["--join", &a.addr.to_string()]);
    let shows = |key: &str, value: Value| until(30, key, || instance(&b)[key] == value);
    shows("readiness", json!("ready"));
    a.order(&["health", "warning", "slow\ndisk"]);
    shows("readiness", json!("degraded"));
    shows("reason", json!("slow disk"));
    a.order(&["health", "critical", "no answer", "--service", "WEB"]);
    shows("readiness", json!("failing"));
    a.order(&["load", "queue", "-1.5"]);
    shows("load", json!({ "queue": -1.5 }));
    shows("reason", json!("no answer"));
    a.order(&["health", "passing", "--service", "web"]);
    a.order(&["health", "passing"]);
    shows("readiness", json!("ready"));
    let known = instance(&b);
    assert_eq!((&known["tags"], &known["kind"], &known["port"]), (&json!(["v2"]), &json!("backend"), &json!(80)));

    let error = failure(&a, &["health", "passing", "--service", "db"], 1);
    assert_eq!(error, "error: the member does not offer the service \"db\"\n");
    for (args, why) in [
        (&["load", "a b", "1"][..], "for '<NAME>'"),
        (&["load", "queue", "many"], "for '<FIGURE>': expected a number"),
        (&["health", "ill"], "[possible values: passing, warning, critical]"),
    ] {
        let error = failure(&a, args, 2);
        assert!(error.contains(why), "{error}");
    }
}

/// The shared values and sets that an agent knows.
fn shared(agent: &Process) -> Value {
    serde_json::from_str(&agent.order(&["shared", "list", "--format", "json"])).unwrap()
}

#[test]
fn shared_values_are_written_by_any_member_known_to_all_and_outlive_their_writer() {
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = three(dir.path());
    assert_eq!(shared(&a), json!({ "values": {}, "sets": {} }));
    a.order(&["shared", "set", "mode", "maintenance"]);
    b.order(&["shared", "add", "drained", "rack-7", "rack 8"]);
    let expected = json!({ "values": { "mode": "maintenance" }, "sets": { "drained": ["rack 8", "rack-7"] } });
    until(30, "all know all", || [&a, &b, &c].iter().all(|agent| shared(agent) == expected));
    assert_eq!(c.order(&["shared", "list"]), "mode=maintenance\ndrained: rack 8\ndrained: rack-7\n");
    assert_eq!(c.order(&["shared", "get", "mode"]), "maintenance\n");
    assert_eq!(c.order(&["shared", "get", "drained"]), "rack 8\nrack-7\n");

    // Another member replaces what one has written, and removes what another has added.
    c.order(&["shared", "set", "mode", "a\u{1b}b"]);
    c.order(&["shared", "remove", "drained", "rack 8"]);
    a.kill();
    let expected = json!({ "values": { "mode": "a\u{1b}b" }, "sets": { "drained": ["rack-7"] } });
    let d = agent(dir.path(), "d", &["--join", &b.addr.to_string()]);
    until(60, "the others know all", || [&b, &c, &d].iter().all(|agent| shared(agent) == expected));
    assert_eq!(d.order(&["shared", "get", "mode"]), "a\\u{1b}b\n");
    d.order(&["shared", "unset", "mode"]);
    until(30, "all know of the removal", || [&b, &c, &d].iter().all(|agent| shared(agent)["values"] == json!({})));
}

#[test]
fn shared_values_that_are_not_allowed_or_not_there_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let a = agent(dir.path(), "a", &[]);
    let long = "v".repeat(401);
    for (args, why) in [
        (&["shared", "set", "a/b", "1"][..], "the name \"a/b\" must have 1 to 48 letters, digits, hyphens"),
        (&["shared", "set", "a", &long], "a value of 401 bytes is longer than the 400 allowed"),
        (&["shared", "add", "s", ""], "the item \"\" must have 1 to 64 bytes and no control characters"),
        (&["shared", "get", "a"], "there is no shared value or set \"a\""),
        (&["shared", "unset", "a"], "there is no shared value \"a\""),
        (&["shared", "remove", "s", "x"], "the shared set \"s\" has no item \"x\""),
    ] {
        let error = failure(&a, args, 1);
        assert!(error.starts_with(&format!("error: {why}")), "{error}");
    }
    assert_eq!(shared(&a), json!({ "values": {}, "sets": {} }));
}

#[test]
fn round_trips_are_measured_or_estimated_and_the_source_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let learning = ["--selector", "neighborhood:metric=vivaldi"];
    let x = agent(dir.path(), "x", &learning);
    let seed = x.addr.to_string();
    let join = ["--join", &seed];
    let others = ["y", "z"].map(|name| agent(dir.path(), name, &[&learning[..], &join].concat()));
    let rtt = |args: &[&str]| {
        let output = x.ask(&[&["rtt", "--format", "json"], args].concat());
        output.status.success().then(|| serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    until(30, "a ping is answered", || rtt(&["y"]).is_some_and(|found| found["source"] == "measured"));
    let measured = rtt(&["x", "y"]).unwrap();
    assert!(measured["rtt_ms"].as_f64().unwrap() < 1000.0 && measured["from"] == "x" && measured["to"] == "y");
    until(30, "coordinates arrive", || rtt(&["y", "z"]).is_some());
    let estimated = rtt(&["z", "y"]).unwrap();
    assert_eq!(estimated["source"], "coordinates");
    assert!(estimated["error"].as_f64().unwrap() > 0.0, "{estimated}");
    assert!(x.order(&["rtt", "y", "z"]).contains("by coordinates, give or take "));
    assert!(failure(&x, &["rtt", "x"], 1).contains("\"x\" is one member: a round trip takes two"));
    assert!(failure(&x, &["rtt", "a"], 1).contains("no member is known by the name \"a\""));
    drop(others);
}

#[test]
fn without_coordinates_round_trips_between_others_are_not_guessed() {
    let dir = tempfile::tempdir().unwrap();
    let all = three(dir.path());
    let error = failure(&all[0], &["rtt", "b", "c"], 1);
    assert!(error.contains("ask that of one of the two members"), "{error}");
    until(30, "a ping is answered", || all[0].ask(&["rtt", "b"]).status.success());
    assert!(all[0].order(&["rtt", "b"]).ends_with(" ms, measured\n"));
}

#[test]
fn members_that_answer_are_told_from_those_that_do_not() {
    let dir = tempfile::tempdir().unwrap();
    // Suspicions that last: the paused member stays a member.
    let config = config(dir.path(), 100.0);
    let args = ["--config", config.to_str().unwrap()];
    let a = Process::start(dir.path(), "a", &args);
    let seed = a.addr.to_string();
    let join = [&args[..], &["--join", &seed]].concat();
    let all = [Process::start(dir.path(), "b", &join), Process::start(dir.path(), "c", &join), a];
    until_complete(20, &all);
    assert!(all[2].order(&["reachability"]).ends_with("2 of 2 other members answered\n"));
    all[1].signal("STOP");
    let output = all[2].ask(&["reachability", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let reached: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let has_acked = |name: &str| reached.iter().find(|member| member["name"] == name).unwrap()["rtt_ms"].is_number();
    assert!(has_acked("b") && !has_acked("c"), "{reached:?}");
    let text = String::from_utf8(all[2].ask(&["reachability"]).stdout).unwrap();
    assert!(text.starts_with("c  ") && text.ends_with("1 of 2 other members answered\n"), "{text}");
    all[1].signal("CONT");
    until(20, "it answers again", || all[2].ask(&["reachability"]).status.success());
}
