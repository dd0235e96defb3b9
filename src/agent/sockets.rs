//! The two sockets of an agent.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use super::address::{Reach, canonical, with_port};
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
        let udp = UdpSocket::bind(with_port(addr, tcp.local_addr()?.port())).await?;
        Ok(Self { udp, tcp })
    }
}

/// The address of this machine that packets from a socket have on their way to a member, with the socket's port. No
/// packet is sent.
pub(super) async fn outward_addr(bound: SocketAddr, reach: Reach, to: Address) -> Option<SocketAddr> {
    let socket = UdpSocket::bind(with_port(bound, 0)).await.ok()?;
    socket.connect(reach.socket_addr(to)?).await.ok()?;
    let addr = canonical(with_port(socket.local_addr().ok()?, bound.port()));
    (!addr.ip().is_unspecified()).then_some(addr)
}

/// The IP addresses of this machine's interfaces.
#[cfg(unix)]
pub(super) fn local_ips() -> Vec<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    let ip = |storage: nix::sys::socket::SockaddrStorage| {
        let ipv4 = storage.as_sockaddr_in().map(|addr| IpAddr::V4(addr.ip()));
        ipv4.or_else(|| storage.as_sockaddr_in6().map(|addr| IpAddr::V6(addr.ip())))
    };
    interfaces.filter_map(|interface| interface.address.and_then(ip)).collect()
}

/// The IP addresses of this machine's interfaces: not known on this system.
#[cfg(not(unix))]
pub(super) fn local_ips() -> Vec<IpAddr> {
    Vec::new()
}
