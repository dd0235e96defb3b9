//! Two sockets for each member of a world, on the loopback interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};

use crate::agent::to_address;
use crate::protocol::Address;

/// What a member of a world takes: its two sockets, and the world's own hold on them.
pub(super) const DESCRIPTORS_PER_MEMBER: u64 = 4;

/// What everything else may take, streams under way among it.
const DESCRIPTORS_KEPT: u64 = 256;

/// How often a free port is sought that both UDP and TCP have.
const PORT_TRIES: usize = 16;

/// A member's port. The world holds it until its end: a packet to the dead comes to nothing, and nobody else's member is
/// reached there.
pub(super) struct Port {
    udp: UdpSocket,
    tcp: TcpListener,
    pub address: Address,
}

impl Port {
    /// So many ports. Addresses of IPv6 are as long in a message as those of the simulator's members; where there is no
    /// IPv6, those of IPv4 save some bytes.
    pub fn open(count: u32) -> io::Result<Vec<Self>> {
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

    /// The sockets for a member that begins. Packets that arrived while no member had it are dropped.
    pub fn sockets(&self) -> io::Result<(UdpSocket, TcpListener)> {
        while self.udp.recv_from(&mut [0; 1]).is_ok() {}
        while self.tcp.accept().is_ok() {}
        Ok((self.udp.try_clone()?, self.tcp.try_clone()?))
    }
}

/// How many members can have sockets at once: as many as the system lets this process open, which is asked to be as many
/// as it may.
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
