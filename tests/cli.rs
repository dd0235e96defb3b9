//! The command line from end to end, through the real binary.

#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = "\
name = 'small'
seed = 7
trials = 6
topology = ['lan', 'zones']
selector = ['uniform', 'shuffle']
baseline = 'shuffle'
members = 12
warmup = '5s'
duration = '30s'
protocol = { period = '1500ms' }
fault = [{ kind = 'crash', at = '2s' }]
";

const TABLES: [&str; 4] = ["trials.csv", "victims.csv", "summary.json", "report.html"];

fn command(dir: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swimlab"));
    command.current_dir(dir).args(args.split_whitespace());
    command
}

fn swimlab(dir: &Path, args: &str) -> Output {
    command(dir, args).output().unwrap()
}

/// The output of a command, which must succeed.
fn done(dir: &Path, args: &str) -> Output {
    let output = swimlab(dir, args);
    assert!(output.status.success(), "swimlab {args}: {}", err(&output));
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder_with(name: &str, text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), text).unwrap();
    dir
}

fn small() -> tempfile::TempDir {
    folder_with("small.toml", SMALL)
}

fn read(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

#[test]
fn a_run_prints_a_table_and_the_path_of_its_results() {
    let dir = small();
    let output = done(dir.path(), "run small.toml");
    assert!(out(&output).contains("shuffle"), "{}", out(&output));
    assert!(err(&output).ends_with("results: results/small; open results/small/report.html\n"), "{}", err(&output));
    let results = dir.path().join("results/small");
    assert_eq!(read(&results, "experiment.toml"), SMALL);
    let trials = read(&results, "trials.csv");
    let header = "topology,selector,profile,members,loss,scenario,trial,seed,first_ping_s,first_suspicion_s,";
    assert!(trials.starts_with(header), "{trials}");
    assert_eq!(trials.lines().count(), 1 + 2 * 2 * 6);
    assert_eq!(read(&results, "victims.csv").lines().count(), 1 + 2 * 2 * 6);
    let cells: serde_json::Value = serde_json::from_str(&read(&results, "summary.json")).unwrap();
    assert_eq!(cells.as_array().unwrap().len(), 4);
    assert!(cells[0]["measures"]["first_declaration_s"]["median"].as_f64().unwrap() > 5.0);
}

#[test]
fn a_second_run_does_not_overwrite_the_results_of_the_first() {
    let dir = small();
    done(dir.path(), "run small.toml");
    assert!(
        err(&done(dir.path(), "run small.toml --trials 1"))
            .ends_with("results: results/small-2; open results/small-2/report.html\n")
    );
    assert_eq!(read(dir.path(), "results/small/trials.csv").lines().count(), 25);

    let refused = swimlab(dir.path(), "run small.toml --out results/small");
    assert_eq!(refused.status.code(), Some(2));
    let told = "results folder results/small: holds results already; --resume goes on with them";
    assert!(err(&refused).contains(told), "{}", err(&refused));

    fs::create_dir(dir.path().join("letters")).unwrap();
    fs::write(dir.path().join("letters/love.txt"), "dear").unwrap();
    let refused = swimlab(dir.path(), "run small.toml --out letters");
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("is not empty, and no results folder"), "{}", err(&refused));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let dir = small();
    done(dir.path(), "run small.toml --threads 1 --out one");
    done(dir.path(), "run small.toml --threads 2 --out two");
    for table in TABLES {
        assert_eq!(read(&dir.path().join("one"), table), read(&dir.path().join("two"), table), "{table}");
    }
}

#[test]
fn results_depend_on_the_seed() {
    let dir = small();
    let same = done(dir.path(), "run small.toml --format csv --trials 1 --seed 7");
    let other = done(dir.path(), "run small.toml --format csv --trials 1 --seed 8");
    assert_eq!(out(&same), out(&done(dir.path(), "run small.toml --format csv --trials 1")));
    assert_ne!(out(&same), out(&other));
}

#[test]
fn printed_and_written_results_are_equal() {
    let dir = small();
    let csv = done(dir.path(), "run small.toml --quiet --format csv --out a");
    let json = done(dir.path(), "run small.toml --quiet --format json --out b");
    assert_eq!(out(&csv), read(dir.path(), "a/trials.csv"));
    assert_eq!(out(&json), read(dir.path(), "b/summary.json"));
    assert_eq!((err(&csv), err(&json)), (String::new(), String::new()));
    for (format, file) in [("victims", "victims.csv"), ("html", "report.html"), ("svg", "picture.svg")] {
        let printed = done(dir.path(), &format!("run small.toml --quiet --format {format} --out {format}"));
        assert_eq!(out(&printed), read(&dir.path().join(format), file), "{format}");
    }
    let refused = swimlab(dir.path(), "run small.toml --real --format svg --out c");
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(err(&refused), "error: --format svg: with --real it must be table, csv or json\n");
    assert!(!dir.path().join("c").exists());
}

#[test]
fn notes_go_to_standard_error() {
    let dir = folder_with("few.toml", "topology = 'lan'\nselector = 'shuffle'\nmembers = 3\ntrials = 1\n");
    let output = done(dir.path(), "run few.toml --format csv");
    assert!(err(&output).contains("note: indirect = 3: members = 3 leave 1 to help"), "{}", err(&output));
    assert!(out(&output).starts_with("topology,"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_is_finished_and_resumes_to_the_same_results() {
    use std::process::Stdio;
    use std::time::{Duration, Instant};

    let dir = small();
    let trials = "--trials 1500";
    done(dir.path(), &format!("run small.toml {trials} --out whole"));

    for (signal, out) in [("-INT", "cut"), ("-TERM", "ended")] {
        let mut run = command(dir.path(), &format!("run small.toml {trials} --out {out}"));
        let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        let lines = || {
            fs::read_to_string(dir.path().join(format!("{out}/trials.jsonl"))).map_or(0, |text| text.lines().count())
        };
        while lines() < 20 {
            assert!(started.elapsed() < Duration::from_secs(60), "no trial finishes");
            std::thread::sleep(Duration::from_millis(2));
        }
        assert!(Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap().success());
        let interrupted = run.wait_with_output().unwrap();
        assert_eq!(interrupted.status.code(), Some(130), "{}", err(&interrupted));
        assert!(
            err(&interrupted).contains(&format!("interrupted; the same command with --out {out} --resume goes on"))
        );
        let kept = read(dir.path(), &format!("{out}/trials.csv")).lines().count() - 1;
        assert!((20..6000).contains(&kept), "{kept} trials were kept");
        let cells: serde_json::Value = serde_json::from_str(&read(dir.path(), &format!("{out}/summary.json"))).unwrap();
        assert_eq!(cells[3]["complete"], false);

        let resumed = done(dir.path(), &format!("run small.toml {trials} --out {out} --resume"));
        assert!(err(&resumed).contains(&format!("{out}: going on after {kept} finished trials")), "{}", err(&resumed));
        for table in TABLES {
            assert!(read(&dir.path().join("whole"), table) == read(&dir.path().join(out), table), "{table} differs");
        }
    }
}

#[test]
fn an_incomplete_line_of_a_killed_run_is_run_again() {
    let dir = small();
    done(dir.path(), "run small.toml --out whole");
    done(dir.path(), "run small.toml --out killed");
    let lines = read(dir.path(), "killed/trials.jsonl");
    fs::write(dir.path().join("killed/trials.jsonl"), &lines[..lines.len() / 2]).unwrap();
    let resumed = done(dir.path(), "run small.toml --out killed --resume");
    assert!(err(&resumed).contains("going on after"), "{}", err(&resumed));
    for table in TABLES {
        assert_eq!(read(&dir.path().join("whole"), table), read(&dir.path().join("killed"), table), "{table}");
    }
}

#[test]
fn more_trials_can_be_added_to_a_finished_run() {
    let dir = small();
    done(dir.path(), "run small.toml --out whole");
    done(dir.path(), "run small.toml --trials 2");
    done(dir.path(), "run small.toml --resume");
    assert_eq!(read(dir.path(), "whole/trials.csv"), read(dir.path(), "results/small/trials.csv"));
}

#[test]
fn a_folder_of_another_experiment_is_not_resumed() {
    let dir = small();
    done(dir.path(), "run small.toml --trials 1");
    let other = SMALL.replace("members = 12", "members = 13").replace("at = '2s'", "at = '3s'");
    fs::write(dir.path().join("small.toml"), other).unwrap();
    let refused = swimlab(dir.path(), "run small.toml --resume --seed 8");
    assert_eq!(refused.status.code(), Some(2));
    insta::assert_snapshot!(err(&refused));
}

#[test]
fn a_folder_with_a_damaged_line_is_not_resumed() {
    let dir = small();
    done(dir.path(), "run small.toml --trials 1 --out a");
    let lines = read(dir.path(), "a/trials.jsonl");
    fs::write(dir.path().join("a/trials.jsonl"), lines.replacen("\"cell\"", "\"sell\"", 1)).unwrap();
    let refused = swimlab(dir.path(), "run small.toml --out a --resume");
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).contains("a: trials.jsonl:1: "), "{}", err(&refused));
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_the_run() {
    let dir = small();
    let refused = swimlab(dir.path(), "run small.toml --trials 1000000 --out small.toml/results");
    assert_eq!(refused.status.code(), Some(2));
    assert!(err(&refused).starts_with("error: results folder small.toml/results: "), "{}", err(&refused));
}

#[test]
fn bad_input_ends_with_exit_code_2_and_the_line() {
    let dir = folder_with("bad.toml", &SMALL.replace("selector", "selectors"));
    fs::write(dir.path().join("empty.toml"), "").unwrap();
    for args in ["run bad.toml", "replay bad.toml --trial 0", "run bad.toml --print-experiment"] {
        let refused = swimlab(dir.path(), args);
        assert_eq!((refused.status.code(), out(&refused)), (Some(2), String::new()), "{args}");
        let told = "error: bad.toml:5: this file has no key \"selectors\"; did you mean selector or helpers?\n";
        assert_eq!(err(&refused), told, "{args}");
    }
    let wrong = [
        ("run empty.toml", "empty.toml:1: missing: topology, selector, members"),
        ("run nowhere.toml", "nowhere.toml: cannot be read"),
        ("run .", ".: cannot be read"),
        ("run --trials 0", "invalid value '0' for '--trials"),
        ("run --threads 0", "invalid value '0' for '--threads"),
        ("run --seed -1", "unexpected argument '-1'"),
        ("run --format pdf", "possible values: table, csv, json, victims, html, svg"),
        ("run --qiuet", "a similar argument exists: '--quiet'"),
        ("list strategies", "possible values: selectors"),
        ("replay", "--trial <K> is missing"),
    ];
    for (args, told) in wrong {
        let refused = swimlab(dir.path(), args);
        assert_eq!(refused.status.code(), Some(2), "{args}");
        assert!(err(&refused).contains(told), "{args}: {}", err(&refused));
    }
    assert!(!dir.path().join("results").exists(), "nothing was run");
}

#[test]
fn the_printed_default_experiment_is_a_valid_file() {
    let dir = tempfile::tempdir().unwrap();
    let printed = out(&done(dir.path(), "run --print-experiment"));
    assert_eq!(printed, read(Path::new(env!("CARGO_MANIFEST_DIR")), "examples/experiments/default.toml"));
    fs::write(dir.path().join("mine.toml"), printed).unwrap();
    done(dir.path(), "run mine.toml --trials 1 --quiet");
}

#[test]
fn all_example_experiments_run() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/experiments");
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let is_built_in = cfg!(feature = "foca") || !path.ends_with("foca.toml");
        if path.extension().is_none_or(|ending| ending != "toml") || !is_built_in {
            continue;
        }
        if path.ends_with("as-shipped.toml") {
            // One trial of each of its 432 cells takes minutes.
            for scenario in ["calm", "crash", "join", "cut"] {
                let cell = format!("--members 63 --selector auto --swept preset=lan --loss 0.05 --scenario {scenario}");
                done(dir.path(), &format!("replay {} --trial 0 {cell}", path.display()));
            }
        } else {
            done(dir.path(), &format!("run {} --trials 1 --quiet", path.display()));
        }
    }
}

#[test]
#[cfg(not(feature = "foca"))]
fn an_experiment_with_foca_names_the_feature_that_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/experiments/foca.toml");
    let refused = swimlab(dir.path(), &format!("run {file} --quiet"));
    assert_eq!(refused.status.code(), Some(2));
    let told = "profile foca is not in this build: build swimlab with --features foca";
    assert!(err(&refused).contains(told), "{}", err(&refused));
}

#[test]
fn a_replay_shows_the_crash_and_its_detection() {
    let dir = small();
    let told = out(&done(dir.path(), "replay small.toml --trial 3 --topology zones --selector shuffle"));
    insta::assert_snapshot!(told.lines().take(5).collect::<Vec<_>>().join("\n"));
    let crash = told.find("crashes (fault 1)").expect("a crash");
    let ping = told[crash..].find(" pings ").expect("a ping");
    let suspicion = told.find("gets no answer and suspects").expect("a suspicion");
    let death = told.find("declares #").expect("a declaration");
    let dissemination = told[death..].find("is dead").expect("dissemination");
    assert!(crash < crash + ping && crash < suspicion && suspicion < death && death < death + dissemination, "{told}");
    assert!(!told.contains("sends ack"), "acks are shown on demand only");
    assert!(out(&done(dir.path(), "replay small.toml --trial 3 --packets all")).contains("sends ack"));
}

#[test]
fn a_replay_shows_the_trial_that_was_run() {
    let dir = small();
    done(dir.path(), "run small.toml --out a");
    let victims = read(dir.path(), "a/victims.csv");
    let mut rows = csv::Reader::from_reader(victims.as_bytes());
    let headers = rows.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (selector, trial, member) = (column("selector"), column("trial"), column("member"));
    for row in rows.records().take(12) {
        let row = row.unwrap();
        let told =
            done(dir.path(), &format!("replay small.toml --trial {} --selector {}", &row[trial], &row[selector]));
        assert!(out(&told).contains(&format!("*** #{} crashes", &row[member])), "{row:?}\n{}", out(&told));
    }
}

#[test]
fn a_replay_can_be_limited_to_a_member_and_an_interval() {
    let dir = small();
    let told = out(&done(dir.path(), "replay small.toml --trial 0 --member 3 --from -1 --until 4"));
    let lines: Vec<&str> = told.lines().skip(4).take_while(|line| !line.is_empty()).collect();
    assert!(lines.len() > 3, "{told}");
    for line in lines {
        assert!(line.contains("#3"), "{line}");
        let at: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!((-1.0..4.0).contains(&at), "{line}");
    }
}

#[test]
fn a_replay_of_an_unknown_cell_or_member_is_refused() {
    let dir = small();
    for (args, told) in [
        ("--topology zone", "no cell has topology zone; did you mean zones?"),
        ("--members 13", "no cell has members 13; did you mean 12?"),
        ("--swept direct=2", "no cell has direct 2; the file does not vary direct"),
        ("--swept direct", "--swept direct: expected a key that the file varies, and its value: KEY=VALUE"),
        ("--member 12", "there is no member 12: they count from 0 to 11"),
    ] {
        let refused = swimlab(dir.path(), &format!("replay small.toml --trial 0 {args}"));
        assert_eq!((refused.status.code(), err(&refused)), (Some(2), format!("error: {told}\n")));
    }
}

#[test]
fn lists_name_all_parts() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(out(&done(dir.path(), "list faults")));
    let all = out(&done(dir.path(), "list"));
    for name in ["neighborhood", "great-circle", "diverse", "planetlab", "flip-flop", "swim", "mean_ping_rtt_s"] {
        assert!(all.contains(&format!("\n  {name} ")), "{name}: {all}");
    }
    assert_eq!(all.contains("\n  foca "), cfg!(feature = "foca"), "{all}");
    let json: serde_json::Value = serde_json::from_str(&out(&done(dir.path(), "list --format json"))).unwrap();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["selectors", "metrics", "helpers", "topologies", "faults", "profiles", "detectors", "presets", "measures"]
    );
    assert_eq!(json[5]["entries"][0]["params"][0]["default"], "1s");
}

#[test]
fn help_texts_are_complete() {
    let dir = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(out(&done(dir.path(), "--help")));
    insta::assert_snapshot!(out(&done(dir.path(), "run --help")));
    assert_eq!(swimlab(dir.path(), "").status.code(), Some(2));
}

#[test]
fn detectors_are_listed_under_their_old_name_too() {
    let dir = tempfile::tempdir().unwrap();
    let listed = out(&done(dir.path(), "list detectors"));
    assert!(listed.starts_with("DETECTORS\n") && listed.contains("phi-accrual"), "{listed}");
    assert_eq!(out(&done(dir.path(), "list rivals")), listed);
    assert!(out(&done(dir.path(), "list profiles")).ends_with(&listed));
}

#[test]
fn completions_manual_pages_and_the_version_are_generated() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&done(dir.path(), &format!("completions {shell}"))).contains("print-experiment"), "{shell}");
    }
    done(dir.path(), "man pages/man1");
    assert!(read(dir.path(), "pages/man1/swimlab.1").contains("reproduce"));
    assert!(read(dir.path(), "pages/man1/swimlab-run.1").contains("print\\-experiment"));
    let version = out(&done(dir.path(), "--version"));
    assert!(version.starts_with(concat!("swimlab ", env!("CARGO_PKG_VERSION"))), "{version}");
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_not_a_failure() {
    use std::io::Read;
    use std::process::Stdio;

    let dir = small();
    let mut replay = command(dir.path(), "replay small.toml --trial 0 --packets all --from -5");
    let mut replay = replay.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 10];
    replay.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ended = replay.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", err(&ended));
    assert_eq!(err(&ended), "");
}

#[test]
fn a_replay_takes_numbers_in_any_spelling_and_within_their_ranges() {
    let dir = folder_with("small.toml", &SMALL.replace("members = 12", "members = 12\nloss = [0, 0.05]"));
    let replay = |args: &str| format!("replay small.toml --packets none {args}");
    for args in
        ["--trial 0 --loss 0.0", "--trial 5 --loss 5e-2", "--trial 0 --loss 0 --members 12.0 --from -5 --until 1"]
    {
        done(dir.path(), &replay(args));
    }
    done(dir.path(), &replay("--trial 9 --trials 10"));
    for (args, told) in [
        ("--trial 0 --loss 0.5", "no cell has loss 0.5; did you mean 0.05 or 0?"),
        ("--trial 0 --loss nan", "no cell has loss nan"),
        ("--trial 500", "there is no trial 500: they count from 0 to 5"),
        ("--trial 6", "there is no trial 6: they count from 0 to 5"),
        ("--trial 0 --from nan", "expected a finite number of seconds"),
        ("--trial 0 --from=-inf", "expected a finite number of seconds"),
        ("--trial 0 --until inf", "expected a finite number of seconds"),
        ("--trial 0 --until 1e999", "expected a finite number of seconds"),
        ("--trial 0 --from 31", "--from 31: the trial is from -5 to 30 seconds"),
        ("--trial 0 --from 5 --until 4", "--until 4: is before --from 5"),
        ("--trial 0 --trials 0", "0 is not in 1..=1000000"),
    ] {
        let output = swimlab(dir.path(), &replay(args));
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert!(err(&output).contains(told), "{args}: {}", err(&output));
    }
}

#[test]
fn columns_of_the_environment_are_the_width_of_a_pipe() {
    let dir = small();
    let wide = |columns: &str, out: &str| {
        let mut run = command(dir.path(), &format!("run small.toml --quiet --trials 1 --out {out}"));
        let output = run.env("COLUMNS", columns).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().map(|line| line.chars().count()).max().unwrap_or(0)
    };
    let (narrow, usual, wide) = (wide("60", "a"), wide("no number", "b"), wide("300", "c"));
    assert!(narrow <= 60 && usual > 60 && usual <= 120 && wide > 120, "{narrow} {usual} {wide}");
}

// F1: losing an output loses no trial, and the exit code stays right.
#[cfg(target_os = "linux")]
/// The row "80 columns" of the published cases.
#[test]
fn columns_and_the_order_of_rows_are_chosen_by_flags() {
    let dir = small();
    let choice = "--columns mean_ping_rtt_s,false_suspicions --sort mean_ping_rtt_s";
    let text = out(&done(dir.path(), &format!("run small.toml --quiet {choice}")));
    let heading = text.lines().find(|line| line.contains("selector")).unwrap();
    assert!(heading.find("ping RTT").unwrap() < heading.find("false").unwrap(), "{text}");
    assert!(!text.contains("declared\n") && !heading.contains("declared"), "{text}");
    for (args, message) in [
        (
            "--columns first_png_s",
            "no measure has this name (`swimlab list measures` shows all); did you mean first_ping_s",
        ),
        ("--sort bytes", "(`swimlab list measures` shows all)"),
        ("--columns bytes_sent,first_ping_s,bytes_sent", "--columns lists bytes_sent twice"),
        (
            "--sort bytes_sent --format csv",
            "--sort: only --format table has columns and rows to choose, not --format csv",
        ),
    ] {
        let output = swimlab(dir.path(), &format!("run small.toml {args}"));
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert!(err(&output).contains(message), "{args}: {}", err(&output));
    }
}

#[test]
fn the_smallest_effect_is_a_key_of_the_file_that_a_flag_replaces() {
    let dir = folder_with("small.toml", &format!("smallest_effect = '5%'\n{SMALL}"));
    let printed = |args: &str| out(&done(dir.path(), &format!("run small.toml --quiet --out r --resume {args}")));
    let legend = |text: &str| text.replace('\n', " ");
    assert!(legend(&printed("")).contains("smaller than 5 %, the smallest effect"));
    // Trials do not depend on it, so that they are not run again.
    let before = read(dir.path(), "r/trials.jsonl");
    assert!(legend(&printed("--smallest-effect 2.5%")).contains("smaller than 2.5 %, the smallest effect"));
    assert_eq!(read(dir.path(), "r/trials.jsonl"), before);
    fs::write(dir.path().join("bad.toml"), format!("smallest_effect = '5'\n{SMALL}")).unwrap();
    for args in ["run bad.toml", "run small.toml --smallest-effect 5", "compare r r --smallest-effect -1%"] {
        let output = swimlab(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args}");
        assert!(err(&output).contains("percentage") || args.starts_with("compare"), "{args}: {}", err(&output));
    }
    assert!(err(&swimlab(dir.path(), "run bad.toml")).starts_with("error: bad.toml:1: smallest_effect must be"));
}

#[test]
fn a_run_whose_outputs_are_lost_full_or_closed_is_saved() {
    let dir = small();
    let whole = done(dir.path(), "run small.toml --out whole");
    assert_eq!(whole.status.code(), Some(0));
    let expected = read(&dir.path().join("whole"), "trials.csv");
    let program = env!("CARGO_BIN_EXE_swimlab");
    for (name, after, code) in [
        ("head", "2>&1 | head -1; exit ${PIPESTATUS[0]}", 0),
        ("none", "2>&1 | true; exit ${PIPESTATUS[0]}", 0),
        ("errnone", "2> >(true) >/dev/null", 0),
        ("closed", ">&- 2>&-", 0),
        ("errclosed", "2>&-", 0),
        ("errfull", "2> /dev/full", 0),
        // What was asked for cannot be printed.
        ("full", "> /dev/full 2> /dev/full", 1),
    ] {
        let mut bash = Command::new("bash");
        let output =
            bash.current_dir(dir.path()).args(["-c", &format!("{program} run small.toml --out {name} {after}")]);
        let output = output.output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {}", err(&output));
        let folder = dir.path().join(name);
        assert_eq!(read(&folder, "trials.csv"), expected, "{name}");
        for table in TABLES {
            assert!(folder.join(table).exists(), "{name}: {table}");
        }
    }
}

// F1: other commands.
#[cfg(target_os = "linux")]
#[test]
fn commands_whose_outputs_are_lost_do_not_panic() {
    let dir = small();
    let program = env!("CARGO_BIN_EXE_swimlab");
    for (command, code) in [
        ("list", 0),
        ("run --print-experiment", 0),
        ("replay small.toml --trial 1", 0),
        ("reproduce --list", 0),
        ("completions bash", 0),
        ("run no-such-file.toml", 2),
        ("replay small.toml --trial 1 --member 99", 2),
        ("compare none none", 2),
        ("no-such-command", 2),
    ] {
        for (after, may_fail) in [("2>&1 | true; exit ${PIPESTATUS[0]}", false), ("> /dev/full 2> /dev/full", true)] {
            let mut bash = Command::new("bash");
            let output = bash.current_dir(dir.path()).args(["-c", &format!("{program} {command} {after}")]).output();
            let found = output.unwrap().status.code().unwrap();
            assert!(found == code || may_fail && found == 1, "{command} {after}: {found}");
        }
    }
}

/// A program that hangups end, also if these tests run with hangups ignored (`nohup`).
#[cfg(target_os = "linux")]
fn with_hangups(dir: &Path, program: &str) -> Command {
    let mut command = Command::new("env");
    command.current_dir(dir).args(["--default-signal=HUP", program]);
    command
}

/// Starts a run of many trials by a shell, and waits until some of them are finished.
#[cfg(target_os = "linux")]
fn long_run(dir: &Path, before: &str, out: &str, after: &str) -> std::process::Child {
    let program = env!("CARGO_BIN_EXE_swimlab");
    let run = format!("{before} exec {program} run small.toml --trials 4000 --threads 1 --out {out} {after}");
    let child = with_hangups(dir, "bash").args(["-c", &run]).spawn().unwrap();
    let trials = dir.join(out).join("trials.jsonl");
    let begun = std::time::Instant::now();
    while !fs::metadata(&trials).is_ok_and(|about| about.len() > 0) {
        assert!(begun.elapsed().as_secs() < 30, "no trial ends");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child
}

#[cfg(target_os = "linux")]
fn signal(child: &std::process::Child, signal: &str) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

// F10
#[cfg(target_os = "linux")]
#[test]
fn a_hangup_interrupts_a_run_unless_it_was_started_with_hangups_ignored() {
    let dir = small();
    let mut plain = long_run(dir.path(), "", "plain", "> /dev/null 2>&1");
    signal(&plain, "-HUP");
    assert_eq!(plain.wait().unwrap().code(), Some(130));
    let mut nohup = long_run(dir.path(), "trap '' HUP;", "nohup", "> /dev/null 2>&1");
    signal(&nohup, "-HUP");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(nohup.try_wait().unwrap().is_none(), "it goes on");
    signal(&nohup, "-TERM");
    assert_eq!(nohup.wait().unwrap().code(), Some(130));
}

// F6: signals are heard while the reader of the messages reads nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_messages_nobody_reads_hears_signals() {
    let dir = small();
    // A named pipe that is full.
    let fill = "mkfifo pipe; exec 3<> pipe; dd if=/dev/zero of=/dev/fd/3 bs=65536 count=1 2> /dev/null;";
    let mut run = long_run(dir.path(), fill, "unread", "> /dev/null 2>&3");
    signal(&run, "-INT");
    assert_eq!(run.wait().unwrap().code(), Some(130));
}

// The kind of W3
#[cfg(target_os = "linux")]
#[test]
fn a_run_beyond_the_limit_of_file_sizes_says_so_and_can_be_resumed() {
    let dir = small();
    // In units of 1,024 bytes.
    let run = format!("ulimit -f 2; exec {} run small.toml --out out --quiet", env!("CARGO_BIN_EXE_swimlab"));
    let output = Command::new("bash").current_dir(dir.path()).args(["-c", &run]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("File too large"), "{output:?}");
    assert!(swimlab(dir.path(), "run small.toml --out out --quiet --resume").status.success());
}

/// A trial that takes minutes: the first signal waits for it.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_a_run_at_once_and_finished_trials_are_kept() {
    use std::time::{Duration, Instant};

    let long = SMALL.replace("trials = 6", "trials = 1").replace("'uniform', 'shuffle'", "'shuffle'");
    let long = long.replace("['lan', 'zones']", "'lan'").replace("members = 12", "members = [12, 4000]");
    let long = long.replace("'30s'", "'20000s'");
    for (first, second) in [("-INT", "-INT"), ("-TERM", "-HUP")] {
        let dir = folder_with("long.toml", &long);
        let mut run = with_hangups(dir.path(), env!("CARGO_BIN_EXE_swimlab"));
        run.args(["run", "long.toml", "--threads", "1", "--out", "out"]);
        let stderr = fs::File::create(dir.path().join("stderr")).unwrap();
        let mut run = run.stdout(std::process::Stdio::null()).stderr(stderr).spawn().unwrap();
        let until = |what: &str, is_true: &dyn Fn() -> bool| {
            let begun = Instant::now();
            while !is_true() {
                assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        let kept = || fs::read_to_string(dir.path().join("out/trials.jsonl")).map_or(0, |text| text.lines().count());
        until("the small trial ends", &|| kept() == 1);
        signal(&run, first);
        until("it says that it waits", &|| read(dir.path(), "stderr").contains("again to stop at once"));
        std::thread::sleep(Duration::from_millis(500));
        assert!(run.try_wait().unwrap().is_none(), "it waits for the trial under way");
        signal(&run, second);
        assert_eq!(run.wait().unwrap().code(), Some(130));
        assert_eq!(kept(), 1);
    }
}
