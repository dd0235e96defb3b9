//! `swimlab list`.

use std::fmt::Write;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;
use swimlab_selectors::{Param, Registration, Registry, Value, ValueRange, metrics};

use super::{Failed, print};
use crate::experiment::{Lab, MEASURES, Measure, Unit};
use crate::protocol::{Preset, Span, presets};

#[derive(clap::Args)]
pub(super) struct ListArgs {
    /// The section to list; all sections without it.
    #[arg(value_enum)]
    section: Option<ListSection>,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// For reading.
    #[default]
    Text,
    /// An array of sections.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListSection {
    Selectors,
    Metrics,
    Helpers,
    Topologies,
    Faults,
    Profiles,
    #[value(alias = "rivals")]
    Detectors,
    Presets,
    Measures,
}

/// A section of the list.
#[derive(Serialize)]
struct Section {
    name: String,
    about: &'static str,
    entries: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    params: Vec<Setting>,
}

#[derive(Clone, PartialEq, Serialize)]
struct Setting {
    name: &'static str,
    /// `None`: required.
    default: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    unit: &'static str,
    allowed: String,
    about: &'static str,
}

pub(super) fn list(args: &ListArgs, lab: &Lab) -> Result<ExitCode, Failed> {
    let wanted = match args.section {
        None => ListSection::value_variants().to_vec(),
        // A file names both under `profile`.
        Some(ListSection::Profiles) => vec![ListSection::Profiles, ListSection::Detectors],
        Some(section) => vec![section],
    };
    let sections: Vec<Section> = wanted.into_iter().map(|wanted| section(wanted, lab)).collect();
    print(match args.format {
        ListFormat::Text => text(&sections),
        ListFormat::Json => serde_json::to_string_pretty(&sections).expect("names become JSON") + "\n",
    })?;
    Ok(ExitCode::SUCCESS)
}

fn section(wanted: ListSection, lab: &Lab) -> Section {
    let (about, entries) = match wanted {
        ListSection::Selectors => {
            ("Choice of the pinged member. In an experiment file: selector = ...", lines(&lab.selectors))
        }
        ListSection::Metrics => ("Distance to a peer. A parameter of some selectors: metric = ...", lines(&metrics())),
        ListSection::Helpers => ("Choice of the members asked for indirect pings: helpers = ...", lines(&lab.helpers)),
        ListSection::Topologies => ("Locations and delays: topology = ...", lines(&lab.topologies)),
        ListSection::Faults => ("Faults: [[fault]] tables with kind = ...", lines(&lab.faults)),
        ListSection::Profiles => ("The protocol's settings: profile = ..., keys in [protocol]", lines(&lab.profiles)),
        ListSection::Detectors => ("Detectors that are not SWIM: profile = ..., too", lines(&lab.detectors)),
        ListSection::Presets => ("Values of [protocol] for common networks: preset = ...", presets_of(lab)),
        ListSection::Measures => ("Measures: the columns of trials.csv", measures()),
    };
    let name = wanted.to_possible_value().expect("nothing is skipped").get_name().to_owned();
    Section { name, about, entries }
}

fn lines<T, C>(registry: &Registry<T, C>) -> Vec<Listed> {
    let line = |entry: &Registration<T, C>| Listed {
        name: entry.name,
        about: entry.about,
        unit: "",
        params: entry.params.iter().map(setting).collect(),
    };
    registry.entries().iter().map(line).collect()
}

/// The presets, each with the parameters that it sets; its values are their defaults.
fn presets_of(lab: &Lab) -> Vec<Listed> {
    let params = lab.profiles.entries().first().map_or(&[][..], |profile| &profile.params);
    let line = |preset: &Preset| {
        let set = |(key, value): (String, Value)| {
            let param = params.iter().find(|param| param.name == key)?;
            Some(setting(&param.clone().or(value)))
        };
        Listed { name: preset.name, about: preset.about, unit: "", params: preset.values().filter_map(set).collect() }
    };
    presets().iter().map(line).collect()
}

fn measures() -> Vec<Listed> {
    let line = |measure: &Measure| Listed {
        name: measure.name,
        about: measure.about,
        unit: unit_name(measure.unit),
        params: Vec::new(),
    };
    MEASURES.iter().map(line).collect()
}

fn setting(param: &Param) -> Setting {
    let default = param.default.as_ref().map(|value| match (&param.range, value) {
        (ValueRange::Span { .. } | ValueRange::ChoiceOrSpan { .. }, Value::Number(seconds)) => {
            Span::from_secs_f64(*seconds).to_string()
        }
        (ValueRange::Text, Value::Text(text)) if text.is_empty() => "\"\"".to_owned(),
        (_, value) => value.to_string(),
    });
    Setting { name: param.name, default, unit: unit(param), allowed: param.range.to_string(), about: param.about }
}

fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Events => "events",
        Unit::Messages => "messages",
        Unit::Bytes => "bytes",
        Unit::Share => "share",
        Unit::Members => "members",
    }
}

/// The unit of a parameter; empty for times, which are written with theirs.
fn unit(param: &Param) -> &'static str {
    if matches!(param.range, ValueRange::Span { .. }) { "" } else { param.unit }
}

fn text(sections: &[Section]) -> String {
    let mut out = String::new();
    for (n, section) in sections.iter().enumerate() {
        let gap = if n == 0 { "" } else { "\n" };
        let _ = writeln!(out, "{gap}{}\n  {}", section.name.to_uppercase(), section.about);
        let width = section.entries.iter().map(|line| line.name.len()).max().unwrap_or(0);
        let common = common(&section.entries);
        for line in &section.entries {
            let unit = if line.unit.is_empty() { String::new() } else { format!(" [{}]", line.unit) };
            let _ = writeln!(out, "\n  {:width$}  {}{unit}", line.name, line.about);
            let own: Vec<&Setting> = line.params.iter().filter(|setting| !common.contains(setting)).collect();
            config(&own, &common, &mut out);
        }
        if !common.is_empty() {
            let differs = section.entries.iter().any(|line| line.params.iter().any(|own| differs(own, &common)));
            let but = if differs { ", unless stated otherwise" } else { "" };
            let _ = writeln!(out, "\n  all of these{but}");
            config(&common, &[], &mut out);
        }
    }
    out
}

/// The settings that all entries share, with the first entry's defaults; printed once.
fn common(entries: &[Listed]) -> Vec<&Setting> {
    match entries {
        [first, rest @ ..] if !rest.is_empty() => {
            let has = |line: &Listed, setting: &Setting| line.params.iter().any(|own| own.is_like(setting));
            first.params.iter().filter(|setting| rest.iter().all(|line| has(line, setting))).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an entry's setting is one of those in common, with another default.
fn differs(own: &Setting, common: &[&Setting]) -> bool {
    common.iter().any(|setting| own.is_like(setting) && own != *setting)
}

impl Setting {
    /// Whether both differ at most in their defaults.
    fn is_like(&self, other: &Self) -> bool {
        (self.name, self.unit, &self.allowed, self.about) == (other.name, other.unit, &other.allowed, other.about)
    }
}

/// Writes settings, one a line; of the shared ones only the differing defaults.
fn config(config: &[&Setting], common: &[&Setting], out: &mut String) {
    let first = |setting: &Setting| {
        let default = setting.default.as_deref().unwrap_or("(must be given)");
        let unit = if setting.unit.is_empty() { String::new() } else { format!(" {}", setting.unit) };
        format!("{} = {default}{unit}", setting.name)
    };
    let width = config.iter().map(|setting| first(setting).len()).max().unwrap_or(0);
    for setting in config {
        let line = match differs(setting, common) {
            true => first(setting),
            false => format!("{:width$}  {}; {}", first(setting), setting.about, setting.allowed),
        };
        let _ = writeln!(out, "      {line}");
    }
}
