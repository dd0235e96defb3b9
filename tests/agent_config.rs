//! The file that `swimlab agent --config` names, with flags and environment variables beside it.

#![cfg(all(feature = "cli", feature = "agent", unix))]

pub mod agents;

use std::fs;
use std::path::Path;
use std::process::Command;

use agents::process::{Process, stderr, swimlab, until};

const FILE: &str = "\
name = 'from-file'
bind = '127.0.0.1:0'
socket = 'own.sock'
format = 'json'
zone = 'eu/eu-1'
preset = 'local'
selector = ['shuffle', 'uniform']
[meta]
role = 'web'
shard = 3
";

/// `swimlab agent` with this file as `dir/agent.toml`.
fn agent(dir: &Path, file: &str) -> Command {
    fs::write(dir.join("agent.toml"), file).unwrap();
    let mut command = swimlab();
    command.arg("agent").arg("--config").arg(dir.join("agent.toml"));
    command
}

/// Starts an agent that listens for orders at `socket` in `dir`.
fn start(command: Command, dir: &Path, name: &str, socket: &str) -> Process {
    Process::run(command, name, dir.join(socket)).unwrap_or_else(|output| panic!("{}", stderr(&output)))
}

/// The only member that an agent lists: itself.
fn own(process: &Process) -> serde_json::Value {
    let members = process.members();
    assert_eq!(members.len(), 1);
    members[0].clone()
}

/// The row "`--config` with `bind`, `join`, `key_file`" of the published cases.
#[test]
fn an_agent_has_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = agent(dir.path(), FILE);
    // One of the selectors that the file lists, by a flag.
    command.args(["--selector", "auto"]);
    // A relative path starts in the folder of the file, not here.
    let first = start(command, dir.path(), "from-file", "own.sock");
    let member = own(&first);
    assert_eq!((&member["name"], &member["meta"]["role"]), (&"from-file".into(), &"web".into()));
    assert_eq!(member["meta"]["shard"], "3");

    let file = format!("bind = '127.0.0.1:0'\nformat = 'json'\nsocket = 'b.sock'\njoin = ['{}']\n", first.addr);
    let second = start(agent(dir.path(), &(file + "name = 'b'\npreset = 'local'\n")), dir.path(), "b", "b.sock");
    until(20, "they meet", || first.alive().len() == 2 && second.alive().len() == 2);
}

#[test]
fn flags_replace_the_environment_which_replaces_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, flags: &[&str]| {
        let mut command = agent(dir.path(), FILE);
        command.args(["--selector", "auto", "--place", "52.5,13.4"]).args(flags);
        command.env("SWIMLAB_NAME", "from-environment").env("SWIMLAB_SOCKET", dir.path().join("env.sock"));
        let process = start(command, dir.path(), name, "env.sock");
        own(&process)
    };
    let member = run("from-environment", &[]);
    assert_eq!((&member["name"], &member["meta"]["role"]), (&"from-environment".into(), &"web".into()));
    let member = run("from-flag", &["--name", "from-flag", "--meta", "role=db"]);
    assert_eq!((&member["name"], &member["meta"]["role"]), (&"from-flag".into(), &"db".into()));
    assert!(member["meta"].get("shard").is_none(), "{member}");
    assert!(!dir.path().join("own.sock").exists());
}

#[test]
fn the_name_of_an_experiment_is_not_taken_for_a_members() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = agent(dir.path(), "name = 'locality'\ntopology = 'lan'\nmembers = 10\nselector = 'shuffle'\n");
    command.args(["--bind", "127.0.0.1:0", "--format", "json", "--socket"]).arg(dir.path().join("a.sock"));
    let process = start(command, dir.path(), "", "a.sock");
    assert_ne!(own(&process)["name"], "locality");
}

#[test]
fn errors_name_the_line_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let valid = "bind = '127.0.0.1:0'\n";
    for (file, flags, message) in [
        ("bnd = 'x'", &[][..], "agent.toml:2: this file has no key \"bnd\"; did you mean bind or kind?"),
        ("advertise = 'x'", &[], "agent.toml:2: advertise: invalid value 'x' for '--advertise <ADDR:PORT>'"),
        ("advertise = 7", &[], "agent.toml:2: advertise must be a text, not 7"),
        ("format = 'xml'", &[], "agent.toml:2: format: invalid value 'xml' for '--format <FORMAT>' [possible values:"),
        ("zone = 'eu'\nplace = '52,13'", &[], "zone: the argument '--zone <REGION/ZONE/RACK>' cannot be used with"),
        ("name = ''", &[], "agent.toml:2: name: it must not be empty"),
        ("meta = ['a']", &[], "agent.toml:2: meta: "),
        ("key_file = 'none'", &[], &format!("{}/none", dir.path().display())),
        ("plaintext = true", &["--key-file", "k"], "agent.toml:2: plaintext: the argument '--"),
        (
            "selector = ['auto', 'shuffle']",
            &[],
            "agent.toml:2: selector has several values; a member has one: --selector",
        ),
        ("preset = ['lan', 'wan']", &[], "agent.toml:2: preset has several values; a member has one: --preset"),
        ("", &["--name", ""], "error: --name: it must not be empty"),
    ] {
        let mut command = agent(dir.path(), &format!("{valid}{file}\n"));
        let output = command.arg("--socket").arg(dir.path().join("e.sock")).args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{file}: {}", stderr(&output));
        assert!(stderr(&output).contains(message), "{file}: {}", stderr(&output));
    }
}

/// The flags of `swimlab agent`, from its help.
fn flags() -> Vec<String> {
    let help = swimlab().args(["agent", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let words = help.lines().filter_map(|line| line.trim_start().strip_prefix("--"));
    let flags = words.map(|rest| rest.split([' ', '.']).next().unwrap().to_owned());
    flags.collect()
}

fn variable(flag: &str) -> String {
    format!("SWIMLAB_{}", flag.replace('-', "_").to_uppercase())
}

/// Runs an agent with these variables that does not start, and returns its message.
fn refused(dir: &Path, flags: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = swimlab();
    command.arg("agent").args(flags).env("XDG_RUNTIME_DIR", dir).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{variables:?}");
    stderr(&output)
}

#[test]
fn every_variable_that_is_empty_is_refused_by_its_name_unless_it_is_off_or_its_flag_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let flags = flags();
    assert!(flags.len() > 15, "{flags:?}");
    for flag in flags.iter().filter(|flag| *flag != "plaintext") {
        let variable = variable(flag);
        let message = refused(dir.path(), &[], &[(&variable, "")]);
        assert_eq!(message, format!("error: {variable}: it is empty: set it to a value, or unset it\n"));
    }
    // Nothing is read of a variable whose flag is given.
    let message = refused(dir.path(), &["--name", "a", "--bind", "x"], &[("SWIMLAB_NAME", ""), ("SWIMLAB_BIND", "")]);
    assert!(message.contains("invalid value 'x' for '--bind"), "{message}");
    for command in ["members", "info", "leave"] {
        let output = swimlab().arg(command).env("SWIMLAB_SOCKET", "").output().unwrap();
        assert_eq!(stderr(&output), "error: SWIMLAB_SOCKET: it is empty: set it to a value, or unset it\n");
    }
}

#[test]
fn every_variable_that_is_wrong_is_refused_by_its_name_or_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = [
        ("bind", "x", "SWIMLAB_BIND"),
        ("bind", "192.0.2.1:80", "(SWIMLAB_BIND)"),
        ("advertise", "0.0.0.0:80", "(SWIMLAB_ADVERTISE)"),
        ("join", "a,,b", "(SWIMLAB_JOIN)"),
        ("name", "a\nb", "SWIMLAB_NAME"),
        ("profile", "swam", "SWIMLAB_PROFILE"),
        ("preset", "won", "SWIMLAB_PRESET"),
        ("selector", "shuffel", "SWIMLAB_SELECTOR"),
        ("place", "91,0", "SWIMLAB_PLACE"),
        ("meta", "role=web,shard", "SWIMLAB_META"),
        ("key-file", "/none/key", "/none/key"),
        ("plaintext", "disabled", "SWIMLAB_PLAINTEXT"),
        ("config", "/none/a.toml", "/none/a.toml"),
        ("socket", "/none/a.sock", "/none/a.sock"),
        ("state-dir", "/dev/null/a", "/dev/null/a"),
        ("service", "web", "SWIMLAB_SERVICE"),
        ("service-tag", "web:v2", "SWIMLAB_SERVICE_TAG"),
        ("service-weight", "web:7", "SWIMLAB_SERVICE_WEIGHT"),
        ("kind", "a/b", "SWIMLAB_KIND"),
        ("capability", "a/b", "SWIMLAB_CAPABILITY"),
        ("http", "192.0.2.1:80", "SWIMLAB_HTTP"),
        ("metrics", "192.0.2.1:80", "SWIMLAB_METRICS"),
        ("dns", "192.0.2.1:80", "SWIMLAB_DNS"),
        ("dns-domain", "a_b", "SWIMLAB_DNS_DOMAIN"),
        ("on", "deploy", "SWIMLAB_ON"),
        ("format", "xml", "SWIMLAB_FORMAT"),
        ("log", "loud", "SWIMLAB_LOG"),
    ];
    // Any text is a zone or a label.
    let free = ["zone", "label", "help"];
    for flag in flags() {
        assert!(free.contains(&&*flag) || wrong.iter().any(|(name, ..)| *name == flag), "{flag} is not tried");
    }
    for (flag, value, named) in wrong {
        let variable = variable(flag);
        let bind = if flag == "bind" { &["--plaintext"][..] } else { &["--bind", "127.0.0.1:0"] };
        let message = refused(dir.path(), bind, &[(&variable, value)]);
        assert!(message.contains(named), "{variable}={value}: {message}");
    }
}

#[test]
fn variables_hold_lists_and_booleans() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    fs::write(&key, "5a".repeat(32)).unwrap();
    let run = |name: &str, variables: &[(&str, &str)], flags: &[&str]| {
        let mut command = swimlab();
        command.args(["agent", "--bind", "127.0.0.1:0", "--format", "json", "--name", name]).args(flags);
        command.env("SWIMLAB_SOCKET", dir.path().join(name)).envs(variables.iter().copied());
        start(command, dir.path(), name, name)
    };
    let process = run("meta", &[("SWIMLAB_META", "role=web, shard=3,url=http://a/?b=c")], &[]);
    let member = own(&process);
    assert_eq!(member["meta"], serde_json::json!({"role": "web", "shard": "3", "url": "http://a/?b=c"}));
    let seeds = format!("{}, {}", process.addr, process.addr);
    let joined = run("joined", &[("SWIMLAB_JOIN", &seeds)], &[]);
    until(20, "they meet", || joined.alive().len() == 2);
    // A flag replaces the variable of the other kind of location as well.
    assert_eq!(
        own(&run("placed", &[("SWIMLAB_ZONE", "eu")], &["--place", "52.5,13.4"]))["zone"],
        serde_json::Value::Null
    );

    let key = key.to_str().unwrap();
    for off in ["", "0", "false", "no", "off", "FALSE"] {
        let process = run("off", &[("SWIMLAB_PLAINTEXT", off)], &["--key-file", key]);
        assert_eq!(process.info()["keys"].as_array().unwrap().len(), 1, "{off:?}");
    }
    for on in ["1", "true", "yes", "on"] {
        let variables = [("SWIMLAB_PLAINTEXT", on), ("SWIMLAB_KEY_FILE", key)];
        let message = refused(dir.path(), &["--bind", "127.0.0.1:0"], &variables);
        assert!(message.contains("SWIMLAB_PLAINTEXT: the argument '--plaintext' cannot be used with"), "{message}");
    }
}
