//! `lha-suspicion`: Lifeguard's suspicion alone (section IV-B): it starts long, shrinks with each independent
//! confirmation, and the first K confirmations are gossiped on.

use super::lifeguard::BASE;
use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};

pub(super) const PROFILE: Profile = Profile {
    name: "lha-suspicion",
    about: "Lifeguard's second part alone: a long suspicion that shrinks with each independent confirmation.",
    values: &[BASE[0], BASE[1], BASE[2], BASE[3], "suspicion=confirmed"],
    defaults: DefaultStrategies::selector("shuffle"),
};

impl Config {
    /// Lifeguard's confirmed suspicions alone (section IV-B).
    pub fn lha_suspicion() -> Self {
        PROFILE.config()
    }
}
