//! `buddy`: Lifeguard's buddy system alone (section IV-C): a ping to a suspect tells it of the suspicion.

use super::lifeguard::GROUND;
use super::{Company, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "buddy",
    about: "Lifeguard's third part alone: every ping to a suspect carries the suspicion.",
    values: &[GROUND[0], GROUND[1], GROUND[2], GROUND[3], "dissemination=gossip-buddy"],
    company: Company::selector("shuffle"),
};
