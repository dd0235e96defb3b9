//! The forms in which an agent's state leaves the process, byte for byte: scrapers and scripts depend on them.

use std::sync::Arc;
use std::time::Duration;

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{DynSelector, Peer};

use super::checks::{ClockOffset, Warning};
use super::distance::Distance;
use super::histogram::Histogram;
use super::metrics::{Counters, Info, Metrics, Names};
use super::seed_filter::SeedFilter;
use super::traffic::DropReason;
use crate::protocol::{
    Address, Config, Gauge, Identity, Incarnation, Member, MemberConfig, MessageKind, NodeInfo, Roster, Span, Time,
};
use crate::wire::PlainSizer;

/// Member 0 of a group of `n`, started at time 0. Each has the longest name, in which JSON escapes every character.
pub(super) fn member_of(n: u64) -> Member {
    let node = |id: u64| {
        let address = Address { ip: [0xfd; 16], port: 1 + id as u16 };
        let name = "\"".repeat(NodeInfo::NAME_LIMIT).into();
        Arc::new(NodeInfo { name, ..NodeInfo::new(Peer::new(1 + id), address) })
    };
    let config = Arc::new(MemberConfig::new(Config::lan(), Arc::new(PlainSizer)).unwrap());
    let roster = Arc::new(Roster::of_members((0..n).map(node)));
    let selector: DynSelector = "shuffle".parse().unwrap();
    let identity = Identity {
        incarnation: Incarnation::default(),
        since_epoch: Span::ZERO,
        strategy_rng: stream(1, Purpose::Selector, 0),
        rng: stream(1, Purpose::Protocol, 0),
    };
    let mut member = Member::new(config, identity, Arc::clone(&roster), &selector.build_index(roster.peers()), 0);
    member.start(Time::ZERO, Time::ZERO);
    member
}

/// State in which every counter has a value of its own.
pub(super) fn sample() -> Info {
    let mut metrics = Metrics { counters: Counters::numbered(50), ..Metrics::default() };
    for (number, kind) in (1..).zip(MessageKind::ALL) {
        let (sent, received) =
            (&mut metrics.sent[usize::from(kind.code())], &mut metrics.received[usize::from(kind.code())]);
        (sent.messages, sent.bytes) = (number, 100 * number);
        (received.messages, received.bytes) = (number + 20, 100 * number + 7);
    }
    for (number, distance) in (1..).zip(Distance::ALL) {
        metrics.sent_by_distance[distance as usize].bytes = 1000 * number;
    }
    for (number, reason) in (3..).zip(DropReason::ALL).step_by(2) {
        metrics.drops[reason as usize] = number;
    }
    let fill = |histogram: &mut Histogram, all: &[u64]| all.iter().for_each(|&us| histogram.add(Span::from_micros(us)));
    fill(&mut metrics.rtt, &[100, 300, 40_000]);
    fill(&mut metrics.timer_lag, &[900, 2_000_000]);
    let gauge = Gauge { broadcasts: 11, relays: 12, forgotten: 13, tombstones: 14 };
    Info {
        dropped_user_events: 9,
        synced_user_events: 7,
        refused_members: 8,
        incarnation: Incarnation { generation: 1_795_377_303, refutations: 2 },
        states: [4, 3, 2, 1],
        is_joining: true,
        uptime: Duration::from_millis(1500),
        process_cpu: Some(Duration::from_millis(250)),
        gauge,
        metrics,
        coordinate: None,
        keys: vec!["0123456789abcdef".parse().unwrap()],
        names: Names {
            selector: "spatial:metric=\"x\"".to_owned(),
            profile: Some("swim".to_owned()),
            preset: Some("lan".to_owned()),
        },
        period: Duration::from_secs(1),
        neighbors: Some(36),
        health_score: 2,
        has_fallen_back: true,
        clock_offset: Some(ClockOffset { ahead_us: -12_500, peers: 7 }),
        warnings: vec![Warning::OwnClock(ClockOffset { ahead_us: -12_500, peers: 7 })],
    }
}

#[test]
fn the_prometheus_page_is_pinned() {
    insta::assert_snapshot!(sample().to_prometheus());
}

#[test]
fn every_sample_on_the_prometheus_page_follows_the_head_of_its_family_and_is_a_number() {
    let mut family = String::new();
    for line in sample().to_prometheus().lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().unwrap().to_owned();
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&family), "{line}");
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn the_json_form_of_info_is_pinned() {
    use std::net::SocketAddr;

    use tokio::sync::mpsc;

    use super::control::AgentSummary;
    use super::event_hub::EventHub;
    use super::handle::{Agent, AgentIdentity};

    let addr = SocketAddr::from(([127, 0, 0, 1], 7946));
    let (commands, _inbox) = mpsc::channel(1);
    let (events, _exit) = EventHub::new(1);
    let agent = Agent::new(
        AgentIdentity { id: 0xff, name: "a".into(), addr, seed_filter: SeedFilter::new(addr, None, &[]) },
        commands,
        events,
    );
    let summary = AgentSummary::new(&agent, &sample());
    insta::assert_snapshot!(serde_json::to_string_pretty(&summary).unwrap());
}
