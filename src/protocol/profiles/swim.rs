//! `swim`: SWIM as this laboratory runs it by default: the 2002 paper's parts, with memberlist's multiples, refutation
//! by members declared dead, healing after partitions, state syncs by digests, and helpers that are near where distances are known.

use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};
use crate::protocol::presets::{LAN, LOCAL, WAN};

pub(super) const PROFILE: Profile = Profile {
    name: "swim",
    about: "SWIM with infection-style dissemination, suspicion and round-robin probing (DSN 2002).",
    values: &["sync_digests=true"],
    defaults: DefaultStrategies { selector: None, helpers: Some("regional") },
};

impl Config {
    /// SWIM as this laboratory runs it by default: the 2002 paper's parts with memberlist's multiples, refutation by
    /// dead members, and healing after partitions.
    pub fn swim() -> Self {
        PROFILE.config()
    }

    /// The default protocol for a local network or one region of a cloud: the profile `swim` with the preset `lan`.
    pub fn lan() -> Self {
        PROFILE.with_preset(&LAN)
    }

    /// The default protocol for groups over several continents: the profile `swim` with the preset `wan`.
    pub fn wan() -> Self {
        PROFILE.with_preset(&WAN)
    }

    /// The default protocol for a single machine: the profile `swim` with the preset `local`.
    pub fn local() -> Self {
        PROFILE.with_preset(&LOCAL)
    }
}
