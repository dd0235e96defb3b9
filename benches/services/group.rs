//! The members that are asked, on a thread of their own.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;
use swimlab::agent::{Agent, Discovery, DnsDomain, DnsSockets, serve_dns, serve_http};
use swimlab::discovery::{Description, Service};
use swimlab::protocol::{Body, Config};
use swimlab::wire::decode;
use tokio::net::TcpListener;

/// Number of members.
const MEMBERS: usize = 40;

/// Services that each of them offers.
const SERVICES: usize = 250;

/// Time that newcomers are given until all members know them.
const JOIN: Duration = Duration::from_secs(3);

/// The longest wait for a first ping.
const PATIENCE: Duration = Duration::from_secs(30);

/// Members on one thread, of which the first one serves DNS and HTTP.
pub(crate) struct Group {
    pub dns: SocketAddr,
    pub http: SocketAddr,
    seed: String,
    discovery: Discovery,
    cpu_ns: Arc<AtomicU64>,
}

impl Group {
    pub(crate) fn begin() -> Self {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            super::one_thread().block_on(async {
                let (group, _members) = serve().await;
                let cpu_ns = Arc::clone(&group.cpu_ns);
                sender.send(group).expect("the bench waits");
                let cpu = ThreadTime::now();
                loop {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    cpu_ns.store(cpu.elapsed().as_nanos() as u64, Ordering::Relaxed);
                }
            });
        });
        receiver.recv().expect("all members begin")
    }

    /// Waits until the first member knows what all offer.
    pub(crate) async fn settled(&self) {
        let entries = || self.discovery.snapshot().filtered(&Default::default()).count();
        while entries() < MEMBERS * SERVICES {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// CPU time of the members' thread.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed))
    }

    /// Lets members join and crash at once: the seconds until each of them is pinged for the first time after that.
    pub(crate) async fn first_pings(&self, round: usize, victims: usize) -> Vec<f64> {
        let mut crashing = Vec::new();
        for number in 0..victims {
            let builder = Agent::builder().name(format!("victim-{round}-{number}")).join([self.seed.clone()]);
            crashing.push(builder.config(Config::lan()).spawn().await.expect("a victim begins"));
        }
        // Rounds differ in the place of the crash within the members' periods.
        tokio::time::sleep(JOIN + Duration::from_millis(137 * round as u64 % 1000)).await;
        let mut pings = Vec::new();
        for victim in crashing {
            victim.stop().await;
            let crashed = Instant::now();
            pings.push(tokio::task::spawn_blocking(move || first_ping(victim.addr(), crashed)));
        }
        let mut seconds = Vec::new();
        for ping in pings {
            seconds.push(ping.await.expect("a ping arrives").as_secs_f64());
        }
        while self.discovery.snapshot().members().count() > MEMBERS {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        seconds
    }
}

/// Waits at a crashed member's address for the first ping.
fn first_ping(addr: SocketAddr, crashed: Instant) -> Duration {
    let socket = loop {
        match UdpSocket::bind(addr) {
            Ok(socket) => break socket,
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    socket.set_read_timeout(Some(PATIENCE)).expect("a time-out that is not zero");
    let mut buffer = [0; 2048];
    loop {
        let len = socket.recv(&mut buffer).expect("a ping within the time-out");
        if decode(&buffer[..len]).is_ok_and(|packet| matches!(packet.body, Body::Ping { .. })) {
            return crashed.elapsed();
        }
    }
}

async fn serve() -> (Group, Vec<Agent>) {
    let local: SocketAddr = ([127, 0, 0, 1], 0).into();
    let mut members: Vec<Agent> = Vec::new();
    for number in 0..MEMBERS {
        let seed = members.first().map(|first| first.addr().to_string());
        let builder = Agent::builder().name(format!("member-{number}")).join(seed).config(Config::lan());
        let agent = builder.spawn().await.expect("a member begins");
        let services = (0..SERVICES).map(|service| Service::new(&format!("s{service}"), 8080).expect("a service"));
        agent.describe(services.fold(Description::default(), Description::with_service)).await.expect("it fits");
        members.push(agent);
    }
    let first = members[0].clone();
    let discovery = first.discovery().await.expect("a member that goes on");
    let dns = DnsSockets::bind(local).await.expect("a free port");
    let http = TcpListener::bind(local).await.expect("a free port");
    let group = Group {
        dns: dns.local_addr(),
        http: http.local_addr().expect("a bound socket"),
        seed: first.addr().to_string(),
        discovery: discovery.clone(),
        cpu_ns: Arc::default(),
    };
    tokio::spawn(serve_dns(dns, first.clone(), discovery.clone(), DnsDomain::default()));
    tokio::spawn(serve_http(http, first, discovery));
    (group, members)
}
