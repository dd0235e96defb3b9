//! Metrics of an agent, all declared in one table.
//!
//! Each row of `families!` is a metric family. The fields of [`Counters`], the Prometheus page, `swimlab info` with its
//! JSON form, and the table in docs/operations.md are made from them. A new counter is one row, and the line that
//! counts: in [`Counters::record`] if an event of the protocol is counted, else where it happens.

use std::time::Duration;

use swimlab_selectors::Coordinate;

use super::checks::{ClockOffset, Warning};
use super::distance::Distance;
use super::histogram::Histogram;
use super::traffic::{DropReason, Traffic};
use crate::protocol::{Event, EventKind, EventSource, Gauge, Incarnation, MessageKind};
use crate::wire::KeyId;

/// State and metrics of an agent at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// The agent's own incarnation.
    pub incarnation: Incarnation,
    /// Number of known members by [`Status`](crate::protocol::Status): alive, suspect, dead, left. The agent itself is
    /// one of them.
    pub states: [usize; 4],
    /// Whether a join is under way that no seed has answered yet.
    pub is_joining: bool,
    /// Time since the start of the agent.
    pub uptime: Duration,
    /// Processor time of the agent's process since that began, of user and system; `None` if the system does not tell.
    pub process_cpu: Option<Duration>,
    /// Fill levels of the member's bounded stores.
    pub gauge: Gauge,
    /// Application events of other members that were dropped from a full queue before they had been passed on.
    pub dropped_user_events: u64,
    /// Application events that a state sync has brought before gossip.
    pub synced_user_events: u64,
    /// Times that an unknown member was not admitted because there were too many.
    pub refused_members: u64,
    /// Counts since the start of the agent.
    pub metrics: Metrics,
    /// The agent's network coordinate, in microseconds; `None` if its selector learns none.
    pub coordinate: Option<Coordinate>,
    /// The agent's keys, the one that seals first; empty if it sends plain text.
    pub keys: Vec<KeyId>,
    /// The names of selector, profile and preset.
    pub names: Names,
    /// The protocol period.
    pub period: Duration,
    /// The number of other members that the selector regards as near; `None` if it prefers none by distance.
    pub neighbors: Option<u32>,
    /// The local health score: see [`Member::health_score`](crate::protocol::Member::health_score).
    pub health_score: u16,
    /// Whether the selector pings in shuffled order at present because clocks do not agree.
    pub has_fallen_back: bool,
    /// The difference between the agent's clock and those of other members; `None` without seals, whose stamps tell it.
    pub clock_offset: Option<ClockOffset>,
    /// Findings of the checks that only an operator can set right, and that last.
    pub warnings: Vec<Warning>,
}

/// Names of an agent's settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Names {
    /// The selector's label.
    pub selector: String,
    /// The profile, if the configuration is made from a named one.
    pub profile: Option<String>,
    /// The preset, if the configuration is made from a named one.
    pub preset: Option<String>,
}

/// Counts of one agent since its start.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Counters without labels.
    pub counters: Counters,
    /// Sent packets by [`MessageKind`].
    pub sent: [Traffic; MessageKind::ALL.len()],
    /// Packets received and decoded, by [`MessageKind`].
    pub received: [Traffic; MessageKind::ALL.len()],
    /// Sent packets by [`Distance`] of the receiver.
    pub sent_by_distance: [Traffic; Distance::ALL.len()],
    /// Packets not handled or not sent, by [`DropReason`].
    pub drops: [u64; DropReason::ALL.len()],
    /// Round-trip times of own pings that were answered directly.
    pub rtt: Histogram,
    /// Delays of timers. Long ones mean that the process gets too little time to run.
    pub timer_lag: Histogram,
}

/// A metric family: a row of the table.
pub(super) struct Family {
    /// Name on the Prometheus page; without the prefix `swimlab_`, which all have but those of the whole process.
    pub name: &'static str,
    pub kind: FamilyKind,
    /// Help text on the Prometheus page.
    pub help: &'static str,
    /// Advice to operators for docs/operations.md, which a test writes; empty if the help text suffices.
    #[cfg(test)]
    pub advice: &'static str,
    /// Form in `swimlab info`, if it is shown there.
    pub info: Option<InfoKey>,
    /// Reads the current value.
    pub read: fn(&Info) -> Reading<'_>,
}

impl Family {
    /// The name on the Prometheus page. What is about the process has the name that all programs give it.
    pub(super) fn full_name(&self) -> String {
        let prefix = if self.name.starts_with("process_") { "" } else { "swimlab_" };
        format!("{prefix}{}", self.name)
    }
}

/// Type of a family in Prometheus' sense.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FamilyKind {
    Counter,
    Gauge,
    Histogram,
}

/// Form of a family in `swimlab info`.
#[derive(Clone, Copy)]
pub(super) struct InfoKey {
    pub key: &'static str,
    /// Whether labels with the value 0 are left out.
    pub skips_zeros: bool,
}

/// Current value of a family.
pub(super) enum Reading<'a> {
    Count(u64),
    Seconds(f64),
    /// A number of seconds that may be unknown.
    SecondsIfKnown(Option<f64>),
    /// A count that may be unknown.
    CountIfKnown(Option<u64>),
    /// A value for each value of one label.
    Labeled(&'static str, Vec<(&'static str, u64)>),
    /// Texts, by label.
    Texts(Vec<(&'static str, &'a str)>),
    Histogram(&'a Histogram),
}

/// Declares [`FAMILIES`], and [`Counters`] with a field for each row that has a `counter`. The other rows `read` their
/// values.
macro_rules! families {
    ($(
        $name:literal = $kind:ident {
            help: $help:literal,
            $(advice: $advice:literal,)?
            $(info: $info:expr,)?
            $(counter: $counter:ident,)?
            $(read: $read:expr,)?
        }
    )*) => {
        /// Counters of one agent since its start.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counters {
            $($(#[doc = $help] pub $counter: u64,)?)*
        }

        /// All families, in the order of the Prometheus page.
        pub(super) const FAMILIES: &[Family] = &[$(
            Family {
                name: $name,
                kind: FamilyKind::$kind,
                help: $help,
                #[cfg(test)]
                advice: concat!("" $(, $advice)?),
                info: families!(@option $($info)?),
                read: families!(@read $(counter $counter)? $(read $read)?),
            },
        )*];

        #[cfg(test)]
        impl Counters {
            /// Counters with the values `first`, `first + 1` and so on, in the order of the table.
            pub(super) fn numbered(first: u64) -> Self {
                let mut numbers = first..;
                Self { $($($counter: numbers.next().unwrap(),)?)* }
            }
        }
    };
    (@option) => { None };
    (@option $some:expr) => { Some($some) };
    (@read counter $counter:ident) => { |info| Reading::Count(info.metrics.counters.$counter) };
    (@read read $read:expr) => { $read };
}

families! {
    "members" = Gauge {
        help: "Members by state, as this one sees them.",
        advice: "All members should agree within seconds",
        info: shown("members"),
        read: |info| {
            let states = ["alive", "suspect", "dead", "left"];
            Reading::Labeled("state", states.into_iter().zip(info.states.map(|count| count as u64)).collect())
        },
    }
    "probes_total" = Counter {
        help: "Direct pings of own probe rounds.",
        info: shown("probes"),
        counter: probes,
    }
    "rtt_seconds" = Histogram {
        help: "Round trips of direct pings.",
        advice: "Only pings that were answered directly count. `probe_timeout` should be above the slowest usual one",
        read: |info| Reading::Histogram(&info.metrics.rtt),
    }
    "own_suspicions_total" = Counter {
        help: "Suspicions that own probes began.",
        advice: "A rising share of `swimlab_probes_total`: packet loss, or members that are paused",
        counter: own_suspicions,
    }
    "suspicions_total" = Counter {
        help: "Suspicions of other members, begun or received.",
        advice: "Many suspicions with as many refutations: `probe_timeout` is too short, or the network loses packets",
        counter: suspicions,
    }
    "refutations_total" = Counter {
        help: "Refutations by suspected members.",
        counter: refutations,
    }
    "accusations_total" = Counter {
        help: "Suspicions and deaths reported of this member, which it refuted.",
        advice: "Rising on one host only: look at that host",
        info: shown("accusations"),
        counter: accusations,
    }
    "deaths_total" = Counter {
        help: "Deaths declared or received.",
        counter: deaths,
    }
    "joins_total" = Counter {
        help: "Members that joined, or returned after their death.",
        counter: joins,
    }
    "departures_total" = Counter {
        help: "Members that left.",
        counter: departures,
    }
    "user_events_total" = Counter {
        help: "Application events received.",
        counter: user_events,
    }
    "dropped_user_events_total" = Counter {
        help: "Application events of other members that a full queue did not pass on.",
        advice: "Rising: more events are sent than the group can carry; some members may miss some",
        read: |info| Reading::Count(info.dropped_user_events),
    }
    "synced_user_events_total" = Counter {
        help: "Application events that a state sync has brought before gossip.",
        advice: "Beside `swimlab_user_events_total`: the share that gossip misses",
        read: |info| Reading::Count(info.synced_user_events),
    }
    "refused_members_total" = Counter {
        help: "Times that an unknown member was not admitted because there were too many.",
        advice: "Rising: more than 64 members a second join for long (`admission_rate`), or somebody invents members",
        read: |info| Reading::Count(info.refused_members),
    }
    "sent_messages_total" = Counter {
        help: "Messages sent, by type.",
        info: shown("sent"),
        read: |info| by_message_kind(&info.metrics.sent, |traffic| traffic.messages),
    }
    "sent_bytes_total" = Counter {
        help: "Bytes sent, by type.",
        advice: "Without the headers of UDP, TCP and IP",
        read: |info| by_message_kind(&info.metrics.sent, |traffic| traffic.bytes),
    }
    "sent_bytes_by_distance_total" = Counter {
        help: "Bytes sent, by distance of the receiver.",
        advice: "`near`: in the selector's neighborhood, or, with a selector that has none, in the region of this member's \
                 zone path. `unknown`: no distances are known, or none of the receiver. Far by near and far: the share \
                 that leaves the neighborhood, a sixth with `auto` and nothing happening",
        info: shown("sent_bytes"),
        read: |info| {
            let value = |distance: Distance| (distance.name(), info.metrics.sent_by_distance[distance as usize].bytes);
            Reading::Labeled("distance", Distance::ALL.map(value).into())
        },
    }
    "received_messages_total" = Counter {
        help: "Messages received, by type.",
        info: shown("received"),
        read: |info| by_message_kind(&info.metrics.received, |traffic| traffic.messages),
    }
    "received_bytes_total" = Counter {
        help: "Bytes received, by type.",
        advice: "Without the headers of UDP, TCP and IP",
        read: |info| by_message_kind(&info.metrics.received, |traffic| traffic.bytes),
    }
    "dropped_total" = Counter {
        help: "Packets not handled or not sent, by reason.",
        advice: "`malformed`: not a packet. `forged`: another key or label, or none. `stale`: replayed, or clocks differ \
                 by more than 30 s. `future`: a member's generation is more than a day ahead of this host's clock. The other reasons: `DropReason` in the library's documentation",
        info: InfoKey { key: "dropped", skips_zeros: true },
        read: |info| {
            let count = |reason: DropReason| (reason.name(), info.metrics.dropped(reason));
            Reading::Labeled("reason", DropReason::ALL.map(count).into())
        },
    }
    "queue_depth" = Gauge {
        help: "Fill levels of bounded stores.",
        advice: "`broadcasts`: updates to be passed on. `relays`: indirect pings for other members. `reconnect`: \
                 forgotten members that are still tried. `graves`: records of dead and departed members",
        info: shown("queues"),
        read: |info| {
            let Gauge { broadcasts, relays, forgotten, tombstones } = info.gauge;
            let stores =
                [("broadcasts", broadcasts), ("relays", relays), ("reconnect", forgotten), ("graves", tombstones)];
            Reading::Labeled("queue", stores.map(|(name, depth)| (name, depth as u64)).into())
        },
    }
    "timer_lag_seconds" = Histogram {
        help: "Delays of this member's timers. High values mean that the process gets too little time to run.",
        advice: "Up to 10 ms is intended (timers of many members fire together); above 100 ms the process gets too \
                 little time",
        read: |info| Reading::Histogram(&info.metrics.timer_lag),
    }
    "joining" = Gauge {
        help: "1 while no seed has answered.",
        read: |info| Reading::Count(info.is_joining.into()),
    }
    "incarnation_generation" = Gauge {
        help: "Generation of this member's incarnation, which grows with each restart.",
        advice: "The second of its start since 1970, or more",
        read: |info| Reading::Count(info.incarnation.generation.into()),
    }
    "incarnation_refutations" = Gauge {
        help: "Refutations in this generation.",
        read: |info| Reading::Count(info.incarnation.refutations.into()),
    }
    "uptime_seconds" = Gauge {
        help: "Time since the start of this member.",
        read: |info| Reading::Seconds(info.uptime.as_secs_f64()),
    }
    "process_cpu_seconds_total" = Counter {
        help: "Processor time of the whole process, of user and system.",
        advice: "Its rate is the share of a core that the process takes",
        read: |info| Reading::SecondsIfKnown(info.process_cpu.map(|cpu| cpu.as_secs_f64())),
    }
    "settings_info" = Gauge {
        help: "1, with the selector, the profile and the preset as labels.",
        advice: "All members of a cluster should have the same",
        read: |info| {
            let Names { selector, profile, preset } = &info.names;
            let [profile, preset] = [profile, preset].map(|text| text.as_deref().unwrap_or_default());
            Reading::Texts(vec![("selector", selector), ("profile", profile), ("preset", preset)])
        },
    }
    "period_seconds" = Gauge {
        help: "Protocol period.",
        read: |info| Reading::Seconds(info.period.as_secs_f64()),
    }
    "neighborhood_members" = Gauge {
        help: "Other members that the selector regards as near.",
        advice: "Absent if it prefers none: with `auto`, no zones, places or learned locations are known",
        read: |info| Reading::CountIfKnown(info.neighbors.map(u64::from)),
    }
    "health_score" = Gauge {
        help: "Local health multiplier (Lifeguard): signs that this member is slow itself. 0 is perfect health.",
        advice: "Periods and timeouts are (score + 1) times as long. Above 0 for long: look at this host. Always 0 without \
                 the prober `nack`",
        read: |info| Reading::Count(info.health_score.into()),
    }
    "schedule_fallback" = Gauge {
        help: "1 while the pings of others do not follow the schedule of this clock: this member pings in shuffled order.",
        advice: "Clocks, selectors or periods differ. `auto` and `schedule` only",
        read: |info| Reading::Count(info.has_fallen_back.into()),
    }
    "clock_offset_seconds" = Gauge {
        help: "Time by which this clock is ahead of the median of other members' clocks; negative if it is behind.",
        advice: "From the stamps of sealed packets of the last minute, corrected by half a round trip. Absent without a \
                 key. `auto` tolerates half a period",
        read: |info| Reading::SecondsIfKnown(info.clock_offset.map(|offset| offset.ahead_us as f64 / 1e6)),
    }
    "warnings" = Gauge {
        help: "Settings that are probably wrong, as `swimlab info` lists them.",
        advice: "Misspelled zones, zones that round trips contradict, clocks that differ: see [warnings](#warnings)",
        read: |info| Reading::Count(info.warnings.len() as u64),
    }
}

const fn shown(key: &'static str) -> InfoKey {
    InfoKey { key, skips_zeros: false }
}

fn by_message_kind(traffic: &[Traffic; MessageKind::ALL.len()], read: fn(&Traffic) -> u64) -> Reading<'static> {
    let value = |kind: &MessageKind| (kind.name(), read(&traffic[usize::from(kind.code())]));
    Reading::Labeled("type", MessageKind::ALL.iter().map(value).collect())
}

impl Counters {
    /// Counts an event of the protocol.
    pub(super) fn record(&mut self, event: &Event) {
        match event.kind {
            EventKind::Joined => self.joins += 1,
            EventKind::Suspected => {
                self.suspicions += 1;
                self.own_suspicions += u64::from(event.source == EventSource::Own);
            }
            EventKind::Refuted => self.refutations += 1,
            EventKind::Died => self.deaths += 1,
            EventKind::Left => self.departures += 1,
            EventKind::SelfRefuted => self.accusations += 1,
            EventKind::User(_) => self.user_events += u64::from(event.source != EventSource::Own),
            _ => {}
        }
    }
}

impl Metrics {
    /// Number of packets dropped for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason as usize]
    }

    pub(super) fn count_drop(&mut self, reason: DropReason) {
        self.drops[reason as usize] += 1;
    }
}

impl Info {
    /// The share of the bytes to members of known distance that went to far ones; `None` if no distance is known.
    pub fn far_share(&self) -> Option<f64> {
        let bytes = |distance: Distance| self.metrics.sent_by_distance[distance as usize].bytes as f64;
        let (near, far) = (bytes(Distance::Near), bytes(Distance::Far));
        (near + far > 0.0).then(|| far / (near + far))
    }
}

#[cfg(test)]
impl FamilyKind {
    /// The name on the Prometheus page.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    /// The families as a table in Markdown: name, type, meaning.
    fn markdown() -> String {
        let mut table = "| family | type | meaning |\n|---|---|---|\n".to_owned();
        for family in FAMILIES {
            let help = family.help.trim_end_matches('.');
            let advice = if family.advice.is_empty() { String::new() } else { format!(". {}", family.advice) };
            let _ = writeln!(table, "| `{}` | {} | {help}{advice} |", family.full_name(), family.kind.name());
        }
        table
    }

    #[test]
    fn the_table_in_the_operations_guide_is_made_from_the_families() {
        const BEGIN: &str = "<!-- metrics: written by the test in src/agent/metrics.rs -->\n";
        const END: &str = "<!-- end of metrics -->\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (head, rest) = page.split_once(BEGIN).expect("the table's beginning");
        let (table, tail) = rest.split_once(END).expect("the table's end");
        let made = format!("\n{}\n", markdown());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, [head, BEGIN, &made, END, tail].concat()).unwrap();
        } else {
            assert_eq!(table, made, "UPDATE_DOCS=1 cargo test agent::metrics writes the table");
        }
    }
}
