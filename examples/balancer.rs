//! An HTTP balancer without a list of backends and without health checks: a backend is a member whose metadata tell
//! where it serves, and it gets requests as long as its group finds it alive.
//!
//! ```sh
//! cargo run --example balancer -- front 127.0.0.1:8080 127.0.0.1:7001      # HTTP port, then the member's own address
//! cargo run --example balancer -- back blue 127.0.0.1:7001                 # in other terminals: name, a member to join
//! cargo run --example balancer -- back green 127.0.0.1:7001
//! curl http://127.0.0.1:8080
//! ```

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use swimlab::agent::{Agent, Meta};
use swimlab::protocol::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The metadata key of the address at which a backend serves HTTP.
const HTTP: &str = "http";

/// Time-out of a connection to a backend.
const PATIENCE: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["front", http, member] => {
            let agent = Agent::builder().name("balancer").bind(member.parse()?).spawn().await?;
            balance(TcpListener::bind(http).await?, agent).await?;
        }
        ["back", name, seed] => serve(back(name, seed).await?, name.to_owned()).await?,
        _ => return Err("usage: balancer front HTTP-ADDR:PORT ADDR:PORT | balancer back NAME ADDR:PORT".into()),
    }
    Ok(())
}

/// Opens a backend's port, and starts the member that announces it.
pub async fn back(name: &str, seed: &str) -> Result<(TcpListener, Agent), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let meta = Meta::from_pairs([format!("{HTTP}={}", listener.local_addr()?)])?;
    let agent = Agent::builder().name(name).join([seed]).meta(meta.to_bytes()).spawn().await?;
    Ok((listener, agent))
}

/// Serves the same page to every client. The member runs as long as this does.
pub async fn serve((listener, _member): (TcpListener, Agent), name: String) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept().await?;
        let page = format!("{name} was here\n");
        tokio::spawn(async move {
            // A real server would look at the request.
            if stream.read(&mut [0; 4096]).await? == 0 {
                return Ok(());
            }
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
            stream.write_all((head + &page).as_bytes()).await
        });
    }
}

/// Passes each connection on to the next backend that is alive and takes it.
pub async fn balance(listener: TcpListener, agent: Agent) -> io::Result<()> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    loop {
        let (mut client, _) = listener.accept().await?;
        let agent = agent.clone();
        tokio::spawn(async move {
            let mut backends = backends(&agent).await;
            let first = TURN.fetch_add(1, Ordering::Relaxed) % backends.len().max(1);
            backends.rotate_left(first);
            for backend in backends {
                if let Ok(Ok(mut server)) = timeout(PATIENCE, TcpStream::connect(backend)).await {
                    return copy_bidirectional(&mut client, &mut server).await.map(drop);
                }
            }
            // Unread, the request would reset the connection before the answer is read.
            if client.read(&mut [0; 4096]).await? == 0 {
                return Ok(());
            }
            client
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await
        });
    }
}

/// Addresses at which live members serve. Suspected members are left out, unless all are suspected.
pub async fn backends(agent: &Agent) -> Vec<SocketAddr> {
    let members = agent.members().await.unwrap_or_default();
    let serving = |state| {
        let here = members.iter().filter(move |member| member.state == state);
        here.filter_map(|member| Meta::from_bytes(member.meta()).0.get(HTTP)?.parse().ok()).collect::<Vec<_>>()
    };
    let alive = serving(Status::Alive);
    if alive.is_empty() { serving(Status::Suspect) } else { alive }
}
