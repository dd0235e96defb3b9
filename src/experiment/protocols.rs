//! The product of what concerns a single member: profiles, their overrides, helpers, starts and phases.

use std::sync::Arc;

use swimlab_selectors::registry::{Entry, Value};

use super::Lab;
use super::error::BadInput;
use super::file::{File, Override, phases_word, start_word};
use super::page::{Named, Source};
use crate::protocol::{Settings, Span};
use crate::rivals::Rival;
use crate::sim::{Phases, Start};

/// One combination.
pub(super) struct Protocol {
    /// The profile's label.
    pub profile: String,
    pub how: How,
    pub start: Start,
    pub phases: Phases,
    pub clock_skew: Span,
    /// What was varied: key and value.
    pub swept: Vec<(String, String)>,
}

/// With the overrides.
pub(super) enum How {
    Swim {
        settings: Settings,
        /// Which of the file's choices of helpers.
        helpers: usize,
    },
    Rival(Arc<dyn Rival>),
}

/// All combinations; later keys vary faster. Rivals ask nobody for help, and of `[protocol]` take those keys that they
/// have.
pub(super) fn multiply(file: &File, source: &Source, lab: &Lab) -> Result<Vec<Protocol>, BadInput> {
    let knows = |rival: &Entry<Arc<dyn Rival>>, key: &str| rival.params.iter().any(|param| param.name == key);
    let known = |key: &str| {
        let mut rivals = file.profiles.iter().map(|profile| lab.rivals.entry(&profile.spec.kind).ok());
        rivals.any(|rival| rival.is_none_or(|rival| knows(rival, key)))
    };
    let mut protocols = Vec::new();
    for profile in &file.profiles {
        let rival = lab.rivals.entry(&profile.spec.kind).ok();
        // What nobody has is a mistake, and is told as one.
        let has = |key: &str| rival.is_none_or(|rival| knows(rival, key) || !known(key));
        for Draft { named, swept } in overridden(profile, &file.overrides, has) {
            let complain = |error| named.complain(source, &error);
            let how: Box<dyn Fn(usize) -> How> = if rival.is_some() {
                let rival = lab.rivals.build(&named.spec, &()).map_err(complain)?;
                Box::new(move |_| How::Rival(Arc::clone(&rival)))
            } else {
                let settings = lab.profiles.build(&named.spec, &()).map_err(complain)?;
                Box::new(move |helpers| How::Swim { settings: settings.clone(), helpers })
            };
            let choices = if rival.is_some() { 1 } else { file.helpers.len() };
            for (helpers, choice) in file.helpers.iter().enumerate().take(choices) {
                for &start in &file.start {
                    let skews = |&phases| file.clock_skew.iter().map(move |&skew| (phases, skew));
                    for (phases, clock_skew) in file.phases.iter().flat_map(skews) {
                        let columns = [
                            ("helpers", file.helpers.len(), choice.spec.to_string()),
                            ("start", file.start.len(), start_word(start).to_owned()),
                            ("phases", file.phases.len(), phases_word(phases).to_owned()),
                            ("clock_skew", file.clock_skew.len(), clock_skew.to_string()),
                        ];
                        let varied = columns.into_iter().filter(|(_, values, _)| *values > 1);
                        let varied = varied.map(|(key, _, value)| (key.to_owned(), value));
                        let swept = swept.iter().cloned().chain(varied).collect();
                        let (profile, how) = (profile.spec.to_string(), how(helpers));
                        protocols.push(Protocol { profile, how, start, phases, clock_skew, swept });
                    }
                }
            }
        }
    }
    Ok(protocols)
}

/// A profile with overrides, and which of them were varied.
struct Draft {
    named: Named,
    swept: Vec<(String, String)>,
}

/// A profile with all combinations of the overrides' values; those that it does not have leave it as it is.
fn overridden(profile: &Named, overrides: &[Override], has: impl Fn(&str) -> bool) -> Vec<Draft> {
    let plain = Draft { named: profile.clone(), swept: Vec::new() };
    overrides.iter().fold(vec![plain], |drafts, Override { key, values }| {
        let vary = |Draft { named, swept }: &Draft| {
            let draft = |(value, at): &(Value, usize)| {
                let column = (values.len() > 1).then(|| (key.clone(), value.to_string()));
                Draft {
                    named: if has(key) { named.clone().with(key, value.clone(), *at) } else { named.clone() },
                    swept: swept.iter().cloned().chain(column).collect(),
                }
            };
            values.iter().map(draft).collect::<Vec<_>>()
        };
        drafts.iter().flat_map(vary).collect()
    })
}
