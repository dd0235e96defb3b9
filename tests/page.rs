//! `swimlab play`, and links to trials, through the real binary.

#![cfg(feature = "cli")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const EXPERIMENT: &str = "\
topology = { kind = 'csv', rtt = 'rtt.csv' }
selector = ['shuffle', 'uniform']
members = 12
trials = 6
warmup = '2s'
duration = '20s'
fault = [{ kind = 'crash', at = '2s' }]
";

const RTT: &str = "site,a,b,c\na,1,20,30\nb,20,1,40\nc,30,40,1\n";

/// A page as far as the program is concerned: it has the slot for the trial to open.
const PAGE: &str = r#"<!doctype html><script type="application/json" id="start"></script><p>page</p>"#;

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in [("mine.toml", EXPERIMENT), ("rtt.csv", RTT), ("page.html", PAGE)] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn swimlab(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swimlab")).current_dir(dir).args(args).output().unwrap()
}

fn out(dir: &Path, args: &[&str]) -> String {
    let output = swimlab(dir, args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(dir: &Path, args: &[&str]) -> String {
    let output = swimlab(dir, args);
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn trace_hashes(timeline: &str) -> Vec<&str> {
    timeline.lines().filter_map(|line| line.split_once("trace hash ").map(|(_, hash)| hash)).collect()
}

/// The link that a page opens.
fn link_of(page: &str) -> String {
    let slot = page.split_once(r#"id="start">"#).unwrap().1.split_once("</script>").unwrap().0;
    let json: serde_json::Value = serde_json::from_str(slot).unwrap();
    json["link"].as_str().unwrap().to_owned()
}

#[test]
fn a_page_written_by_replay_opens_the_same_trial_with_the_files_it_needs() {
    let dir = folder();
    let trial = ["replay", "mine.toml", "--trial", "4", "--selector", "uniform", "--seed", "9"];
    let of_file = out(dir.path(), &trial);
    out(dir.path(), &[&trial[..], &["--html", "trial.html", "--page", "page.html"]].concat());
    let link = link_of(&fs::read_to_string(dir.path().join("trial.html")).unwrap());
    // The link needs neither the experiment file nor the file that it names.
    let elsewhere = tempfile::tempdir().unwrap();
    assert_eq!(out(elsewhere.path(), &["replay", &link]), of_file);
}

#[test]
fn a_fault_added_by_hand_changes_nothing_before_it() {
    let dir = folder();
    let until = |link: &str| out(dir.path(), &["replay", link, "--until", "7.5", "--packets", "all"]);
    let events =
        |timeline: &str| timeline.lines().filter(|line| !line.contains("trace hash")).collect::<Vec<_>>().join("\n");
    let plain = until("#basic?trial=2");
    let killed = until("http://127.0.0.1:8700/#basic?trial=2&fault=crash:at=7.5s,target=11&speed=2");
    assert_eq!(events(&plain), events(&killed));
    assert_ne!(trace_hashes(&plain), trace_hashes(&killed));
}

#[test]
fn a_link_to_two_cells_is_replayed_in_both() {
    let dir = folder();
    out(dir.path(), &["replay", "mine.toml", "--trial", "1", "--html", "a.html", "--page", "page.html"]);
    let link = link_of(&fs::read_to_string(dir.path().join("a.html")).unwrap());
    let both = out(dir.path(), &["replay", &link.replace("?cell=0", "?cell=0&cell=1")]);
    let each: Vec<String> = ["shuffle", "uniform"]
        .iter()
        .map(|selector| out(dir.path(), &["replay", "mine.toml", "--trial", "1", "--selector", selector]))
        .collect();
    assert_eq!(trace_hashes(&both), each.iter().flat_map(|one| trace_hashes(one)).collect::<Vec<_>>());
}

#[test]
fn wrong_links_and_pages_are_refused() {
    let dir = folder();
    for (args, told) in [
        (&["replay", "#nothing"][..], "link: no experiment is called \"nothing\""),
        (&["replay", "#basic?fault=crash:target=99"], "there is no member 99"),
        (&["replay", "#basic", "--trial", "3"], "--trial: the link already says which trial it is"),
        (&["replay", "#basic", "--selector", "x"], "--selector: the link already says which trial it is"),
        (&["replay", "mine.toml"], "--trial <K> is missing"),
        (&["replay", "#basic", "--html", "x.html", "--page", "rtt.csv"], "is not the page of `cargo xtask page`"),
        (&["replay", "#basic", "--html", "x.html", "--page", "none.html"], "--page none.html: "),
        (&["replay", "#basic", "--html", "x.html", "--member", "3"], "cannot be used with"),
        (&["play", "none.toml", "--page", "page.html"], "none.toml: cannot be read"),
        (&["play", "#basic?cell=9", "--page", "page.html"], "there is no cell 9"),
    ] {
        let error = refused(dir.path(), args);
        assert!(error.contains(told), "{args:?}: {error}");
    }
    assert!(!dir.path().join("x.html").exists());
}

/// A `swimlab play` that ends with the test.
struct Play {
    process: Child,
    address: String,
}

impl Play {
    fn start(dir: &Path, what: &str) -> Self {
        let args = ["play", what, "--page", "page.html", "--listen", "127.0.0.1:0", "--no-open"];
        let mut process = Command::new(env!("CARGO_BIN_EXE_swimlab"))
            .current_dir(dir)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_once("http://").unwrap().1.split_once('/').unwrap().0.to_owned();
        Self { process, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn play_serves_the_page_with_the_experiment_to_open() {
    let dir = folder();
    let play = Play::start(dir.path(), "mine.toml");
    let response = play.get("/");
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(response.contains("text/html; charset=utf-8"), "{response}");
    let link = link_of(&response);
    let hashes = [out(dir.path(), &["replay", &link]), out(dir.path(), &["replay", "mine.toml", "--trial", "0"])];
    assert_eq!(trace_hashes(&hashes[0]), trace_hashes(&hashes[1]));
    assert!(play.get("/mine.toml").starts_with("HTTP/1.1 404"), "nothing else is served");
}

#[test]
#[cfg(unix)]
fn play_ends_by_ctrl_c() {
    let dir = folder();
    let mut play = Play::start(dir.path(), "basic");
    let id = play.process.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert!(play.process.wait().unwrap().success());
}
