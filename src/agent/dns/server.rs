//! The sockets of a DNS server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::answer::{Transport, Zone};
use super::domain::DnsDomain;
use super::weighted_order::Draw;
use crate::agent::discovery::Discovery;
use crate::agent::handle::Agent;
use crate::agent::server::{Place, ServerLimits, serve};
use crate::agent::sockets::Sockets;

/// The limits of connections over TCP.
pub(in crate::agent) const TCP_LIMITS: ServerLimits = ServerLimits {
    clients: "clients of the DNS server",
    connections: 64,
    per_source: 16,
    first_byte: Duration::from_secs(2),
    timeout: Duration::from_secs(10),
};

/// The longest query, in bytes: longer ones are not read.
pub(super) const LONGEST_QUERY: usize = 1232;

/// Pause after an error of the UDP socket, so that one that stays keeps no core busy.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// The UDP and the TCP socket of a DNS server, at the same address.
#[derive(Debug)]
pub struct DnsSockets {
    sockets: Sockets,
    addr: SocketAddr,
}

impl DnsSockets {
    /// Binds both. Port 0 stands for any that is free.
    ///
    /// # Errors
    /// If the address cannot be used, or is in use, for UDP or for TCP.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let sockets = Sockets::bind(addr).await?;
        let addr = sockets.udp.local_addr()?;
        Ok(Self { sockets, addr })
    }

    /// The address that both are bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }
}

/// The source of a DNS server's answers.
struct Source {
    zone: Zone,
    discovery: Discovery,
    seed: AtomicU64,
}

impl Source {
    fn answer(&self, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
        let mut draw = Draw::new(self.seed.fetch_add(1 << 32, Ordering::Relaxed));
        self.zone.answer(query, &self.discovery.snapshot(), transport, &mut draw)
    }
}

/// Serves the services and members that an agent knows, as names in a domain, until the agent ends.
pub async fn serve_dns(sockets: DnsSockets, agent: Agent, discovery: Discovery, domain: DnsDomain) {
    let Sockets { udp, tcp } = sockets.sockets;
    let zone = Zone { domain, own: agent.id() };
    // The order of answers is no secret: a fixed seed does where the system has no random numbers.
    let source = Arc::new(Source { zone, discovery, seed: AtomicU64::new(getrandom::u64().unwrap_or_default()) });
    let over_tcp = {
        let source = Arc::clone(&source);
        move |stream, place| converse(stream, place, Arc::clone(&source))
    };
    tokio::select! {
        () = serve(&tcp, TCP_LIMITS, over_tcp) => {}
        () = answer_datagrams(&udp, &source) => {}
        _ = agent.ended() => {}
    }
}

async fn answer_datagrams(udp: &UdpSocket, source: &Source) {
    // One more byte than the longest: a datagram that fills it has been cut.
    let mut buffer = [0; LONGEST_QUERY + 1];
    loop {
        let Ok((len, from)) = udp.recv_from(&mut buffer).await else {
            tokio::time::sleep(ERROR_PAUSE).await;
            continue;
        };
        if len > LONGEST_QUERY || from.port() == 0 {
            continue;
        }
        let is_remote = !from.ip().to_canonical().is_loopback();
        if let Some(answer) = source.answer(&buffer[..len], Transport::Udp { is_remote }) {
            // A queue that is full loses answers, as the network does: the client asks again.
            let _ = udp.try_send_to(&answer, from);
        }
    }
}

/// Answers one query after another, each with its length in front (RFC 7766), until the client sends something else.
async fn converse(mut stream: TcpStream, place: Place, source: Arc<Source>) -> io::Result<()> {
    let mut buffer = [0; LONGEST_QUERY];
    loop {
        let len = usize::from(stream.read_u16().await?);
        let Some(query) = buffer.get_mut(..len) else { return Ok(()) };
        stream.read_exact(query).await?;
        place.has_asked();
        let Some(answer) = source.answer(query, Transport::Tcp) else { return Ok(()) };
        let len = u16::try_from(answer.len()).map_err(io::Error::other)?;
        stream.write_all(&[&len.to_be_bytes()[..], &answer].concat()).await?;
    }
}
