//! Answers to queries, and the server behind real sockets.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RecordType};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::answer::{AMPLIFICATION_LIMIT, PLAIN_LIMIT, TCP_INSTANCES, Transport, UDP_INSTANCES, UDP_LIMIT, Zone};
use super::server::LONGEST_QUERY;
use super::weighted_order::{Draw, choose};
use super::{DnsDomain, DnsSockets, serve_dns};
use crate::agent::Agent;
use crate::agent::discovery::Discovery;
use crate::agent::discovery::sample::{catalog, member, service};
use crate::discovery::{Catalog, Description, Instance, Snapshot};

const LOCAL: Transport = Transport::Udp { is_remote: false };

fn zone() -> Zone {
    Zone { domain: DnsDomain::default(), own: 1 }
}

fn query(name: &str, kind: RecordType) -> Message {
    let mut query = Message::new(7, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    query
}

fn ask(query: &Message, snapshot: &Snapshot, transport: Transport) -> Message {
    let answer = zone().answer(&query.to_vec().unwrap(), snapshot, transport, &mut Draw::new(1)).unwrap();
    Message::from_vec(&answer).unwrap()
}

/// The answer to a question about the sample, one line for each record.
fn shown(name: &str, kind: RecordType) -> String {
    let answer = ask(&query(name, kind), &catalog().snapshot(), LOCAL);
    let mut lines = vec![answer.metadata.response_code.to_string()];
    let sections = [("answer", &answer.answers), ("authority", &answer.authorities), ("more", &answer.additionals)];
    for (section, records) in sections {
        lines.extend(records.iter().map(|record| format!("{section}: {record}")));
    }
    lines.join("\n")
}

#[test]
fn services_have_srv_records_with_priorities_and_the_addresses_of_their_targets() {
    insta::assert_snapshot!(shown("Web.Service.swimlab.", RecordType::SRV), @"
    No Error
    answer: Web.Service.swimlab. 0 IN SRV 1 5 8080 alpha.node.swimlab.
    answer: Web.Service.swimlab. 0 IN SRV 2 1 8081 xid-0000000000000002.node.swimlab.
    more: alpha.node.swimlab. 0 IN A 10.0.0.1
    more: xid-0000000000000002.node.swimlab. 0 IN A 10.0.0.2
    ");
    insta::assert_snapshot!(shown("db.service.swimlab.", RecordType::SRV), @"
    No Error
    answer: db.service.swimlab. 0 IN SRV 1 1 5432 xid-0000000000000002.node.swimlab.
    answer: db.service.swimlab. 0 IN SRV 1 1 5433 gamma.node.swimlab.
    more: xid-0000000000000002.node.swimlab. 0 IN A 10.0.0.2
    more: gamma.node.swimlab. 0 IN AAAA fd00::3
    ");
}

#[test]
fn services_have_addresses_of_healthy_instances_only() {
    insta::assert_snapshot!(shown("web.service.swimlab.", RecordType::A), @"
    No Error
    answer: web.service.swimlab. 0 IN A 10.0.0.1
    answer: web.service.swimlab. 0 IN A 10.0.0.2
    ");
    insta::assert_snapshot!(shown("db.service.swimlab.", RecordType::AAAA), @"
    No Error
    answer: db.service.swimlab. 0 IN AAAA fd00::3
    ");
    // Known, but of no type that was asked for, or not healthy: no answer, and no error.
    insta::assert_snapshot!(shown("web.service.swimlab.", RecordType::AAAA), @"
    No Error
    authority: swimlab. 0 IN SOA alpha.node.swimlab. hostmaster.swimlab. 6 3600 600 86400 0
    ");
    insta::assert_snapshot!(shown("v3.web.service.swimlab.", RecordType::SRV), @"
    No Error
    authority: swimlab. 0 IN SOA alpha.node.swimlab. hostmaster.swimlab. 6 3600 600 86400 0
    ");
    assert!(shown("web.service.swimlab.", RecordType::TXT).starts_with("No Error\nauthority"));
}

#[test]
fn tags_and_zones_choose_among_instances() {
    insta::assert_snapshot!(shown("v1.web.service.swimlab.", RecordType::SRV), @"
    No Error
    answer: v1.web.service.swimlab. 0 IN SRV 2 1 8081 xid-0000000000000002.node.swimlab.
    more: xid-0000000000000002.node.swimlab. 0 IN A 10.0.0.2
    ");
    insta::assert_snapshot!(shown("web.service.eu-west.swimlab.", RecordType::A), @"
    No Error
    answer: web.service.eu-west.swimlab. 0 IN A 10.0.0.1
    answer: web.service.eu-west.swimlab. 0 IN A 10.0.0.2
    ");
    insta::assert_snapshot!(shown("canary.web.service.A.swimlab.", RecordType::A), @"
    No Error
    answer: canary.web.service.A.swimlab. 0 IN A 10.0.0.1
    ");
    insta::assert_snapshot!(shown("v1.web.service.a.swimlab.", RecordType::A), @"
    Non-Existent Domain
    authority: swimlab. 0 IN SOA alpha.node.swimlab. hostmaster.swimlab. 6 3600 600 86400 0
    ");
}

#[test]
fn names_with_underscores_mean_the_same_as_those_without() {
    for kind in [RecordType::SRV, RecordType::A] {
        let pairs = [
            ("_web._tcp.service.swimlab.", "web.service.swimlab."),
            ("_WEB._udp.service.eu-west.swimlab.", "web.service.eu-west.swimlab."),
            ("_web._v1.service.swimlab.", "v1.web.service.swimlab."),
            ("_mail._tcp.service.swimlab.", "mail.service.swimlab."),
        ];
        for (name, plain) in pairs {
            assert_eq!(shown(name, kind).replace(name, plain), shown(plain, kind), "{name}");
        }
    }
    for nothing in ["_web.service.swimlab.", "_web.tcp.service.swimlab.", "_._tcp.service.swimlab."] {
        assert!(shown(nothing, RecordType::SRV).contains("Non-Existent"), "{nothing}");
    }
}

#[test]
fn nodes_are_found_by_name_or_id() {
    insta::assert_snapshot!(shown("ALPHA.node.swimlab.", RecordType::A), @"
    No Error
    answer: ALPHA.node.swimlab. 0 IN A 10.0.0.1
    ");
    insta::assert_snapshot!(shown("xid-0000000000000003.node.swimlab.", RecordType::AAAA), @"
    No Error
    answer: xid-0000000000000003.node.swimlab. 0 IN AAAA fd00::3
    ");
    assert!(shown("xid-00000000000000ff.node.swimlab.", RecordType::A).contains("Non-Existent"));
    assert!(shown("alpha.node.swimlab.", RecordType::AAAA).starts_with("No Error\nauthority"));
}

#[test]
fn members_whose_names_differ_in_case_only_have_names_of_their_own() {
    let mut catalog = Catalog::default();
    for (id, name) in [(1, "web"), (2, "Web"), (3, "xid-0000000000000001"), (4, "WEB2")] {
        catalog.set_member(member(id, name, &format!("10.0.0.{id}"), ""));
        catalog.describe(id, Description::default().with_service(service("s", 80, 1, &[])));
    }
    let snapshot = catalog.snapshot();
    let targets = ask(&query("s.service.swimlab.", RecordType::SRV), &snapshot, LOCAL);
    assert_eq!(targets.answers.len(), 4);
    for glue in &targets.additionals {
        let direct = ask(&query(&glue.name.to_ascii(), RecordType::A), &snapshot, LOCAL);
        assert_eq!(direct.answers, std::slice::from_ref(glue));
    }
    let addresses = |name| ask(&query(name, RecordType::A), &snapshot, LOCAL).answers.len();
    assert_eq!(["web.node.swimlab.", "web2.node.swimlab."].map(addresses), [1, 1]);
}

#[test]
fn the_apex_has_soa_and_ns_and_names_between_have_nothing() {
    insta::assert_snapshot!(shown("swimlab.", RecordType::SOA), @"
    No Error
    answer: swimlab. 0 IN SOA alpha.node.swimlab. hostmaster.swimlab. 6 3600 600 86400 0
    ");
    insta::assert_snapshot!(shown("swimlab.", RecordType::NS), @"
    No Error
    answer: swimlab. 0 IN NS alpha.node.swimlab.
    more: alpha.node.swimlab. 0 IN A 10.0.0.1
    ");
    insta::assert_snapshot!(shown("nobody.service.swimlab.", RecordType::A), @"
    Non-Existent Domain
    authority: swimlab. 0 IN SOA alpha.node.swimlab. hostmaster.swimlab. 6 3600 600 86400 0
    ");
    for name in ["service.swimlab.", "node.swimlab.", "service.eu-west.swimlab.", "b.swimlab.", "swimlab."] {
        assert!(shown(name, RecordType::A).starts_with("No Error\nauthority"), "{name}");
    }
    for name in ["a.b.c.service.d.swimlab.", "mars.swimlab.", "service.mars.swimlab.", "x.node.swimlab."] {
        assert!(shown(name, RecordType::A).contains("Non-Existent"), "{name}");
    }
}

#[test]
fn names_outside_the_zone_transfers_and_other_classes_are_refused() {
    for (name, kind) in [
        ("example.org.", RecordType::A),
        (".", RecordType::NS),
        ("xswimlab.", RecordType::A),
        ("swimlab.", RecordType::AXFR),
    ] {
        let answer = ask(&query(name, kind), &catalog().snapshot(), LOCAL);
        assert_eq!(answer.metadata.response_code, ResponseCode::Refused, "{name}");
        assert!(!answer.metadata.authoritative && !answer.metadata.recursion_available);
        assert_eq!(answer.answers.len() + answer.authorities.len(), 0);
    }
    let mut chaos = query("web.service.swimlab.", RecordType::A);
    chaos.queries[0].set_query_class(DNSClass::CH);
    let answer = ask(&chaos, &catalog().snapshot(), LOCAL);
    assert_eq!(answer.metadata.response_code, ResponseCode::Refused);
}

#[test]
fn what_is_no_query_is_ignored_and_what_does_not_parse_is_refused() {
    let snapshot = catalog().snapshot();
    let answer = |packet: &[u8]| {
        let answer = zone().answer(packet, &snapshot, LOCAL, &mut Draw::new(1))?;
        Some(Message::from_vec(&answer).unwrap().metadata.response_code)
    };
    let good = query("web.service.swimlab.", RecordType::A).to_vec().unwrap();
    assert_eq!(answer(&good), Some(ResponseCode::NoError));
    let changed = |at: usize, value: u8| [&good[..at], &[value], &good[at + 1..]].concat();
    // A response, which would make two servers talk without end; less than a header; nothing.
    for packet in [&changed(2, 0x80), &good[..11], &[]] {
        assert_eq!(answer(packet), None);
    }
    // No question, two questions, 65,281 of them, half a question.
    for packet in [&changed(5, 0), &changed(5, 2), &changed(4, 0xff), &good[..20]] {
        assert_eq!(answer(packet), Some(ResponseCode::FormErr));
    }
    assert_eq!(answer(&changed(2, 4 << 3)), Some(ResponseCode::NotImp));
    let mut later = query("web.service.swimlab.", RecordType::A);
    later.set_edns(Edns::new().set_version(1).clone());
    let code = ask(&later, &snapshot, LOCAL).metadata.response_code;
    assert_eq!(u16::from(code), u16::from(ResponseCode::BADVERS));
}

/// A service `many` with this number of instances.
fn many(instances: usize) -> Snapshot {
    let mut catalog = Catalog::default();
    for id in 1..=instances as u64 {
        let ip = format!("10.1.{}.{}", id / 256, id % 256);
        catalog.set_member(member(id, &format!("member-{id}"), &ip, ""));
        catalog.describe(id, Description::default().with_service(service("many", 80, 1, &[])));
    }
    catalog.snapshot()
}

fn bytes_of(query: &Message, snapshot: &Snapshot, transport: Transport) -> Vec<u8> {
    zone().answer(&query.to_vec().unwrap(), snapshot, transport, &mut Draw::new(1)).unwrap()
}

#[test]
fn answers_over_udp_are_cut_at_the_size_that_the_client_takes() {
    let snapshot = many(60);
    let mut asked = query("many.service.swimlab.", RecordType::SRV);
    let mut last = 0;
    for (payload, limit) in [(None, PLAIN_LIMIT), (Some(100), PLAIN_LIMIT), (Some(800), 800), (Some(4096), UDP_LIMIT)] {
        if let Some(payload) = payload {
            asked.set_edns(Edns::new().set_max_payload(payload).clone());
        }
        let bytes = bytes_of(&asked, &snapshot, LOCAL);
        let answer = Message::from_vec(&bytes).unwrap();
        assert!(bytes.len() <= limit.into() && bytes.len() + 60 > limit.into(), "{} of {limit}", bytes.len());
        assert!(answer.metadata.truncation && answer.additionals.is_empty());
        assert!(answer.answers.len() >= last, "{payload:?}");
        last = answer.answers.len();
    }
    let whole = ask(&asked, &snapshot, Transport::Tcp);
    assert!(!whole.metadata.truncation);
    assert_eq!((whole.answers.len(), whole.additionals.len()), (60, 60));
    // The addresses of targets alone are left out without the bit: the answer is whole.
    let few = ask(&query("many.service.swimlab.", RecordType::SRV), &many(10), LOCAL);
    assert_eq!((few.answers.len(), few.additionals.len(), few.metadata.truncation), (10, 0, false));
}

#[test]
fn answers_to_other_hosts_are_no_longer_than_a_multiple_of_the_query() {
    let snapshot = many(79);
    let mut asked = query("many.service.swimlab.", RecordType::A);
    asked.set_edns(Edns::new().set_max_payload(4096).clone());
    let query_len = asked.to_vec().unwrap().len();
    let bytes = bytes_of(&asked, &snapshot, Transport::Udp { is_remote: true });
    assert!(bytes.len() <= AMPLIFICATION_LIMIT * query_len && bytes.len() + 16 > AMPLIFICATION_LIMIT * query_len);
    assert!(Message::from_vec(&bytes).unwrap().metadata.truncation);
    assert!(bytes_of(&asked, &snapshot, LOCAL).len() > AMPLIFICATION_LIMIT * query_len);
}

#[test]
fn of_many_instances_some_are_chosen_at_random() {
    let mut asked = query("many.service.swimlab.", RecordType::A);
    asked.set_edns(Edns::new().set_max_payload(4096).clone());
    for (transport, limit) in [(LOCAL, UDP_INSTANCES), (Transport::Tcp, TCP_INSTANCES)] {
        for (instances, is_cut) in [(limit, false), (limit + 1, true)] {
            let snapshot = many(instances);
            let mut counts = BTreeMap::new();
            for seed in 0..40 {
                let packet = asked.to_vec().unwrap();
                let answer = zone().answer(&packet, &snapshot, transport, &mut Draw::new(seed << 32)).unwrap();
                let answer = Message::from_vec(&answer).unwrap();
                *counts.entry(answer.answers.len()).or_insert(0) += 1;
                assert!(answer.metadata.truncation == (transport == LOCAL && (is_cut || answer.answers.len() < limit)));
            }
            assert!(counts.keys().all(|count| *count <= limit && *count > 60), "{counts:?}");
        }
    }
}

#[test]
fn of_many_instances_all_are_equally_likely_to_be_chosen_also_where_few_fit() {
    let (trials, most) = (2000, 80);
    let mut catalog = Catalog::default();
    for id in 1..=600_u64 {
        catalog.set_member(member(id, &format!("member-{id}"), "10.1.0.1", ""));
        let tags: &[&str] = match id {
            0..=81 => &["few", "one-too-many"],
            82..=100 => &["few"],
            _ => &[],
        };
        catalog.describe(id, Description::default().with_service(service("many", 80, 1, tags)));
    }
    let snapshot = catalog.snapshot();
    for (tag, fitting) in [(None, 600), (Some("few"), 100), (Some("one-too-many"), 81)] {
        let fits = |instance: &Instance| tag.is_none_or(|tag| instance.service.tags.contains(tag));
        let mut counts = BTreeMap::new();
        for seed in 0..trials {
            let choice = choose(snapshot.instances("many"), fits, most, &mut Draw::new(seed << 32));
            assert!(choice.is_cut && choice.instances.len() == most);
            choice.instances.iter().for_each(|one| *counts.entry(one.member.node.peer.id).or_insert(0.0) += 1.0);
        }
        assert_eq!(counts.len(), fitting);
        // A count is hypergeometric: six standard deviations of it.
        let share = most as f64 / fitting as f64;
        let (mean, sd) = (trials as f64 * share, (trials as f64 * share * (1.0 - share)).sqrt());
        assert!(counts.values().all(|count| (count - mean).abs() < 6.0 * sd), "{tag:?}: {mean} {sd} {counts:?}");
    }
}

#[test]
fn the_first_address_is_that_of_an_instance_in_proportion_to_its_weight() {
    let mut catalog = Catalog::default();
    for (id, weight) in [(1, 3), (2, 1), (3, 0)] {
        catalog.set_member(member(id, &format!("m{id}"), &format!("10.0.0.{id}"), ""));
        catalog.describe(id, Description::default().with_service(service("s", 80, weight, &[])));
    }
    let (snapshot, packet) = (catalog.snapshot(), query("s.service.swimlab.", RecordType::A).to_vec().unwrap());
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..4000u64 {
        let answer = zone().answer(&packet, &snapshot, LOCAL, &mut Draw::new(seed << 32)).unwrap();
        *first.entry(Message::from_vec(&answer).unwrap().answers[0].data.to_string()).or_default() += 1;
    }
    let share = |ip: &str| f64::from(first[ip]) / 4000.0;
    assert!((share("10.0.0.1") - 0.747).abs() < 0.03, "{first:?}");
    assert!((share("10.0.0.2") - 0.249).abs() < 0.03, "{first:?}");
    assert!(share("10.0.0.3") < 0.02, "{first:?}");
    // The same seed, the same order.
    let ask = || zone().answer(&packet, &snapshot, LOCAL, &mut Draw::new(5)).unwrap();
    assert_eq!(ask(), ask());
}

#[test]
fn a_domain_is_made_of_labels() {
    for good in ["swimlab", "Swimlab.", "a.b-c.example.org", &"a".repeat(60)] {
        assert!(good.parse::<DnsDomain>().is_ok(), "{good}");
    }
    for bad in ["", ".", "a..b", "-a", "a_b", "a b", "ä", &"a".repeat(61)] {
        assert!(bad.parse::<DnsDomain>().is_err(), "{bad}");
    }
    assert_eq!("Swimlab.Example".parse::<DnsDomain>().unwrap().to_string(), "swimlab.example.");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered_within_the_limit(
        mut packet in prop::collection::vec(any::<u8>(), 0..200),
        is_one_question in any::<bool>(),
        is_remote in any::<bool>(),
    ) {
        if is_one_question && packet.len() > 12 {
            packet[2] = 0;
            packet[4..12].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
        }
        let snapshot = catalog().snapshot();
        if let Some(answer) = zone().answer(&packet, &snapshot, Transport::Udp { is_remote }, &mut Draw::new(1)) {
            prop_assert!(answer.len() <= UDP_LIMIT.into() && answer[..2] == packet[..2] && answer[2] & 0x80 != 0);
            prop_assert!(!is_remote || answer.len() <= AMPLIFICATION_LIMIT * packet.len());
        }
    }
}

/// A server for the sample, at this address.
async fn served() -> (Agent, SocketAddr) {
    let agent = Agent::builder().spawn().await.unwrap();
    let sockets = DnsSockets::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = sockets.local_addr();
    let (snapshots, discovery) = Discovery::of(catalog().snapshot());
    let served = agent.clone();
    tokio::spawn(async move {
        let _snapshots = snapshots;
        serve_dns(sockets, served, discovery, DnsDomain::default()).await;
    });
    (agent, addr)
}

/// The packet with zeros behind it: a decoder has no use for them.
fn padded(len: usize) -> Vec<u8> {
    let mut packet = query("web.service.swimlab.", RecordType::SRV).to_vec().unwrap();
    packet.resize(len, 0);
    packet
}

#[tokio::test]
async fn queries_are_read_up_to_the_longest() {
    let (agent, addr) = served().await;
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    udp.connect(addr).await.unwrap();
    // The longer one is ignored: the answer is the other one's.
    let mut longer = padded(LONGEST_QUERY + 1);
    longer[0] = 9;
    udp.send(&longer).await.unwrap();
    udp.send(&padded(LONGEST_QUERY)).await.unwrap();
    let mut buffer = [0; 2000];
    let len = tokio::time::timeout(Duration::from_secs(20), udp.recv(&mut buffer)).await.unwrap().unwrap();
    assert_eq!(Message::from_vec(&buffer[..len]).unwrap().metadata.id, 7);

    for (len, is_answered) in [(LONGEST_QUERY, true), (LONGEST_QUERY + 1, false)] {
        let mut tcp = TcpStream::connect(addr).await.unwrap();
        let packet = [&(len as u16).to_be_bytes()[..], &padded(len)].concat();
        // Two at once: each has an answer of its own.
        tcp.write_all(&[&packet[..], &packet].concat()).await.unwrap();
        for _ in 0..2 {
            let answer = async {
                let len = tcp.read_u16().await?;
                let mut answer = vec![0; len.into()];
                tcp.read_exact(&mut answer).await?;
                std::io::Result::Ok(answer)
            };
            let answer = tokio::time::timeout(Duration::from_secs(20), answer).await.unwrap();
            assert_eq!(answer.is_ok_and(|bytes| Message::from_vec(&bytes).unwrap().answers.len() == 2), is_answered);
        }
    }
    agent.stop().await;
}
