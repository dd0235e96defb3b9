//! The table of all metric families. The Prometheus page, `swimlab info`, its JSON form and the table in
//! docs/operations.md are made from it: a new counter is a field of [`Metrics`](super::metrics::Metrics) with the place
//! that counts it, and a row here.

use std::fmt::Write;

use super::handle::Info;
use super::metrics::{DropReason, Histogram, Traffic};
use crate::protocol::MessageKind;

/// A metric family.
pub(super) struct Family {
    /// Name on the Prometheus page, without the prefix `swimlab_`.
    pub name: &'static str,
    /// Type in Prometheus' sense.
    pub kind: Kind,
    /// Key in `swimlab info`, for the families that it shows.
    pub info: Option<InfoKey>,
    /// Help text on the Prometheus page.
    pub help: &'static str,
    /// What an operator learns from it, for docs/operations.md; empty if the help text says it all.
    pub advice: &'static str,
    /// Reads the current value.
    pub read: fn(&Info) -> Reading<'_>,
}

/// Type of a family.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// How `swimlab info` shows a family.
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
    /// A value for each value of one label.
    Labeled(&'static str, Vec<(&'static str, u64)>),
    Histogram(&'a Histogram),
}

use Kind::{Counter, Gauge};
use Reading::{Count, Labeled, Seconds};

const fn shown(key: &'static str) -> Option<InfoKey> {
    Some(InfoKey { key, skips_zeros: false })
}

/// All families, in the order of the Prometheus page.
pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "members",
        kind: Gauge,
        info: shown("members"),
        help: "Members by state, as this one sees them.",
        advice: "All members should agree within seconds",
        read: |info| {
            let states = ["alive", "suspect", "dead", "left"];
            Labeled("state", states.into_iter().zip(info.states.map(|count| count as u64)).collect())
        },
    },
    Family {
        name: "probes_total",
        kind: Counter,
        info: shown("probes"),
        help: "Direct pings of own probe rounds.",
        advice: "",
        read: |info| Count(info.metrics.probes),
    },
    Family {
        name: "rtt_seconds",
        kind: Kind::Histogram,
        info: None,
        help: "Round trips of direct pings.",
        advice: "Only pings that were answered directly count. `probe_timeout` should be above the slowest usual one",
        read: |info| Reading::Histogram(&info.metrics.rtt),
    },
    Family {
        name: "own_suspicions_total",
        kind: Counter,
        info: None,
        help: "Members that own probes began to suspect.",
        advice: "A rising share of `swimlab_probes_total`: packet loss, or members that are paused",
        read: |info| Count(info.metrics.own_suspicions),
    },
    Family {
        name: "suspicions_total",
        kind: Counter,
        info: None,
        help: "Suspicions begun or heard of.",
        advice: "Many suspicions with as many refutations: `probe_timeout` is too short, or the network loses packets",
        read: |info| Count(info.metrics.suspicions),
    },
    Family {
        name: "refutations_total",
        kind: Counter,
        info: None,
        help: "Suspects that spoke up.",
        advice: "",
        read: |info| Count(info.metrics.refutations),
    },
    Family {
        name: "accusations_total",
        kind: Counter,
        info: shown("accusations"),
        help: "How often this member had to speak up against doubts about itself.",
        advice: "Rising on one host only: look at that host",
        read: |info| Count(info.metrics.accusations),
    },
    Family {
        name: "deaths_total",
        kind: Counter,
        info: None,
        help: "Deaths declared or heard of.",
        advice: "",
        read: |info| Count(info.metrics.deaths),
    },
    Family {
        name: "joins_total",
        kind: Counter,
        info: None,
        help: "Members that joined or came back.",
        advice: "",
        read: |info| Count(info.metrics.joins),
    },
    Family {
        name: "departures_total",
        kind: Counter,
        info: None,
        help: "Members that left.",
        advice: "",
        read: |info| Count(info.metrics.departures),
    },
    Family {
        name: "user_events_total",
        kind: Counter,
        info: None,
        help: "Applications' events received.",
        advice: "",
        read: |info| Count(info.metrics.user_events),
    },
    Family {
        name: "sent_messages_total",
        kind: Counter,
        info: shown("sent"),
        help: "messages sent, by type",
        advice: "",
        read: |info| by_kind(&info.metrics.sent, |traffic| traffic.messages),
    },
    Family {
        name: "sent_bytes_total",
        kind: Counter,
        info: None,
        help: "bytes sent, by type",
        advice: "Without the headers of UDP, TCP and IP",
        read: |info| by_kind(&info.metrics.sent, |traffic| traffic.bytes),
    },
    Family {
        name: "received_messages_total",
        kind: Counter,
        info: shown("received"),
        help: "messages received, by type",
        advice: "",
        read: |info| by_kind(&info.metrics.received, |traffic| traffic.messages),
    },
    Family {
        name: "received_bytes_total",
        kind: Counter,
        info: None,
        help: "bytes received, by type",
        advice: "Without the headers of UDP, TCP and IP",
        read: |info| by_kind(&info.metrics.received, |traffic| traffic.bytes),
    },
    Family {
        name: "dropped_total",
        kind: Counter,
        info: Some(InfoKey { key: "dropped", skips_zeros: true }),
        help: "What was not handled or not sent, by reason.",
        advice: "`malformed`: no packet. `forged`: another key or label, or none. `stale`: replayed, or clocks differ by \
                 more than 30 s. The other reasons: `DropReason` in the library's documentation",
        read: |info| {
            let count = |why: DropReason| (why.name(), info.metrics.dropped(why));
            Labeled("reason", DropReason::ALL.map(count).into())
        },
    },
    Family {
        name: "queue_depth",
        kind: Gauge,
        info: shown("queues"),
        help: "How full bounded stores are.",
        advice: "`broadcasts`: updates to be passed on. `relays`: indirect pings for other members. `reconnect`: forgotten \
                 members that are still tried. `graves`: records of dead and departed members",
        read: |info| {
            let gauge = info.gauge;
            let stores = [
                ("broadcasts", gauge.broadcasts),
                ("relays", gauge.relays),
                ("reconnect", gauge.forgotten),
                ("graves", gauge.tombstones),
            ];
            Labeled("queue", stores.map(|(name, depth)| (name, depth as u64)).into())
        },
    },
    Family {
        name: "timer_lag_seconds",
        kind: Kind::Histogram,
        info: None,
        help: "Local health: how late this member's timers were. High values mean that the process gets no time to run.",
        advice: "Up to 10 ms is intended (timers of many members fire together); above 100 ms the process gets too little \
                 time",
        read: |info| Reading::Histogram(&info.metrics.timer_lag),
    },
    Family {
        name: "joining",
        kind: Gauge,
        info: None,
        help: "1 while no seed has answered.",
        advice: "",
        read: |info| Count(info.is_joining.into()),
    },
    Family {
        name: "incarnation_generation",
        kind: Gauge,
        info: None,
        help: "Which life this is.",
        advice: "The second of its start since 1970, or more",
        read: |info| Count(info.incarnation.generation.into()),
    },
    Family {
        name: "incarnation_refutations",
        kind: Gauge,
        info: None,
        help: "Refutations in this life.",
        advice: "",
        read: |info| Count(info.incarnation.refutations.into()),
    },
    Family {
        name: "uptime_seconds",
        kind: Gauge,
        info: None,
        help: "For how long the member runs.",
        advice: "",
        read: |info| Seconds(info.uptime.as_secs_f64()),
    },
];

fn by_kind(traffic: &[Traffic; MessageKind::ALL.len()], read: fn(&Traffic) -> u64) -> Reading<'static> {
    Labeled("type", MessageKind::ALL.iter().map(|kind| (kind.name(), read(&traffic[*kind as usize]))).collect())
}

/// Renders the families as a table in Markdown: name, type, meaning. docs/operations.md holds it.
pub fn metrics_markdown() -> String {
    let mut table = "| family | type | meaning |\n|---|---|---|\n".to_owned();
    for family in FAMILIES {
        let help = family.help.trim_end_matches('.');
        let advice = if family.advice.is_empty() { String::new() } else { format!(". {}", family.advice) };
        let _ = writeln!(table, "| `swimlab_{}` | {} | {help}{advice} |", family.name, family.kind.name());
    }
    table
}

impl Kind {
    /// Name on the Prometheus page.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_in_the_operations_guide_is_made_from_this_one() {
        const BEGIN: &str = "<!-- metrics: written by the test in src/agent/families.rs -->\n";
        const END: &str = "<!-- end of metrics -->\n";
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md");
        let page = std::fs::read_to_string(path).unwrap();
        let (head, rest) = page.split_once(BEGIN).expect("the table's beginning");
        let (table, tail) = rest.split_once(END).expect("the table's end");
        let made = format!("\n{}\n", metrics_markdown());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, [head, BEGIN, &made, END, tail].concat()).unwrap();
        } else {
            assert_eq!(table, made, "UPDATE_DOCS=1 cargo test agent::families writes the table");
        }
    }
}
