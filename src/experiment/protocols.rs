//! The product of what concerns a single member: profiles, their overrides, helpers, starts and phases.

use swimlab_selectors::registry::Value;

use super::Lab;
use super::error::BadInput;
use super::file::{File, Override, phases_word, start_word};
use super::page::{Named, Source};
use crate::protocol::Settings;
use crate::sim::{Phases, Start};

/// One combination.
pub(super) struct Protocol {
    /// The profile's label.
    pub profile: String,
    /// With the overrides.
    pub settings: Settings,
    /// Which of the file's choices of helpers.
    pub helpers: usize,
    pub start: Start,
    pub phases: Phases,
    /// What was varied: key and value.
    pub swept: Vec<(String, String)>,
}

/// All combinations; later keys vary faster.
pub(super) fn multiply(file: &File, source: &Source, lab: &Lab) -> Result<Vec<Protocol>, BadInput> {
    let mut protocols = Vec::new();
    for profile in &file.profiles {
        for Draft { named, swept } in overridden(profile, &file.overrides) {
            let settings = lab.profiles.build(&named.spec, &()).map_err(|error| named.complain(source, &error))?;
            for (helpers, choice) in file.helpers.iter().enumerate() {
                for &start in &file.start {
                    for &phases in &file.phases {
                        let columns = [
                            ("helpers", file.helpers.len(), choice.spec.to_string()),
                            ("start", file.start.len(), start_word(start).to_owned()),
                            ("phases", file.phases.len(), phases_word(phases).to_owned()),
                        ];
                        let varied = columns.into_iter().filter(|(_, values, _)| *values > 1);
                        let varied = varied.map(|(key, _, value)| (key.to_owned(), value));
                        let swept = swept.iter().cloned().chain(varied).collect();
                        let (profile, settings) = (profile.spec.to_string(), settings.clone());
                        protocols.push(Protocol { profile, settings, helpers, start, phases, swept });
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

/// A profile with all combinations of the overrides' values.
fn overridden(profile: &Named, overrides: &[Override]) -> Vec<Draft> {
    let plain = Draft { named: profile.clone(), swept: Vec::new() };
    overrides.iter().fold(vec![plain], |drafts, Override { key, values }| {
        let vary = |Draft { named, swept }: &Draft| {
            let draft = |(value, at): &(Value, usize)| {
                let column = (values.len() > 1).then(|| (key.clone(), value.to_string()));
                Draft {
                    named: named.clone().with(key, value.clone(), *at),
                    swept: swept.iter().cloned().chain(column).collect(),
                }
            };
            values.iter().map(draft).collect::<Vec<_>>()
        };
        drafts.iter().flat_map(vary).collect()
    })
}
