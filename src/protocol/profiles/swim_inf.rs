//! `swim-inf`: the 2002 paper's SWIM+Inf (section 4.1): updates ride on pings, acks and ping requests, at most
//! 3 ceil(ln(n+1)) times from each member, the least-sent first. Without suspicion.

use super::profile::Profile;
use super::swim_basic::TESTBED;
use crate::protocol::config::{Config, DefaultStrategies};

pub(super) const PROFILE: Profile = Profile {
    name: "swim-inf",
    about: "Basic SWIM with infection-style dissemination in place of multicast (DSN 2002, section 4.1).",
    values: &[TESTBED, "suspicion=none,dissemination=piggyback"],
    defaults: DefaultStrategies::selector("uniform"),
};

impl Config {
    /// The 2002 paper's SWIM+Inf (section 4.1): infection-style dissemination, no suspicion, the values of its testbed.
    pub fn swim_inf() -> Self {
        PROFILE.config()
    }
}
