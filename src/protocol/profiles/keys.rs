//! The text form of a [`Config`]: keys with ranges and common defaults, and the typed values that they describe.
//!
//! A new prober, suspicion or dissemination gets a line in [`PROBERS`], [`SUSPICIONS`] or [`DISSEMINATIONS`], and its
//! parameters a line each in [`params`].

use std::sync::Arc;

use swimlab_selectors::{Param, Params};

use crate::protocol::config::{Config, DefaultStrategies};
use crate::protocol::dissemination::{Dissemination, GossipTick, Multicast, Piggyback};
use crate::protocol::health::{LifeguardVariant, LocalHealth};
use crate::protocol::prober::{BatchedProber, ClassicProber, NackProber, Prober};
use crate::protocol::scale::Scale;
use crate::protocol::suspicion::{AbsoluteSuspicion, ConfirmedSuspicion, FixedSuspicion, NoSuspicion, Suspicion};
use crate::protocol::time::Span;

/// A strategy's name, and how it is made from the parameters.
struct Choice<T: ?Sized> {
    name: &'static str,
    build: fn(&Params) -> Result<Arc<T>, String>,
}

const PROBERS: [Choice<dyn Prober>; 3] = [
    Choice { name: "classic", build: |_| Ok(Arc::new(ClassicProber)) },
    Choice { name: "batched", build: |_| Ok(Arc::new(BatchedProber)) },
    Choice { name: "nack", build: |params| Ok(Arc::new(NackProber { health: local_health(params)? })) },
];

const SUSPICIONS: [Choice<dyn Suspicion>; 3] = [
    Choice { name: "none", build: |_| Ok(Arc::new(NoSuspicion)) },
    Choice { name: "fixed", build: |params| Ok(Arc::new(fixed(params)?)) },
    Choice { name: "confirmed", build: |params| Ok(Arc::new(confirmed(params)?)) },
];

const DISSEMINATIONS: [Choice<dyn Dissemination>; 5] = [
    Choice { name: "multicast", build: |_| Ok(Arc::new(Multicast)) },
    Choice { name: "piggyback", build: |params| Ok(Arc::new(piggyback(params)?)) },
    Choice { name: "gossip", build: |params| Ok(Arc::new(gossip(params)?)) },
    Choice { name: "buddy", build: |params| Ok(Arc::new(Piggyback { buddy: true, ..piggyback(params)? })) },
    Choice { name: "gossip-buddy", build: |params| Ok(Arc::new(Piggyback { buddy: true, ..gossip(params)? })) },
];

const PROBER_NAMES: &[&str] = &names(&PROBERS);
const SUSPICION_NAMES: &[&str] = &names(&SUSPICIONS);
const DISSEMINATION_NAMES: &[&str] = &names(&DISSEMINATIONS);

/// All parameters, with the common defaults.
pub(super) fn params() -> Vec<Param> {
    let (smallest, largest) = Config::PACKET_BYTES.into_inner();
    vec![
        Param::span("period", 1e-3, 3600.0, "1s", "T: between two rounds of direct pings"),
        Param::span("probe_timeout", 1e-4, 3600.0, "500ms", "how long a direct ping may take before helpers are asked"),
        Param::count("direct", 1, 16, 1, "p: direct pings per period").unit("pings"),
        Param::count("indirect", 0, 64, 3, "k: helpers asked for indirect pings").unit("members"),
        Param::choice("prober", PROBER_NAMES, "batched", "indirect probing strategy"),
        Param::choice_or_span(
            "suspicion",
            SUSPICION_NAMES,
            1e-3,
            1e7,
            "fixed",
            "suspicion timeout: a strategy, or an absolute time such as 5s",
        ),
        Param::choice("dissemination", DISSEMINATION_NAMES, "piggyback", "what rides on which message"),
        Param::real("suspicion_mult", 0.0, 1000.0, 4.0, "suspicion lasts this x suspicion_scale periods"),
        Param::choice("suspicion_scale", Scale::NAMES, "log10", "how suspicion grows with the group, at least 1"),
        Param::real("suspicion_max_mult", 1.0, 1000.0, 6.0, "the longest suspicion over the shortest (confirmed)"),
        Param::count("confirmations", 0, 64, 3, "K: confirmations for the shortest suspicion (confirmed)"),
        Param::count("health_limit", 0, 100, 8, "the highest local health score; 0: it never rises (nack)"),
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
            "what a high score stretches: all periods, or failed ones (nack)",
        ),
        Param::count("retransmit_mult", 1, 100, 4, "each member sends an update this x retransmit_scale times"),
        Param::choice("retransmit_scale", Scale::NAMES, "log10", "how repetition grows with the group, rounded up"),
        Param::count("packet_bytes", smallest, largest, 1400, "the largest datagram").unit("bytes"),
        Param::count("max_updates", 0, 1000, 0, "the most updates on one message; 0: as many as fit"),
        Param::span("gossip_interval", 1e-3, 3600.0, "200ms", "between two gossip messages (gossip)"),
        Param::count("gossip_nodes", 0, 64, 3, "receivers of each gossip message (gossip)").unit("members"),
        Param::span("gossip_to_dead", 0.0, 86_400.0, "0s", "for how long the dead still get gossip messages (gossip)"),
        Param::span("sync_interval", 0.0, 86_400.0, "0s", "between two state syncs; 0s: only joiners sync"),
        Param::flag("sync_digests", false, "whether a state sync compares digests first, and exchanges what differs"),
        Param::count("join_syncs", 0, 16, 0, "how often a joiner asks its seeds again while they name new members"),
        Param::flag("stream_ping", false, "whether a silent target is pinged over a stream, too"),
        Param::span("dead_retention", 1.0, 1e7, "10m", "how long the record of a dead member is kept"),
        Param::count("reconnect_every", 0, 100_000, 10, "between two attempts to reach a dead member; 0: never")
            .unit("periods"),
        Param::count("reconnect_limit", 0, 1_000_000, 1024, "forgotten members remembered for reconnection")
            .unit("members"),
        Param::count("member_limit", 1, 1_048_576, 1_048_576, "the most members in a table").unit("members"),
        Param::count("admission_burst", 1, 1_048_576, 2048, "unknown members admitted at once").unit("members"),
        Param::count("admission_rate", 1, 1_000_000, 64, "unknown members admitted per second beyond the burst")
            .unit("members"),
        Param::flag("anti_entropy", true, "whether members refute outdated records of themselves on any message"),
        Param::flag("suspect_first", false, "whether a suspect is told first, and the others half a period later"),
        Param::flag("dead_final", false, "whether a declaration of death is final"),
    ]
}

/// The configuration that these parameters describe.
pub(super) fn build(params: &Params) -> Result<Config, String> {
    let config = Config {
        period: span(params, "period")?,
        probe_timeout: span(params, "probe_timeout")?,
        direct: params.count("direct")?,
        indirect: params.count("indirect")?,
        prober: choose(&PROBERS, params, "prober")?,
        suspicion: match params.time("suspicion")? {
            Some(timeout) => Arc::new(AbsoluteSuspicion { timeout: Span::from_secs_f64(timeout) }),
            None => choose(&SUSPICIONS, params, "suspicion")?,
        },
        dissemination: choose(&DISSEMINATIONS, params, "dissemination")?,
        packet_bytes: params.count("packet_bytes")?,
        max_updates: params.count("max_updates")?,
        sync_interval: span(params, "sync_interval")?,
        sync_digests: params.flag("sync_digests")?,
        join_syncs: params.count("join_syncs")?,
        stream_ping: params.flag("stream_ping")?,
        dead_retention: span(params, "dead_retention")?,
        reconnect_every: params.count("reconnect_every")?,
        reconnect_limit: params.count("reconnect_limit")?,
        member_limit: params.count("member_limit")?,
        admission_burst: params.count("admission_burst")?,
        admission_rate: params.count("admission_rate")?,
        anti_entropy: params.flag("anti_entropy")?,
        suspect_first: params.flag("suspect_first")?,
        dead_final: params.flag("dead_final")?,
        defaults: DefaultStrategies::ANY,
    };
    config.validate().map_err(|error| error.to_string())?;
    Ok(config)
}

fn local_health(params: &Params) -> Result<LocalHealth, String> {
    Ok(LocalHealth {
        limit: params.count("health_limit")?,
        scoring: variant(params, "health_scoring")?,
        pacing: variant(params, "health_pacing")?,
    })
}

fn fixed(params: &Params) -> Result<FixedSuspicion, String> {
    Ok(FixedSuspicion { mult: params.real("suspicion_mult")?, scale: scale(params, "suspicion_scale")? })
}

fn confirmed(params: &Params) -> Result<ConfirmedSuspicion, String> {
    Ok(ConfirmedSuspicion {
        min: fixed(params)?,
        max_mult: params.real("suspicion_max_mult")?,
        confirmations: params.count("confirmations")?,
    })
}

fn piggyback(params: &Params) -> Result<Piggyback, String> {
    let (mult, scale) = (params.count("retransmit_mult")?, scale(params, "retransmit_scale")?);
    Ok(Piggyback { mult, scale, gossip: None, buddy: false })
}

fn gossip(params: &Params) -> Result<Piggyback, String> {
    let gossip = GossipTick {
        interval: span(params, "gossip_interval")?,
        nodes: params.count("gossip_nodes")?,
        to_dead: span(params, "gossip_to_dead")?,
    };
    Ok(Piggyback { gossip: Some(gossip), ..piggyback(params)? })
}

fn span(params: &Params, key: &str) -> Result<Span, String> {
    Ok(Span::from_secs_f64(params.real(key)?))
}

fn scale(params: &Params, key: &str) -> Result<Scale, String> {
    let name = params.text(key)?;
    Scale::named(name).ok_or_else(|| unknown(key, name))
}

fn variant(params: &Params, key: &str) -> Result<LifeguardVariant, String> {
    let name = params.text(key)?;
    LifeguardVariant::named(name).ok_or_else(|| unknown(key, name))
}

fn choose<T: ?Sized>(choices: &[Choice<T>], params: &Params, key: &str) -> Result<Arc<T>, String> {
    let name = params.text(key)?;
    let choice = choices.iter().find(|choice| choice.name == name).ok_or_else(|| unknown(key, name))?;
    (choice.build)(params)
}

fn unknown(key: &str, name: &str) -> String {
    format!("unknown {key} {name}")
}

/// The names of the choices, for their parameter.
const fn names<T: ?Sized, const N: usize>(choices: &[Choice<T>; N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = choices[at].name;
        at += 1;
    }
    names
}
