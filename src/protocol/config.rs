//! Protocol configuration of one member: everything but its selector, its helpers and its identity.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::config_error::ConfigError;
use super::dissemination::Dissemination;
use super::message::PingReq;
use super::prober::Prober;
use super::suspicion::Suspicion;
use super::time::Span;

/// Protocol configuration of a member. All members of a group should share it.
///
/// Start from a constructor: [`Config::lan`], [`Config::wan`] and [`Config::local`] for the protocol that agents run by
/// default, or one per published variant ([`Config::swim_inf_susp`], [`Config::memberlist_lan`], [`Config::lifeguard`],
/// ...). Then change fields, or chain the `with_` methods. The text form of experiment files and agent configurations
/// is parsed by `"profile:key=value,...".parse::<Config>()`.
///
/// ```
/// use swimlab::protocol::{AbsoluteSuspicion, Config, Span};
///
/// let config = Config::lan()
///     .with_period(Span::from_millis(500))
///     .with_probe_timeout(Span::from_millis(200))
///     .with_suspicion(AbsoluteSuspicion::new(Span::from_secs(5)));
/// config.validate()?;
/// # Ok::<(), swimlab::protocol::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// T: the protocol period, the time from one round of direct pings to the next. Detection time and traffic are
    /// proportional to it. 1 s on a LAN, 5 s between continents, 200 ms and below for tests. Longer than
    /// `probe_timeout`.
    pub period: Span,
    /// The time that a direct ping may take before helpers are asked. About the 99th percentile of the round-trip time;
    /// half a period leaves as much for the detour over helpers. Known slow peers get more, up to two thirds of the
    /// period, and no more than leaves helpers the time to answer. Longer than zero, shorter than `period`.
    pub probe_timeout: Span,
    /// p: direct pings per period. 1 in all published variants; more find a failure sooner at proportional cost. From 1
    /// to [`PingReq::TARGET_LIMIT`].
    pub direct: u32,
    /// k: helpers that are asked for an indirect ping of a silent target. 3 in most systems, 1 in the 2002 testbed; 0
    /// turns indirect pings off.
    pub indirect: u32,
    /// Indirect probing strategy.
    pub prober: Arc<dyn Prober>,
    /// Suspicion timeout strategy.
    pub suspicion: Arc<dyn Suspicion>,
    /// Update dissemination strategy.
    pub dissemination: Arc<dyn Dissemination>,
    /// The largest datagram, in bytes; updates fill what a message leaves free. 1400 avoids fragmentation on Ethernet,
    /// 512 on almost any path. From 256 to 65,000.
    pub packet_bytes: u32,
    /// The most updates on one message; 0: as many as fit. 6 in the 2002 testbed.
    pub max_updates: u32,
    /// The interval between two state syncs with a random member; zero: only joining members sync. 30 s in memberlist
    /// on a LAN. In groups above 32 it is stretched: see [`Config::sync_interval_in`].
    pub sync_interval: Span,
    /// Whether members compare digests of their tables before a state sync, and exchange only what differs; members that
    /// hear of an unknown one do so within 15 periods, and within 3 if a state sync has named it, so that those who have
    /// missed it are found. Joiners, too, ask seeds after the first for what differs. Off in all published variants. A
    /// digest without an answer is followed by another one after two periods, and the second by an exchange of whole
    /// tables with the same member, which may be one of an older version.
    pub sync_digests: bool,
    /// The number of further state syncs with seeds, a period or more apart, while they still name unknown members, so
    /// that many members that join at once find each other; with members in place of seeds that do not answer in time. 6
    /// suffices for two thousand joiners; 0 asks one seed once.
    pub join_syncs: u32,
    /// Whether a silent target is also pinged over a stream while helpers are asked (memberlist): a member behind a
    /// path that drops datagrams is then not declared dead.
    pub stream_ping: bool,
    /// The time for which the record of a dead or departed member is kept, so that late updates about it are recognized
    /// as old. Several times as long as an update takes to reach every member. Longer than zero.
    pub dead_retention: Span,
    /// The number of periods between two attempts to reach a dead or forgotten member, or, in turn, a seed, to heal
    /// partitions; 0: never. The traffic is one ping per member and attempt, or a state sync with a seed.
    pub reconnect_every: u32,
    /// The most forgotten members that are remembered, with their addresses, for `reconnect_every`.
    pub reconnect_limit: u32,
    /// The most members in a table, the member itself included; more are not admitted. Far more than the group will ever
    /// have; the default, 1,048,576, is what a table on the wire may hold. At least 1.
    pub member_limit: u32,
    /// The number of unknown members that are admitted at once, of those that introduce themselves and of those that
    /// others name, apart from members in the tables that a joiner asks for. 2048 lets a group grow by thousands at a
    /// time; who invents members can add as many. At least 1.
    pub admission_burst: u32,
    /// The number of unknown members that are admitted per second beyond `admission_burst`, of either sort; the others are
    /// admitted when they are heard of again. From 1 to 1,000,000.
    pub admission_rate: u32,
    /// Whether messages state what the sender believes about the receiver's incarnation and a receiver refutes or
    /// introduces itself when that is outdated. Off in memberlist and in the 2002 paper.
    pub anti_entropy: bool,
    /// Whether a member sends its own suspicion to the suspect first, twice within half a period, and to the others only
    /// if the suspect has not refuted it by then; and whether refutations of suspicions that only the accuser knows wait
    /// for messages that are sent anyway. Packet loss then costs little beyond the pair, and the others learn of a
    /// suspicion that is not refuted half a period later. Without effect where [`Config::anti_entropy`] is off, by which
    /// the suspect answers. Off in all published variants.
    pub suspect_first: bool,
    /// Whether a declaration of death is final, whatever incarnation the member takes (SWIM 2002).
    pub dead_final: bool,
    /// The selector and helpers that belong to the variant, used where none is named.
    pub defaults: DefaultStrategies,
}

/// Labels of the selector and helpers that belong to a variant; `None`: it has none of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DefaultStrategies {
    /// Label of the selector.
    pub selector: Option<&'static str>,
    /// Label of the helpers.
    pub helpers: Option<&'static str>,
}

impl DefaultStrategies {
    /// No selector and no helpers of its own.
    pub const ANY: Self = Self { selector: None, helpers: None };

    /// This selector, no helpers of its own.
    pub const fn selector(label: &'static str) -> Self {
        Self { selector: Some(label), helpers: None }
    }
}

/// A `with_` method per plain field.
macro_rules! setters {
    ($($method:ident => $field:ident: $type:ty),* $(,)?) => {
        $(
            #[doc = concat!("Sets [`Config::", stringify!($field), "`].")]
            #[must_use]
            pub fn $method(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            }
        )*
    };
}

impl Config {
    setters! {
        with_period => period: Span,
        with_probe_timeout => probe_timeout: Span,
        with_direct => direct: u32,
        with_indirect => indirect: u32,
        with_packet_bytes => packet_bytes: u32,
        with_max_updates => max_updates: u32,
        with_sync_interval => sync_interval: Span,
        with_sync_digests => sync_digests: bool,
        with_join_syncs => join_syncs: u32,
        with_stream_ping => stream_ping: bool,
        with_dead_retention => dead_retention: Span,
        with_reconnect_every => reconnect_every: u32,
        with_reconnect_limit => reconnect_limit: u32,
        with_member_limit => member_limit: u32,
        with_admission_burst => admission_burst: u32,
        with_admission_rate => admission_rate: u32,
        with_anti_entropy => anti_entropy: bool,
        with_suspect_first => suspect_first: bool,
        with_dead_final => dead_final: bool,
        with_defaults => defaults: DefaultStrategies,
    }

    /// Sets [`Config::prober`].
    #[must_use]
    pub fn with_prober(mut self, prober: impl Prober + 'static) -> Self {
        self.prober = Arc::new(prober);
        self
    }

    /// Sets [`Config::suspicion`].
    #[must_use]
    pub fn with_suspicion(mut self, suspicion: impl Suspicion + 'static) -> Self {
        self.suspicion = Arc::new(suspicion);
        self
    }

    /// Sets [`Config::dissemination`].
    #[must_use]
    pub fn with_dissemination(mut self, dissemination: impl Dissemination + 'static) -> Self {
        self.dissemination = Arc::new(dissemination);
        self
    }

    /// The range of [`Config::packet_bytes`]: room for a header with a few updates, and no more than UDP carries.
    pub(super) const PACKET_BYTES: RangeInclusive<u32> = 256..=65_000;

    /// Checks that the protocol can run with these values.
    ///
    /// # Errors
    /// Names the first field or parameter that is out of range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let Self { period, probe_timeout, direct, packet_bytes, dead_retention, .. } = *self;
        ConfigError::check(probe_timeout > Span::ZERO, "probe_timeout", probe_timeout, "longer than 0s")?;
        if probe_timeout >= period {
            return Err(ConfigError::ProbeTimeout { probe_timeout, period });
        }
        let is_allowed = (1..=PingReq::TARGET_LIMIT as u32).contains(&direct);
        ConfigError::check(is_allowed, "direct", direct, "from 1 to 16")?;
        let is_allowed = Self::PACKET_BYTES.contains(&packet_bytes);
        ConfigError::check(is_allowed, "packet_bytes", packet_bytes, "from 256 to 65000")?;
        ConfigError::check(dead_retention > Span::ZERO, "dead_retention", dead_retention, "longer than 0s")?;
        ConfigError::check(self.member_limit > 0, "member_limit", self.member_limit, "at least 1")?;
        ConfigError::check(self.admission_burst > 0, "admission_burst", self.admission_burst, "at least 1")?;
        let is_allowed = (1..=1_000_000).contains(&self.admission_rate);
        ConfigError::check(is_allowed, "admission_rate", self.admission_rate, "from 1 to 1000000")?;
        self.prober.validate()?;
        self.suspicion.validate()?;
        self.dissemination.validate()
    }

    /// Whether suspects are told first, and can answer.
    pub(super) fn tells_suspects_first(&self) -> bool {
        self.suspect_first && self.anti_entropy
    }

    /// The interval between state syncs in a group of `n`; `None`: there are none. In groups above 32 it is
    /// [`Config::sync_interval`] times ceil(log2 n - log2 32) + 1, as in memberlist, so that the traffic stays bounded.
    pub fn sync_interval_in(&self, n: u32) -> Option<Span> {
        let stretch = if n <= 32 { 1 } else { n.next_power_of_two().ilog2() - 5 + 1 };
        (self.sync_interval > Span::ZERO).then(|| self.sync_interval * u64::from(stretch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{FixedSuspicion, GossipTick, LocalHealth, NackProber, Piggyback, Scale};

    #[test]
    fn values_that_the_protocol_cannot_run_with_are_refused() {
        let refusal = |config: Config| config.validate().unwrap_err().to_string();
        let base = Config::lan;
        assert_eq!(base().validate(), Ok(()));
        let gossip = Some(GossipTick { interval: Span::ZERO, nodes: 3, to_dead: Span::ZERO });
        let silent = Piggyback { mult: 4, scale: Scale::Log10, gossip, buddy: false };
        let suspicion = FixedSuspicion { mult: f64::NAN, scale: Scale::Ln };
        let health = LocalHealth { limit: 101, ..LocalHealth::PAPER };
        for (config, message) in [
            (base().with_period(Span::ZERO), "probe_timeout (500ms) must be shorter than period (0s)"),
            (base().with_probe_timeout(Span::ZERO), "probe_timeout must be longer than 0s, not 0s"),
            (base().with_direct(0), "direct must be from 1 to 16, not 0"),
            (base().with_packet_bytes(100), "packet_bytes must be from 256 to 65000, not 100"),
            (base().with_member_limit(0), "member_limit must be at least 1, not 0"),
            (base().with_admission_burst(0), "admission_burst must be at least 1, not 0"),
            (base().with_admission_rate(0), "admission_rate must be from 1 to 1000000, not 0"),
            (base().with_dissemination(silent), "gossip_interval must be longer than 0s, not 0s"),
            (base().with_suspicion(suspicion), "suspicion_mult must be a number of at least 0, not NaN"),
            (base().with_prober(NackProber { health }), "health_limit must be at most 100, not 101"),
        ] {
            assert_eq!(refusal(config), message);
        }
    }

    #[test]
    fn datagrams_have_a_smallest_and_a_largest_size() {
        let (smallest, largest) = Config::PACKET_BYTES.into_inner();
        let is_valid = |bytes| Config::lan().with_packet_bytes(bytes).validate().is_ok();
        assert_eq!([smallest - 1, smallest, largest, largest + 1].map(is_valid), [false, true, true, false]);
    }
}
