//! Results folders through the real binary: refused if anything differs that trials depend on, whole after a run that
//! was killed or had no space, and sufficient to repeat the run.

#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const SMALL: &str = "\
name = 'small'
trials = 3
topology = { kind = 'csv', rtt = 'rtt.csv', places = 'places.csv' }
selector = ['uniform', 'shuffle']
members = 8
warmup = '2s'
duration = '10s'
fault = [{ kind = 'crash' }]
";
const RTT: &str = "from,a,b,c\na,,10,20\nb,10,,30\nc,20,30,\n";
const PLACES: &str = "name,region\na,north\nb,north\nc,south\n";

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("small.toml"), SMALL).unwrap();
    fs::write(dir.path().join("rtt.csv"), RTT).unwrap();
    fs::write(dir.path().join("places.csv"), PLACES).unwrap();
    dir
}

fn swimlab(dir: &Path, args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swimlab")).current_dir(dir).args(args.split_whitespace()).output().unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(dir: &Path, args: &str) {
    let output = swimlab(dir, args);
    assert!(output.status.success(), "swimlab {args}: {}", err(&output));
}

fn refused(dir: &Path, args: &str) -> String {
    let output = swimlab(dir, args);
    assert_eq!(output.status.code(), Some(2), "swimlab {args}: {}", err(&output));
    err(&output)
}

fn read(dir: &Path, file: &str) -> String {
    fs::read_to_string(dir.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

// F7
#[test]
fn a_run_is_not_resumed_if_a_file_that_it_reads_has_changed() {
    let dir = folder();
    // Only a member far down the list is at the last site, which a sample of delays may not reach.
    let sites: Vec<String> = (0..300).map(|site| format!("s{site}")).collect();
    let table = |last: u32| {
        let rtt = |row: usize, column: usize| match (row, column) {
            _ if row == column => String::new(),
            _ if row.max(column) == 299 => last.to_string(),
            _ => "10".to_owned(),
        };
        let row = |row: usize| (0..300).map(|column| rtt(row, column)).collect::<Vec<_>>().join(",");
        let rows: Vec<String> = (0..300).map(|at| format!("{},{}\n", sites[at], row(at))).collect();
        format!("from,{}\n{}", sites.join(","), rows.concat())
    };
    fs::write(dir.path().join("large.csv"), table(10)).unwrap();
    let file = SMALL.replace("rtt = 'rtt.csv', places = 'places.csv'", "rtt = 'large.csv'");
    fs::write(dir.path().join("large.toml"), file).unwrap();
    done(dir.path(), "run large.toml --quiet --out a");
    fs::write(dir.path().join("large.csv"), table(30)).unwrap();
    let told = refused(dir.path(), "run large.toml --quiet --out a --resume --trials 6");
    assert!(told.contains("belongs to another experiment: the content of large.csv: "), "{told}");
    fs::write(dir.path().join("large.csv"), table(10)).unwrap();
    done(dir.path(), "run large.toml --quiet --out a --resume --trials 6");

    done(dir.path(), "run small.toml --quiet --out b");
    fs::write(dir.path().join("places.csv"), PLACES.replace("c,south", "c,north")).unwrap();
    let told = refused(dir.path(), "run small.toml --quiet --out b --resume");
    assert!(told.contains("the content of places.csv: ") && !told.contains("content of rtt.csv"), "{told}");
}

// F7
#[test]
fn a_run_is_not_resumed_if_its_cells_have_another_order() {
    let dir = folder();
    let file = |rest: &str| {
        let file = SMALL.replace("fault = [{ kind = 'crash' }]\n", "") + rest;
        fs::write(dir.path().join("order.toml"), file).unwrap();
    };
    let (one, other) = ("{ name = 'one', fault = ['crash'] }", "{ name = 'other', fault = ['leave'] }");
    file(&format!("scenario = [{one}, {other}]\n"));
    done(dir.path(), "run order.toml --quiet --out a");
    file(&format!("scenario = [{other}, {one}]\n"));
    let told = refused(dir.path(), "run order.toml --quiet --out a --resume");
    assert!(told.contains("scenario: one, other there, other, one here"), "{told}");

    file("[protocol]\ndirect = [1, 2]\nindirect = [1, 2]\n");
    done(dir.path(), "run order.toml --quiet --out b");
    file("[protocol]\nindirect = [1, 2]\ndirect = [1, 2]\n");
    let told = refused(dir.path(), "run order.toml --quiet --out b --resume");
    assert!(told.contains("varied keys: direct, indirect there, indirect, direct here"), "{told}");
}

// W3, A14
#[test]
fn a_folder_that_a_killed_run_has_begun_is_begun_anew() {
    let dir = folder();
    done(dir.path(), "run small.toml --quiet --out whole");
    let manifest = read(dir.path(), "whole/manifest.json");
    let half = &manifest[..manifest.len() / 2];
    let begun: [&[(&str, &str)]; 7] = [
        &[],
        &[("trials.jsonl", "")],
        &[("trials.jsonl", "{\"cell\":0,")],
        &[("trials.jsonl", ""), ("inputs/rtt.csv", RTT), ("inputs/places.csv.new", "na")],
        &[("trials.jsonl", ""), ("experiment.toml", SMALL)],
        &[("trials.jsonl", ""), ("experiment.toml", SMALL), ("manifest.json.new", half)],
        // As versions left it that wrote in place.
        &[("trials.jsonl", ""), ("experiment.toml", &SMALL[..40]), ("manifest.json", half)],
    ];
    for (n, files) in begun.iter().enumerate() {
        for (name, flags) in [("again", ""), ("resumed", " --resume")] {
            let out = format!("{name}-{n}");
            fs::create_dir_all(dir.path().join(&out).join("inputs")).unwrap();
            for (file, text) in *files {
                fs::write(dir.path().join(&out).join(file), text).unwrap();
            }
            done(dir.path(), &format!("run small.toml --quiet --out {out}{flags}"));
            for file in ["manifest.json", "trials.csv", "summary.json", "report.html"] {
                assert_eq!(read(&dir.path().join(&out), file), read(&dir.path().join("whole"), file), "{n}: {file}");
            }
        }
    }
}

// W3
#[test]
fn a_folder_that_is_neither_results_nor_begun_is_left_alone() {
    let dir = folder();
    let refused = |out: &str| refused(dir.path(), &format!("run small.toml --quiet --out {out} --resume"));
    let write = |file: &str, text: &str| {
        let path = dir.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("mine/experiment.toml", "topology = 'lan'\n");
    assert!(refused("mine").contains("holds no results, and an experiment.toml that is another experiment"));
    assert_eq!(read(dir.path(), "mine/experiment.toml"), "topology = 'lan'\n");
    write("data/inputs/rtt.csv", "precious");
    assert!(refused("data").contains("a file inputs/rtt.csv that differs from rtt.csv"));
    write("letters/love.txt", "dear");
    assert!(refused("letters").contains("is not empty, and no results folder: it holds love.txt"));

    done(dir.path(), "run small.toml --quiet --out whole");
    let manifest = dir.path().join("whole/manifest.json");
    fs::write(&manifest, "{").unwrap();
    let told = refused("whole");
    assert!(told.contains("manifest.json: EOF") && told.contains("name another folder with --out"), "{told}");
    fs::remove_file(manifest).unwrap();
    assert!(refused("whole").contains("has trials.jsonl but no manifest.json"));
}

// W3
#[cfg(unix)]
#[test]
fn a_run_without_space_on_the_disk_can_be_resumed() {
    let dir = folder();
    done(dir.path(), "run small.toml --quiet --out whole");
    let size = |file: &str| fs::metadata(dir.path().join("whole").join(file)).unwrap().len();
    let largest = size("report.html").div_ceil(512);
    // A limit on the size of files, in blocks of 512 bytes, has the effect of a full disk.
    for blocks in (0..=largest + 1).step_by(largest as usize / 12) {
        let out = format!("limit-{blocks}");
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec {} run small.toml --quiet --out {out}",
            env!("CARGO_BIN_EXE_swimlab")
        );
        let limited = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
        let told = err(&limited);
        // The message of the file, or the way to go on. Printing into a pipe has no limit.
        assert!(limited.status.success() || told.contains("results folder") || told.contains("--resume"), "{told}");
        for table in ["trials.csv", "summary.json", "report.html"] {
            let written = dir.path().join(&out).join(table);
            assert!(!written.exists() || fs::metadata(written).unwrap().len() == size(table), "{blocks}: {table}");
        }
        done(dir.path(), &format!("run small.toml --quiet --out {out} --resume"));
        for table in ["trials.csv", "summary.json", "report.html"] {
            assert_eq!(read(&dir.path().join(&out), table), read(&dir.path().join("whole"), table), "{blocks}");
        }
    }
}

// A15
#[test]
fn a_line_of_another_trial_is_refused_with_its_number() {
    let dir = folder();
    done(dir.path(), "run small.toml --quiet --threads 1 --out a");
    let path = dir.path().join("a/trials.jsonl");
    let lines = read(dir.path(), "a/trials.jsonl");
    let third = lines.lines().nth(2).unwrap();
    let member = |name: &str| {
        let start = third.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
        let length = third[start..].find(|c: char| !c.is_ascii_digit()).unwrap();
        (start, start + length)
    };
    let changed = |name: &str, value: &str| {
        let (from, to) = member(name);
        format!("{}{value}{}", &third[..from], &third[to..])
    };
    let first = lines.lines().next().unwrap();
    for (line, told) in [
        (changed("seed", "1"), "trials.jsonl:3: has seed 1, but trial "),
        (changed("trial", "2"), "trials.jsonl:3: has seed "),
        (changed("cell", "1"), "trials.jsonl:3: is of another cell than cell 1: topology csv"),
        (changed("cell", "7"), "trials.jsonl:3: is of cell 7; the experiment has the cells 0 to 1"),
        (first.to_owned(), "trials.jsonl:3: repeats trial 0 of cell 0, which is on line 1"),
    ] {
        fs::write(&path, lines.replacen(third, &line, 1)).unwrap();
        for command in ["run small.toml --quiet --out a --resume", "compare a a"] {
            let error = refused(dir.path(), command);
            assert!(error.contains(told), "{error}");
        }
    }
    // A torn last line is dropped, as a run that was killed leaves one.
    fs::write(&path, &lines[..lines.len() - 9]).unwrap();
    done(dir.path(), "run small.toml --quiet --out a --resume");
    assert_eq!(read(dir.path(), "a/trials.jsonl"), lines);
}

#[test]
fn a_results_folder_is_enough_to_repeat_the_run() {
    let dir = folder();
    fs::create_dir_all(dir.path().join("elsewhere")).unwrap();
    // One input outside of the experiment file's folder, and two of one name.
    fs::rename(dir.path().join("places.csv"), dir.path().join("elsewhere/rtt.csv")).unwrap();
    let places = dir.path().join("elsewhere/rtt.csv").display().to_string();
    fs::write(dir.path().join("small.toml"), SMALL.replace("places.csv", &places)).unwrap();
    done(dir.path(), "run small.toml --quiet --out a");
    for file in ["small.toml", "rtt.csv", "elsewhere/rtt.csv"] {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    fs::rename(dir.path().join("a"), dir.path().join("moved")).unwrap();
    done(dir.path(), "run moved/experiment.toml --quiet --out b");
    let [moved, b] = ["moved", "b"].map(|out| dir.path().join(out));
    for file in ["trials.csv", "manifest.json", "inputs/rtt.csv", "inputs/2-rtt.csv"] {
        assert_eq!(read(&moved, file), read(&b, file), "{file}");
    }
    done(dir.path(), "run moved/experiment.toml --quiet --out moved --resume --trials 4");
    done(dir.path(), "replay moved/experiment.toml --trial 0");
}

#[test]
fn a_folder_of_a_program_is_compared() {
    use swimlab::experiment::{Experiment, Folder, Lab, Options, TomlSource};
    let dir = folder();
    let experiment = |change: fn(&mut Experiment)| {
        let source = TomlSource::read(&dir.path().join("small.toml")).unwrap();
        let mut experiment = Experiment::parse(&source, &Lab::default()).unwrap();
        change(&mut experiment);
        experiment
    };
    for out in ["a", "b"] {
        let experiment = experiment(|_| {});
        let mut options = Options::default();
        options.folder = Some(Folder::create(&dir.path().join(out), &experiment).unwrap());
        experiment.run(options).unwrap();
    }
    done(dir.path(), "compare a b");
    done(dir.path(), "run small.toml --quiet --out a --resume");
    // A program can change what the file does not say.
    let changed = experiment(|experiment| experiment.cells[1].duration = experiment.cells[1].duration * 2);
    let told = Folder::resume(&dir.path().join("b"), &changed).unwrap_err().to_string();
    assert!(told.contains("the configurations of the cells: "), "{told}");
    let reversed = experiment(|experiment| experiment.cells.reverse());
    let told = Folder::resume(&dir.path().join("b"), &reversed).unwrap_err().to_string();
    assert!(told.contains("cell 0: topology csv"), "{told}");
}
