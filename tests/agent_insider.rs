//! Insiders, who have the cluster's key: what they say about others must not outlive them.

#![cfg(feature = "agent")]

pub mod agents;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agents::{all_know, quick, within};
use swimlab::agent::{Agent, DropReason, Security, id_of, to_address};
use swimlab::protocol::{Body, Id, Incarnation, NodeInfo, Packet, PeerView, Status, Update, UpdateKind};
use swimlab::wire::{Key, Keyring, Seal, encode};
use swimlab_selectors::Peer;

const DAY: u32 = 86_400;

fn keyring() -> Keyring {
    Keyring::new(Key::new(&[0x5a; Key::LEN]))
}

/// A cluster's member, with a key or in plain text.
async fn start(name: &str, seed: Option<&Agent>, is_sealed: bool) -> Agent {
    let security = match is_sealed {
        true => Security::Sealed { keyring: keyring(), label: String::new() },
        false => Security::Loopback,
    };
    quick(name).security(security).join(seed.map(|seed| seed.addr().to_string())).spawn().await.unwrap()
}

/// Sends packets in the name of any member.
struct Insider {
    socket: UdpSocket,
    seal: Option<Seal>,
}

impl Insider {
    fn new(is_sealed: bool) -> Self {
        let seal = is_sealed.then(|| Seal::new(keyring(), "").unwrap());
        Self { socket: UdpSocket::bind("127.0.0.1:0").unwrap(), seal }
    }

    fn send(&mut self, to: &Agent, packet: &Packet) {
        let mut bytes = Vec::new();
        match &mut self.seal {
            Some(seal) => seal.encode(SystemTime::now(), packet, &mut bytes).unwrap(),
            None => encode(packet, &mut bytes).unwrap(),
        }
        self.socket.send_to(&bytes, to.addr()).unwrap();
    }
}

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

fn gossip(from: Id, incarnation: Incarnation, peer_view: PeerView, update: Option<Update>) -> Packet {
    Packet { from, incarnation, peer_view, body: Body::Gossip, updates: update.into_iter().collect(), coordinate: None }
}

/// Packets by which members learn that one is dead at this incarnation, or that it has had it.
fn lies(about: Id, incarnation: Incarnation) -> [Packet; 4] {
    let update = |kind| Some(Update { id: about, incarnation, kind });
    let usual = Incarnation::of_generation(now());
    [
        gossip(id_of("m0"), usual, PeerView::Unknown, update(UpdateKind::Dead)),
        gossip(id_of("m1"), usual, PeerView::Unknown, update(UpdateKind::Suspect { by: id_of("m0") })),
        gossip(id_of("m1"), usual, PeerView::Dead(incarnation), None),
        gossip(about, incarnation, PeerView::Member(incarnation), update(UpdateKind::Left)),
    ]
}

async fn dropped_as_future(agent: &Agent) -> u64 {
    agent.info().await.unwrap().metrics.dropped(DropReason::Future)
}

async fn is_alive_at(agent: &Agent, name: &str) -> bool {
    let members = agent.members().await.unwrap();
    members.iter().any(|member| member.name() == name && member.state == Status::Alive)
}

// A8
#[tokio::test]
async fn generations_in_the_future_are_refused_and_those_below_can_be_risen_above() {
    for is_sealed in [false, true] {
        let first = start("m0", None, is_sealed).await;
        let mut agents = vec![start("m1", Some(&first), is_sealed).await, start("m2", Some(&first), is_sealed).await];
        agents.insert(0, first);
        within(20, "all know all", async || all_know(&agents, 3).await).await;
        let mut insider = Insider::new(is_sealed);
        let before = agents[2].info().await.unwrap().incarnation;

        let refused = [
            (u32::MAX, u32::MAX),
            (u32::MAX, 0),
            (u32::MAX - 1, u32::MAX),
            (u32::MAX - DAY, 7),
            (now() + 2 * DAY, 0),
            (now() + DAY + 600, u32::MAX),
        ];
        for (count, (generation, refutations)) in (1..).zip(refused) {
            let incarnation = Incarnation { generation, refutations };
            let packets = lies(id_of("m2"), incarnation);
            for (packet, agent) in packets.iter().flat_map(|packet| agents.iter().map(move |agent| (packet, agent))) {
                insider.send(agent, packet);
            }
            within(20, "all packets are refused", async || {
                let mut are_refused = true;
                for agent in &agents {
                    are_refused &= dropped_as_future(agent).await == count * packets.len() as u64;
                }
                are_refused
            })
            .await;
        }
        assert_eq!(agents[2].info().await.unwrap().incarnation, before);
        assert!(all_know(&agents, 3).await);

        // The end of a generation's refutations, and generations that are plausible: the member rises above them.
        for (generation, refutations) in [(0, u32::MAX), (before.generation, u32::MAX), (now() + DAY - 600, u32::MAX)] {
            let incarnation = Incarnation { generation, refutations };
            for packet in &lies(id_of("m2"), incarnation)[..3] {
                agents.iter().for_each(|agent| insider.send(agent, packet));
            }
            within(20, "the member has risen above it", async || {
                agents[2].info().await.unwrap().incarnation > incarnation && all_know(&agents, 3).await
            })
            .await;
        }

        // Nor can a later life be kept out.
        agents.pop().unwrap().stop().await;
        agents.push(start("m2", Some(&agents[0]), is_sealed).await);
        within(20, "the member is back", async || {
            all_know(&agents, 3).await && is_alive_at(&agents[0], "m2").await && is_alive_at(&agents[1], "m2").await
        })
        .await;
    }
}

/// A packet that introduces 40 members that do not exist.
fn inventions(n: u64) -> Packet {
    let alive = |k| {
        let (id, address) = (id_of(&format!("ghost {n} {k}")), SocketAddr::from(([127, 0, 0, 1], 1)));
        let node = NodeInfo { name: "ghost".into(), ..NodeInfo::new(Peer::new(id), to_address(address)) };
        Update { id, incarnation: Incarnation::of_generation(now()), kind: UpdateKind::Alive(Arc::new(node)) }
    };
    let usual = Incarnation::of_generation(now());
    Packet { updates: (0..40).map(alive).collect(), ..gossip(id_of("insider"), usual, PeerView::Unknown, None) }
}

// A9
#[tokio::test]
async fn of_100_000_invented_members_agents_admit_a_few_thousand_and_go_on() {
    let first = start("m0", None, true).await;
    let agents = vec![start("m1", Some(&first), true).await, first];
    within(20, "they know each other", async || all_know(&agents, 2).await).await;
    let (mut insider, begun) = (Insider::new(true), Instant::now());
    for n in 0..2500 {
        agents.iter().for_each(|agent| insider.send(agent, &inventions(n)));
        if n % 10 == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    for agent in &agents {
        within(60, "most are refused", async || agent.info().await.unwrap().refused_members > 10_000).await;
        let members = agent.members().await.unwrap().len() as u64;
        let most = 2 + 2 * (2048 + 64 * (begun.elapsed().as_secs() + 1));
        assert!((1000..=most).contains(&members), "{members} of at most {most}");
    }
    within(60, "the members hold each other alive", async || {
        is_alive_at(&agents[0], "m0").await && is_alive_at(&agents[1], "m1").await
    })
    .await;
}

// A8
#[tokio::test]
async fn a_generation_of_the_future_in_a_snapshot_is_ignored() {
    for (generation, is_kept) in [(u32::MAX, false), (now() + 3 * DAY, false), (now() + DAY / 2, true)] {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = format!(r#"{{"version":1,"name":"m0","generation":{generation},"members":[]}}"#);
        std::fs::write(folder.path().join("snapshot.json"), snapshot).unwrap();
        let agent = quick("m0").state_dir(folder.path()).spawn().await.unwrap();
        let own = agent.info().await.unwrap().incarnation.generation;
        if is_kept {
            assert_eq!(own, generation + 1);
        } else {
            assert!(own.abs_diff(now()) < 600, "{own} beside {generation}");
        }
    }
}
