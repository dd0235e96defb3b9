//! `medley`: Yang and others (Middleware 2019): SWIM whose pings mostly go to near members. The locality is in the
//! selector and helpers `spatial`, which an experiment names beside this profile; the rest is SWIM with one ping and three
//! helpers per period.

use super::Profile;

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "medley",
    about: "SWIM for Medley's spatial selector: one ping, three helpers of its own for each silent target (Middleware 2019).",
    values: &["direct=1,indirect=3,prober=classic,suspicion=fixed,dissemination=piggyback"],
};
