//! An HTTP balancer without a list of backends and without health checks: a backend is a member that offers the service
//! `web`, and it gets requests as long as its group finds it alive. Requests may ask for a capability; they go to the
//! backend that has the fewest requests under way for its weight.
//!
//! ```sh
//! cargo run --example balancer -- front 127.0.0.1:8080 127.0.0.1:7001      # HTTP port, then the member's own address
//! cargo run --example balancer -- back blue 127.0.0.1:7001 gpu             # in other terminals: name, a member to join,
//! cargo run --example balancer -- back green 127.0.0.1:7001                # and capabilities
//! curl http://127.0.0.1:8080
//! curl -H 'X-Capability: gpu' http://127.0.0.1:8080
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use swimlab::agent::{Agent, Discovery, to_socket};
use swimlab::discovery::{Description, Instance, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The service that backends offer.
const SERVICE: &str = "web";

/// The load figure that they publish: requests under way.
const IN_FLIGHT: &str = "in_flight";

/// Time between two publications of a changed load.
const LOAD_INTERVAL: Duration = Duration::from_millis(500);

/// Time for the connection to a backend.
const PATIENCE: Duration = Duration::from_millis(500);

/// The longest head of a request, in bytes.
const LONGEST_HEAD: usize = 8192;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["front", http, member] => {
            let agent = Agent::builder().name("balancer").bind(member.parse()?).spawn().await?;
            balance(TcpListener::bind(http).await?, &agent).await?;
        }
        ["back", name, seed, capabilities @ ..] => serve(back(name, seed, capabilities).await?).await?,
        _ => {
            let usage = "usage: balancer front HTTP-ADDR:PORT ADDR:PORT | balancer back NAME ADDR:PORT [CAPABILITY...]";
            return Err(usage.into());
        }
    }
    Ok(())
}

/// A backend: its port, and the member that announces it.
pub struct Backend {
    listener: TcpListener,
    agent: Agent,
    description: Description,
}

/// Opens a backend's port, and starts the member that announces it.
pub async fn back(name: &str, seed: &str, capabilities: &[&str]) -> Result<Backend, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let agent = Agent::builder().name(name).join([seed]).spawn().await?;
    let service = Service::new(SERVICE, listener.local_addr()?.port())?;
    let mut description = Description::default().with_service(service);
    description.capabilities = capabilities.iter().map(|&word| word.into()).collect();
    agent.describe(description.clone()).await?;
    Ok(Backend { listener, agent, description })
}

/// Serves the same page to every client, and publishes the load. The member runs as long as this does.
pub async fn serve(backend: Backend) -> io::Result<()> {
    let Backend { listener, agent, description } = backend;
    let in_flight = Arc::new(AtomicUsize::new(0));
    let page = format!("{} was here\n", agent.name());
    let publish = async {
        let mut description = description;
        loop {
            tokio::time::sleep(LOAD_INTERVAL).await;
            description.load.insert(IN_FLIGHT.into(), in_flight.load(Ordering::Relaxed) as f64);
            // Unchanged figures are sent when half of their time is over, and not before.
            if agent.describe(description.clone()).await.is_err() {
                break;
            }
        }
    };
    let accept = async {
        loop {
            let (mut stream, _) = listener.accept().await?;
            let (page, in_flight) = (page.clone(), Arc::clone(&in_flight));
            tokio::spawn(async move {
                in_flight.fetch_add(1, Ordering::Relaxed);
                let _ = answer(&mut stream, &page).await;
                in_flight.fetch_sub(1, Ordering::Relaxed);
            });
        }
    };
    tokio::select! {
        () = publish => Ok(()),
        failed = accept => failed,
    }
}

async fn answer(stream: &mut TcpStream, page: &str) -> io::Result<()> {
    // A real server would look at the request.
    if stream.read(&mut [0; 4096]).await? == 0 {
        return Ok(());
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
    stream.write_all((head + page).as_bytes()).await
}

/// Passes each request on to a backend, and to another one if that is gone before it has answered anything. Requests have
/// no body.
pub async fn balance(listener: TcpListener, agent: &Agent) -> Result<(), Box<dyn Error>> {
    let balancer = Arc::new(Balancer { discovery: agent.discovery().await?, under_way: Mutex::default() });
    loop {
        let (client, _) = listener.accept().await?;
        let balancer = Arc::clone(&balancer);
        tokio::spawn(async move { balancer.pass_on(client).await });
    }
}

struct Balancer {
    discovery: Discovery,
    /// The requests that this balancer has under way, by backend.
    under_way: Mutex<HashMap<SocketAddr, usize>>,
}

impl Balancer {
    async fn pass_on(&self, mut client: TcpStream) -> io::Result<()> {
        let Some(head) = read_head(&mut client).await? else { return Ok(()) };
        let capability = header(&head, "x-capability");
        let mut tried = Vec::new();
        while let Some(backend) = self.choose(capability.as_deref(), &tried) {
            tried.push(backend);
            self.count(backend, 1);
            let done = exchange(&head, backend, &mut client).await;
            self.count(backend, -1);
            if let Some(done) = done {
                return done;
            }
        }
        client.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await
    }

    /// The address of the healthy backend with this capability that has the fewest requests under way for its weight.
    /// The load that a backend publishes includes the requests of other balancers, and is half a second old.
    fn choose(&self, capability: Option<&str>, tried: &[SocketAddr]) -> Option<SocketAddr> {
        static TURN: AtomicUsize = AtomicUsize::new(0);
        let snapshot = self.discovery.snapshot();
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let has_it = |instance: &&Instance| {
            let has = &instance.member.description.capabilities;
            instance.readiness.is_healthy() && capability.is_none_or(|capability| has.contains(capability))
        };
        let candidates: Vec<&Instance> = snapshot.instances(SERVICE).iter().filter(has_it).collect();
        let load = |instance: &Instance| {
            let published = instance.member.description.load.get(IN_FLIGHT).copied().unwrap_or_default();
            let own = under_way.get(&address(instance)).copied().unwrap_or_default() as f64;
            (published.max(own) + 1.0) / f64::from(instance.service.weight.max(1))
        };
        // Of several with the same load, another one each time.
        let first = TURN.fetch_add(1, Ordering::Relaxed) % candidates.len().max(1);
        let in_turn = candidates[first..].iter().chain(&candidates[..first]);
        let untried = in_turn.filter(|instance| !tried.contains(&address(instance)));
        untried.min_by(|a, b| load(a).total_cmp(&load(b))).map(|instance| address(instance))
    }

    fn count(&self, backend: SocketAddr, change: isize) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let count = under_way.entry(backend).or_default();
        *count = count.saturating_add_signed(change);
        if *count == 0 {
            under_way.remove(&backend);
        }
    }
}

/// The address at which an instance serves.
pub fn address(instance: &Instance) -> SocketAddr {
    SocketAddr::new(to_socket(instance.member.node.address).ip(), instance.service.port)
}

/// Passes a request on and the answer back. `None`: the backend is gone, and the client has got nothing yet.
async fn exchange(head: &[u8], backend: SocketAddr, client: &mut TcpStream) -> Option<io::Result<()>> {
    let mut server = timeout(PATIENCE, TcpStream::connect(backend)).await.ok()?.ok()?;
    server.write_all(head).await.ok()?;
    let mut first = [0; 4096];
    let read = server.read(&mut first).await.ok().filter(|read| *read > 0)?;
    let pass = async {
        client.write_all(&first[..read]).await?;
        copy_bidirectional(client, &mut server).await.map(drop)
    };
    Some(pass.await)
}

/// Reads a request up to the end of its head; `None` if there is no end.
async fn read_head(client: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD || client.read_buf(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

/// The value of a header.
fn header(head: &[u8], name: &str) -> Option<String> {
    let head = String::from_utf8_lossy(head);
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}
