//! The examples that drive agents do what they say.

#![cfg(feature = "agent")]
#![allow(dead_code, reason = "the examples' own main functions")]

pub mod agents;

#[path = "../examples/balancer.rs"]
pub mod balancer;
#[path = "../examples/chat.rs"]
pub mod chat;
#[path = "../examples/cluster.rs"]
pub mod cluster;

use std::time::Duration;

use agents::within;
use swimlab::agent::{Agent, Events};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[test]
fn members_of_a_cluster_in_one_process_find_each_other_and_detect_a_crash() {
    let [join, detection] = cluster::run(10).unwrap();
    assert!(join < Duration::from_secs(15) && detection < Duration::from_secs(20), "{join:?}, {detection:?}");
}

#[tokio::test]
async fn participants_of_a_chat_see_each_other_and_read_what_is_said() {
    let any = "127.0.0.1:0".parse().unwrap();
    let (ann, mut anns) = chat::enter("ann", any, Vec::new()).await.unwrap();
    let (bob, mut bobs) = chat::enter("bob", any, vec![ann.addr().to_string()]).await.unwrap();
    let read = async |events: &mut Events| loop {
        let event = tokio::time::timeout(Duration::from_secs(10), events.next()).await.unwrap().unwrap();
        if let Some(line) = chat::show(&event) {
            return line;
        }
    };
    assert_eq!(read(&mut anns).await, "* bob is here");
    assert_eq!(read(&mut bobs).await, "* ann is here");
    bob.broadcast("said", "hello").await.unwrap();
    assert_eq!(read(&mut anns).await, "bob: hello");
    bob.leave().await;
    assert_eq!(read(&mut anns).await, "* bob leaves");
}

#[tokio::test]
async fn a_balancer_sends_requests_to_live_backends() {
    let front = Agent::builder().name("front").spawn().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = listener.local_addr().unwrap();
    tokio::spawn(balancer::balance(listener, front.clone()));
    let get = async || {
        let mut stream = TcpStream::connect(http).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n").await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        page.lines().last().unwrap_or_default().to_owned()
    };
    assert_eq!(get().await, "", "503, with nothing behind it");

    let seed = front.addr().to_string();
    let mut servers = Vec::new();
    for name in ["blue", "green"] {
        let backend = balancer::back(name, &seed).await.unwrap();
        servers.push((backend.1.clone(), tokio::spawn(balancer::serve(backend, name.to_owned()))));
    }
    within(10, "both are known", async || balancer::backends(&front).await.len() == 2).await;
    let mut pages = [get().await, get().await];
    pages.sort();
    assert_eq!(pages, ["blue was here", "green was here"]);

    // One crashes, member and port: the other one answers every request from then on.
    let (agent, server) = servers.remove(0);
    server.abort();
    let _ = server.await;
    agent.stop().await;
    for _ in 0..4 {
        assert_eq!(get().await, "green was here");
    }
    within(20, "the death is known", async || balancer::backends(&front).await.len() == 1).await;
    assert_eq!(get().await, "green was here");
}
