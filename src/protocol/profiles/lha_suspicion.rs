//! `lha-suspicion`: Lifeguard's suspicion alone (section IV-B): it starts long, shrinks with each independent
//! confirmation, and the first K confirmations are gossiped on.

use super::lifeguard::GROUND;
use super::{Company, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "lha-suspicion",
    about: "Lifeguard's second part alone: a long suspicion that shrinks with each independent confirmation.",
    values: &[GROUND[0], GROUND[1], GROUND[2], GROUND[3], "suspicion=confirmed"],
    company: Company::selector("shuffle"),
};
