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

use std::net::SocketAddr;
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

/// The page that a balancer answers with; empty with an error.
async fn get(http: SocketAddr, capability: &str) -> String {
    let page = async {
        let mut stream = TcpStream::connect(http).await?;
        let head = format!("GET / HTTP/1.1\r\nHost: here\r\nX-Capability: {capability}\r\n\r\n");
        let head = if capability.is_empty() { "GET / HTTP/1.1\r\nHost: here\r\n\r\n".to_owned() } else { head };
        stream.write_all(head.as_bytes()).await?;
        let mut page = String::new();
        stream.read_to_string(&mut page).await?;
        Ok::<_, std::io::Error>(page.lines().last().unwrap_or_default().to_owned())
    };
    page.await.unwrap_or_default()
}

async fn front() -> (Agent, SocketAddr) {
    let front = Agent::builder().name("front").spawn().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = listener.local_addr().unwrap();
    let agent = front.clone();
    tokio::spawn(async move { balancer::balance(listener, &agent).await.map_err(|error| error.to_string()) });
    (front, http)
}

/// The number of backends that a balancer may choose.
async fn healthy(front: &Agent) -> usize {
    let snapshot = front.discovery().await.unwrap().snapshot();
    snapshot.instances("web").iter().filter(|instance| instance.readiness.is_healthy()).count()
}

#[tokio::test]
async fn a_balancer_sends_requests_to_backends_that_have_the_capability() {
    let (front, http) = front().await;
    assert_eq!(get(http, "").await, "", "503, with nothing behind it");
    let seed = front.addr().to_string();
    for (name, capabilities) in [("blue", &["gpu"][..]), ("green", &[])] {
        tokio::spawn(balancer::serve(balancer::back(name, &seed, capabilities).await.unwrap()));
    }
    within(10, "both are known", async || healthy(&front).await == 2).await;
    let mut pages = [get(http, "").await, get(http, "").await];
    pages.sort();
    assert_eq!(pages, ["blue was here", "green was here"]);
    for _ in 0..4 {
        assert_eq!(get(http, "gpu").await, "blue was here");
    }
    assert_eq!(get(http, "tpu").await, "", "503");
}

/// Not a test: the process of a backend in the test below, which starts it with a seed in its environment.
#[tokio::test]
#[ignore = "a part of the test of a killed backend"]
async fn backend_process() {
    let Ok(seed) = std::env::var("BACKEND_SEED") else { return };
    let backend = balancer::back(&std::env::var("BACKEND_NAME").unwrap(), &seed, &[]).await.unwrap();
    balancer::serve(backend).await.unwrap();
}

/// Of the requests that are under way when a backend is killed with SIGKILL, only those fail whose answer has begun; the
/// others and all later ones go to other backends, also before the death is known.
#[tokio::test]
async fn a_killed_backend_costs_no_more_than_the_answers_that_it_has_begun() {
    let (front, http) = front().await;
    let seed = front.addr().to_string();
    let start = |name: &str| {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "backend_process"]).env("BACKEND_SEED", &seed).env("BACKEND_NAME", name);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut backends = ["red", "green", "blue"].map(start);
    within(20, "all are known", async || healthy(&front).await == 3).await;
    const CLIENTS: usize = 8;
    let ask = |requests: usize| async move {
        let mut failed = 0;
        for _ in 0..requests {
            failed += usize::from(!get(http, "").await.ends_with("was here"));
        }
        failed
    };
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(ask(300))).collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    backends[0].kill().unwrap();
    let mut failed = 0;
    for client in clients {
        failed += client.await.unwrap();
    }
    println!("{failed} of {} requests failed", CLIENTS * 300);
    assert!(failed <= CLIENTS, "{failed}");
    within(30, "it is out of the catalog or suspected", async || healthy(&front).await == 2).await;
    assert_eq!(ask(50).await, 0);
    for mut backend in backends {
        let _ = backend.kill();
        backend.wait().unwrap();
    }
}
