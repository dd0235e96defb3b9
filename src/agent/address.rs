//! Conversions between the protocol's addresses and the system's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::protocol::Address;

/// Converts a socket address to the protocol's form, in which IPv4 addresses are mapped to IPv6. The zone of an IPv6
/// address, which only its own host understands, is left out.
pub fn to_address(socket: SocketAddr) -> Address {
    let ip = match socket.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    Address { ip: ip.octets(), port: socket.port() }
}

/// Converts an address to the system's form, in which mapped IPv4 addresses are IPv4.
pub fn to_socket(address: Address) -> SocketAddr {
    SocketAddr::new(Ipv6Addr::from(address.ip).to_canonical(), address.port)
}

/// The addresses that a socket can send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// Whether the socket is of IPv6, and takes IPv4 addresses in their mapped form.
    is_ipv6: bool,
    reaches_ipv4: bool,
    reaches_ipv6: bool,
    /// The zone of all link-local addresses: the interface on whose link the members are. 0: unknown.
    zone: u32,
}

impl Reach {
    /// The reach of a socket that is bound to this address: its own family, or both if it is bound to `::`.
    pub(super) fn of(bound: SocketAddr) -> Self {
        match bound {
            SocketAddr::V4(_) => Self { is_ipv6: false, reaches_ipv4: true, reaches_ipv6: false, zone: 0 },
            SocketAddr::V6(bound) => {
                let is_mapped = bound.ip().to_ipv4_mapped().is_some();
                Self {
                    is_ipv6: true,
                    reaches_ipv4: is_mapped || bound.ip().is_unspecified(),
                    reaches_ipv6: !is_mapped,
                    zone: bound.scope_id(),
                }
            }
        }
    }

    /// The zone of all link-local addresses; 0 if it is not known.
    pub(super) fn zone(self) -> u32 {
        self.zone
    }

    /// Sets the zone of all link-local addresses, unless the socket is bound to another.
    pub(super) fn with_zone(self, zone: u32) -> Self {
        if self.zone == 0 { Self { zone, ..self } } else { self }
    }

    /// Addresses for documentation, one for each family that the socket reaches: the default route leads there.
    pub(super) fn far(self) -> impl Iterator<Item = Address> {
        let far_ipv4 = Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped();
        let far_ipv6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        let far = [(self.reaches_ipv6, far_ipv6), (self.reaches_ipv4, far_ipv4)];
        far.into_iter().filter(|(is_reached, _)| *is_reached).map(|(_, ip)| Address { ip: ip.octets(), port: 9 })
    }

    /// The form of an address that the socket sends to; `None` if it reaches no address of this family, or does not
    /// know the zone of a link-local address.
    pub(super) fn socket_addr(self, address: Address) -> Option<SocketAddr> {
        let ip = Ipv6Addr::from(address.ip);
        if let Some(ipv4) = ip.to_ipv4_mapped() {
            let ip = if self.is_ipv6 { IpAddr::V6(ip) } else { IpAddr::V4(ipv4) };
            return self.reaches_ipv4.then_some(SocketAddr::new(ip, address.port));
        }
        let zone = if ip.is_unicast_link_local() { self.zone } else { 0 };
        let is_reached = self.reaches_ipv6 && (zone != 0 || !ip.is_unicast_link_local());
        is_reached.then_some(SocketAddrV6::new(ip, address.port, 0, zone).into())
    }
}

/// Parses a socket address. The zone of a link-local address may be an interface's name: `[fe80::7%eth0]:7946`.
///
/// # Errors
/// What is wrong with the text, for people.
pub fn parse_socket_addr(text: &str) -> Result<SocketAddr, String> {
    if let Ok(addr) = text.parse() {
        return Ok(addr);
    }
    let expected = || "expected an address and a port, like 192.0.2.7:7946 or [2001:db8::7]:7946".to_owned();
    let (host, port) = text.strip_prefix('[').and_then(|text| text.split_once("]:")).ok_or_else(expected)?;
    let (ip, interface) = host.split_once('%').ok_or_else(expected)?;
    let (Ok(ip), Ok(port)) = (ip.parse(), port.parse()) else { return Err(expected()) };
    let zone = zone_of_interface(interface).ok_or_else(|| format!("there is no network interface {interface:?}"))?;
    Ok(SocketAddrV6::new(ip, port, 0, zone).into())
}

#[cfg(unix)]
fn zone_of_interface(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

#[cfg(not(unix))]
fn zone_of_interface(_name: &str) -> Option<u32> {
    None
}

/// Whether an address is an IPv6 address that is only valid on one link.
pub(super) fn is_link_local(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

/// The zone of an address; 0 if it has none.
pub(super) fn zone_of(addr: SocketAddr) -> u32 {
    if let SocketAddr::V6(addr) = addr { addr.scope_id() } else { 0 }
}

/// The address with another port, and the same zone.
pub(super) fn with_port(mut addr: SocketAddr, port: u16) -> SocketAddr {
    addr.set_port(port);
    addr
}

/// The address with a mapped IPv4 address as IPv4, and the same zone.
pub(super) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), addr.port()),
        IpAddr::V6(_) => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_converted_there_and_back_is_the_same() {
        for text in ["192.0.2.7:7946", "[2001:db8::7]:1", "127.0.0.1:65535"] {
            let socket: SocketAddr = text.parse().unwrap();
            assert_eq!(to_socket(to_address(socket)), socket);
        }
    }

    /// The form in which a socket reaches an address.
    fn reached(bound: &str, to: &str) -> Option<String> {
        let address = to_address(to.parse().unwrap());
        Reach::of(bound.parse().unwrap()).socket_addr(address).map(|addr| addr.to_string())
    }

    // F5
    #[test]
    fn a_socket_reaches_its_own_family_and_one_bound_to_all_ipv6_addresses_both() {
        let (v4, v6) = ("192.0.2.7:7946", "[2001:db8::7]:1");
        assert_eq!(reached("0.0.0.0:1", v4).unwrap(), v4);
        assert_eq!(reached("[::]:1", v4).unwrap(), "[::ffff:192.0.2.7]:7946");
        assert_eq!(reached("[::ffff:127.0.0.1]:1", v4).unwrap(), "[::ffff:192.0.2.7]:7946");
        assert_eq!(reached("[2001:db8::1]:1", v4), None);
        assert_eq!(reached("127.0.0.1:1", v6), None);
        assert_eq!(reached("[::ffff:127.0.0.1]:1", v6), None);
        assert_eq!(reached("[::]:1", v6).unwrap(), v6);
    }

    // F15
    #[cfg(target_os = "linux")]
    #[test]
    fn the_zone_of_an_address_is_a_number_or_an_interface() {
        assert_eq!(parse_socket_addr("[fe80::7%3]:1").unwrap().to_string(), "[fe80::7%3]:1");
        assert_eq!(zone_of(parse_socket_addr("[fe80::7%lo]:1").unwrap()), 1);
        assert!(parse_socket_addr("[fe80::7%nosuch0]:1").unwrap_err().contains("nosuch0"));
        for text in ["", "192.0.2.7", "[fe80::7%lo]", "fe80::7%lo:1", "[192.0.2.7%lo]:1", "[fe80::7%lo]:65536"] {
            assert!(parse_socket_addr(text).unwrap_err().contains("expected an address and a port"), "{text}");
        }
    }

    // F15
    #[test]
    fn a_link_local_address_is_reached_in_the_zone_that_the_socket_is_bound_to() {
        let peer = "[fe80::7]:1";
        assert_eq!(reached("[fe80::1%3]:1", peer).unwrap(), "[fe80::7%3]:1");
        assert_eq!(reached("[fe80::1%3]:1", "[2001:db8::7]:1").unwrap(), "[2001:db8::7]:1");
        assert_eq!(reached("[::]:1", peer), None);
        let reach = Reach::of("[::]:1".parse().unwrap()).with_zone(4);
        assert_eq!(reach.socket_addr(to_address(peer.parse().unwrap())).unwrap().to_string(), "[fe80::7%4]:1");
    }
}
