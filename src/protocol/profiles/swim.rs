//! `swim`: SWIM as this laboratory runs it by default: the 2002 paper's parts, with memberlist's multiples, refutation by
//! the dead, and healing after partitions.

use super::{DefaultStrategies, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "swim",
    about: "SWIM with infection-style dissemination, suspicion and round-robin probing (DSN 2002).",
    values: &[],
    defaults: DefaultStrategies::ANY,
};
