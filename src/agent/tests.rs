//! The forms in which an agent's state leaves the process, byte for byte: scrapers and scripts depend on them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::handle::{Agent, EventSender, Info};
use super::metrics::{DropReason, Metrics};
use super::prometheus::render;
use crate::protocol::{Gauge, Incarnation, MessageKind, Span};

/// State in which every counter has a value of its own.
fn sample() -> Info {
    let mut metrics = Metrics::default();
    for (number, kind) in (1..).zip(MessageKind::ALL) {
        let (sent, received) = (&mut metrics.sent[kind as usize], &mut metrics.received[kind as usize]);
        (sent.messages, sent.bytes) = (number, 100 * number);
        (received.messages, received.bytes) = (number + 20, 100 * number + 7);
    }
    for (number, why) in (3..).zip(DropReason::ALL).step_by(2) {
        metrics.drops[why as usize] = number;
    }
    [100, 300, 40_000].into_iter().for_each(|us| metrics.rtt.add(Span::from_micros(us)));
    [900, 2_000_000].into_iter().for_each(|us| metrics.timer_lag.add(Span::from_micros(us)));
    (metrics.probes, metrics.own_suspicions, metrics.suspicions, metrics.refutations) = (50, 51, 52, 53);
    (metrics.accusations, metrics.deaths, metrics.joins, metrics.departures) = (54, 55, 56, 57);
    metrics.user_events = 58;
    let gauge = Gauge { broadcasts: 11, relays: 12, forgotten: 13, tombstones: 14 };
    Info {
        incarnation: Incarnation { generation: 1_795_377_303, refutations: 2 },
        states: [4, 3, 2, 1],
        is_joining: true,
        uptime: Duration::from_millis(1500),
        gauge,
        metrics,
        coordinate: None,
        keys: vec!["0123456789abcdef".parse().unwrap()],
    }
}

#[test]
fn the_prometheus_page_is_pinned() {
    insta::assert_snapshot!(render(&sample()));
}

#[cfg(unix)]
#[test]
fn the_json_form_of_info_is_pinned() {
    let (commands, _inbox) = mpsc::channel(1);
    let (_ended, end) = watch::channel(None);
    let addr = SocketAddr::from(([127, 0, 0, 1], 7946));
    let agent = Agent::new((0xff, "a".into(), addr), commands, (EventSender::default(), 1), end);
    let lines = super::control::lines(&agent, &sample());
    insta::assert_snapshot!(serde_json::to_string_pretty(&lines).unwrap());
}
