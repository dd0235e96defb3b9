//! The product of the lists that concern a single member: profiles, their overrides, helpers, the environment and services.

use std::sync::Arc;

use swimlab_selectors::{Registration, Value};

use super::Lab;
use super::discovery::DiscoveryConfig;
use super::environment::Environment;
use super::error::BadInput;
use super::file::{File, Override, PRESET, SELECTOR};
use super::toml_source::{NamedSpec, TomlSource};
use crate::detectors::{Detector, missing_feature};
use crate::protocol::{Config, Preset, preset};

/// One combination of profile, overrides, helpers, environment and services.
pub(super) struct Protocol {
    /// The profile's label.
    pub profile: String,
    pub detector: DetectorChoice,
    pub environment: Environment,
    pub discovery: Option<DiscoveryConfig>,
    /// The varied keys with their values.
    pub swept: Vec<(String, String)>,
}

/// The detector of a combination, with the overrides applied.
#[derive(Clone)]
pub(super) enum DetectorChoice {
    Swim {
        config: Config,
        /// Indices into [`Protocols::selectors`].
        selectors: Vec<usize>,
        /// An index into [`Protocols::helpers`].
        helpers: usize,
    },
    Other(Arc<dyn Detector>),
}

/// All combinations, with the selectors and helpers that they refer to: the file's, or where it names none, those of
/// the profiles.
pub(super) struct Protocols {
    pub all: Vec<Protocol>,
    pub selectors: Vec<NamedSpec>,
    pub helpers: Vec<NamedSpec>,
}

/// The helpers where neither the file nor the profile names any.
const DEFAULT_HELPERS: &str = "uniform";

/// Builds all combinations; later keys vary faster. Detectors that are not SWIM have no helpers, and of `[protocol]`
/// they take the keys that are parameters of theirs.
pub(super) fn multiply(file: &File, source: &TomlSource, lab: &Lab) -> Result<Protocols, BadInput> {
    let has_param =
        |detector: &Registration<Arc<dyn Detector>>, key: &str| detector.params.iter().any(|param| param.name == key);
    let any_has = |key: &str| {
        let mut detectors = file.profiles.iter().map(|profile| lab.detectors.entry(&profile.spec.kind).ok());
        detectors.any(|detector| detector.is_none_or(|detector| has_param(detector, key)))
    };
    let mut protocols = Vec::new();
    let (mut selectors, mut helpers) = (Choices::of(&file.selectors), Choices::of(&file.helpers));
    for profile in &file.profiles {
        let registration = lab.detectors.entry(&profile.spec.kind).ok();
        if let (None, Some(feature)) = (registration, missing_feature(&profile.spec.kind)) {
            let why =
                format!("profile {} is not in this build: build swimlab with --features {feature}", profile.spec.kind);
            return Err(profile.error(source, why));
        }
        // The registry reports a key that no profile of the file has.
        let has = |key: &str| registration.is_none_or(|detector| has_param(detector, key) || !any_has(key));
        for ProfileVariant { named, swept } in overridden(profile, &file.overrides, has) {
            let complain = |error| named.registry_error(source, &error);
            let choices: Vec<DetectorChoice> = if registration.is_some() {
                vec![DetectorChoice::Other(lab.detectors.build(&named.spec, &()).map_err(complain)?)]
            } else {
                let config = lab.profiles.build(&named.spec, &()).map_err(complain)?;
                let Some(selectors) = selectors.or(config.defaults.selector) else {
                    let (key, example) = SELECTOR;
                    let why = format!(
                        "missing: {key}: profile {} has none of its own; for example {example}",
                        named.spec.kind
                    );
                    return Err(profile.error(source, why));
                };
                let helpers = helpers.or(Some(config.defaults.helpers.unwrap_or(DEFAULT_HELPERS))).unwrap_or_default();
                let choice =
                    |helpers| DetectorChoice::Swim { config: config.clone(), selectors: selectors.clone(), helpers };
                helpers.into_iter().map(choice).collect()
            };
            for detector in choices {
                let varied = (file.helpers.len() > 1).then(|| ("helpers".to_owned(), helpers.label(&detector)));
                for (environment, columns) in file.environments.product() {
                    for (discovery, more) in &file.discovery.product {
                        let columns = varied.iter().chain(&columns).chain(more);
                        let swept = swept.iter().chain(columns).cloned().collect();
                        protocols.push(Protocol {
                            profile: profile.spec.to_string(),
                            detector: detector.clone(),
                            environment,
                            discovery: *discovery,
                            swept,
                        });
                    }
                }
            }
        }
    }
    Ok(Protocols { all: protocols, selectors: selectors.all, helpers: helpers.all })
}

/// The selectors or helpers that the file names, followed by the profiles' defaults that are used.
struct Choices {
    named: usize,
    all: Vec<NamedSpec>,
}

impl Choices {
    fn of(named: &[NamedSpec]) -> Self {
        Self { named: named.len(), all: named.to_vec() }
    }

    /// The label of the helpers of a combination; `-` for detectors without helpers.
    fn label(&self, detector: &DetectorChoice) -> String {
        match detector {
            DetectorChoice::Swim { helpers, .. } => self.all[*helpers].spec.to_string(),
            DetectorChoice::Other(_) => "-".to_owned(),
        }
    }

    /// The indices of the file's choices, or of this default if the file names none; `None` if there is neither.
    fn or(&mut self, default: Option<&str>) -> Option<Vec<usize>> {
        if self.named > 0 {
            return Some((0..self.named).collect());
        }
        let default = NamedSpec::of_label(default?).expect("a label");
        let at = self.all.iter().position(|other| other.spec == default.spec).unwrap_or_else(|| {
            self.all.push(default);
            self.all.len() - 1
        });
        Some(vec![at])
    }
}

/// A profile with overrides, and those of them that were varied.
struct ProfileVariant {
    named: NamedSpec,
    swept: Vec<(String, String)>,
}

/// The profile with each combination of the overrides' values. Keys that it does not have are ignored.
fn overridden(profile: &NamedSpec, overrides: &[Override], has: impl Fn(&str) -> bool) -> Vec<ProfileVariant> {
    let plain = ProfileVariant { named: profile.clone(), swept: Vec::new() };
    overrides.iter().fold(vec![plain], |variants, over| {
        let Override { key, values, .. } = over;
        let vary = |ProfileVariant { named, swept }: &ProfileVariant| {
            let variant = |(value, at): &(Value, usize)| {
                let column = (values.len() > 1).then(|| (key.clone(), value.to_string()));
                let given =
                    |key: &str| profile.spec.values.contains_key(key) || overrides.iter().any(|other| other.key == key);
                let named = match value {
                    Value::Text(name) if key == PRESET => {
                        let values = preset(name).into_iter().flat_map(Preset::values);
                        let values = values.filter(|(key, _)| !given(key) && has(key));
                        values.fold(named.clone(), |named, (key, value)| named.with(&key, value, *at))
                    }
                    _ if has(key) => over.over(named.clone(), value, *at),
                    _ => named.clone(),
                };
                ProfileVariant { named, swept: swept.iter().cloned().chain(column).collect() }
            };
            values.iter().map(variant).collect::<Vec<_>>()
        };
        variants.iter().flat_map(vary).collect()
    })
}
