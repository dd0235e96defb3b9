//! The file that `--config` names: its keys become flags, unless the command line or the environment has them.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, Parser};

use super::super::{Command, CommandLine, Failed};
use super::Args;
use crate::experiment::{AgentSetting, BadInput, TomlSource};

/// The positions of the settings that come from the file, by key.
#[derive(Clone, Default)]
pub(super) struct FromFile(BTreeMap<&'static str, String>);

impl FromFile {
    /// The words for the origin of a setting: its line in the file, or its flag.
    pub(super) fn origin(&self, key: &str) -> String {
        self.0.get(key).cloned().unwrap_or_else(|| format!("--{}", key.replace('_', "-")))
    }
}

/// Flags of which one replaces the other.
const EXCLUSIVE: [&str; 2] = ["place", "zone"];

/// The arguments together with those of the file that they name, and the text of the file; an empty one without a file.
///
/// Each key of the file is parsed as its flag would be. A key that does not parse, alone or with the keys before it, is
/// an error at its line.
pub(super) fn with_config_file(args: Args) -> Result<(Args, TomlSource), Failed> {
    let Some(path) = &args.config else { return Ok((args, TomlSource::text("arguments", ""))) };
    let source = TomlSource::read(path)?;
    let mut words: Vec<OsString> = env::args_os().collect();
    let matches = CommandLine::command().try_get_matches_from(&words);
    let matches = matches.unwrap_or_else(|error| error.exit());
    let given = matches.subcommand_matches("agent").expect("this command runs");
    let (mut args, mut from_file) = (args, FromFile::default());
    for setting in AgentSetting::read(&source)? {
        let key = setting.key;
        let is_exclusive = EXCLUSIVE.contains(&key);
        if is_given(given, key) || is_exclusive && EXCLUSIVE.iter().any(|key| is_given(given, key)) {
            continue;
        }
        let refused = |message| BadInput { file: source.name.clone(), line: setting.line, message };
        // Behind the name of the program and that of the command.
        words.splice(2..2, setting.values.iter().map(|value| flag(key, value)));
        args = match CommandLine::try_parse_from(&words) {
            Ok(CommandLine { command: Command::Agent(args) }) => *args,
            Ok(_) => unreachable!("the command stays the same"),
            Err(error) => return Err(refused(format!("{key}: {}", first_paragraph(&error.to_string()))).into()),
        };
        let line = setting.line.map(|line| format!("{line}: ")).unwrap_or_default();
        from_file.0.insert(key, format!("{}:{line}{key}", source.name));
    }
    args.from_file = from_file;
    Ok((args, source))
}

/// Whether the command line or the environment has a setting.
fn is_given(matches: &ArgMatches, key: &str) -> bool {
    matches!(matches.value_source(key), Some(ValueSource::CommandLine | ValueSource::EnvVariable))
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
    fn every_flag_has_an_environment_variable_and_a_key() {
        let all = "name = 'a'\nbind = ''\nadvertise = ''\njoin = ''\nplace = ''\nzone = ''\nmeta = ['']\nkey_file = ''\n\
                   label = ''\nplaintext = true\nsocket = ''\nstate_dir = ''\nmetrics = ''\nformat = ''\nlog = ''\n";
        let settings = AgentSetting::read(&TomlSource::text("a.toml", all)).unwrap();
        let mut command = CommandLine::command();
        let agent = command.find_subcommand_mut("agent").unwrap();
        let mut flags = 0;
        for arg in agent.get_arguments() {
            let id = arg.get_id().as_str();
            assert_eq!(arg.get_env(), Some(OsStr::new(&format!("SWIMLAB_{}", id.to_uppercase()))), "{id}");
            let is_key = settings.iter().any(|setting| setting.key == id);
            assert!(is_key || OTHER_FLAGS.contains(&id), "{id}");
            flags += usize::from(is_key);
        }
        assert_eq!(flags, settings.len());
    }
}
