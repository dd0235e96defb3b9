//! Profiles: SWIM and its published variants, one file each.
//!
//! A profile is a named [`Config`], written as values over common defaults for the keys of the `[protocol]` table (see
//! `keys`). A variant that combines existing parts is a [`Profile`] in a file of its own and a line in the list below.

mod buddy;
mod go_swim;
mod keys;
mod lha_probe;
mod lha_suspicion;
mod lifeguard;
mod medley;
mod memberlist;
mod profile;
mod swim;
mod swim_basic;
mod swim_inf;
mod swim_inf_susp;

use std::str::FromStr;

use swimlab_selectors::{Registry, Spec, SpecError};

use super::config::Config;

pub use profile::Profile;

/// All profiles, in the order in which they are listed.
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

/// Registry of the profiles. All take the same parameters, with defaults of their own; the parameters are the keys of
/// an experiment file's `[protocol]` table.
pub fn profiles() -> Registry<Config> {
    let mut registry = Registry::new("profile");
    for profile in PROFILES {
        profile.register(&mut registry).expect("built-in profiles are tested");
    }
    registry
}

impl FromStr for Config {
    type Err = SpecError;

    /// Parses a profile's label: `profile` or `profile:key=value,...`.
    ///
    /// ```
    /// use swimlab::protocol::{Config, Span};
    ///
    /// let config: Config = "lifeguard:period=2s,suspicion=10s".parse()?;
    /// assert_eq!(config.period, Span::from_secs(2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn from_str(label: &str) -> Result<Self, SpecError> {
        profiles().build(&Spec::parse(label)?, &())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{DefaultStrategies, Span, preset, presets};

    #[test]
    fn every_profile_is_valid_by_itself_and_with_every_preset() {
        for profile in PROFILES {
            assert!(profile.about.ends_with('.'), "{}: one sentence", profile.name);
            profiles().build(&Spec::of(profile.name), &()).unwrap();
            for preset in presets() {
                profiles().build(&preset.under(Spec::of(profile.name)), &()).unwrap();
            }
        }
    }

    #[test]
    fn the_constructors_are_the_profiles_of_their_names() {
        type Constructor = fn() -> Config;
        let constructors: [(&str, Constructor); 13] = [
            ("swim", Config::swim),
            ("swim-basic", Config::swim_basic),
            ("swim-inf", Config::swim_inf),
            ("swim-inf-susp", Config::swim_inf_susp),
            ("go-swim", Config::go_swim),
            ("memberlist-local", Config::memberlist_local),
            ("memberlist-lan", Config::memberlist_lan),
            ("memberlist-wan", Config::memberlist_wan),
            ("lifeguard", Config::lifeguard),
            ("lha-probe", Config::lha_probe),
            ("lha-suspicion", Config::lha_suspicion),
            ("buddy", Config::buddy),
            ("medley", Config::medley),
        ];
        for (name, constructor) in constructors {
            let named: Config = name.parse().unwrap();
            assert_eq!(format!("{:?}", constructor()), format!("{named:?}"), "{name}");
        }
    }

    #[test]
    fn presets_have_constructors_and_yield_to_given_values() {
        for (constructor, name) in
            [(Config::local as fn() -> Config, "local"), (Config::lan, "lan"), (Config::wan, "wan")]
        {
            let spec = preset(name).unwrap().under(Spec::of("swim"));
            assert_eq!(
                format!("{:?}", constructor()),
                format!("{:?}", profiles().build(&spec, &()).unwrap()),
                "{name}"
            );
        }
        let spec = preset("wan").unwrap().under(Spec::of("swim").with("period", "9s"));
        let config = profiles().build(&spec, &()).unwrap();
        assert_eq!((config.period, config.probe_timeout), (Span::from_secs(9), Span::from_secs(3)));
    }

    #[test]
    fn the_swim_profile_has_the_documented_defaults() {
        let swim = Config::swim();
        assert_eq!((swim.period, swim.probe_timeout), (Span::from_secs(1), Span::from_millis(500)));
        assert_eq!((swim.direct, swim.indirect), (1, 3));
        assert_eq!(swim.dissemination.transmissions(100), 12);
    }

    #[test]
    fn mistakes_in_the_text_form_are_named() {
        let refusal = |label: &str| label.parse::<Config>().unwrap_err().to_string();
        assert_eq!(refusal("swim:probe_timeout=2s"), "swim: probe_timeout (2s) must be shorter than period (1s)");
        assert_eq!(refusal("swimm"), "unknown profile \"swimm\"; did you mean swim, swim-inf or swim-basic?");
        assert_eq!(
            refusal("swim:suspicion=fixt"),
            "swim: suspicion must be one of none, fixed, confirmed, or a time from 0.001s to 10000000s, like \"5s\", \
             not fixt; did you mean fixed?"
        );
    }

    #[test]
    fn a_time_as_suspicion_is_an_absolute_one() {
        let config: Config = "memberlist-lan:suspicion=1m 30s".parse().unwrap();
        for n in [2, 100, 100_000] {
            assert_eq!(config.suspicion.timeout(config.period, n, 0), Span::from_secs(90));
        }
    }

    #[test]
    fn a_users_profile_is_registered_beside_the_others() {
        let mut registry = profiles();
        let hasty = Profile {
            name: "hasty",
            about: "No suspicion.",
            values: &["suspicion=none", "period=500ms,probe_timeout=100ms"],
            defaults: DefaultStrategies::ANY,
        };
        hasty.register(&mut registry).unwrap();
        let config = registry.build(&Spec::of("hasty").with("indirect", 7.0), &()).unwrap();
        assert_eq!((config.period, config.indirect), (Span::from_millis(500), 7));
        assert_eq!(config.suspicion.timeout(config.period, 100, 0), Span::ZERO);

        let refusal = |values| Profile { values, ..hasty }.register(&mut profiles()).unwrap_err().to_string();
        assert_eq!(refusal(&["haste=9"]), "hasty: haste is no key of the protocol");
        assert_eq!(refusal(&["direct=99"]), "hasty: direct must be an integer from 1 to 16, not 99");
    }
}
