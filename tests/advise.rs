//! `swimlab advise` through the real binary: the table, files that run, the same bytes twice, and what is refused.

#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SMALL: &str =
    "advise --members 12 --topology lan --loss 1% --declare-within 5s --false-deaths 1/month --budget 2s";

fn command(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swimlab"));
    command.current_dir(dir).args(args.split_whitespace()).stdin(Stdio::null());
    command
}

fn swimlab(dir: &Path, args: &str) -> Output {
    command(dir, args).output().unwrap()
}

fn done(dir: &Path, args: &str) -> Output {
    let output = swimlab(dir, args);
    assert!(output.status.success(), "swimlab {args}: {}{}", out(&output), err(&output));
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn read(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The median that `swimlab run --format json` reports for a measure in a scenario.
fn summary<'a>(cells: &'a serde_json::Value, scenario: &str, measure: &str) -> &'a serde_json::Value {
    let cell = cells.as_array().unwrap().iter().find(|cell| cell["scenario"] == scenario).unwrap();
    &cell["measures"][measure]
}

#[test]
fn an_answer_has_a_table_a_recommendation_and_files_that_run() {
    let dir = tempfile::tempdir().unwrap();
    let output = done(dir.path(), SMALL);
    let (table, notes) = (out(&output), err(&output));
    for part in ["swim", "19 of 20", "meets", "Recommended: ", "What would change the answer", "CPU"] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert!(notes.contains("trying ") && notes.contains("fresh trials"), "{notes}");
    assert!(
        notes.contains("wrote to advice: question.toml, advice.toml, agent.toml, advice.md, report.html"),
        "{notes}"
    );
    let advice = dir.path().join("advice");
    let record = read(&advice, "advice.md");
    let sections = [
        "Question",
        "Decision",
        "Options",
        "Evidence",
        "What would change the answer",
        "Risks",
        "Migration",
        "Way back",
    ];
    for section in sections {
        assert!(record.contains(&format!("## {section}\n")), "{section}: {record}");
    }
    assert!(read(&advice, "report.html").contains("Detection and dissemination"));

    // The experiment repeats the trials of the confirmation.
    let run = done(dir.path(), "run advice/advice.toml --quiet --format json --out results");
    let cells: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    let declared = summary(&cells, "crash", "first_declaration_s");
    assert!(declared["median"].as_f64().unwrap() < 5.0, "{declared}");
    assert_eq!(declared["censored"], 0, "{declared}");
    assert_eq!(summary(&cells, "calm", "violations")["max"], 0.0);
}

#[test]
fn the_same_question_and_seed_give_the_same_bytes_and_another_seed_others() {
    let dir = tempfile::tempdir().unwrap();
    let one = done(dir.path(), &format!("{SMALL} --out one"));
    // From the file that the first one wrote.
    let two = done(dir.path(), "advise one/question.toml --out two");
    assert_eq!(out(&one), out(&two));
    for file in ["question.toml", "advice.toml", "agent.toml", "advice.md", "report.html"] {
        assert_eq!(read(&dir.path().join("one"), file), read(&dir.path().join("two"), file), "{file}");
    }
    let other = done(dir.path(), &format!("{SMALL} --seed 2 --out other"));
    assert_ne!(out(&one), out(&other));
}

/// An agent starts with the file, and says so on its socket.
#[cfg(all(feature = "agent", unix))]
#[test]
fn an_agent_runs_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    done(dir.path(), SMALL);
    let socket = dir.path().join("socket");
    let args = "agent --config advice/agent.toml --name a --bind 127.0.0.1:0 --plaintext --socket socket";
    let mut agent = command(dir.path(), args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..100 {
        if socket.exists() || agent.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let info = swimlab(dir.path(), "info --socket socket");
    let _ = agent.kill();
    let ended = agent.wait_with_output().unwrap();
    assert!(info.status.success(), "{}{}", err(&info), err(&ended));
    let period = read(&dir.path().join("advice"), "agent.toml");
    assert!(period.contains("[protocol]\n"), "{period}");
}

#[test]
fn a_target_that_no_detector_can_meet_names_the_bound_and_gives_3() {
    let dir = tempfile::tempdir().unwrap();
    for (flags, bound, nearest) in [
        ("--topology lan:delay_ms=500 --declare-within 100ms", "a packet takes 500ms", "--declare-within 500ms"),
        ("--topology lan --declare-within 1s --bytes 10B/s", "less than one message", "--declare-within"),
        (
            "--topology azure --declare-within 10s --cross-region 20%",
            "every byte leaves its region",
            "--cross-region 100%",
        ),
    ] {
        let output = swimlab(dir.path(), &format!("advise --members 12 --false-deaths 1/month {flags}"));
        assert_eq!(output.status.code(), Some(3), "{flags}: {}", err(&output));
        let message = err(&output);
        assert!(message.contains(bound) && message.contains(nearest), "{flags}: {message}");
        assert!(out(&output).is_empty() && !dir.path().join("advice").exists());
    }
}

#[test]
fn bad_input_is_named_and_gives_2() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("broken.csv"), "from,a,b\na,,x\nb,1,\n").unwrap();
    fs::write(dir.path().join("q.toml"), "members = 12\ntopology = 'lan'\nfalse_deaths = '1/fortnight'\n").unwrap();
    for (args, message) in [
        ("--members 12 --topology lan --declare-within 5 --false-deaths 1/day", "--declare-within: must be a time"),
        (
            "--members 12 --topology lan --declare-within 5s --false-deaths 1",
            "--false-deaths: must be a number above 0 per",
        ),
        (
            "--members 12 --topology lan --declare-within 5s --false-deaths 1/day --bytes 2k",
            "--bytes: must be a number of",
        ),
        (
            "--members 12 --topology broken.csv --declare-within 5s --false-deaths 1/day",
            "--topology: csv: broken.csv: ",
        ),
        ("--members 12 --topology no.csv --declare-within 5s --false-deaths 1/day", "--topology: cannot read no.csv"),
        ("--members 12 --topology lan", "--declare-within: is missing"),
        (
            "q.toml --declare-within 5s",
            "q.toml:3: false_deaths must be a number above 0 per hour, day, week, month, year",
        ),
        ("", "there is no question: give --members, --topology, --declare-within, --false-deaths"),
    ] {
        let output = swimlab(dir.path(), &format!("advise {args}"));
        assert_eq!(output.status.code(), Some(2), "{args}: {}", err(&output));
        assert!(err(&output).starts_with(&format!("error: {message}")), "{args}: {}", err(&output));
    }
}

/// After an interrupt, what was found so far is printed as unfinished.
#[cfg(unix)]
#[test]
fn an_interrupted_search_prints_what_it_has_found() {
    let dir = tempfile::tempdir().unwrap();
    let args = SMALL.replace("--budget 2s", "--budget 10min");
    let mut child = command(dir.path(), &args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    // The second step, so that there are figures.
    while !line.contains("best so far") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut errors, &mut line).unwrap() > 0, "it ended early");
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert!(out(&output).contains("UNFINISHED"), "{}", out(&output));
    assert!(read(&dir.path().join("advice"), "advice.md").contains("**Unfinished**"));
}
