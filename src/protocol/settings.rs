//! The protocol's settings, and profiles: named sets of them.

use std::fmt;
use std::sync::Arc;

use swimlab_selectors::registry::{Param, Params, Registry, Spec, Value};

use super::dissemination::{Dissemination, disseminations};
use super::prober::{Prober, probers};
use super::suspicion::{Suspicion, suspicions};
use super::time::Span;

/// All that one member's protocol can be told, besides its selector. Built by [`profiles`].
#[derive(Clone)]
pub struct Settings {
    /// T: the protocol period, between two rounds of direct pings.
    pub period: Span,
    /// How long a direct ping may take before helpers are asked. Slow peers get more time, up to two thirds of the
    /// period.
    pub probe_timeout: Span,
    /// p: direct pings per period.
    pub direct: u32,
    /// k: helpers that are asked for indirect pings.
    pub indirect: u32,
    /// How a ping is carried out.
    pub prober: Arc<dyn Prober>,
    /// How long is doubt.
    pub suspicion: Arc<dyn Suspicion>,
    /// How news spreads.
    pub dissemination: Arc<dyn Dissemination>,
    /// A suspect has this times max(1, log10(n+1)) periods to refute.
    pub suspicion_mult: f64,
    /// The longest suspicion, in multiples of the shortest (`confirmed` only).
    pub suspicion_max_mult: f64,
    /// K: independent confirmations that bring a suspicion to its shortest (`confirmed` only).
    pub confirmations: u32,
    /// A piece of news is sent this times ceil(log10(n+1)) times by each member.
    pub retransmit_mult: u32,
    /// The largest datagram, in bytes.
    pub packet_bytes: u32,
    /// The most updates on one message; 0: as many as fit.
    pub max_updates: u32,
    /// Between two gossip messages (`gossip` only).
    pub gossip_interval: Span,
    /// Who gets one each time (`gossip` only).
    pub gossip_nodes: u32,
    /// Between two state syncs with a random member; zero: only joiners sync. Stretched in groups above 32 by
    /// ceil(log2 n - log2 32) + 1, as memberlist does.
    pub sync_interval: Span,
    /// How many more times a joiner asks its seeds in turn for their tables, a period apart, for as long as there is
    /// somebody new: so many who join at once find each other.
    pub join_syncs: u32,
    /// Whether a silent target is pinged over a stream, too, while helpers are asked.
    pub stream_ping: bool,
    /// How long the record of a dead or departed member is kept.
    pub dead_retention: Span,
    /// Every so many periods one dead member is tried, in case it lives behind a healed partition; 0: never.
    pub reconnect_every: u32,
    /// How many forgotten members are kept to be tried.
    pub reconnect_limit: u32,
    /// Whether members speak up when a message shows that its sender's record of them is old or dead.
    pub anti_entropy: bool,
    /// Whether the dead stay dead, whatever they say (the 2002 paper).
    pub dead_final: bool,
}

/// The profiles by name. All take the same parameters, each with defaults of its own; the parameters are the keys of
/// an experiment file's `[protocol]` table.
pub fn profiles() -> Registry<Settings> {
    let mut registry = Registry::new("profile");
    registry.register(
        "swim",
        "SWIM with infection-style dissemination, suspicion and round-robin probing (DSN 2002).",
        params(&[]),
        |params, ()| build(params),
    );
    registry
}

impl Settings {
    /// The settings of a profile with its own defaults.
    ///
    /// # Panics
    /// If there is no such profile.
    pub fn of(profile: &str) -> Self {
        profiles().build(&Spec::of(profile), &()).expect("a profile of this name")
    }

    /// State sync's interval in a group of `n`; `None` if there is none.
    pub fn sync_interval(&self, n: u32) -> Option<Span> {
        let stretch = if n <= 32 { 1 } else { n.next_power_of_two().ilog2() - 5 + 1 };
        (self.sync_interval > Span::ZERO).then(|| self.sync_interval * u64::from(stretch))
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("period", &self.period).finish_non_exhaustive()
    }
}

const PROBERS: &[&str] = &["classic", "batched"];
const SUSPICIONS: &[&str] = &["none", "fixed", "confirmed"];
const DISSEMINATIONS: &[&str] = &["multicast", "piggyback", "gossip", "buddy", "gossip-buddy"];

/// The parameters of every profile, with this one's own defaults.
fn params(own: &[(&'static str, Value)]) -> Vec<Param> {
    let mut params = vec![
        Param::span("period", 1e-3, 3600.0, "1s", "T: between two rounds of direct pings"),
        Param::span("probe_timeout", 1e-4, 3600.0, "500ms", "how long a direct ping may take before helpers are asked"),
        Param::count("direct", 1, 16, 1, "p: direct pings per period").unit("pings"),
        Param::count("indirect", 0, 64, 3, "k: helpers asked for indirect pings").unit("members"),
        Param::choice("prober", PROBERS, "batched", "how a ping is carried out"),
        Param::choice("suspicion", SUSPICIONS, "fixed", "how long is doubt"),
        Param::choice("dissemination", DISSEMINATIONS, "piggyback", "what rides on which message"),
        Param::real("suspicion_mult", 0.0, 1000.0, 4.0, "suspicion lasts this x max(1, log10(n+1)) periods"),
        Param::real("suspicion_max_mult", 1.0, 1000.0, 6.0, "the longest suspicion over the shortest (confirmed)"),
        Param::count("confirmations", 0, 64, 3, "K: confirmations for the shortest suspicion (confirmed)"),
        Param::count("retransmit_mult", 1, 100, 4, "each member sends news this x ceil(log10(n+1)) times"),
        Param::count("packet_bytes", 256, 65_000, 1400, "the largest datagram").unit("bytes"),
        Param::count("max_updates", 0, 1000, 0, "the most updates on one message; 0: as many as fit"),
        Param::span("gossip_interval", 1e-3, 3600.0, "200ms", "between two gossip messages (gossip)"),
        Param::count("gossip_nodes", 0, 64, 3, "who gets one each time (gossip)").unit("members"),
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
    ];
    for (name, value) in own {
        let param = params.iter_mut().find(|param| param.name == *name).expect("a profile sets parameters that exist");
        param.default = Some(value.clone());
    }
    params
}

fn build(params: &Params) -> Result<Settings, String> {
    let span = |name| Span::from_secs_f64(params.real(name));
    let named = |name: &str| Spec::of(params.text(name));
    let settings = Settings {
        period: span("period"),
        probe_timeout: span("probe_timeout"),
        direct: params.count("direct"),
        indirect: params.count("indirect"),
        prober: probers().build(&named("prober"), &()).map_err(|error| error.to_string())?,
        suspicion: suspicions().build(&named("suspicion"), &()).map_err(|error| error.to_string())?,
        dissemination: disseminations().build(&named("dissemination"), &()).map_err(|error| error.to_string())?,
        suspicion_mult: params.real("suspicion_mult"),
        suspicion_max_mult: params.real("suspicion_max_mult"),
        confirmations: params.count("confirmations"),
        retransmit_mult: params.count("retransmit_mult"),
        packet_bytes: params.count("packet_bytes"),
        max_updates: params.count("max_updates"),
        gossip_interval: span("gossip_interval"),
        gossip_nodes: params.count("gossip_nodes"),
        sync_interval: span("sync_interval"),
        join_syncs: params.count("join_syncs"),
        stream_ping: params.flag("stream_ping"),
        dead_retention: span("dead_retention"),
        reconnect_every: params.count("reconnect_every"),
        reconnect_limit: params.count("reconnect_limit"),
        anti_entropy: params.flag("anti_entropy"),
        dead_final: params.flag("dead_final"),
    };
    if settings.probe_timeout >= settings.period {
        return Err(format!(
            "probe_timeout ({}) must be shorter than period ({})",
            settings.probe_timeout, settings.period
        ));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_swim_profile_has_the_documented_defaults() {
        let swim = Settings::of("swim");
        assert_eq!((swim.period, swim.probe_timeout), (Span::from_secs(1), Span::from_millis(500)));
        assert_eq!((swim.direct, swim.indirect, swim.retransmit_mult), (1, 3, 4));
    }

    #[test]
    fn a_timeout_not_below_the_period_is_refused() {
        let spec = Spec::of("swim").with("probe_timeout", "2s");
        let error = profiles().build(&spec, &()).unwrap_err().to_string();
        assert_eq!(error, "swim: probe_timeout (2s) must be shorter than period (1s)");
    }

    #[test]
    fn the_choices_offered_are_the_registries_own() {
        fn names<T>(registry: &Registry<T>) -> Vec<&str> {
            registry.entries().iter().map(|entry| entry.name).collect()
        }
        assert_eq!(names(&probers()), PROBERS);
        assert_eq!(names(&suspicions()), SUSPICIONS);
        assert_eq!(names(&disseminations()), DISSEMINATIONS);
    }

    #[test]
    fn lifeguards_timeouts_match_its_paper() {
        // Derived in the literature for n = 128, alpha = 5, beta = 6, K = 3: 63.2 / 36.9 / 21.5 / 10.54 s. The paper
        // scales with log10(n); we scale with log10(n+1), so n = 127 is asked.
        let spec =
            Spec::of("swim").with("suspicion", "confirmed").with("suspicion_mult", 5.0).with("suspicion_max_mult", 6.0);
        let settings = profiles().build(&spec, &()).unwrap();
        let timeout = |c| settings.suspicion.timeout(&settings, 127, c).as_secs_f64();
        for (confirmations, paper) in [(0, 63.2), (1, 36.9), (2, 21.5), (3, 10.54)] {
            assert!((timeout(confirmations) - paper).abs() < 0.5, "{confirmations}: {} s", timeout(confirmations));
        }
    }
}
