//! Experiments on real sockets, through the real binary, beside the simulator.

#![cfg(all(feature = "cli", feature = "agent", unix))]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Real time is shared: experiments that run beside each other disturb each other.
static ALONE: Mutex<()> = Mutex::new(());

/// A period of a fifth of a second, so that a crash is known to all within two.
const QUICK: &str = "\
name = 'quick'
topology = { kind = 'lan', delay_ms = 5, spread_ms = 1 }
selector = 'shuffle'
warmup = '500ms'
[protocol]
period = '200ms'
probe_timeout = '100ms'
";

fn folder(top: &str, tables: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let (keys, protocol) = QUICK.split_once("[protocol]").unwrap();
    fs::write(dir.path().join("quick.toml"), format!("{top}{keys}[protocol]{protocol}{tables}")).unwrap();
    dir
}

fn command(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swimlab"));
    command.current_dir(dir).args(args.split_whitespace());
    command
}

fn swimlab(dir: &Path, args: &str) -> Output {
    command(dir, args).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(path: impl AsRef<Path>) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The rows of a CSV file, each a list of (column, value).
fn rows(path: impl AsRef<Path>) -> Vec<Vec<(String, String)>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let columns = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| columns.iter().map(str::to_owned).zip(row.iter().map(str::to_owned)).collect();
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn column(rows: &[Vec<(String, String)>], name: &str) -> Vec<String> {
    rows.iter().map(|row| row.iter().find(|(column, _)| column == name).unwrap().1.clone()).collect()
}

#[test]
fn the_simulator_and_real_sockets_agree_about_crashes() {
    let _alone = ALONE.lock();
    let dir = folder("trials = 16\nmembers = 12\nduration = '4s'\n", "[[fault]]\nkind = 'crash'\nat = '500ms'\n");
    let output = swimlab(dir.path(), "run quick.toml --real --worlds 16 --format json --out r");
    assert!(output.status.success(), "{}", err(&output));
    let agreement = json(dir.path().join("r/agreement.json"));
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), agreement);

    // RunComparison sides have the same rows, and the same members crash.
    let [simulated, real] = ["r/", "r/real/"].map(|side| rows(dir.path().join(format!("{side}victims.csv"))));
    assert_eq!(simulated.len(), 16);
    for name in ["trial", "seed", "fault", "kind", "member"] {
        assert_eq!(column(&simulated, name), column(&real, name), "{name}");
    }
    let [simulated, real] = ["r/", "r/real/"].map(|side| rows(dir.path().join(format!("{side}trials.csv"))));
    assert_eq!(column(&simulated, "seed"), column(&real, "seed"));
    // The real side is measured, not copied.
    assert_ne!(column(&simulated, "informed_100_s"), column(&real, "informed_100_s"));

    let measures = &agreement["cells"][0]["measures"];
    for name in ["first_declaration_s", "informed_50_s", "informed_100_s", "messages_sent", "bytes_sent"] {
        let measure = &measures[name];
        assert_eq!(measure["pairs"], 16, "{name}");
        assert!(measure["relative"].as_f64().unwrap().abs() < 0.15, "{name}: {measure:#}");
        assert!(measure["ks_p"].as_f64().unwrap() > 0.001, "{name}: {measure:#}");
    }
    for name in ["false_positives", "violations"] {
        assert_eq!(measures[name]["real"], 0.0, "{name}");
    }
    assert!(agreement["lateness"]["timers"].as_u64().unwrap() > 16 * 12 * 20);
}

#[test]
fn faults_strike_real_members_as_they_strike_simulated_ones() {
    let _alone = ALONE.lock();
    let fault = |kind: &str, more: &str| {
        format!("[[scenario]]\nname = '{kind}'\nfault = [{{ kind = '{kind}', at = '500ms'{more} }}]\n")
    };
    let tables: String = [
        ("leave", ", target = [3]"),
        ("restart", ", down = '3s', target = [4]"),
        ("churn", ", times = 2, every = '3s'"),
        ("join", ", count = 2"),
        ("pause", ", lasts = '500ms', target = [5]"),
        ("loss", ", rate = 1, lasts = '3s', target = [6]"),
        ("partition", ", lasts = '3s', target = [7]"),
        ("partial-partition", ", lasts = '3s', target = [1], peers = [6]"),
        ("flip-flop", ", lasts = '3s', on = '500ms', off = '500ms', target = [8]"),
    ]
    .map(|(kind, more)| fault(kind, more))
    .concat();
    // Long delays: what has been sent must arrive after its sender's end.
    let dir = folder("trials = 1\nmembers = 8\nduration = '9s'\nloss = 0.0\n", &tables.replace("[8]", "[2]"));
    let output = swimlab(dir.path(), "run quick.toml --real --worlds 8 --quiet --out r");
    assert!(output.status.success(), "{}", err(&output));

    let [simulated, real] = ["r/", "r/real/"].map(|side| json(dir.path().join(format!("{side}summary.json"))));
    for (simulated, real) in simulated.as_array().unwrap().iter().zip(real.as_array().unwrap()) {
        let scenario = &real["scenario"];
        assert_eq!(simulated["strikes"], real["strikes"], "{scenario}");
        assert_eq!(real["violations"], serde_json::json!({}), "{scenario}");
        let mean = |cell: &Value, name: &str| cell["measures"][name]["mean"].as_f64().unwrap();
        // Cut off for three seconds, a member is taken for dead by all others, and takes them all for dead; one that
        // pauses for half a second is suspected, and not declared dead.
        let (simulated, real) = (mean(simulated, "false_positives"), mean(real, "false_positives"));
        match scenario.as_str().unwrap() {
            "loss" | "partition" => assert!(simulated >= 7.0 && real >= 7.0, "{scenario}: {simulated}, {real}"),
            "flip-flop" => {}
            _ => assert_eq!((simulated, real), (0.0, 0.0), "{scenario}"),
        }
    }

    let victims = rows(dir.path().join("r/real/victims.csv"));
    assert_eq!(column(&victims, "kind"), ["leave", "restart", "churn", "churn"]);
    let known: Vec<f64> = column(&victims, "informed_100_s").iter().map(|s| s.parse().unwrap()).collect();
    // Who leaves says so itself: that takes no suspicion of 800 ms.
    assert!(known[0] < 0.6, "{known:?}");
    assert!(known[1..].iter().all(|&known| known > 0.8), "{known:?}");
}

#[test]
fn what_real_time_cannot_do_is_refused_before_anything_runs() {
    let dir = folder("members = 8\nduration = '5s'\n", "[[fault]]\nkind = 'slow'\n");
    let output = swimlab(dir.path(), "run quick.toml --real --out r");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).starts_with("error: quick.toml: fault slow: an agent cannot hold"), "{}", err(&output));
    assert!(!dir.path().join("r").exists());

    let dir = folder("members = 1000000\nduration = '5s'\n", "");
    let output = swimlab(dir.path(), "run quick.toml --real --out r");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("a world of 1000000 members in real time needs 4000000 file"), "{}", err(&output));
}

#[test]
fn an_interrupted_run_keeps_what_is_finished_and_goes_on_from_there() {
    let _alone = ALONE.lock();
    let dir = folder("trials = 3\nmembers = 5\nduration = '1s'\n", "");
    let args = "run quick.toml --real --worlds 1 --quiet --out r";
    let mut run = command(dir.path(), args).stdout(Stdio::null()).spawn().unwrap();
    let finished = || fs::read_to_string(dir.path().join("r/real/trials.jsonl")).map_or(0, |text| text.lines().count());
    let begun = Instant::now();
    while finished() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "no trial ends");
        sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap().success());
    assert_eq!(run.wait().unwrap().code(), Some(130));
    // The one under way was let to its end.
    assert_eq!(finished(), 2);
    assert_eq!(json(dir.path().join("r/agreement.json"))["cells"][0]["trials"], 2);

    let resumed = swimlab(dir.path(), &format!("{args} --resume"));
    assert!(resumed.status.success(), "{}", err(&resumed));
    assert_eq!(rows(dir.path().join("r/real/trials.csv")).len(), 3);
    assert_eq!(json(dir.path().join("r/agreement.json"))["cells"][0]["trials"], 3);
}
