//! `swim-basic`: the first protocol of the 2002 paper (section 3): who does not answer is declared failed at once, and
//! the declaration is multicast. Its own selector is `uniform`.
//!
//! The settings are those of the paper's testbed: one helper, a period of 2 s. The timeout is not published; a third of
//! the period leaves as much time for the helper's detour.

use super::{DefaultStrategies, Profile};

/// The paper's testbed (section 5): k = 1, T' = 2 s, at most 6 updates on a message; the dead stay dead, nobody speaks up
/// against an obituary, and no partition heals.
pub(super) const TESTBED: &str = "period=2s,probe_timeout=667ms,indirect=1,prober=classic,max_updates=6,\
    suspicion_mult=3,suspicion_scale=ln,retransmit_mult=3,retransmit_scale=ln,\
    dead_final=true,anti_entropy=false,reconnect_every=0";

/// The variant.
pub(super) const PROFILE: Profile = Profile {
    name: "swim-basic",
    about: "SWIM's first form: no suspicion, and news is multicast (DSN 2002, section 3).",
    values: &[TESTBED, "suspicion=none,dissemination=multicast"],
    defaults: DefaultStrategies::selector("uniform"),
};
