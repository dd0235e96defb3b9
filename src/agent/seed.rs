//! A seed as a text: `host`, `host:port`, `192.0.2.7`, `192.0.2.7:7946`, `2001:db8::7`, `[2001:db8::7]:7946` or
//! `[fe80::7%eth0]:7946`.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use super::address::to_address;
use crate::protocol::AddressFault;

/// The port of seeds that are given without one.
pub const DEFAULT_PORT: u16 = 7946;

/// The longest host name, in bytes, and the longest part between two dots (RFC 1035).
pub(super) const NAME_LIMITS: [usize; 2] = [253, 63];

/// A well-formed seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seed {
    pub text: String,
    pub host: Host,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Host {
    Address(SocketAddr),
    /// Also an IPv6 address whose zone is an interface's name: the interface may come up later.
    Name(String, u16),
}

/// Reason why a text is no seed, whatever the network's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeedError {
    /// It begins as a URL does.
    Scheme,
    /// It is empty, or has no host before its port.
    NoHost,
    /// The port is not a number from 1 to 65535.
    Port,
    /// A bracket without its counterpart, or text between a bracket and the port.
    Brackets,
    /// A host name with a character other than letters, digits, `-`, `_` and `.`, or too long, or with an empty part.
    Name,
    /// Neither an IPv4 address nor a host name: its last part is a number.
    Ipv4,
    /// Not an IPv6 address.
    Ipv6,
    /// An address at which no member can listen.
    Address(AddressFault),
}

impl Seed {
    /// Parses a seed. Without a port, it has [`DEFAULT_PORT`].
    ///
    /// # Errors
    /// If no member can listen there, whatever the network's state.
    pub(super) fn parse(text: &str) -> Result<Self, SeedError> {
        if text.contains("://") {
            return Err(SeedError::Scheme);
        }
        let (host, port) = split(text)?;
        let port = match port {
            None => DEFAULT_PORT,
            Some(port) => port.parse().ok().filter(|&port| port != 0).ok_or(SeedError::Port)?,
        };
        let name = || Host::Name(host.to_owned(), port);
        let host = if let Ok(ip) = host.parse::<IpAddr>() {
            Host::Address(SocketAddr::new(ip, port))
        } else if let Some((ip, zone)) = host.split_once('%') {
            let ip: Ipv6Addr = ip.parse().map_err(|_| SeedError::Ipv6)?;
            match zone.parse() {
                Ok(zone) => Host::Address(SocketAddrV6::new(ip, port, 0, zone).into()),
                Err(_) if zone.is_empty() => return Err(SeedError::Ipv6),
                Err(_) => name(),
            }
        } else if host.contains(':') {
            return Err(SeedError::Ipv6);
        } else {
            check_name(host)?;
            name()
        };
        if let Host::Address(addr) = host
            && let Some(fault) = to_address(addr).fault()
        {
            return Err(SeedError::Address(fault));
        }
        Ok(Self { text: text.to_owned(), host })
    }
}

/// Checks the text of a seed: `host`, `host:port`, `address` or `address:port`.
///
/// # Errors
/// If no member can listen there, whatever the network's state.
pub fn check_seed(text: &str) -> Result<(), SeedError> {
    Seed::parse(text).map(drop)
}

/// Splits a seed into its host, without brackets, and its port.
fn split(text: &str) -> Result<(&str, Option<&str>), SeedError> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(SeedError::Brackets)?;
        match rest.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => return Err(SeedError::Brackets),
        }
    } else {
        match text.split_once(':') {
            // An IPv6 address without brackets has no port.
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        }
    };
    if host.is_empty() { Err(SeedError::NoHost) } else { Ok((host, port)) }
}

fn check_name(name: &str) -> Result<(), SeedError> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let [longest, longest_part] = NAME_LIMITS;
    let is_part = |part: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        (1..=longest_part).contains(&part.len()) && part.bytes().all(is_allowed)
    };
    if name.len() > longest || !name.split('.').all(is_part) {
        return Err(SeedError::Name);
    }
    // A resolver would read 10.1 as 10.0.0.1.
    let is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number { Err(SeedError::Ipv4) } else { Ok(()) }
}

impl Error for SeedError {}

impl fmt::Display for SeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scheme => f.write_str("an address has no scheme: leave out what ends with ://, as in host:port"),
            Self::NoHost => f.write_str("there is no host: expected host, host:port, address or address:port"),
            Self::Port => f.write_str("the port is not a number from 1 to 65535"),
            Self::Brackets => f.write_str("brackets surround an IPv6 address, like [2001:db8::7]:7946"),
            Self::Name => f.write_str("it is neither an address nor a host name"),
            Self::Ipv4 => f.write_str("it is no IPv4 address"),
            Self::Ipv6 => f.write_str("it is no IPv6 address; with a port it looks like [2001:db8::7]:7946"),
            Self::Address(fault) => write!(f, "no member can listen there: {fault}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // F9
    #[test]
    fn a_malformed_seed_is_named() {
        for (seed, error) in [
            ("http://seed:7946", SeedError::Scheme),
            ("tcp://192.0.2.7:7946", SeedError::Scheme),
            ("", SeedError::NoHost),
            (":7946", SeedError::NoHost),
            ("host:", SeedError::Port),
            ("host:0", SeedError::Port),
            ("host:65536", SeedError::Port),
            ("host:port", SeedError::Port),
            ("[2001:db8::7", SeedError::Brackets),
            ("[2001:db8::7]7946", SeedError::Brackets),
            ("2001:db8:::7", SeedError::Ipv6),
            ("fe80::7%", SeedError::Ipv6),
            ("a host", SeedError::Name),
            ("host..example", SeedError::Name),
            ("http//host", SeedError::Name),
            ("192.0.2.256", SeedError::Ipv4),
            ("10.1", SeedError::Ipv4),
            ("0.0.0.0:7946", SeedError::Address(AddressFault::Unspecified)),
            ("[::]:7946", SeedError::Address(AddressFault::Unspecified)),
            ("224.0.0.1", SeedError::Address(AddressFault::Multicast)),
            ("255.255.255.255", SeedError::Address(AddressFault::Broadcast)),
        ] {
            assert_eq!(Seed::parse(seed), Err(error), "{seed}");
        }
        for seed in ["host", "host.example.:1", "node_1-a:7946", "xn--bcher-kva.example", "fe80::7%eth0"] {
            assert!(Seed::parse(seed).is_ok(), "{seed}");
        }
    }

    #[test]
    fn host_names_and_their_parts_have_a_longest_length() {
        let [longest, longest_part] = NAME_LIMITS;
        let name = |len: usize, part: usize| {
            let mut text = "x".repeat(len);
            (1..)
                .map(|n| n * (part + 1) - 1)
                .take_while(|&at| at < len)
                .for_each(|at| text.replace_range(at..=at, "."));
            text
        };
        for (len, part, is_valid) in [
            (longest, longest_part, true),
            (longest + 1, longest_part, false),
            (longest_part, longest_part, true),
            (longest_part + 1, longest_part + 1, false),
        ] {
            assert_eq!(Seed::parse(&name(len, part)).is_ok(), is_valid, "{len}, {part}");
        }
    }
}
