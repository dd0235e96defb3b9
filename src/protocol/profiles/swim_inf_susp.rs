//! `swim-inf-susp`: the 2002 paper's SWIM+Inf+Susp (section 4.2): who does not answer is suspected, and declared failed
//! only if it does not refute within 3 ceil(ln(n+1)) periods.

use super::swim_basic::TESTBED;
use super::{DefaultStrategies, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "swim-inf-susp",
    about: "SWIM with infection-style dissemination and suspicion, settings of its paper (DSN 2002, section 4.2).",
    values: &[TESTBED, "suspicion=fixed,dissemination=piggyback"],
    defaults: DefaultStrategies::selector("shuffle"),
};
