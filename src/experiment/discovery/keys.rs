//! The keys of `[discovery]`. A list of values is multiplied and becomes a column of the key's name in the results.

use std::collections::BTreeMap;

use swimlab_selectors::{did_you_mean, nearest_names};

use super::{DiscoveryConfig, InstanceChoice, Instances, MOST_DISCOVERY_MEMBERS};
use crate::discovery::state::LONGEST_TTL;
use crate::experiment::error::BadInput;
use crate::experiment::limits::{LONGEST_S, MOST_CELLS};
use crate::experiment::toml_source::{TomlSource, TomlTable, TomlValue};
use crate::protocol::Span;

/// A key: its name, and the function that sets its part of a configuration to a value and returns the value as columns
/// show it.
type Key = (&'static str, fn(&mut DiscoveryConfig, &TomlValue<'_>) -> Result<String, BadInput>);

/// All keys; the last one varies fastest.
const KEYS: [Key; 7] = [
    ("instances", set_instances),
    ("clients", |config, value| set(&mut config.clients, value.count(1, MOST_CLIENTS)?)),
    ("request_rate", |config, value| set(&mut config.request_rate, value.real(1e-3, 1e3)?)),
    ("choice", set_choice),
    ("cache", |config, value| set(&mut config.cache, value.span(0.0, LONGEST_S)?)),
    ("change_every", |config, value| set(&mut config.change_every, zero_or(value, SHORTEST_CHANGE_S, LONGEST_S)?)),
    ("change_ttl", |config, value| set(&mut config.change_ttl, zero_or(value, 1e-3, LONGEST_TTL.as_secs_f64())?)),
];

const NAMES: [&str; KEYS.len()] = {
    let mut names = [""; KEYS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = KEYS[at].0;
        at += 1;
    }
    names
};

/// The most clients.
pub(in crate::experiment) const MOST_CLIENTS: u32 = 10_000;

/// The shortest time between two changes of a member, in seconds.
const SHORTEST_CHANGE_S: f64 = 0.1;

/// The names of all keys of `[discovery]`, which are columns of the results where they are varied.
pub fn discovery_keys() -> &'static [&'static str] {
    &NAMES
}

/// The varied keys with their values.
type Columns = Vec<(String, String)>;

/// The values of a file in `[discovery]`.
pub(in crate::experiment) struct DiscoveryLists {
    /// All combinations of the values; one without configuration if the file has no such table.
    pub product: Vec<(Option<DiscoveryConfig>, Columns)>,
    /// The values of each key that the file gives, and the position of the first one.
    given: BTreeMap<&'static str, (Vec<String>, usize)>,
    at: usize,
}

impl DiscoveryLists {
    /// Takes the table from a file.
    pub(in crate::experiment) fn take(source: &TomlSource, file: &mut TomlTable<'_>) -> Result<Self, BadInput> {
        let Some(value) = file.take("discovery") else {
            return Ok(Self { product: vec![(None, Vec::new())], given: BTreeMap::new(), at: 0 });
        };
        let at = value.at;
        let mut table = value.table(&NAMES)?;
        let mut product: Vec<(DiscoveryConfig, Columns)> = vec![(DiscoveryConfig::default(), Vec::new())];
        let mut given = BTreeMap::new();
        for (name, set) in KEYS {
            let Some(values) = table.list(name)? else { continue };
            let (mut texts, at, is_varied) = (Vec::new(), values[0].at, values.len() > 1);
            let mut next = Vec::new();
            if product.len().saturating_mul(values.len()) > MOST_CELLS {
                let why = format!("the lists of discovery multiply to more than {MOST_CELLS} combinations");
                return Err(source.error(at, why));
            }
            for value in &values {
                let text = set(&mut DiscoveryConfig::default(), value)?;
                if texts.contains(&text) {
                    return Err(value.error(format!("{name} lists {text} twice")));
                }
                texts.push(text);
            }
            for (config, columns) in product {
                for (value, text) in values.iter().zip(&texts) {
                    let (mut config, mut columns) = (config, columns.clone());
                    set(&mut config, value)?;
                    if is_varied {
                        columns.push((name.to_owned(), text.clone()));
                    }
                    next.push((config, columns));
                }
            }
            product = next;
            given.insert(name, (texts, at));
        }
        let product = product.into_iter().map(|(config, columns)| (Some(config), columns)).collect();
        Ok(Self { product, given, at })
    }

    /// Each key that the file gives with its values, and whether the file has the table at all.
    pub(in crate::experiment) fn described(&self) -> impl Iterator<Item = (&'static str, String)> {
        let is_given = self.product.iter().any(|(config, _)| config.is_some());
        let table = is_given.then(|| ("discovery", "given".to_owned()));
        table.into_iter().chain(self.given.iter().map(|(name, (values, _))| (*name, values.join(", "))))
    }

    /// Checks that a world of this many initial members has enough of them, and no more than can be followed.
    pub(in crate::experiment) fn check(&self, source: &TomlSource, members: u32, all: u32) -> Result<(), BadInput> {
        let refuse = |key: &str, why: String| {
            let at = self.given.get(key).map_or(self.at, |(_, at)| *at);
            Err(source.error(at, why))
        };
        for config in self.product.iter().filter_map(|(config, _)| config.as_ref()) {
            if all > MOST_DISCOVERY_MEMBERS {
                let why = "each has a catalog of all others";
                let most = MOST_DISCOVERY_MEMBERS;
                return refuse("", format!("discovery: {all} members, joiners included, are more than {most}: {why}"));
            }
            if let Instances::Count(count) = config.instances
                && count > members
            {
                return refuse(
                    "instances",
                    format!("instances = {count} is more than the {members} members there are"),
                );
            }
        }
        Ok(())
    }
}

/// Sets a field; returns the value as text.
fn set<T: Copy + ToString>(field: &mut T, value: T) -> Result<String, BadInput> {
    *field = value;
    Ok(value.to_string())
}

fn set_instances(config: &mut DiscoveryConfig, value: &TomlValue<'_>) -> Result<String, BadInput> {
    let instances = match value.text() {
        Ok(text) if text.contains('%') => {
            Instances::parse(text).map_err(|why| value.error(format!("instances {why}")))?
        }
        Ok(text) => {
            let why = "must be a number of members or a percentage of them, as in \"50%\"";
            return Err(value.error(format!("instances {why}, not \"{text}\"")));
        }
        Err(_) => Instances::Count(value.count(1, MOST_DISCOVERY_MEMBERS)?),
    };
    if instances == Instances::Share(0.0) {
        return Err(value.error("instances must be more than 0%: somebody must offer the service"));
    }
    set(&mut config.instances, instances)
}

fn set_choice(config: &mut DiscoveryConfig, value: &TomlValue<'_>) -> Result<String, BadInput> {
    let text = value.text()?;
    config.choice = InstanceChoice::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
        let near = did_you_mean(&nearest_names(text, InstanceChoice::ALL.iter().map(|choice| choice.name())));
        value.error(format!("choice cannot be \"{text}\"{near}"))
    })?;
    Ok(text.to_owned())
}

/// A length of time that is zero or within these bounds in seconds.
fn zero_or(value: &TomlValue<'_>, least_s: f64, most_s: f64) -> Result<Span, BadInput> {
    let span = value.span(0.0, most_s)?;
    if span > Span::ZERO && span < Span::from_secs_f64(least_s) {
        let least = Span::from_secs_f64(least_s);
        return Err(value.error(format!("{} must be 0s or at least {least}, not {span}", value.key)));
    }
    Ok(span)
}
