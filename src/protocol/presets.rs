//! Presets: sets of protocol values for common networks. They hold the intervals and multiples of memberlist's profiles,
//! and its dissemination: with those multiples a suspicion in a group of hundreds is shorter than news on pings alone
//! takes there and back.

use swimlab_selectors::{Spec, Value};

use super::config::Config;
use super::profiles::profiles;

/// Values for an experiment file's `[protocol]` table, by a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// Keys and values, as in a label, beside those [`COMMON`] to all.
    pub(super) values: &'static str,
}

/// All presets.
pub fn presets() -> &'static [Preset] {
    &PRESETS
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

impl Preset {
    /// Its keys and values.
    pub fn values(&self) -> impl Iterator<Item = (String, Value)> {
        let spec = Spec::parse(&format!("preset:{COMMON},{}", self.values)).expect("presets are labels");
        spec.values.into_iter()
    }

    /// The same over a profile's own values; those that the spec gives itself stay.
    pub fn under(&self, spec: Spec) -> Spec {
        self.values().fold(spec, |spec, (key, value)| {
            let is_given = spec.values.contains_key(&key);
            if is_given { spec } else { spec.with(&key, value) }
        })
    }

    /// The settings of a profile with these values.
    ///
    /// # Panics
    /// If there is no such profile.
    pub fn config(&self, profile: &str) -> Config {
        profiles().build(&self.under(Spec::of(profile)), &()).expect("a profile of this name")
    }
}

const PRESETS: [Preset; 3] = [LOCAL, LAN, WAN];

/// EventKind all of them set.
pub(super) const COMMON: &str = "suspicion_max_mult=6,dissemination=gossip-buddy,join_syncs=6,stream_ping=true";

pub(super) const LOCAL: Preset = Preset {
    name: "local",
    about: "One machine: round trips far below a millisecond.",
    values: "period=1s,probe_timeout=200ms,indirect=1,suspicion_mult=3,retransmit_mult=2,\
             gossip_interval=100ms,gossip_nodes=3,sync_interval=15s",
};

pub(super) const LAN: Preset = Preset {
    name: "lan",
    about: "A local network or one region of a cloud.",
    values: "period=1s,probe_timeout=500ms,indirect=3,suspicion_mult=4,retransmit_mult=4,\
             gossip_interval=200ms,gossip_nodes=3,sync_interval=30s",
};

pub(super) const WAN: Preset = Preset {
    name: "wan",
    about: "Several continents.",
    values: "period=5s,probe_timeout=3s,indirect=3,suspicion_mult=6,retransmit_mult=4,\
             gossip_interval=500ms,gossip_nodes=4,sync_interval=60s",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Span;

    #[test]
    fn presets_fit_every_profile() {
        for entry in profiles().entries() {
            for preset in presets() {
                preset.config(entry.name);
            }
        }
    }

    #[test]
    fn what_a_spec_gives_itself_stays() {
        let spec = preset("wan").unwrap().under(Spec::of("swim").with("period", "9s"));
        let config = profiles().build(&spec, &()).unwrap();
        assert_eq!((config.period, config.probe_timeout), (Span::from_secs(9), Span::from_secs(3)));
    }
}
