//! `swim-inf`: the 2002 paper's SWIM+Inf (section 4.1): news rides on pings, acks and ping requests, at most
//! 3 ceil(ln(n+1)) times from each member, least-sent first. Without suspicion.

use super::swim_basic::TESTBED;
use super::{DefaultStrategies, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "swim-inf",
    about: "Basic SWIM with infection-style dissemination in place of multicast (DSN 2002, section 4.1).",
    values: &[TESTBED, "suspicion=none,dissemination=piggyback"],
    defaults: DefaultStrategies::selector("uniform"),
};
