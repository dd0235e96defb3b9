//! `memberlist-local`, `memberlist-lan`, `memberlist-wan`: HashiCorp's memberlist with its three sets of defaults.
//!
//! Beside the probes there are gossip messages and a periodic exchange of whole tables over streams (push-pull);
//! recently dead members get gossip, too, so that they can refute; a silent target is also pinged over a stream.
//! Lifeguard is built in, in memberlist's variant: the health score ends at 7 and stretches only the rounds that fail,
//! a failed probe costs as many points as nacks are missing, and K = suspicion_mult - 2 confirmations.
//!
//! Features that memberlist lacks are switched off: members do not refute outdated records on any message, and
//! forgotten members are not tried again (that is Serf's part), so that they return with any record of them. A joiner
//! asks each of its three seeds once.

use super::profile::Profile;
use crate::protocol::config::{Config, DefaultStrategies};
use crate::protocol::presets;

/// Values of all three.
const PARTS: &str = "prober=nack,health_limit=7,health_scoring=memberlist,health_pacing=memberlist,suspicion=confirmed,\
    suspicion_scale=memberlist,suspect_first=false,dissemination=gossip-buddy,join_syncs=2,anti_entropy=false,\
    reconnect_every=0,reconnect_limit=0";

/// memberlist's `DefaultLocalConfig`.
pub(super) const LOCAL: Profile = Profile {
    name: "memberlist-local",
    about: "HashiCorp memberlist, settings for one machine.",
    values: &[presets::COMMON, presets::LOCAL.values, PARTS, "confirmations=1,gossip_to_dead=15s,dead_retention=15s"],
    defaults: DefaultStrategies::selector("shuffle"),
};

/// memberlist's `DefaultLANConfig`.
pub(super) const LAN: Profile = Profile {
    name: "memberlist-lan",
    about: "HashiCorp memberlist with its defaults: gossip tick, push-pull, stream ping, gossip to the dead, Lifeguard.",
    values: &[presets::COMMON, presets::LAN.values, PARTS, "confirmations=2,gossip_to_dead=30s,dead_retention=30s"],
    defaults: DefaultStrategies::selector("shuffle"),
};

/// memberlist's `DefaultWANConfig`.
pub(super) const WAN: Profile = Profile {
    name: "memberlist-wan",
    about: "HashiCorp memberlist, settings for several continents.",
    values: &[presets::COMMON, presets::WAN.values, PARTS, "confirmations=4,gossip_to_dead=60s,dead_retention=60s"],
    defaults: DefaultStrategies::selector("shuffle"),
};

impl Config {
    /// memberlist's `DefaultLocalConfig`, for one machine.
    pub fn memberlist_local() -> Self {
        LOCAL.config()
    }

    /// memberlist's `DefaultLANConfig`, its default.
    pub fn memberlist_lan() -> Self {
        LAN.config()
    }

    /// memberlist's `DefaultWANConfig`, for groups over several continents.
    pub fn memberlist_wan() -> Self {
        WAN.config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Span;

    #[test]
    fn the_values_are_those_of_the_published_table() {
        let all = [Config::memberlist_local(), Config::memberlist_lan(), Config::memberlist_wan()];
        let each = all.each_ref();
        assert_eq!(each.map(|config| config.probe_timeout.as_secs_f64()), [0.2, 0.5, 3.0]);
        assert_eq!(each.map(|config| config.period), [1, 1, 5].map(Span::from_secs));
        assert_eq!(each.map(|config| config.indirect), [1, 3, 3]);
        assert_eq!(each.map(|config| config.suspicion.confirmations_wanted(100)), [1, 2, 4]);
        assert_eq!(each.map(|config| config.dissemination.transmissions(9)), [2, 4, 4]);
        assert_eq!(each.map(|config| config.sync_interval), [15, 30, 60].map(Span::from_secs));
        let gossip = each.map(|config| config.dissemination.gossip().unwrap());
        assert_eq!(gossip.map(|gossip| gossip.nodes), [3, 3, 4]);
        assert_eq!(gossip.map(|gossip| gossip.to_dead), [15, 30, 60].map(Span::from_secs));
        // The shortest suspicion: 3, 4 and 6 x log10 100 periods.
        let shortest = each.map(|config| config.suspicion.timeout(config.period, 100, 64));
        assert_eq!(shortest, [6, 8, 60].map(Span::from_secs));
        // Six times as long without confirmations.
        let lan = &all[1];
        assert_eq!(lan.suspicion.timeout(lan.period, 100, 0), Span::from_secs(48));
    }
}
