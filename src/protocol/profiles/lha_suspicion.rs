//! `lha-suspicion`: Lifeguard's suspicion alone (section IV-B): it starts long, shrinks with each independent
//! confirmation, and the first K confirmations are gossiped on.

use super::lifeguard::BASE;
use super::{DefaultStrategies, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "lha-suspicion",
    about: "Lifeguard's second part alone: a long suspicion that shrinks with each independent confirmation.",
    values: &[BASE[0], BASE[1], BASE[2], BASE[3], "suspicion=confirmed"],
    defaults: DefaultStrategies::selector("shuffle"),
};
