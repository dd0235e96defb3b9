//! The two sockets of each member of a world, on the loopback interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use crate::agent::to_address;
use crate::protocol::Address;

/// File descriptors per member: its two sockets, and the world's own handles of them.
pub(super) const DESCRIPTORS_PER_MEMBER: u64 = 4;

/// File descriptors left for everything else, open streams among it.
const DESCRIPTORS_KEPT: u64 = 256;

/// Number of attempts to find a port that is free for both UDP and TCP.
const PORT_TRIES: usize = 16;

/// A member's port. The world keeps it open until its end, so that packets to crashed members are dropped and no other
/// process gets the port.
pub(super) struct MemberSockets {
    udp: UdpSocket,
    tcp: TcpListener,
    pub address: Address,
}

impl MemberSockets {
    /// Opens the sockets of `count` members. IPv6 addresses are as long in a message as those of the simulator's
    /// members; on hosts without IPv6, messages are some bytes shorter.
    pub(super) fn open(count: u32) -> io::Result<Vec<Self>> {
        let v6 = IpAddr::from(Ipv6Addr::LOCALHOST);
        let ip = if UdpSocket::bind((v6, 0)).is_ok() { v6 } else { Ipv4Addr::LOCALHOST.into() };
        (0..count).map(|_| Self::open_one(ip)).collect()
    }

    fn open_one(ip: IpAddr) -> io::Result<Self> {
        let mut tries = PORT_TRIES;
        let (tcp, udp) = loop {
            tries -= 1;
            let tcp = TcpListener::bind((ip, 0))?;
            match UdpSocket::bind(SocketAddr::new(ip, tcp.local_addr()?.port())) {
                Ok(udp) => break (tcp, udp),
                Err(error) if tries == 0 => return Err(error),
                Err(_) => {}
            }
        };
        tcp.set_nonblocking(true)?;
        udp.set_nonblocking(true)?;
        let address = to_address(udp.local_addr()?);
        Ok(Self { udp, tcp, address })
    }

    /// Handles of the sockets for a member that starts. Packets that arrived while the member was down are dropped.
    pub(super) fn handles(&self) -> io::Result<(UdpSocket, TcpListener)> {
        while self.udp.recv_from(&mut [0; 1]).is_ok() {}
        while self.tcp.accept().is_ok() {}
        Ok((self.udp.try_clone()?, self.tcp.try_clone()?))
    }
}

/// The number of members that can have sockets at once. Raises the limit of open files of the process as far as it is
/// allowed to.
pub(super) fn most_members() -> u64 {
    descriptors().saturating_sub(DESCRIPTORS_KEPT) / DESCRIPTORS_PER_MEMBER
}

#[cfg(unix)]
fn descriptors() -> u64 {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return u64::MAX };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

#[cfg(not(unix))]
fn descriptors() -> u64 {
    u64::MAX
}
