//! Experiment files, and what an agent reads of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use swimlab::experiment::{AgentChoices, AgentConfig, Cell, CellDetector, Experiment, Lab, TomlSource, discovery_keys};
use toml::Value;

static LAB: LazyLock<Lab> = LazyLock::new(Lab::default);

/// The most members of a world that a target places: each costs memory as the file asks for it, which is no fault.
const MOST_MEMBERS: f64 = 4096.0;

/// The most cells of a file that are written again.
const MOST_WRITTEN: usize = 8;

/// The keys of an experiment's description that a cell's own file does not copy.
const NOT_COPIED: [&str; 10] =
    ["members", "topology", "selector", "helpers", "profile", "loss", "scenario", "varied keys", "warmup", "discovery"];

/// A file is refused at a line of it, or is a valid experiment; a file that is written from a cell of it reads back as
/// that cell.
pub fn experiment(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // Reads other files: the target `csv` has the contents.
    if text.contains("csv") || asks_for_many(text) {
        return;
    }
    let source = TomlSource::text("fuzz.toml", text);
    if let Ok(config) = AgentConfig::parse(&source, &LAB, AgentChoices::default()) {
        config.config.validate().expect("an agent's configuration is valid");
    }
    let experiment = match Experiment::parse(&source, &LAB) {
        Ok(experiment) => experiment,
        Err(error) => {
            let lines = 1 + bytes.iter().filter(|&&byte| byte == b'\n').count();
            assert!(error.line.is_none_or(|line| (1..=lines).contains(&(line as usize))), "{error}");
            assert!(!error.message.is_empty() && error.message.len() <= 64 * text.len() + 1000, "{error}");
            return;
        }
    };
    assert!(!experiment.cells.is_empty(), "an experiment has cells");
    let manifest = experiment.manifest();
    let json = serde_json::to_vec(&manifest).expect("plain data");
    assert_eq!(serde_json::from_slice::<swimlab::experiment::Manifest>(&json).expect("its own JSON"), manifest);
    for cell in experiment.cells.iter().take(MOST_WRITTEN) {
        let faults = experiment.scenarios.iter().find(|scenario| scenario.name == cell.key.scenario);
        let faults = &faults.expect("a cell's scenario").faults;
        let written = written(&experiment, cell, faults, &manifest.experiment);
        let again = Experiment::parse(&TomlSource::text("written.toml", &written), &LAB);
        let again = again.unwrap_or_else(|error| panic!("{error}\n{written}"));
        let [read] = &again.cells[..] else { panic!("several cells\n{written}") };
        assert_eq!(described(read), described(cell), "\n{written}");
    }
}

/// Whether a file asks for more than [`MOST_MEMBERS`] members.
fn asks_for_many(text: &str) -> bool {
    fn in_value(key: &str, value: &Value) -> bool {
        let is_large = |number: f64| key == "members" && number > MOST_MEMBERS;
        match value {
            Value::Integer(number) => is_large(*number as f64),
            Value::Float(number) => is_large(*number),
            // A label.
            Value::String(label) => label.split("members").skip(1).any(|rest| {
                let number = rest.trim_start().strip_prefix('=').unwrap_or_default();
                number.split(',').next().unwrap_or_default().trim().parse().is_ok_and(|n: f64| n > MOST_MEMBERS)
            }),
            Value::Array(values) => values.iter().any(|value| in_value(key, value)),
            Value::Table(table) => table.iter().any(|(key, value)| in_value(key, value)),
            Value::Boolean(_) | Value::Datetime(_) => false,
        }
    }
    text.parse::<toml::Table>().is_ok_and(|table| table.iter().any(|(key, value)| in_value(key, value)))
}

/// The experiment file of one cell, written from the labels and values that results show.
fn written(experiment: &Experiment, cell: &Cell, faults: &[String], description: &BTreeMap<String, String>) -> String {
    let key = &cell.key;
    let mut top = BTreeMap::from([
        ("topology", quoted(&key.topology)),
        ("profile", quoted(&key.profile)),
        ("members", key.members.to_string()),
        ("seed", experiment.seed.to_string()),
        ("trials", experiment.trials.to_string()),
        ("loss", format!("{:?}", key.loss)),
        ("warmup", quoted(&cell.warmup.to_string())),
        ("duration", quoted(&cell.duration.to_string())),
    ]);
    if let CellDetector::Swim { .. } = cell.detector {
        top.insert("selector", quoted(&key.selector));
    }
    let helpers = &description["helpers"];
    if !helpers.is_empty() {
        top.insert("helpers", quoted(helpers));
    }
    let (mut protocol, mut discovery) = (BTreeMap::new(), BTreeMap::new());
    let is_copied = |key: &str| !NOT_COPIED.contains(&key) && !key.starts_with("scenario ") && key != "duration";
    let copied = description.iter().filter(|(key, _)| is_copied(key));
    let swept = key.swept.iter().map(|(key, value)| (key, value));
    for (key, value) in copied.chain(swept) {
        match key.as_str() {
            "helpers" | "preset" | "start" | "phases" | "clock_skew" | "network_draws" => {
                top.insert(key, quoted(value))
            }
            key if discovery_keys().contains(&key) => discovery.insert(key, value_of(value)),
            _ => protocol.insert(key.as_str(), value_of(value)),
        };
    }
    let mut file = String::new();
    for (key, value) in top {
        let _ = writeln!(file, "{key} = {value}");
    }
    let faults: Vec<String> = faults.iter().map(|fault| quoted(fault)).collect();
    let _ = writeln!(file, "scenario = [{{ name = {}, fault = [{}] }}]", quoted(&key.scenario), faults.join(", "));
    let _ = writeln!(file, "[protocol]");
    for (key, value) in protocol {
        let _ = writeln!(file, "{} = {value}", quoted(key));
    }
    if cell.discovery.is_some() {
        let _ = writeln!(file, "[discovery]");
        for (key, value) in discovery {
            let _ = writeln!(file, "{key} = {value}");
        }
    }
    file
}

/// A cell with all its values, apart from the names of varied keys.
fn described(cell: &Cell) -> String {
    let Cell { key, environment, discovery, warmup, duration, faults, .. } = cell;
    let config = cell.config();
    format!(
        "{:?} {environment:?} {discovery:?} {warmup} {duration} {faults:?} {config:?} {}",
        (&key.topology, &key.selector, &key.profile, key.members, key.loss, &key.scenario),
        cell.period()
    )
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A value as TOML: results show texts without quotes.
fn value_of(text: &str) -> String {
    match (text, text.parse::<f64>()) {
        ("true" | "false", _) => text.to_owned(),
        (_, Ok(number)) if number.is_finite() => format!("{number:?}"),
        _ => quoted(text),
    }
}
