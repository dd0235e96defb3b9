//! The part of an experiment file that an agent uses, so that a configuration that was measured can be run unchanged.

use std::sync::Arc;

use swimlab_selectors::{BuildContext, DynSelector, Helpers, Registry, Spec, build_selector};

use super::Lab;
use super::error::BadInput;
use super::file::{KEYS, overrides};
use super::toml_source::{NamedSpec, TomlSource, TomlValue};
use crate::protocol::Config;

/// Strategies and configuration of an agent.
#[derive(Clone)]
#[non_exhaustive]
pub struct AgentConfig {
    /// Configuration of the protocol.
    pub config: Config,
    /// Selector of the members to ping; `None` if the file names none.
    pub strategy: Option<DynSelector>,
    /// Selector of helpers for indirect pings; `None` if the file names none.
    pub helpers: Option<Arc<dyn Helpers>>,
}

impl AgentConfig {
    /// Reads profile, preset, selector, helpers, prober, suspicion, dissemination and `[protocol]` from an experiment
    /// file. The other keys are ignored, and none is required. `profile` replaces the file's profile.
    ///
    /// # Errors
    /// Names the line that is wrong. A list of several values is an error as well.
    pub fn parse(source: &TomlSource, lab: &Lab, profile: Option<&str>) -> Result<Self, BadInput> {
        let mut file = source.table(&KEYS)?;
        let single = |values| single(source, values);
        let named = file.list("profile")?.map(single).transpose()?;
        let mut named = match profile {
            Some(profile) => NamedSpec::unwritten(profile),
            None => named.unwrap_or_else(|| NamedSpec::unwritten("swim")),
        };
        for over in overrides(&mut file)? {
            let [(value, at)] = &over.values[..] else {
                let at = over.values[1].1;
                return Err(source.error(at, format!("{} has several values; a member has one", over.key)));
            };
            named = named.with(&over.key, value.clone(), *at);
        }
        let config = build(&lab.profiles, &named, &(), source)?;
        let context = BuildContext::default();
        let selector = file.list("selector")?.map(single).transpose()?;
        let strategy = selector.map(|named| {
            let built = build_selector(&lab.selectors, &named.spec, &context);
            built.map_err(|error| named.registry_error(source, &error))
        });
        let strategy = strategy.transpose()?;
        let helpers = file.list("helpers")?.map(single).transpose()?;
        let helpers = helpers.map(|named| build(&lab.helpers, &named, &context, source)).transpose()?;
        Ok(Self { config, strategy, helpers })
    }

    /// A profile with a preset's values.
    ///
    /// # Errors
    /// If there is no such profile or preset.
    pub fn of(profile: &str, preset: &str, lab: &Lab) -> Result<Self, BadInput> {
        let text = format!("preset = \"{}\"", preset.escape_default());
        Self::parse(&TomlSource::text("--preset", text), lab, Some(profile))
    }

    /// Replaces the selector by the one of this label.
    ///
    /// # Errors
    /// If the label is not valid or names no registered selector.
    pub fn with_selector(self, label: &str, lab: &Lab) -> Result<Self, BadInput> {
        let spec = Spec::parse(label).and_then(|spec| build_selector(&lab.selectors, &spec, &BuildContext::default()));
        let whole = |message| BadInput { file: "--selector".to_owned(), line: None, message };
        Ok(Self { strategy: Some(spec.map_err(|error| whole(error.to_string()))?), ..self })
    }
}

fn single(source: &TomlSource, mut values: Vec<TomlValue<'_>>) -> Result<NamedSpec, BadInput> {
    let (key, at) = (values[0].key.clone(), values.get(1).unwrap_or(&values[0]).at);
    let several = || source.error(at, format!("{key} has several values; a member has one"));
    if values.len() > 1 {
        return Err(several());
    }
    <[NamedSpec; 1]>::try_from(values.remove(0).alternatives()?).map(|[named]| named).map_err(|_| several())
}

fn build<T, C>(registry: &Registry<T, C>, named: &NamedSpec, context: &C, source: &TomlSource) -> Result<T, BadInput> {
    registry.build(&named.spec, context).map_err(|error| named.registry_error(source, &error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Span;

    fn read(text: &str) -> Result<AgentConfig, String> {
        AgentConfig::parse(&TomlSource::text("a.toml", text), &Lab::default(), None).map_err(|error| error.to_string())
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
        assert_eq!(error, "a.toml:2: selector has several values; a member has one");
        let error = read("[protocol]\nperiod = ['1s',\n'2s']").err().unwrap();
        assert_eq!(error, "a.toml:3: period has several values; a member has one");
    }
}
