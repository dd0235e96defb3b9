//! A member's description of itself, as keys and values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::health::Health;
use super::service::{Service, check_word};

/// A member's description of itself: its kind, capabilities, services, health and load.
///
/// Members publish it as keys and values:
///
/// | key | value |
/// |---|---|
/// | `kind` | a word |
/// | `capability/WORD` | nothing |
/// | `service/NAME` | port, weight and tags, with spaces in between |
/// | `health`, `health/NAME` | `passing`, `warning` or `critical`, a space, and the reason |
/// | `load/WORD` | a number |
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Description {
    /// The kind of node, as in `backend` or `proxy`.
    pub kind: Option<Box<str>>,
    /// Words for what it can do.
    pub capabilities: BTreeSet<Box<str>>,
    /// The services by name.
    pub services: BTreeMap<Box<str>, Arc<Service>>,
    /// The health of the member as a whole.
    pub health: Health,
    /// Figures that change all the time, as requests in flight.
    pub load: BTreeMap<Box<str>, f64>,
}

impl Description {
    /// Whether a key is that of a load figure, which is believed for a while only.
    pub fn is_load(key: &str) -> bool {
        key.starts_with("load/")
    }

    /// Adds a service, or replaces the one of this name.
    #[must_use]
    pub fn with_service(mut self, service: Service) -> Self {
        self.services.insert(service.name.clone(), Arc::new(service));
        self
    }

    /// The description that these keys and values publish. Those that are none of the above are left out: members of later
    /// releases may publish more.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut description = Self::default();
        let mut services = BTreeMap::new();
        let mut healths = Vec::new();
        for (key, value) in pairs {
            match key.split_once('/') {
                None if key == "kind" && check_word(value).is_ok() => description.kind = Some(value.into()),
                None if key == "health" => description.health = Health::from_value(value).unwrap_or_default(),
                Some(("capability", word)) if check_word(word).is_ok() => {
                    description.capabilities.insert(word.into());
                }
                Some(("service", name)) => {
                    services.extend(Service::from_value(name, value).map(|service| (name, service)));
                }
                Some(("health", name)) => healths.extend(Health::from_value(value).map(|health| (name, health))),
                Some(("load", word)) if check_word(word).is_ok() => {
                    let number = value.parse::<f64>().ok().filter(|number| number.is_finite());
                    description.load.extend(number.map(|number| (word.into(), number)));
                }
                _ => {}
            }
        }
        for (name, health) in healths {
            if let Some(service) = services.get_mut(name) {
                service.health = health;
            }
        }
        description.services = services.into_iter().map(|(name, service)| (name.into(), Arc::new(service))).collect();
        description
    }

    /// The keys and values that publish it.
    pub fn pairs(&self) -> BTreeMap<String, String> {
        let mut pairs = BTreeMap::new();
        pairs.extend(self.kind.iter().map(|kind| ("kind".to_owned(), kind.to_string())));
        pairs.extend(self.capabilities.iter().map(|word| (format!("capability/{word}"), String::new())));
        for (name, service) in &self.services {
            pairs.insert(format!("service/{name}"), service.value());
            if service.health != Health::Passing {
                pairs.insert(format!("health/{name}"), service.health.value());
            }
        }
        if self.health != Health::Passing {
            pairs.insert("health".to_owned(), self.health.value());
        }
        pairs.extend(self.load.iter().map(|(word, number)| (format!("load/{word}"), number.to_string())));
        pairs
    }

    /// The same without its load, which changes all the time.
    pub(super) fn is_same_apart_from_load(&self, other: &Self) -> bool {
        let Self { kind, capabilities, services, health, load: _ } = self;
        (kind, capabilities, services, health) == (&other.kind, &other.capabilities, &other.services, &other.health)
    }
}
