//! `lha-probe`: Lifeguard's local health multiplier alone (section IV-A): who fails to hear acks and nacks probes more
//! slowly and waits longer.

use super::lifeguard::BASE;
use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};

pub(super) const PROFILE: Profile = Profile {
    name: "lha-probe",
    about: "Lifeguard's first part alone: probes slow down when a member's local health is bad, and helpers send nacks.",
    values: &[BASE[0], BASE[1], BASE[2], BASE[3], "prober=nack"],
    defaults: DefaultStrategies::selector("shuffle"),
};

impl Config {
    /// Lifeguard's local health alone (section IV-A).
    pub fn lha_probe() -> Self {
        PROFILE.config()
    }
}
