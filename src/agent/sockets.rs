//! The two sockets of an agent.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use super::address::reachable;
use crate::protocol::Address;

/// The most connections that may wait to be accepted: as many members as may join through one seed at once.
const BACKLOG: u32 = 1024;

/// The number of attempts to find a port that is free for both UDP and TCP.
const PORT_TRIES: usize = 16;

/// A UDP socket and a TCP listener on one port.
pub(super) struct Sockets {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
}

impl Sockets {
    /// Binds both. With port 0, the system chooses a port.
    pub(super) async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let mut tries = if addr.port() == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            match Self::try_bind(addr).await {
                Err(_) if tries > 0 => {}
                result => return result,
            }
        }
    }

    async fn try_bind(addr: SocketAddr) -> io::Result<Self> {
        let tcp = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // As for listeners of the standard library: closed connections of an earlier life do not block the port.
        tcp.set_reuseaddr(true)?;
        tcp.bind(addr)?;
        let tcp = tcp.listen(BACKLOG)?;
        let udp = UdpSocket::bind(SocketAddr::new(addr.ip(), tcp.local_addr()?.port())).await?;
        Ok(Self { udp, tcp })
    }
}

/// Finds the address of this machine that packets from a socket have on their way to `seed`, or else to the internet.
/// No packet is sent.
pub(super) async fn outward_ip(bound: SocketAddr, seed: Option<Address>) -> Option<IpAddr> {
    // Addresses for documentation, which the default route leads to.
    let far: IpAddr = match bound {
        SocketAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        SocketAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let to = seed.and_then(|seed| reachable(seed, bound.is_ipv6())).unwrap_or(SocketAddr::new(far, 9));
    let socket = UdpSocket::bind(SocketAddr::new(bound.ip(), 0)).await.ok()?;
    socket.connect(to).await.ok()?;
    let ip = socket.local_addr().ok()?.ip().to_canonical();
    (!ip.is_unspecified()).then_some(ip)
}
