//! `swim-inf-susp`: the 2002 paper's SWIM+Inf+Susp (section 4.2): a member that does not answer is suspected, and
//! declared failed only if it does not refute within 3 ceil(ln(n+1)) periods.

use super::profile::Profile;
use super::swim_basic::TESTBED;
use crate::protocol::config::{Config, DefaultStrategies};

pub(super) const PROFILE: Profile = Profile {
    name: "swim-inf-susp",
    about: "SWIM with infection-style dissemination and suspicion, settings of its paper (DSN 2002, section 4.2).",
    values: &[TESTBED, "suspicion=fixed,dissemination=piggyback"],
    defaults: DefaultStrategies::selector("shuffle"),
};

impl Config {
    /// The 2002 paper's SWIM+Inf+Susp (section 4.2), the values of its testbed.
    pub fn swim_inf_susp() -> Self {
        PROFILE.config()
    }
}
