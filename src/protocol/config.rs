//! The protocol's settings: all that one member can be told, besides its selector.

use std::fmt;
use std::sync::Arc;

use swimlab_selectors::Spec;

use super::dissemination::Dissemination;
use super::health::LifeguardVariant;
use super::prober::Prober;
use super::profiles::profiles;
use super::scale::Scale;
use super::suspicion::Suspicion;
use super::time::Span;

/// All that one member's protocol can be told, besides its selector. Built by [`profiles`].
#[derive(Clone)]
pub struct Config {
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
    /// A suspect has this times `suspicion_scale` periods to refute.
    pub suspicion_mult: f64,
    /// How suspicion grows with the group.
    pub suspicion_scale: Scale,
    /// The longest suspicion, in multiples of the shortest (`confirmed` only).
    pub suspicion_max_mult: f64,
    /// K: independent confirmations that bring a suspicion to its shortest (`confirmed` only).
    pub confirmations: u32,
    /// The worst score of a member's own health; its periods and timeouts are up to this + 1 times as long (`nack` only).
    pub health_limit: u32,
    /// EventKind a failed probe says about the prober's own health (`nack` only): see
    /// [`Health::probe_failed`](super::health::Health::probe_failed).
    pub health_scoring: LifeguardVariant,
    /// EventKind a low opinion of oneself draws out (`nack` only). In the paper that is every period and every probe timeout; in
    /// memberlist only the periods whose pings stay unanswered, for helpers and streams: its probe loop goes by a ticker of
    /// the period's own length, an answer ends a round, and waiting longer does not bring a datagram through.
    pub health_pacing: LifeguardVariant,
    /// A piece of news is sent this times `retransmit_scale`, rounded up, times by each member.
    pub retransmit_mult: u32,
    /// How often news is repeated as the group grows.
    pub retransmit_scale: Scale,
    /// The largest datagram, in bytes.
    pub packet_bytes: u32,
    /// The most updates on one message; 0: as many as fit.
    pub max_updates: u32,
    /// Between two gossip messages (`gossip` only).
    pub gossip_interval: Span,
    /// Who gets one each time (`gossip` only).
    pub gossip_nodes: u32,
    /// For how long the dead still get gossip messages, so that they can refute (`gossip` only); zero: not at all.
    pub gossip_to_dead: Span,
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
    /// Who is pinged and who helps, where nobody says otherwise.
    pub defaults: DefaultStrategies,
}

/// The selector and the helpers that belong to a variant, as labels; `None`: it goes with any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultStrategies {
    /// Who is pinged.
    pub selector: Option<&'static str>,
    /// Who helps.
    pub helpers: Option<&'static str>,
}

impl DefaultStrategies {
    /// Any.
    pub const ANY: Self = Self { selector: None, helpers: None };

    /// This selector, and any helpers.
    pub const fn selector(label: &'static str) -> Self {
        Self { selector: Some(label), helpers: None }
    }
}

impl Config {
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

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("period", &self.period).finish_non_exhaustive()
    }
}
