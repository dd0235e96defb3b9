//! The keys of a profile: parameters with ranges and common defaults, and the settings that they describe.

use swimlab_selectors::{Param, Params, Spec};

use crate::protocol::config::{Config, DefaultStrategies};
use crate::protocol::dissemination::disseminations;
use crate::protocol::health::LifeguardVariant;
use crate::protocol::prober::probers;
use crate::protocol::scale::Scale;
use crate::protocol::suspicion::suspicions;
use crate::protocol::time::Span;

const PROBERS: &[&str] = &["classic", "batched", "nack"];
const SUSPICIONS: &[&str] = &["none", "fixed", "confirmed"];
const DISSEMINATIONS: &[&str] = &["multicast", "piggyback", "gossip", "buddy", "gossip-buddy"];

/// All parameters, with the common defaults.
pub(super) fn params() -> Vec<Param> {
    vec![
        Param::span("period", 1e-3, 3600.0, "1s", "T: between two rounds of direct pings"),
        Param::span("probe_timeout", 1e-4, 3600.0, "500ms", "how long a direct ping may take before helpers are asked"),
        Param::count("direct", 1, 16, 1, "p: direct pings per period").unit("pings"),
        Param::count("indirect", 0, 64, 3, "k: helpers asked for indirect pings").unit("members"),
        Param::choice("prober", PROBERS, "batched", "how a ping is carried out"),
        Param::choice("suspicion", SUSPICIONS, "fixed", "how long is doubt"),
        Param::choice("dissemination", DISSEMINATIONS, "piggyback", "what rides on which message"),
        Param::real("suspicion_mult", 0.0, 1000.0, 4.0, "suspicion lasts this x suspicion_scale periods"),
        Param::choice("suspicion_scale", Scale::NAMES, "log10", "how suspicion grows with the group, at least 1"),
        Param::real("suspicion_max_mult", 1.0, 1000.0, 6.0, "the longest suspicion over the shortest (confirmed)"),
        Param::count("confirmations", 0, 64, 3, "K: confirmations for the shortest suspicion (confirmed)"),
        Param::count("health_limit", 0, 100, 8, "the worst score of one's own health; 0: it is not judged (nack)"),
        Param::choice(
            "health_scoring",
            LifeguardVariant::NAMES,
            "paper",
            "what a failed probe says of the prober (nack)",
        ),
        Param::choice(
            "health_pacing",
            LifeguardVariant::NAMES,
            "paper",
            "what a bad score draws out: all periods, or failed ones (nack)",
        ),
        Param::count("retransmit_mult", 1, 100, 4, "each member sends news this x retransmit_scale times"),
        Param::choice("retransmit_scale", Scale::NAMES, "log10", "how repetition grows with the group, rounded up"),
        Param::count("packet_bytes", 256, 65_000, 1400, "the largest datagram").unit("bytes"),
        Param::count("max_updates", 0, 1000, 0, "the most updates on one message; 0: as many as fit"),
        Param::span("gossip_interval", 1e-3, 3600.0, "200ms", "between two gossip messages (gossip)"),
        Param::count("gossip_nodes", 0, 64, 3, "who gets one each time (gossip)").unit("members"),
        Param::span("gossip_to_dead", 0.0, 86_400.0, "0s", "for how long the dead still get gossip messages (gossip)"),
        Param::span("sync_interval", 0.0, 86_400.0, "0s", "between two state syncs; 0s: only joiners sync"),
        Param::count(
            "join_syncs",
            0,
            16,
            0,
            "how often a joiner asks its seeds again, for as long as there is somebody new",
        ),
        Param::flag("stream_ping", false, "whether a silent target is pinged over a stream, too"),
        Param::span("dead_retention", 1.0, 1e7, "10m", "how long the record of the dead is kept"),
        Param::count("reconnect_every", 0, 100_000, 10, "one of the dead is tried every so often; 0: never")
            .unit("periods"),
        Param::count("reconnect_limit", 0, 1_000_000, 1024, "forgotten members kept to be tried").unit("members"),
        Param::flag("anti_entropy", true, "whether members speak up against old records of them"),
        Param::flag("dead_final", false, "whether the dead stay dead, whatever they say"),
    ]
}

/// The settings that these parameters describe.
pub(super) fn build(params: &Params) -> Result<Config, String> {
    let span = |name| Span::from_secs_f64(params.real(name));
    let named = |name: &str| Spec::of(params.text(name));
    let scale = |name: &str| Scale::named(params.text(name)).ok_or_else(|| format!("an unknown {name}"));
    let config = Config {
        period: span("period"),
        probe_timeout: span("probe_timeout"),
        direct: params.count("direct"),
        indirect: params.count("indirect"),
        prober: probers().build(&named("prober"), &()).map_err(|error| error.to_string())?,
        suspicion: suspicions().build(&named("suspicion"), &()).map_err(|error| error.to_string())?,
        dissemination: disseminations().build(&named("dissemination"), &()).map_err(|error| error.to_string())?,
        suspicion_mult: params.real("suspicion_mult"),
        suspicion_scale: scale("suspicion_scale")?,
        suspicion_max_mult: params.real("suspicion_max_mult"),
        confirmations: params.count("confirmations"),
        retransmit_mult: params.count("retransmit_mult"),
        retransmit_scale: scale("retransmit_scale")?,
        health_limit: params.count("health_limit"),
        health_scoring: LifeguardVariant::named(params.text("health_scoring")).ok_or("an unknown health_scoring")?,
        health_pacing: LifeguardVariant::named(params.text("health_pacing")).ok_or("an unknown health_pacing")?,
        packet_bytes: params.count("packet_bytes"),
        max_updates: params.count("max_updates"),
        gossip_interval: span("gossip_interval"),
        gossip_nodes: params.count("gossip_nodes"),
        gossip_to_dead: span("gossip_to_dead"),
        sync_interval: span("sync_interval"),
        join_syncs: params.count("join_syncs"),
        stream_ping: params.flag("stream_ping"),
        dead_retention: span("dead_retention"),
        reconnect_every: params.count("reconnect_every"),
        reconnect_limit: params.count("reconnect_limit"),
        anti_entropy: params.flag("anti_entropy"),
        dead_final: params.flag("dead_final"),
        defaults: DefaultStrategies::ANY,
    };
    if config.probe_timeout >= config.period {
        return Err(format!(
            "probe_timeout ({}) must be shorter than period ({})",
            config.probe_timeout, config.period
        ));
    }
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::Registry;

    #[test]
    fn the_choices_offered_are_the_registries_own() {
        fn names<T>(registry: &Registry<T>) -> Vec<&str> {
            registry.entries().iter().map(|entry| entry.name).collect()
        }
        assert_eq!(names(&probers()), PROBERS);
        assert_eq!(names(&suspicions()), SUSPICIONS);
        assert_eq!(names(&disseminations()), DISSEMINATIONS);
    }
}
