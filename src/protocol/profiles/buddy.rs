//! `buddy`: Lifeguard's buddy system alone (section IV-C): a ping to a suspect tells it of the suspicion.

use super::lifeguard::BASE;
use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};

pub(super) const PROFILE: Profile = Profile {
    name: "buddy",
    about: "Lifeguard's third part alone: every ping to a suspect carries the suspicion.",
    values: &[BASE[0], BASE[1], BASE[2], BASE[3], "dissemination=gossip-buddy"],
    defaults: DefaultStrategies::selector("shuffle"),
};

impl Config {
    /// Lifeguard's buddy system alone (section IV-C).
    pub fn buddy() -> Self {
        PROFILE.config()
    }
}
