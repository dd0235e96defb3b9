//! The two sockets of an agent.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, UdpSocket};

use super::address::{Reach, canonical, with_port};
use crate::protocol::Address;

/// The most connections that may wait to be accepted: as many members as may join through one seed at once.
pub(super) const BACKLOG: u32 = 1024;

/// The number of attempts to find a port that is free for both UDP and TCP.
pub(super) const PORT_TRIES: usize = 16;

/// A UDP socket and a TCP listener on one port.
#[derive(Debug)]
pub(super) struct Sockets {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
}

impl Sockets {
    /// Binds both. With port 0, the system chooses a port.
    pub(super) async fn bind(addr: SocketAddr) -> io::Result<Self> {
        repeat(if addr.port() == 0 { PORT_TRIES } else { 1 }, || Self::try_bind(addr)).await
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

/// Makes up to `tries` attempts, until one succeeds.
async fn repeat<T, F: Future<Output = io::Result<T>>>(tries: usize, mut attempt: impl FnMut() -> F) -> io::Result<T> {
    for _ in 1..tries {
        if let Ok(value) = attempt().await {
            return Ok(value);
        }
    }
    attempt().await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_is_looked_for_as_often_as_the_limit_says() {
        for (failures, is_found) in [(PORT_TRIES - 1, true), (PORT_TRIES, false)] {
            let mut attempts = 0;
            let found = repeat(PORT_TRIES, || {
                attempts += 1;
                let is_free = attempts > failures;
                async move { if is_free { Ok(()) } else { Err(io::ErrorKind::AddrInUse.into()) } }
            });
            assert_eq!(found.await.is_ok(), is_found);
            assert_eq!(attempts, PORT_TRIES);
        }
    }

    /// The system's own limit of the backlog must not be lower, and 1,100 files may be open.
    #[cfg(target_os = "linux")]
    #[ignore = "takes 1,100 file descriptors"]
    #[tokio::test]
    async fn connections_wait_to_be_accepted_up_to_the_backlog() {
        use std::net::TcpStream;
        use std::time::Duration;
        let sockets = Sockets::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = sockets.tcp.local_addr().unwrap();
        let connect = |_| TcpStream::connect_timeout(&addr, Duration::from_secs(1));
        let waiting: Vec<_> = (0..BACKLOG).map(connect).collect();
        assert!(waiting.iter().all(Result::is_ok));
        // Linux takes one more.
        let more: Vec<_> = (0..2).map(connect).collect();
        assert!(more[1].is_err());
    }
}
