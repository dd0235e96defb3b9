//! The product of what concerns a single member: profiles, their overrides, helpers, starts and phases.

use std::sync::Arc;

use swimlab_selectors::{Registration, Value};

use super::Lab;
use super::environment::Environment;
use super::error::BadInput;
use super::file::{File, Override, SELECTOR};
use super::toml_source::{NamedSpec, TomlSource};
use crate::detectors::{Detector, missing_feature};
use crate::protocol::Config;

/// One combination.
pub(super) struct Protocol {
    /// The profile's label.
    pub profile: String,
    pub how: DetectorChoice,
    pub environment: Environment,
    /// What was varied: key and value.
    pub swept: Vec<(String, String)>,
}

/// With the overrides.
#[derive(Clone)]
pub(super) enum DetectorChoice {
    Swim {
        config: Config,
        /// Which of the [`Protocols::selectors`].
        selectors: Vec<usize>,
        /// Which of the [`Protocols::helpers`].
        helpers: usize,
    },
    Other(Arc<dyn Detector>),
}

/// All combinations, and the strategies that they refer to: the file's, or where it names none, the profiles' own.
pub(super) struct Protocols {
    pub all: Vec<Protocol>,
    pub selectors: Vec<NamedSpec>,
    pub helpers: Vec<NamedSpec>,
}

/// The helpers where neither the file nor the profile names any.
const DEFAULT_HELPERS: &str = "uniform";

/// All combinations; later keys vary faster. Detectors that are not SWIM ask no helpers, and of `[protocol]` take those keys that they
/// have.
pub(super) fn multiply(file: &File, source: &TomlSource, lab: &Lab) -> Result<Protocols, BadInput> {
    let knows =
        |detector: &Registration<Arc<dyn Detector>>, key: &str| detector.params.iter().any(|param| param.name == key);
    let known = |key: &str| {
        let mut detectors = file.profiles.iter().map(|profile| lab.detectors.entry(&profile.spec.kind).ok());
        detectors.any(|detector| detector.is_none_or(|detector| knows(detector, key)))
    };
    let mut protocols = Vec::new();
    let (mut selectors, mut helpers) = (Choices::of(&file.selectors), Choices::of(&file.helpers));
    for profile in &file.profiles {
        let detector = lab.detectors.entry(&profile.spec.kind).ok();
        if let (None, Some(feature)) = (detector, missing_feature(&profile.spec.kind)) {
            let why =
                format!("profile {} is not in this build: build swimlab with --features {feature}", profile.spec.kind);
            return Err(profile.refuse(source, why));
        }
        // A key that no profile of the file has is a mistake; the registry reports it.
        let has = |key: &str| detector.is_none_or(|detector| knows(detector, key) || !known(key));
        for CellBuilder { named, swept } in overridden(profile, &file.overrides, has) {
            let complain = |error| named.complain(source, &error);
            let hows: Vec<DetectorChoice> = if detector.is_some() {
                vec![DetectorChoice::Other(lab.detectors.build(&named.spec, &()).map_err(complain)?)]
            } else {
                let config = lab.profiles.build(&named.spec, &()).map_err(complain)?;
                let Some(selectors) = selectors.or(config.defaults.selector) else {
                    let (key, example) = SELECTOR;
                    let why = format!(
                        "missing: {key}: profile {} has none of its own; for example {example}",
                        named.spec.kind
                    );
                    return Err(profile.refuse(source, why));
                };
                let helpers = helpers.or(Some(config.defaults.helpers.unwrap_or(DEFAULT_HELPERS))).unwrap_or_default();
                let how =
                    |helpers| DetectorChoice::Swim { config: config.clone(), selectors: selectors.clone(), helpers };
                helpers.into_iter().map(how).collect()
            };
            for how in hows {
                let varied = (file.helpers.len() > 1).then(|| ("helpers".to_owned(), helpers.label(&how)));
                for (environment, columns) in file.environments.product() {
                    let swept = swept.iter().cloned().chain(varied.clone()).chain(columns).collect();
                    protocols.push(Protocol {
                        profile: profile.spec.to_string(),
                        how: how.clone(),
                        environment,
                        swept,
                    });
                }
            }
        }
    }
    Ok(Protocols { all: protocols, selectors: selectors.all, helpers: helpers.all })
}

/// The file's choices of selectors or helpers, and after them those that profiles bring along.
struct Choices {
    named: usize,
    all: Vec<NamedSpec>,
}

impl Choices {
    fn of(named: &[NamedSpec]) -> Self {
        Self { named: named.len(), all: named.to_vec() }
    }

    /// The label of the helpers of a protocol.
    fn label(&self, how: &DetectorChoice) -> String {
        match how {
            DetectorChoice::Swim { helpers, .. } => self.all[*helpers].spec.to_string(),
            DetectorChoice::Other(_) => "-".to_owned(),
        }
    }

    /// The file's, or if it names none, this one; `None` if there is neither.
    fn or(&mut self, own: Option<&str>) -> Option<Vec<usize>> {
        if self.named > 0 {
            return Some((0..self.named).collect());
        }
        let own = NamedSpec::default_of(own?);
        let at = self.all.iter().position(|other| other.spec == own.spec).unwrap_or_else(|| {
            self.all.push(own);
            self.all.len() - 1
        });
        Some(vec![at])
    }
}

/// A profile with overrides, and which of them were varied.
struct CellBuilder {
    named: NamedSpec,
    swept: Vec<(String, String)>,
}

/// A profile with all combinations of the overrides' values; those that it does not have leave it as it is.
fn overridden(profile: &NamedSpec, overrides: &[Override], has: impl Fn(&str) -> bool) -> Vec<CellBuilder> {
    let plain = CellBuilder { named: profile.clone(), swept: Vec::new() };
    overrides.iter().fold(vec![plain], |drafts, Override { key, values }| {
        let vary = |CellBuilder { named, swept }: &CellBuilder| {
            let draft = |(value, at): &(Value, usize)| {
                let column = (values.len() > 1).then(|| (key.clone(), value.to_string()));
                CellBuilder {
                    named: if has(key) { named.clone().with(key, value.clone(), *at) } else { named.clone() },
                    swept: swept.iter().cloned().chain(column).collect(),
                }
            };
            values.iter().map(draft).collect::<Vec<_>>()
        };
        drafts.iter().flat_map(vary).collect()
    })
}
