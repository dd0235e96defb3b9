//! `memberlist-local`, `memberlist-lan`, `memberlist-wan`: HashiCorp's memberlist with its three sets of defaults.
//!
//! Beside the probes a gossip tick, and a periodic push-pull of whole tables over streams; the recently dead get gossip,
//! too, so that they can refute; a silent target is pinged over a stream beside the helpers. Lifeguard is built in, in
//! memberlist's own reading: the health score ends at 7 and draws out only the rounds that fail, a failed probe costs as
//! many points as nacks are missing, and K = suspicion_mult - 2 confirmations.
//!
//! EventKind it lacks is switched off: members do not speak up against old records of them, and nobody calls the forgotten dead
//! (that is Serf's part). Who is forgotten is a stranger again, and comes back with any record of it. A joiner asks each of its three seeds once.

use super::{DefaultStrategies, Profile};
use crate::protocol::presets;

/// EventKind the three have in common.
const PARTS: &str = "prober=nack,health_limit=7,health_scoring=memberlist,health_pacing=memberlist,suspicion=confirmed,\
    suspicion_scale=memberlist,dissemination=gossip-buddy,join_syncs=2,anti_entropy=false,reconnect_every=0,\
    reconnect_limit=0";

/// For one machine.
pub(super) const LOCAL: Profile = Profile {
    name: "memberlist-local",
    about: "HashiCorp memberlist, settings for one machine.",
    values: &[presets::COMMON, presets::LOCAL.values, PARTS, "confirmations=1,gossip_to_dead=15s,dead_retention=15s"],
    defaults: DefaultStrategies::selector("shuffle"),
};

/// For a local network: memberlist's default.
pub(super) const LAN: Profile = Profile {
    name: "memberlist-lan",
    about: "HashiCorp memberlist with its defaults: gossip tick, push-pull, stream ping, gossip to the dead, Lifeguard.",
    values: &[presets::COMMON, presets::LAN.values, PARTS, "confirmations=2,gossip_to_dead=30s,dead_retention=30s"],
    defaults: DefaultStrategies::selector("shuffle"),
};

/// For several continents.
pub(super) const WAN: Profile = Profile {
    name: "memberlist-wan",
    about: "HashiCorp memberlist, settings for several continents.",
    values: &[presets::COMMON, presets::WAN.values, PARTS, "confirmations=4,gossip_to_dead=60s,dead_retention=60s"],
    defaults: DefaultStrategies::selector("shuffle"),
};

#[cfg(test)]
mod tests {
    use crate::protocol::{Config, Span};

    #[test]
    fn the_settings_are_those_of_the_published_table() {
        let local = Config::of("memberlist-local");
        let lan = Config::of("memberlist-lan");
        let wan = Config::of("memberlist-wan");
        assert_eq!([&local, &lan, &wan].map(|s| s.probe_timeout.as_secs_f64()), [0.2, 0.5, 3.0]);
        assert_eq!([&local, &lan, &wan].map(|s| s.period), [1, 1, 5].map(Span::from_secs));
        assert_eq!([&local, &lan, &wan].map(|s| s.indirect), [1, 3, 3]);
        assert_eq!([&local, &lan, &wan].map(|s| s.suspicion_mult), [3.0, 4.0, 6.0]);
        assert_eq!([&local, &lan, &wan].map(|s| s.confirmations), [1, 2, 4]);
        assert_eq!([&local, &lan, &wan].map(|s| s.retransmit_mult), [2, 4, 4]);
        assert_eq!([&local, &lan, &wan].map(|s| s.gossip_nodes), [3, 3, 4]);
        assert_eq!([&local, &lan, &wan].map(|s| s.sync_interval), [15, 30, 60].map(Span::from_secs));
        assert_eq!([&local, &lan, &wan].map(|s| s.gossip_to_dead), [15, 30, 60].map(Span::from_secs));
        // 4 x max(1, log10 100) x 1 s, six times that without confirmations.
        let timeout = |confirmations| lan.suspicion.timeout(&lan, 100, confirmations);
        assert_eq!((timeout(0), timeout(2)), (Span::from_secs(48), Span::from_secs(8)));
    }
}
