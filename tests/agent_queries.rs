//! Queries through the program itself: answers of event handlers, filters, deadlines, failures, bad arguments, packet loss.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use agents::network::Network;
use agents::process::{Bare, Process, config, stderr, swimlab, until, until_complete};
use agents::{all_know, cluster, within};
use serde_json::Value;
use swimlab::agent::{AgentEvent, Query, QueryEnd};

/// Three members that know each other. Each has these handlers beside one that answers `who` with the member's name.
fn members(dir: &Path, of_b: &[&str]) -> Vec<Process> {
    let config = config(dir, 20.0);
    let common = ["--config", config.to_str().unwrap(), "--on", "query:who=echo $SWIMLAB_AGENT"];
    let a = Process::start(dir, "a", &common);
    let seed = a.addr.to_string();
    let b = Process::start(dir, "b", &[&["--config", common[1], "--join", &seed], of_b].concat());
    let c = Process::start(dir, "c", &[&common[..], &["--join", &seed]].concat());
    let all = vec![a, b, c];
    until_complete(30, &all);
    all
}

const WHO: [&str; 2] = ["--on", "query:who=echo $SWIMLAB_AGENT"];

fn lines(output: &Output) -> BTreeSet<String> {
    String::from_utf8(output.stdout.clone()).unwrap().lines().map(str::to_owned).collect()
}

fn set<const N: usize>(lines: [&str; N]) -> BTreeSet<String> {
    lines.map(str::to_owned).into()
}

#[test]
fn all_members_answer_a_query_by_their_handlers() {
    let dir = tempfile::tempdir().unwrap();
    let shown = "query:show=cat; env | grep -E '^SWIMLAB_(AGENT|EVENT|NAME|QUERY)=' | sort";
    let on_b = [&WHO[..], &["--on", shown, "--on", r"query:evil=printf 'x\njoined\033[2J\n\n'"]].concat();
    let all = members(dir.path(), &on_b);
    let output = all[2].ask(&["query", "who", "--timeout", "60s"]);
    assert_eq!(lines(&output), set(["a  a", "b  b", "c  c"]), "{}", stderr(&output));
    assert_eq!(stderr(&output), "3 members, 3 asked, 3 acknowledged, 3 answered: no other is expected\n");
    assert_eq!(output.status.code(), Some(0));

    // The handler gets the query as JSON and in its environment.
    let output = all[0].ask(&["query", "show", "how are you?", "--format", "json", "--timeout", "60s"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [answer, end] = &lines[..] else { panic!("{text}") };
    assert_eq!(answer["name"], "b");
    let (input, environment) = answer["payload"].as_str().unwrap().split_once('\n').unwrap();
    let input: Value = serde_json::from_str(input).unwrap();
    assert_eq!(
        [&input["event"], &input["name"], &input["query"], &input["payload"]],
        ["query", "a", "show", "how are you?"]
    );
    assert_eq!(environment, "SWIMLAB_AGENT=b\nSWIMLAB_EVENT=query\nSWIMLAB_NAME=a\nSWIMLAB_QUERY=show");
    assert_eq!([&end["end"]["answered"], &end["end"]["declined"]], [1, 2]);
    assert_eq!(end["end"]["end"], "complete");
    // The agent prints the query like other events.
    let printed = |process: &Process| process.events().into_iter().find(|event| event["query"] == "show").unwrap();
    assert_eq!(printed(&all[2])["payload"], "how are you?");

    // Answers can neither forge lines nor steer a terminal.
    let output = all[0].ask(&["query", "evil", "--timeout", "60s"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "b  x\\njoined\\u{1b}[2J\n");
}

#[test]
fn a_filter_names_and_a_count_choose_who_answers() {
    let dir = tempfile::tempdir().unwrap();
    let all = members(dir.path(), &[&WHO[..], &["--kind", "backend"]].concat());
    until(30, "its kind is known", || all[0].order(&["members", "--where", "kind=backend"]).contains("b"));
    let answers = |args: &[&str]| {
        let output = all[0].ask(&[&["query", "who", "--timeout", "60s"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        (lines(&output), stderr(&output))
    };
    let one = "1 member, 1 asked, 1 acknowledged, 1 answered: no other is expected\n";
    assert_eq!(answers(&["--where", "kind=backend"]), (set(["b  b"]), one.to_owned()));
    assert_eq!(answers(&["--to", "b", "c"]).0, set(["b  b", "c  c"]));
    assert_eq!(answers(&["--to", "b", "--to", "c", "--where", "kind!=backend"]).0, set(["c  c"]));
    let (answered, summary) = answers(&["--count", "2"]);
    assert!(answered.len() == 2 && summary.ends_with("2 answered: as many answers as wanted\n"), "{summary}");

    let output = all[0].ask(&["query", "who", "--where", "kind=nothing"]);
    assert_eq!(stderr(&output), "0 members, 0 asked, 0 acknowledged, 0 answered: no other is expected\n");
    assert_eq!(output.status.code(), Some(1));
    let output = all[0].ask(&["query", "who", "--to", "nobody"]);
    let said = "error: no member that is alive or suspected has the name \"nobody\" (--to)\n";
    assert_eq!((stderr(&output), output.status.code()), (said.to_owned(), Some(1)));
}

#[test]
fn a_handler_that_hangs_keeps_nobody_else_from_answering() {
    let dir = tempfile::tempdir().unwrap();
    let all = members(dir.path(), &["--on", "query:who=sleep 1000"]);
    // Enough for the others on a loaded machine.
    let output = all[0].ask(&["query", "who", "--timeout", "10s"]);
    assert_eq!(lines(&output), set(["a  a", "c  c"]), "{}", stderr(&output));
    assert_eq!(stderr(&output), "3 members, 3 asked, 3 acknowledged, 2 answered: the time is over\n");
    assert_eq!(output.status.code(), Some(0));
    // Fewer than wanted.
    let output = all[0].ask(&["query", "who", "--timeout", "5s", "--count", "3"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(!all[0].saw("suspected", "b"));
}

#[test]
fn failures_of_handlers_are_told_with_their_reason() {
    let dir = tempfile::tempdir().unwrap();
    let long = "query:long=head -c 3000 /dev/zero | tr '\\0' x";
    let fits = "query:fits=head -c 1024 /dev/zero | tr '\\0' x";
    let on = ["--on", "query:fail=echo not this; echo oh no >&2; exit 7", "--on", long, "--on", fits];
    let all = members(dir.path(), &on);
    let ask = |name: &str| {
        let output = all[0].ask(&["query", name, "--timeout", "60s"]);
        (String::from_utf8(output.stdout.clone()).unwrap(), stderr(&output), output.status.code())
    };
    let begin = "3 members, 3 asked, 3 acknowledged, ";
    let summary = format!("{begin}0 answered, 1 failed, 2 without an answer to this query: no other is expected\n");
    assert_eq!(ask("fail"), ("b  failed: exit status: 7: oh no\n".to_owned(), summary.clone(), Some(1)));
    assert_eq!(ask("long"), ("b  failed: its answer is longer than 1024 bytes\n".to_owned(), summary, Some(1)));
    assert_eq!(ask("fits").0, format!("b  {}\n", "x".repeat(1024)));
    until(20, "it is logged", || all[1].errors().contains("its answer is longer than 1024 bytes"));

    // A name that nobody has a handler for: all have heard of it, and it does not take all its time.
    let (answers, summary, code) = ask("unknown");
    let rest = "0 answered, 3 without an answer to this query: no other is expected\n";
    assert_eq!((answers, summary, code), (String::new(), format!("{begin}{rest}"), Some(1)));
}

#[test]
fn a_query_that_is_interrupted_prints_what_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let all = members(dir.path(), &["--on", "query:who=sleep 1000"]);
    let mut command = swimlab();
    command.args(["query", "who", "--count", "3", "--timeout", "300s", "--socket"]).arg(dir.path().join("a.sock"));
    let mut asking = Bare::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let mut printed = BufReader::new(asking.0.stdout.take().unwrap()).lines();
    let first: BTreeSet<String> = (&mut printed).take(2).map(Result::unwrap).collect();
    assert_eq!(first, set(["a  a", "c  c"]));
    asking.signal("INT");
    assert_eq!(asking.ended(30).code(), Some(130));
    let mut said = String::new();
    asking.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "3 members, 3 asked, 3 acknowledged, 2 answered: interrupted\n");
    assert!(printed.next().is_none());
    drop(all);
}

#[test]
fn wrong_arguments_of_a_query_are_refused_with_their_flag() {
    let (long_name, long_payload) = ("x".repeat(129), "x".repeat(513));
    for (args, why) in [
        (&["who", "--where", "kind"][..], "'--where <FILTER>': \"kind\" is not KEY=VALUE or KEY!=VALUE"),
        (&["who", "--where", "tint=red"], "'--where <FILTER>': \"tint\" is none of name, state,"),
        (&[&long_name], "NAME: the query's name: 129 bytes are more than the 128 allowed"),
        (&[""], "NAME: the query's name: it must not be empty"),
        (&["a\nb"], "NAME: the query's name: it must have no control characters, but has \\u{a}"),
        (&["who", &long_payload], "PAYLOAD: the query's payload: 513 bytes are more than the 512 allowed"),
        (&["who", "--timeout", "5"], "'--timeout <TIME>': expected a time with its unit, like 500ms or 5s"),
        (&["who", "--timeout", "10ms"], "--timeout: the time for answers is 100ms to 5m, and not 10ms"),
        (&["who", "--timeout", "6m"], "--timeout: the time for answers is 100ms to 5m, and not 6m"),
        (&["who", "--count", "0"], "--count: the number of wanted answers is at least 1"),
        (&["who", "--count", "x"], "'--count <N>'"),
    ] {
        let output = swimlab().arg("query").args(args).args(["--socket", "/nowhere.sock"]).output().unwrap();
        let said = stderr(&output);
        assert!(said.contains(why), "{args:?}: {said}");
        assert!(said.trim().lines().next().is_some_and(|line| line.starts_with("error: ")), "{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
    let output = swimlab().args(["query", "who", "--socket", "/nowhere.sock"]).output().unwrap();
    assert!(stderr(&output).contains("no agent answers at /nowhere.sock"), "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_members_answer_as_much_as_fits_into_a_datagram() {
    let agents = cluster(100).await;
    within(60, "all know all", async || all_know(&agents, 100).await).await;
    for agent in &agents {
        let mut events = agent.events();
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let AgentEvent::Query(query) = event {
                    query.respond(vec![b'x'; query.answer_room()]).unwrap();
                }
            }
        });
    }
    let begun = Instant::now();
    let mut answers = agents[7].query(Query::new("much").timeout(Duration::from_secs(60))).await.unwrap();
    let mut members = BTreeSet::new();
    while let Some(answer) = answers.next().await {
        assert!(members.insert(answer.from), "one answer of each member");
        assert_eq!(answer.answer.map(|answer| answer.len()), Ok(Query::ANSWER_LIMIT));
    }
    println!("100 answers of {} bytes within {:?}", Query::ANSWER_LIMIT, begun.elapsed());
    let totals = answers.totals();
    assert_eq!((totals.asked, totals.acknowledged, totals.answered), (100, 100, 100));
    assert_eq!((members.len(), answers.end()), (100, Some(QueryEnd::Complete)));
}

#[test]
fn a_tenth_of_all_packets_may_be_lost() {
    let Some(network) = Network::new(4) else { return };
    let dir = tempfile::tempdir().unwrap();
    let (config, key) = (dir.path().join("config.toml"), dir.path().join("key"));
    // Suspects learn of it in time, and refute.
    let protocol = "period = '500ms'\nprobe_timeout = '250ms'\nsuspicion_mult = 20.0\nretransmit_mult = 12.0\n";
    fs::write(&config, format!("preset = 'lan'\n[protocol]\n{protocol}")).unwrap();
    fs::write(&key, "5a".repeat(32)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let paths = [&config, &key].map(|path| path.to_str().unwrap());
    let all = network.agents(dir.path(), &[&["--config", paths[0], "--key-file", paths[1]], &WHO[..]].concat());
    until_complete(30, &all);
    network.lose(&["numgen random mod 10 == 0 drop"]);
    // Each has 30 attempts.
    for _ in 0..10 {
        let output = all[0].ask(&["query", "who", "--timeout", "30s"]);
        assert_eq!(lines(&output), set(["p0  p0", "p1  p1", "p2  p2", "p3  p3"]), "{}", stderr(&output));
        assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 4);
    }
}
