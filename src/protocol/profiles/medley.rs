//! `medley`: Yang and others (Middleware 2019): SWIM whose pings mostly go to near members. The locality is in the
//! selector and helpers `spatial`; the rest is SWIM with one ping and three helpers per period.

use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};

/// m = 3, as its authors found best.
const SPATIAL: &str = "spatial:exponent=3,metric=rtt";

pub(super) const PROFILE: Profile = Profile {
    name: "medley",
    about: "Medley: mostly near members are pinged and asked for help, with a weight of 1/d^3 (Middleware 2019).",
    values: &["direct=1,indirect=3,prober=classic,suspicion=fixed,dissemination=piggyback"],
    defaults: DefaultStrategies { selector: Some(SPATIAL), helpers: Some(SPATIAL) },
};

impl Config {
    /// Medley (Middleware 2019): pings and indirect pings prefer near members.
    pub fn medley() -> Self {
        PROFILE.config()
    }
}
