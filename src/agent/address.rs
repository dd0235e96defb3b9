//! Conversions between the protocol's addresses and the system's.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use crate::protocol::Address;

/// Converts a socket address to the protocol's form, in which IPv4 addresses are mapped to IPv6.
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

/// The form of an address that a socket of one family can send to: an IPv6 socket reaches IPv4 in its mapped form, an
/// IPv4 socket does not reach IPv6.
pub(super) fn reachable(address: Address, from_v6: bool) -> Option<SocketAddr> {
    let ip = Ipv6Addr::from(address.ip);
    let ip = if from_v6 { IpAddr::V6(ip) } else { IpAddr::V4(ip.to_ipv4_mapped()?) };
    Some(SocketAddr::new(ip, address.port))
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

    #[test]
    fn a_socket_of_either_family_reaches_ipv4_and_only_one_of_ipv6_reaches_ipv6() {
        let v4 = to_address("192.0.2.7:7946".parse().unwrap());
        assert_eq!(reachable(v4, false).unwrap().to_string(), "192.0.2.7:7946");
        assert_eq!(reachable(v4, true).unwrap().to_string(), "[::ffff:192.0.2.7]:7946");
        let v6 = to_address("[2001:db8::7]:1".parse().unwrap());
        assert_eq!(reachable(v6, false), None);
        assert_eq!(reachable(v6, true).unwrap().to_string(), "[2001:db8::7]:1");
    }
}
