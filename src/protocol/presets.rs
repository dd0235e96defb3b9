//! Presets: protocol values for common networks.
//!
//! They hold the intervals and multiples of memberlist's three configurations, and its dissemination: with these
//! multiples a suspicion in a group of hundreds is shorter than a round trip of updates that ride on pings alone.

use swimlab_selectors::{Spec, Value};

/// Named values for an experiment file's `[protocol]` table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Name in files and on the command line.
    pub name: &'static str,
    /// Description, one sentence.
    pub about: &'static str,
    /// Keys and values as in a label, in addition to [`COMMON`].
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
    /// Keys and values.
    pub fn values(&self) -> impl Iterator<Item = (String, Value)> {
        let spec = Spec::parse(&format!("preset:{COMMON},{}", self.values)).expect("presets are labels");
        spec.values.into_iter()
    }

    /// The spec of a profile with the preset's values added for all keys that the spec does not give itself.
    pub fn under(&self, spec: Spec) -> Spec {
        self.values().fold(spec, |spec, (key, value)| {
            let is_given = spec.values.contains_key(&key);
            if is_given { spec } else { spec.with(&key, value) }
        })
    }
}

const PRESETS: [Preset; 3] = [LOCAL, LAN, WAN];

/// Values of all presets.
pub(super) const COMMON: &str =
    "suspicion_max_mult=6,suspect_first=true,dissemination=gossip-buddy,join_syncs=6,stream_ping=true";

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
