//! Settings from environment variables and from the file that `--config` names. They become flags, unless the command
//! line has them, or for the file the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, CommandFactory, Parser};

use super::super::environment::{EMPTY, value, variable};
use super::super::{Command, CommandLine, Failed};
use super::{Args, bad};
use crate::experiment::{AgentSetting, TomlSource};

/// The origins of settings that are not on the command line, by flag: `SWIMLAB_BIND` for `--bind`, for example.
#[derive(Default)]
pub(super) struct Origins(BTreeMap<String, String>);

impl Origins {
    /// The message with the origin of each setting in the place of its flag, where a user finds what to change.
    pub(super) fn named(&self, message: &str) -> String {
        let mut named = String::new();
        let mut rest = message;
        while let Some(at) = rest.find("--") {
            let (before, from_flag) = rest.split_at(at);
            let is_other = |letter: char| !letter.is_ascii_lowercase() && letter != '-';
            let (flag, after) = from_flag.split_at(from_flag.find(is_other).unwrap_or(from_flag.len()));
            named += before;
            named += self.0.get(flag).map_or(flag, String::as_str);
            rest = after;
        }
        named + rest
    }
}

/// Flags of which one replaces the other.
const EXCLUSIVE: [&str; 2] = ["place", "zone"];

/// A setting as its flag takes it.
struct Setting {
    key: String,
    /// The values of the flag, or none: then nothing of a lower rank is asked. An error says what is wrong with the
    /// text.
    values: Result<Vec<OsString>, String>,
    origin: String,
}

/// The arguments together with the environment variables and the file that they name, the origins of what they did not
/// have, and the text of the file; an empty one without a file.
///
/// Each variable and each key of the file is parsed as its flag would be. One that does not parse, alone or with those
/// before it, is an error that names it.
pub(super) fn complete(args: Args) -> Result<(Args, Origins, TomlSource), Failed> {
    let mut layers = Layers::of_command_line(args);
    layers.add(of_environment())?;
    let source = match &layers.args.config {
        Some(path) => TomlSource::read(path)?,
        None => TomlSource::text("arguments", ""),
    };
    layers.add(of_file(&source)?)?;
    Ok((layers.args, layers.origins, source))
}

/// The arguments of the process together with the environment variables and the file as they are now, and the origins of
/// what the arguments did not have.
pub(super) fn reread() -> Result<(Args, Origins), Failed> {
    let parsed = CommandLine::try_parse_from(env::args_os()).map_err(|error| bad(error.to_string()))?;
    let Command::Agent(args) = parsed.command else { unreachable!("this command runs") };
    complete(*args).map(|(args, origins, _)| (args, origins))
}

/// Arguments to which settings of lower and lower rank are added.
struct Layers {
    words: Vec<OsString>,
    args: Args,
    given: BTreeSet<String>,
    origins: Origins,
}

impl Layers {
    fn of_command_line(args: Args) -> Self {
        let words: Vec<OsString> = env::args_os().collect();
        let matches = CommandLine::command().try_get_matches_from(&words).unwrap_or_else(|error| error.exit());
        let agent = matches.subcommand_matches("agent").expect("this command runs");
        let is_given = |id: &&clap::Id| agent.value_source(id.as_str()) == Some(ValueSource::CommandLine);
        let given = agent.ids().filter(is_given).map(ToString::to_string).collect();
        Self { words, args, given, origins: Origins::default() }
    }

    /// Adds the settings that are not given yet.
    fn add(&mut self, settings: Vec<Setting>) -> Result<(), Failed> {
        let (new, _): (Vec<_>, Vec<_>) = settings.into_iter().partition(|setting| !self.has(&setting.key));
        for Setting { key, values, origin } in new {
            let refused = |message: &str| bad(format!("{origin}: {message}"));
            let values = values.map_err(|message| refused(&message))?;
            // Behind the name of the program and that of the command.
            self.words.splice(2..2, values.iter().map(|value| flag(&key, value)));
            self.args = match CommandLine::try_parse_from(&self.words) {
                Ok(CommandLine { command: Command::Agent(args) }) => *args,
                Ok(_) => unreachable!("the command stays the same"),
                Err(error) => return Err(refused(&first_paragraph(&error.to_string()))),
            };
            self.origins.0.insert(format!("--{}", key.replace('_', "-")), origin);
            self.given.insert(key);
        }
        Ok(())
    }

    fn has(&self, key: &str) -> bool {
        let has = |key: &str| self.given.contains(key);
        has(key) || EXCLUSIVE.contains(&key) && EXCLUSIVE.into_iter().any(has)
    }
}

fn of_environment() -> Vec<Setting> {
    let command = CommandLine::command();
    let agent = command.find_subcommand("agent").expect("this command runs");
    let set = |arg: &Arg| {
        let key = arg.get_id().to_string();
        let text = value(&key)?;
        Some(Setting { values: values(arg.get_action(), text), origin: variable(&key), key })
    };
    agent.get_arguments().filter_map(set).collect()
}

/// The values of a flag in the text of its variable: a list has commas, and a flag without value is on or off.
fn values(action: &ArgAction, text: OsString) -> Result<Vec<OsString>, String> {
    match action {
        ArgAction::SetTrue => match text.to_ascii_lowercase().to_str() {
            Some("1" | "true" | "yes" | "on") => Ok(vec![OsString::new()]),
            Some("" | "0" | "false" | "no" | "off") => Ok(Vec::new()),
            _ => Err(format!("it is 1, true, yes or on, or 0, false, no, off or empty, not {text:?}")),
        },
        _ if text.is_empty() => Err(EMPTY.to_owned()),
        ArgAction::Append => match text.to_str() {
            Some(text) => Ok(text.split(',').map(|one| one.trim().into()).collect()),
            None => Err(format!("it is no text: {text:?}")),
        },
        _ => Ok(vec![text]),
    }
}

fn of_file(source: &TomlSource) -> Result<Vec<Setting>, Failed> {
    let setting = |AgentSetting { key, values, line, .. }| {
        let line = line.map(|line| format!("{line}: ")).unwrap_or_default();
        Setting { key: key.to_owned(), values: Ok(values), origin: format!("{}:{line}{key}", source.name) }
    };
    Ok(AgentSetting::read(source)?.into_iter().map(setting).collect())
}

/// A key with a value as an argument; one without a value has an empty one.
fn flag(key: &str, value: &OsStr) -> OsString {
    let mut flag = OsString::from(format!("--{}", key.replace('_', "-")));
    if key != "plaintext" {
        flag.push("=");
        flag.push(value);
    }
    flag
}

/// The first paragraph of an error of the command line, without its label, on one line.
fn first_paragraph(error: &str) -> String {
    let text = error.split("\n\n").next().unwrap_or(error);
    let lines: Vec<&str> = text.trim_start_matches("error: ").lines().map(str::trim).collect();
    lines.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that experiments have as well, and the file itself.
    const OTHER_FLAGS: [&str; 4] = ["config", "profile", "preset", "selector"];

    #[test]
    fn every_flag_is_a_key() {
        let all = "name = 'a'\nbind = ''\nadvertise = ''\njoin = ''\nplace = ''\nzone = ''\nmeta = ['']\nservice = ['']\nservice_tag = ['']\n\
                   service_weight = ['']\nkind = ''\ncapability = ['']\non = ['']\nkey_file = ''\n\
                   label = ''\nplaintext = true\nsocket = ''\nstate_dir = ''\nhttp = ''\nmetrics = ''\ndns = ''\n\
                   dns_domain = ''\nformat = ''\nlog = ''\n";
        let settings = AgentSetting::read(&TomlSource::text("a.toml", all)).unwrap();
        let command = CommandLine::command();
        let agent = command.find_subcommand("agent").unwrap();
        let mut flags = 0;
        for arg in agent.get_arguments() {
            let id = arg.get_id().as_str();
            let is_key = settings.iter().any(|setting| setting.key == id);
            assert!(is_key || OTHER_FLAGS.contains(&id), "{id}");
            flags += usize::from(is_key);
        }
        assert_eq!(flags, settings.len());
    }

    #[test]
    fn each_kind_of_flag_has_a_form_as_a_variable() {
        let read = |action: &ArgAction, text: &str| {
            let values = values(action, text.into())?;
            Ok::<_, String>(values.into_iter().map(|value| value.into_string().unwrap()).collect::<Vec<_>>())
        };
        for on in ["1", "true", "yes", "on", "TRUE"] {
            assert_eq!(read(&ArgAction::SetTrue, on).unwrap(), [""], "{on}");
        }
        for off in ["", "0", "false", "no", "off", "No"] {
            assert_eq!(read(&ArgAction::SetTrue, off).unwrap(), [""; 0], "{off}");
        }
        assert!(read(&ArgAction::SetTrue, "disabled").unwrap_err().ends_with("not \"disabled\""));
        assert_eq!(read(&ArgAction::Append, "a=1, b=2,").unwrap(), ["a=1", "b=2", ""]);
        assert_eq!(read(&ArgAction::Set, "a, b").unwrap(), ["a, b"]);
        for action in [ArgAction::Append, ArgAction::Set] {
            assert_eq!(read(&action, "").unwrap_err(), EMPTY);
        }
    }

    #[test]
    fn messages_name_the_origin_of_a_setting_and_no_other_flag() {
        let origins = [("--meta", "SWIMLAB_META"), ("--key-file", "a.toml:3: key_file")];
        let origins = Origins(origins.map(|(flag, origin)| (flag.to_owned(), origin.to_owned())).into());
        let message = "--meta: no (--metrics), not --meta=1; give --key-file, --key or --";
        let expected = "SWIMLAB_META: no (--metrics), not SWIMLAB_META=1; give a.toml:3: key_file, --key or --";
        assert_eq!(origins.named(message), expected);
    }
}
