//! A profile's definition, and how it becomes a registry entry.

use swimlab_selectors::{Param, Registry, Spec, SpecError};

use super::keys;
use crate::protocol::config::{Config, DefaultStrategies};
use crate::protocol::presets::Preset;

/// A named variant of the protocol: the values that differ from the common defaults.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Name in files and on the command line.
    pub name: &'static str,
    /// Description, one sentence.
    pub about: &'static str,
    /// Keys and values as in a label (`key=value,...`); later ones override earlier ones.
    pub values: &'static [&'static str],
    /// The selector and helpers that belong to the variant.
    pub defaults: DefaultStrategies,
}

impl Profile {
    /// A variant with these values, and no selector or helpers of its own.
    pub const fn new(name: &'static str, about: &'static str, values: &'static [&'static str]) -> Self {
        Self { name, about, values, defaults: DefaultStrategies::ANY }
    }

    /// Sets the selector and helpers that belong to the variant.
    #[must_use]
    pub const fn with_defaults(mut self, defaults: DefaultStrategies) -> Self {
        self.defaults = defaults;
        self
    }

    /// Adds the profile to a registry: that of [`profiles`](super::profiles), or a laboratory's.
    ///
    /// # Errors
    /// If it sets an unknown key, or a key to a value that is not allowed.
    pub fn register(&self, registry: &mut Registry<Config>) -> Result<(), SpecError> {
        let defaults = self.defaults;
        registry.register(self.name, self.about, self.params()?, move |params, ()| {
            Ok(Config { defaults, ..keys::build(params)? })
        });
        Ok(())
    }

    /// All parameters, with the profile's values as defaults.
    fn params(&self) -> Result<Vec<Param>, SpecError> {
        let mut params = keys::params();
        for values in self.values {
            for (key, value) in Spec::parse(&format!("{}:{values}", self.name))?.values {
                let refuse = |why| SpecError::Invalid { kind: self.name.to_owned(), param: key.clone(), why };
                let param = params.iter_mut().find(|param| param.name == key);
                let param = param.ok_or_else(|| refuse("is no key of the protocol".to_owned()))?;
                param.default = Some(param.range.admit(&value).map_err(refuse)?);
            }
        }
        Ok(params)
    }

    /// The configuration of a built-in profile with its own values.
    pub(super) fn config(&self) -> Config {
        self.config_over(Spec::of(self.name))
    }

    fn config_over(&self, spec: Spec) -> Config {
        let mut registry = Registry::new("profile");
        self.register(&mut registry).and_then(|()| registry.build(&spec, &())).expect("built-in profiles are tested")
    }

    /// The configuration of a built-in profile with a preset's values.
    pub(super) fn with_preset(&self, preset: &Preset) -> Config {
        self.config_over(preset.under(Spec::of(self.name)))
    }
}
