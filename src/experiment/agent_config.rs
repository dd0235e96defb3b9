//! The part of an experiment file that an agent uses, so that a configuration that was measured can be run unchanged.

use std::sync::Arc;

use swimlab_selectors::{BuildContext, DynSelector, Helpers, Registry, Spec, SpecError, build_selector};

use super::Lab;
use super::agent_settings::AGENT_FILE_KEYS;
use super::error::BadInput;
use super::file::{PRESET, overrides};
use super::toml_source::{NamedSpec, TomlSource, TomlValue};
use crate::protocol::Config;

/// Strategies and configuration of an agent.
#[derive(Clone)]
#[non_exhaustive]
pub struct AgentConfig {
    /// Configuration of the protocol.
    pub config: Config,
    /// Label of the profile that the configuration is made from.
    pub profile: String,
    /// Name of the preset, if there is one.
    pub preset: Option<String>,
    /// Selector of the members to ping; `None` if the file names none.
    pub strategy: Option<DynSelector>,
    /// Selector of helpers for indirect pings; `None` if the file names none.
    pub helpers: Option<Arc<dyn Helpers>>,
}

/// The keys that [`AgentChoices`] replace.
const FLAGS: [&str; 3] = ["profile", "preset", "selector"];

/// Values that replace those of a file, of which each may then list several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentChoices<'a> {
    /// Label of the profile.
    pub profile: Option<&'a str>,
    /// Name of the preset.
    pub preset: Option<&'a str>,
    /// Label of the selector.
    pub selector: Option<&'a str>,
}

impl AgentConfig {
    /// Reads profile, preset, selector, helpers, prober, suspicion, dissemination and `[protocol]` from an experiment
    /// file or an agent's own. The other keys are ignored, and none is required. `choices` replace values of the file.
    ///
    /// # Errors
    /// Names the line that is wrong. A list of several values that no choice replaces is an error as well.
    pub fn parse(source: &TomlSource, lab: &Lab, choices: AgentChoices<'_>) -> Result<Self, BadInput> {
        let mut file = source.table(&AGENT_FILE_KEYS)?;
        let single = |values| single(source, values);
        let named = file.list("profile")?.unwrap_or_default();
        let mut named = match choices.profile {
            Some(label) => NamedSpec::of_label(label).map_err(|error| at_flag("--profile", &error))?,
            None if named.is_empty() => NamedSpec::unwritten("swim"),
            None => single(named)?,
        };
        let profile = named.spec.to_string();
        let preset = match (choices.preset, source.table(&AGENT_FILE_KEYS)?.list(PRESET)?.as_deref()) {
            (Some(name), _) => Some(name.to_owned()),
            (None, Some([preset])) => Some(preset.text()?.to_owned()),
            _ => None,
        };
        for over in overrides(&mut file, choices.preset)? {
            let [(value, at)] = &over.values[..] else {
                let at = over.values[1].1;
                return Err(source.error(at, several(&over.key)));
            };
            named = over.over(named, value, *at);
        }
        let config = lab.profiles.build(&named.spec, &()).map_err(|error| match named.blamed(&error) {
            None if choices.profile.is_some() => at_flag("--profile", &error),
            _ => named.registry_error(source, &error),
        })?;
        let context = BuildContext::default();
        let selector = file.list("selector")?;
        let strategy = match choices.selector {
            Some(label) => Some(chosen_selector(label, lab)?),
            None => {
                let built = |named: NamedSpec| {
                    let built = build_selector(&lab.selectors, &named.spec, &context);
                    built.map_err(|error| named.registry_error(source, &error))
                };
                selector.map(single).transpose()?.map(built).transpose()?
            }
        };
        let helpers = file.list("helpers")?.map(single).transpose()?;
        let helpers = helpers.map(|named| build(&lab.helpers, &named, &context, source)).transpose()?;
        Ok(Self { config, profile, preset, strategy, helpers })
    }
}

/// The selector of this label, which is not in a file.
fn chosen_selector(label: &str, lab: &Lab) -> Result<DynSelector, BadInput> {
    let spec = Spec::parse(label).and_then(|spec| build_selector(&lab.selectors, &spec, &BuildContext::default()));
    spec.map_err(|error| at_flag("--selector", &error))
}

fn at_flag(flag: &str, error: &SpecError) -> BadInput {
    BadInput { file: flag.to_owned(), line: None, message: error.to_string() }
}

/// The message about several values, and the way to choose one.
fn several(key: &str) -> String {
    let way = if FLAGS.contains(&key) { format!(": --{key} chooses one") } else { String::new() };
    format!("{key} has several values; a member has one{way}")
}

fn single(source: &TomlSource, mut values: Vec<TomlValue<'_>>) -> Result<NamedSpec, BadInput> {
    let (key, at) = (values[0].key.clone(), values.get(1).unwrap_or(&values[0]).at);
    let refused = || source.error(at, several(&key));
    if values.len() > 1 {
        return Err(refused());
    }
    <[NamedSpec; 1]>::try_from(values.remove(0).alternatives()?).map(|[named]| named).map_err(|_| refused())
}

fn build<T, C>(registry: &Registry<T, C>, named: &NamedSpec, context: &C, source: &TomlSource) -> Result<T, BadInput> {
    registry.build(&named.spec, context).map_err(|error| named.registry_error(source, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Span;

    fn read(text: &str) -> Result<AgentConfig, String> {
        chosen(text, AgentChoices::default())
    }

    fn chosen(text: &str, choices: AgentChoices<'_>) -> Result<AgentConfig, String> {
        AgentConfig::parse(&TomlSource::text("a.toml", text), &Lab::default(), choices)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn keys_that_do_not_concern_an_agent_are_ignored() {
        let file = "topology = 'aws'\nmembers = [10, 20]\nselector = 'neighborhood:metric=xor,radius=8'\n\
                    suspicion = 'confirmed'\n[protocol]\nperiod = '2s'\n[[fault]]\nkind = 'crash'\n";
        let config = read(file).unwrap();
        assert_eq!(config.config.period, Span::from_secs(2));
        assert_eq!(config.strategy.unwrap().label(), "neighborhood:metric=xor,radius=8");
        assert!(config.helpers.is_none());
    }

    #[test]
    fn keys_of_the_file_override_its_preset() {
        let config = read("preset = 'wan'\n[protocol]\nprobe_timeout = '1s'\n").unwrap();
        assert_eq!((config.config.period, config.config.probe_timeout), (Span::from_secs(5), Span::from_secs(1)));
        let profile = "swim:period=4s,probe_timeout=1s";
        let choices = AgentChoices { profile: Some(profile), preset: Some("lan"), ..AgentChoices::default() };
        for config in [read(&format!("preset = 'wan'\nprofile = '{profile}'")), chosen("", choices)] {
            assert_eq!(config.unwrap().config.period, Span::from_secs(4));
        }
        let choices = AgentChoices { profile: Some("swim:perod=4s"), ..choices };
        assert_eq!(
            chosen("", choices).err().unwrap(),
            "--profile: swim has no parameter \"perod\"; did you mean period or prober?"
        );
        assert_eq!(read("preset = 'won'").err().unwrap(), "a.toml:1: unknown preset \"won\"; did you mean wan?");
    }

    #[test]
    fn a_length_of_time_is_an_absolute_suspicion_timeout() {
        let config = read("suspicion = '5s'").unwrap().config;
        assert_eq!([2, 1000].map(|n| config.suspicion.timeout(config.period, n, 0)), [Span::from_secs(5); 2]);
    }

    #[test]
    fn several_values_of_a_key_are_refused() {
        let error = read("selector = ['shuffle',\n'uniform']").err().unwrap();
        assert_eq!(error, "a.toml:2: selector has several values; a member has one: --selector chooses one");
        let error = read("[protocol]\nperiod = ['1s',\n'2s']").err().unwrap();
        assert_eq!(error, "a.toml:3: period has several values; a member has one");
    }
    #[test]
    fn choices_replace_lists_of_the_file() {
        let file = "profile = ['swim', 'memberlist-lan']\npreset = ['lan', 'wan']\nselector = ['shuffle', 'uniform']\n\
                    [protocol]\nprobe_timeout = '1s'\n";
        let choices = AgentChoices { profile: Some("swim"), preset: Some("wan"), selector: Some("auto") };
        let config = chosen(file, choices).unwrap();
        assert_eq!(config.strategy.unwrap().label(), "auto");
        assert_eq!((config.config.period, config.config.probe_timeout), (Span::from_secs(5), Span::from_secs(1)));
        for (flag, choices) in [
            ("profile", AgentChoices { profile: None, ..choices }),
            ("preset", AgentChoices { preset: None, ..choices }),
            ("selector", AgentChoices { selector: None, ..choices }),
        ] {
            let error = chosen(file, choices).err().unwrap();
            assert!(
                error.ends_with(&format!("{flag} has several values; a member has one: --{flag} chooses one")),
                "{error}"
            );
        }
        let error = chosen("\n", AgentChoices { profile: Some("swm"), ..choices }).err().unwrap();
        assert!(error.starts_with("--profile: ") && error.contains("did you mean swim"), "{error}");
        let error = chosen("", AgentChoices { preset: Some("won"), ..choices }).err().unwrap();
        assert_eq!(error, "--preset: unknown preset \"won\"; did you mean wan?");
    }
}
