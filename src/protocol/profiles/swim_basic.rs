//! `swim-basic`: the first protocol of the 2002 paper (section 3): a member that does not answer is declared failed at
//! once, and the declaration is multicast. Its own selector is `uniform`.
//!
//! The values are those of the paper's testbed: one helper, a period of 2 s. The timeout is not published; a third of
//! the period leaves as much time for the detour over the helper.

use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};

/// The paper's testbed (section 5): k = 1, T' = 2 s, at most 6 updates on a message; a declaration of death is final,
/// and no partition heals.
pub(super) const TESTBED: &str = "period=2s,probe_timeout=667ms,indirect=1,prober=classic,max_updates=6,\
    suspicion_mult=3,suspicion_scale=ln,retransmit_mult=3,retransmit_scale=ln,\
    dead_final=true,anti_entropy=false,reconnect_every=0";

pub(super) const PROFILE: Profile = Profile {
    name: "swim-basic",
    about: "SWIM's first form: no suspicion, and updates are multicast (DSN 2002, section 3).",
    values: &[TESTBED, "suspicion=none,dissemination=multicast"],
    defaults: DefaultStrategies::selector("uniform"),
};

impl Config {
    /// The 2002 paper's basic protocol (section 3): no suspicion, multicast declarations, the values of its testbed.
    pub fn swim_basic() -> Self {
        PROFILE.config()
    }
}
