//! Published faults of membership systems, tried on agents over real sockets. Each test names its case.

#![cfg(feature = "agent")]

pub mod agents;

use std::collections::BTreeMap;
use std::time::Duration;

use agents::{all_know, cluster, quick, within};
use swimlab::agent::{AgentEvent, MemberChange, to_address};
use swimlab::protocol::{Body, Incarnation, NodeInfo, Packet, PeerView, Update, UpdateKind};
use swimlab::wire::encode;
use swimlab_selectors::Peer;
use tokio::net::UdpSocket;

/// A1: packets with a member's own id, from an address at which nothing answers.
#[tokio::test]
async fn no_forged_packet_of_its_own_id_ends_a_member() {
    let agents = cluster(3).await;
    within(10, "all know all", async || all_know(&agents, 3).await).await;
    let victim = &agents[1];
    let silent = UdpSocket::bind("127.0.0.9:0").await.unwrap();
    let later = |generation| {
        let incarnation = Incarnation::of_generation(generation);
        let node = NodeInfo::new(Peer::new(victim.id()), to_address(silent.local_addr().unwrap()));
        let node = NodeInfo { name: victim.name().into(), ..node };
        let record = Update { id: victim.id(), incarnation, kind: UpdateKind::Alive(node.into()) };
        let body = [Body::Gossip, Body::Ping { seq: 1 }, Body::Ack { seq: 1 }];
        body.map(|body| {
            let updates = [record.clone()].into_iter().collect();
            Packet { from: victim.id(), incarnation, peer_view: PeerView::Unknown, body, updates, coordinate: None }
        })
    };
    let generation = victim.info().await.unwrap().incarnation.generation;
    for round in 0..20 {
        for packet in later(generation + round) {
            let mut bytes = Vec::new();
            encode(&packet, &mut bytes).unwrap();
            silent.send_to(&bytes, victim.addr()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ended = tokio::time::timeout(Duration::from_secs(2), victim.ended()).await;
    assert!(ended.is_err(), "{ended:?}");
    within(20, "all know all, at their own addresses", async || {
        let members = agents[0].members().await.unwrap();
        all_know(&agents, 3).await && members.iter().any(|member| member.addr() == victim.addr())
    })
    .await;
}

/// F2 and A2: more events at once than any member remembers one by one.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_3000_events_is_reported_once() {
    let agents = cluster(8).await;
    within(10, "all know all", async || all_know(&agents, 8).await).await;
    let (reports, mut received) = tokio::sync::mpsc::unbounded_channel();
    for (observer, agent) in agents.iter().enumerate() {
        let (mut events, reports) = (agent.events(), reports.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let AgentEvent::User { from, event, .. } = event {
                    let _ = reports.send((observer, from, event.seq));
                }
            }
        });
    }
    drop(reports);
    let mut accepted = 0;
    for n in 0..3000 {
        accepted += usize::from(agents[n % 8].broadcast("load", [0; 16]).await.is_ok());
    }
    assert!(accepted > 1000, "{accepted}");
    within(120, "no event waits to be sent", async || {
        let mut waiting = 0;
        for agent in &agents {
            waiting += agent.info().await.unwrap().gauge.broadcasts;
        }
        waiting == 0
    })
    .await;
    // Long enough for a copy that is still under way.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut times = BTreeMap::new();
    while let Ok(report) = received.try_recv() {
        *times.entry(report).or_insert(0) += 1;
    }
    assert!(times.values().all(|&times| times == 1));
    assert!(times.len() > 7 * accepted / 2, "{} of {}", times.len(), 7 * accepted);
}

/// F3: two lives within one second, with different metadata and events.
#[tokio::test]
async fn a_life_that_begins_in_the_second_of_an_earlier_one_is_told_apart_from_it() {
    let agents = cluster(3).await;
    within(10, "all know all", async || all_know(&agents, 3).await).await;
    let seed = agents[0].addr().to_string();
    let mut events = agents[1].events();
    let mut joined = 0;
    for life in ["first", "second", "third"] {
        let agent = quick("twice").meta(life).join([seed.clone()]).spawn().await.unwrap();
        within(20, "it has joined", async || agent.members().await.unwrap().len() >= 3).await;
        for _ in 0..3 {
            agent.broadcast("hello", life).await.unwrap();
        }
        within(20, "its metadata are known", async || {
            let members = agents[1].members().await.unwrap();
            members.iter().any(|member| member.name() == "twice" && member.meta() == life.as_bytes())
        })
        .await;
        within(20, "its events are reported", async || {
            while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(50), events.next()).await {
                match event {
                    AgentEvent::User { event, .. } if &*event.payload == life.as_bytes() => joined += 1,
                    AgentEvent::Member(MemberChange::Died, member) => assert_eq!(member.name(), "twice"),
                    _ => {}
                }
            }
            joined == 3
        })
        .await;
        joined = 0;
        agent.stop().await;
    }
}
