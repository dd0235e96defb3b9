//! `lha-probe`: Lifeguard's local health multiplier alone (section IV-A): who fails to hear acks and nacks probes more
//! slowly and waits longer.

use super::lifeguard::GROUND;
use super::{Company, Profile};

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "lha-probe",
    about: "Lifeguard's first part alone: probes slow down when one's own health is in doubt, and helpers send nacks.",
    values: &[GROUND[0], GROUND[1], GROUND[2], GROUND[3], "prober=nack"],
    company: Company::selector("shuffle"),
};
