//! Reload of keys and event handlers, by SIGHUP and `swimlab reload`.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agents::process::{Process, stderr, swimlab, until};

const PERIOD: &str = "preset = 'local'\n[protocol]\nperiod = '200ms'\nprobe_timeout = '100ms'\n";

/// A new key.
fn key() -> String {
    String::from_utf8(swimlab().args(["keys", "new"]).output().unwrap().stdout).unwrap()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn handlers_of_the_file_are_taken_anew_and_a_file_with_an_error_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("agent.toml");
    let handler = |name: &str| format!("on = 'event:go=touch {}'\n{PERIOD}", dir.path().join(name).display());
    let exists = |name: &str| dir.path().join(name).exists();
    write(&file, &handler("first"));
    let mut agent = Process::start(dir.path(), "a", &["--config", file.to_str().unwrap()]);
    agent.order(&["event", "go"]);
    until(20, "it runs", || exists("first"));

    write(&file, &handler("second"));
    agent.signal("HUP");
    until(20, "the new handler runs", || {
        agent.order(&["event", "go"]);
        exists("second")
    });

    write(&file, &format!("on = 'go=true'\n{PERIOD}"));
    let output = agent.ask(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("agent.toml:1: on: "), "{}", stderr(&output));
    agent.signal("HUP");
    until(20, "it says so", || agent.errors().contains("nothing was reloaded: "));
    fs::remove_file(dir.path().join("second")).unwrap();
    agent.order(&["event", "go"]);
    until(20, "the handler is still there", || exists("second"));

    // A handler less, by the command.
    write(&file, PERIOD);
    agent.order(&["reload"]);
    agent.signal("TERM");
    assert!(agent.ended().success());
}

#[test]
fn keys_of_the_key_file_are_taken_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (path, settings) = (dir.path().join("keys"), dir.path().join("agent.toml"));
    let [old, new] = [key(), key()];
    write(&path, &old);
    fs::write(&settings, PERIOD).unwrap();
    let args = ["--key-file", path.to_str().unwrap(), "--config", settings.to_str().unwrap()];
    let a = Process::start(dir.path(), "a", &args);
    let seed = a.addr.to_string();
    let b = Process::start(dir.path(), "b", &[&args[..], &["--join", &seed]].concat());
    until(20, "they join", || a.alive().len() == 2);
    let names = |agent: &Process| -> Vec<String> {
        serde_json::from_str(&agent.order(&["keys", "list", "--format", "json"])).unwrap()
    };
    let before = names(&a);
    // The steps of a change of keys, by the file.
    for text in [format!("{old}{new}"), format!("{new}{old}"), new.clone()] {
        write(&path, &text);
        for agent in [&a, &b] {
            agent.signal("HUP");
            until(20, "it has reloaded", || {
                names(agent).len() == text.lines().count() && {
                    let is_new_first = text.starts_with(&new);
                    (names(agent)[0] != before[0]) == is_new_first
                }
            });
        }
    }
    write(&path, "no key\n");
    let output = a.ask(&["reload"]);
    assert!(stderr(&output).contains("keys") && output.status.code() == Some(1), "{output:?}");
    assert_eq!(names(&a).len(), 1);
    assert_eq!((a.alive().len(), b.alive().len()), (2, 2));
    assert!(!a.saw("died", "b") && !b.saw("died", "a"));
}

#[test]
fn an_agent_without_files_and_handlers_has_nothing_to_reload() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "a", &[]);
    let output = agent.ask(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("there is nothing to reload: the agent was started without"), "{output:?}");
}
