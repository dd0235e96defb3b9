//! Profiles: SWIM and its variants, one file each, as values over common defaults.
//!
//! A variant that combines parts there are is a [`Profile`] in a file of its own and a line in the list below.

mod buddy;
mod go_swim;
mod keys;
mod lha_probe;
mod lha_suspicion;
mod lifeguard;
mod medley;
mod memberlist;
mod swim;
mod swim_basic;
mod swim_inf;
mod swim_inf_susp;

use swimlab_selectors::{Param, Registry, Spec};

use super::config::{Config, DefaultStrategies};

/// A variant: what it sets differently from the defaults.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Keys and values as in a label (`key=value,...`); what stands in a later one counts.
    pub values: &'static [&'static str],
    /// Who is pinged and who helps, where nobody says otherwise.
    pub defaults: DefaultStrategies,
}

/// All of them, in the order in which they are listed.
const PROFILES: &[Profile] = &[
    swim::PROFILE,
    swim_basic::PROFILE,
    swim_inf::PROFILE,
    swim_inf_susp::PROFILE,
    go_swim::PROFILE,
    memberlist::LOCAL,
    memberlist::LAN,
    memberlist::WAN,
    lifeguard::PROFILE,
    lha_probe::PROFILE,
    lha_suspicion::PROFILE,
    buddy::PROFILE,
    medley::PROFILE,
];

/// The profiles by name. All take the same parameters, each with defaults of its own; the parameters are the keys of
/// an experiment file's `[protocol]` table.
pub fn profiles() -> Registry<Config> {
    let mut registry = Registry::new("profile");
    for profile in PROFILES {
        profile.register(&mut registry);
    }
    registry
}

impl Profile {
    /// Adds it to a registry: to [`profiles`], or a stranger's to their laboratory's.
    ///
    /// # Panics
    /// If it sets a key that there is not, or to a value that the key does not allow.
    pub fn register(&self, registry: &mut Registry<Config>) {
        let defaults = self.defaults;
        registry.register(self.name, self.about, self.params(), move |params, ()| {
            Ok(Config { defaults, ..keys::build(params)? })
        });
    }

    /// All parameters, with its own values for their defaults.
    fn params(&self) -> Vec<Param> {
        let mut params = keys::params();
        for values in self.values {
            let spec = Spec::parse(&format!("{}:{values}", self.name)).expect("a profile's values are a label");
            for (key, value) in spec.values {
                let param = params.iter_mut().find(|param| param.name == key);
                let param = param.unwrap_or_else(|| panic!("{} sets {key}, which there is not", self.name));
                let admitted = param.range.admit(&value);
                param.default = Some(admitted.unwrap_or_else(|why| panic!("{}: {key} {why}", self.name)));
            }
        }
        params
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Span;

    #[test]
    fn every_profile_is_built_from_its_name_alone() {
        for profile in PROFILES {
            assert!(profile.about.ends_with('.'), "{}: one sentence", profile.name);
            profiles().build(&Spec::of(profile.name), &()).unwrap();
        }
    }

    #[test]
    fn the_swim_profile_has_the_documented_defaults() {
        let swim = Config::of("swim");
        assert_eq!((swim.period, swim.probe_timeout), (Span::from_secs(1), Span::from_millis(500)));
        assert_eq!((swim.direct, swim.indirect, swim.retransmit_mult), (1, 3, 4));
    }

    #[test]
    fn a_timeout_not_below_the_period_is_refused() {
        let spec = Spec::of("swim").with("probe_timeout", "2s");
        let error = profiles().build(&spec, &()).unwrap_err().to_string();
        assert_eq!(error, "swim: probe_timeout (2s) must be shorter than period (1s)");
    }

    #[test]
    fn a_strangers_profile_is_one_more_line() {
        let mut registry = profiles();
        Profile {
            name: "hasty",
            about: "No suspicion.",
            values: &["suspicion=none", "period=500ms,probe_timeout=100ms"],
            defaults: DefaultStrategies::ANY,
        }
        .register(&mut registry);
        let hasty = registry.build(&Spec::of("hasty").with("indirect", 7.0), &()).unwrap();
        assert_eq!((hasty.period, hasty.indirect), (Span::from_millis(500), 7));
        assert_eq!(hasty.suspicion.timeout(&hasty, 100, 0), Span::ZERO);
    }
}
