//! DNS of agents: what `dig` gets, what the command line tells of it, and clients that misbehave.

#![cfg(all(feature = "cli", feature = "agent", unix))]

pub mod agents;

use std::io::Write;
use std::net::{SocketAddr, TcpStream, UdpSocket};

use agents::clients::{A, SRV, answer, dig, query, raw, resolve};
use agents::process::{Process, config, until, until_complete};
use agents::{quick, within};
use swimlab::agent::{DnsDomain, DnsSockets, id_of, serve_dns};
use swimlab::discovery::{Description, Service};

/// The code for success.
const OK: u8 = 0;
/// The code for a name that does not exist.
const NO_NAME: u8 = 3;
/// The code for what the server refuses.
const REFUSED: u8 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_found_and_gone_when_its_member_no_longer_offers_it() {
    let agent = quick("m0").spawn().await.unwrap();
    let sockets = DnsSockets::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let to = sockets.local_addr();
    let domain: DnsDomain = "cluster.example".parse().unwrap();
    tokio::spawn(serve_dns(sockets, agent.clone(), agent.discovery().await.unwrap(), domain));
    let name = "web.service.cluster.example";
    let ask = |kind| tokio::task::block_in_place(|| resolve(to, name, kind));
    assert_eq!(ask(A), (NO_NAME, 0));
    let web = Service::parse("web:8080").unwrap();
    agent.describe(Description::default().with_service(web)).await.unwrap();
    within(10, "it is found", async || ask(A) == (OK, 1)).await;
    assert_eq!(ask(SRV), (OK, 1));
    for transport in ["+notcp", "+tcp"] {
        let dig = |args: &[&str]| tokio::task::block_in_place(|| dig(to, &[&[transport], args].concat()));
        if let Some(lines) = dig(&[name, "SRV"]) {
            assert_eq!(lines, ["1 1 8080 m0.node.cluster.example."]);
            assert_eq!(dig(&[name, "A"]).unwrap(), ["127.0.0.1"]);
            assert_eq!(dig(&["m0.node.cluster.example", "A"]).unwrap(), ["127.0.0.1"]);
            let soa = dig(&["cluster.example", "SOA"]).unwrap();
            assert!(soa[0].starts_with("m0.node.cluster.example. hostmaster.cluster.example. "), "{soa:?}");
        }
    }
    agent.describe(Description::default()).await.unwrap();
    within(10, "it is gone", async || ask(A) == (NO_NAME, 0)).await;
    agent.leave().await;
}

#[test]
fn members_have_names_until_they_are_gone_and_the_command_line_tells_where() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 5.0);
    let args = ["--config", config.to_str().unwrap(), "--dns", "127.0.0.1:0"];
    let first = Process::start(dir.path(), "p0", &args);
    let to: SocketAddr = first.events()[0]["dns"].as_str().unwrap().parse().unwrap();
    assert_eq!(first.info()["dns"], to.to_string());
    assert!(first.order(&["info"]).contains(&format!("dns          {to}\n")));
    let seed = first.addr.to_string();
    let second = ["--config", config.to_str().unwrap(), "--join", &seed];
    let all = [first, Process::start(dir.path(), "P_1", &second)];
    until_complete(20, &all);
    let by_id = format!("xid-{:016x}.node.swimlab", id_of("P_1"));
    until(10, "it is found", || resolve(to, &by_id, A) == (OK, 1));
    assert_eq!(resolve(to, "P0.node.swimlab", A), (OK, 1));
    assert_eq!(resolve(to, "p0.node.swimlab", SRV), (OK, 0));
    assert_eq!(resolve(to, "p7.node.swimlab", A), (NO_NAME, 0));
    assert_eq!(resolve(to, "example.org", A), (REFUSED, 0));
    let [_first, second] = all;
    second.kill();
    until(30, "the dead is gone", || resolve(to, &by_id, A) == (NO_NAME, 0));
}

#[test]
fn packets_that_are_no_queries_and_clients_that_hold_connections_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "p0", &["--dns", "127.0.0.1:0", "--dns-domain", "Lab.example"]);
    let to: SocketAddr = agent.events()[0]["dns"].as_str().unwrap().parse().unwrap();
    let good = query("p0.node.lab.example", A);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (mut response, mut claims) = (good.clone(), good.clone());
    response[2] |= 0x80;
    claims[4..12].fill(0xff);
    for packet in [&[][..], &[0; 11], &[0xff; 600], &response, &claims, &good[..good.len() - 3]] {
        socket.send_to(packet, to).unwrap();
    }
    assert_eq!(answer(to, &response), None);
    let mut held: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(to).unwrap()).collect();
    held.iter_mut().step_by(2).for_each(|stream| drop(stream.write_all(&[0xff, 0xff, 1])));
    let framed = [&(good.len() as u16).to_be_bytes()[..], &good].concat();
    // Connections that say nothing make room, and a frame that is no query ends its own.
    let answer = raw(to, &[&framed[..], &[0, 3, 1, 2, 3]].concat());
    assert!(answer.len() > good.len() && answer.contains("p0"), "{answer:?}");
    assert_eq!(resolve(to, "p0.node.lab.example", A), (OK, 1));
    assert_eq!(agent.alive(), ["p0"]);
    assert!(agent.errors().lines().all(|line| line.starts_with("warning: ")), "{}", agent.errors());

    let Err(output) = Process::try_start(dir.path(), "p1", &["--dns-domain", "a_b"]) else { panic!("it starts") };
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("--dns-domain") && complaint.contains("is no domain"), "{complaint}");
}
