//! Addresses that no member can have.

use std::error::Error;
use std::fmt;

use super::message::Address;

/// Reason why an address cannot be one member's: packets sent there would reach none or many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddressFault {
    /// `::`, or in `0.0.0.0/8`: any address of the host, or none.
    Unspecified,
    /// A multicast group.
    Multicast,
    /// `255.255.255.255`: every host of the link.
    Broadcast,
    /// Port 0.
    NoPort,
}

impl Address {
    /// The reason why no member can listen at this address; `None` if one can.
    pub fn fault(&self) -> Option<AddressFault> {
        /// The first bytes of an IPv4 address that is mapped to IPv6.
        const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        match self.ip.split_first_chunk() {
            Some((&MAPPED, [0, ..])) => Some(AddressFault::Unspecified),
            Some((&MAPPED, [224..=239, ..])) => Some(AddressFault::Multicast),
            Some((&MAPPED, [255, 255, 255, 255])) => Some(AddressFault::Broadcast),
            _ if self.ip == [0; 16] => Some(AddressFault::Unspecified),
            _ if self.ip[0] == 0xff => Some(AddressFault::Multicast),
            _ => (self.port == 0).then_some(AddressFault::NoPort),
        }
    }
}

impl Error for AddressFault {}

impl fmt::Display for AddressFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "it is unspecified",
            Self::Multicast => "it is a multicast group",
            Self::Broadcast => "it is the broadcast address",
            Self::NoPort => "it has port 0",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // F5
    #[test]
    fn addresses_of_no_member_or_of_many_are_told_from_addresses_of_one() {
        let ipv4 = |[a, b, c, d]: [u8; 4]| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d];
        let ipv6 = |first: u8, last: u8| [first, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
        let fault = |ip, port| Address { ip, port }.fault();
        for ip in [ipv4([0, 0, 0, 0]), ipv4([0, 1, 2, 3]), ipv6(0, 0)] {
            assert_eq!(fault(ip, 7946), Some(AddressFault::Unspecified), "{ip:?}");
        }
        for ip in [ipv4([224, 0, 0, 1]), ipv4([239, 255, 255, 255]), ipv6(0xff, 1)] {
            assert_eq!(fault(ip, 7946), Some(AddressFault::Multicast), "{ip:?}");
        }
        assert_eq!(fault(ipv4([255; 4]), 7946), Some(AddressFault::Broadcast));
        assert_eq!(fault(ipv4([192, 0, 2, 7]), 0), Some(AddressFault::NoPort));
        for ip in [ipv4([192, 0, 2, 7]), ipv4([127, 0, 0, 1]), ipv4([255, 0, 0, 1]), ipv6(0, 1), ipv6(0xfe, 1)] {
            assert_eq!(fault(ip, 7946), None, "{ip:?}");
        }
    }
}
