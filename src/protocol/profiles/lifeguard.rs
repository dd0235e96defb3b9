//! `lifeguard`: the three extensions by Dadgar, Phillips and Currey (DSN 2018) together: a local health multiplier with
//! nacks, suspicion that shrinks with each confirmation, and the buddy system, on memberlist's LAN machinery.
//!
//! Details are the paper's: alpha = 5, beta = 6, K = 3, a health score up to S = 8, and both the failed probe and each
//! missing nack count. memberlist's own variant is in the `memberlist-*` profiles; `health_limit`, `health_scoring`
//! and `health_pacing` choose between them.

use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};
use crate::protocol::presets;

/// The paper's SWIM baseline, which the extensions are added to: memberlist without Lifeguard, alpha = 5, beta = 1.
pub(super) const BASE: &[&str] = &[
    presets::COMMON,
    presets::LAN.values,
    "prober=classic,suspicion=fixed,dissemination=gossip,suspicion_mult=5,suspicion_scale=memberlist",
    "gossip_to_dead=30s,dead_retention=30s,join_syncs=2,anti_entropy=false,reconnect_every=0,reconnect_limit=0",
];

pub(super) const PROFILE: Profile = Profile {
    name: "lifeguard",
    about: "Lifeguard: local health with nacks, confirmed suspicions, buddy system (DSN 2018, alpha = 5, beta = 6).",
    values: &[BASE[0], BASE[1], BASE[2], BASE[3], "prober=nack,suspicion=confirmed,dissemination=gossip-buddy"],
    defaults: DefaultStrategies::selector("shuffle"),
};

impl Config {
    /// Lifeguard (DSN 2018) with all three extensions: local health, confirmed suspicions, buddy system.
    pub fn lifeguard() -> Self {
        PROFILE.config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_timeouts_match_its_paper() {
        // Derived in the literature for n = 128, alpha = 5, beta = 6, K = 3.
        let config = Config::lifeguard();
        let timeout = |c| config.suspicion.timeout(config.period, 128, c).as_secs_f64();
        for (confirmations, paper) in [(0, 63.2), (1, 36.9), (2, 21.5), (3, 10.54)] {
            let ours = timeout(confirmations);
            assert!((ours - paper).abs() < 0.06, "{confirmations} confirmations: {ours} s, not {paper}");
        }
    }

    #[test]
    fn each_extension_alone_differs_from_the_base_in_one_key() {
        let parts = |config: Config| {
            let Config { prober, suspicion, dissemination, .. } = config;
            (prober.local_health().is_some(), suspicion.confirmations_wanted(128), dissemination.is_buddy())
        };
        assert_eq!(parts(Config::lifeguard()), (true, 3, true));
        assert_eq!(parts(Config::lha_probe()), (true, 0, false));
        assert_eq!(parts(Config::lha_suspicion()), (false, 3, false));
        assert_eq!(parts(Config::buddy()), (false, 0, true));
    }
}
