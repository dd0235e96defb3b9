//! Reasons why an agent cannot be started.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use swimlab_selectors::LocationError;

use super::seed::SeedError;
use super::snapshot::StateError;
use crate::protocol::{AddressFault, ConfigError, NameError, TooLong};

/// Reason why an agent could not be started. Nothing is left behind.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// The address cannot be bound: it is in use, or not one of this machine.
    Bind(SocketAddr, io::Error),
    /// The address to listen on cannot be one of this machine.
    Listen(SocketAddr, AddressFault),
    /// No member could be reached at the address to advertise.
    Advertise(SocketAddr, AddressFault),
    /// An agent bound to an IPv4 address does not receive packets at the IPv6 address to advertise.
    Family {
        /// The address to listen on.
        bind: SocketAddr,
        /// The address to advertise.
        advertise: SocketAddr,
    },
    /// A link-local IPv6 address without the interface on whose link it is.
    NoZone(SocketAddr),
    /// A malformed seed. (A host name without an address is looked up again and again.)
    Seed(String, SeedError),
    /// Bound to all addresses of the machine, and none was found that other members could be told.
    NoAddress(SocketAddr),
    /// The address is not on the loopback interface, and neither a key nor [`Security::Plaintext`](super::Security) is
    /// set.
    Exposed(SocketAddr),
    /// The name is empty, has control characters, or is longer than
    /// [`NodeInfo::NAME_LIMIT`](crate::protocol::NodeInfo::NAME_LIMIT).
    Name(NameError),
    /// The metadata are longer than [`NodeInfo::META_LIMIT`](crate::protocol::NodeInfo::META_LIMIT).
    Meta(TooLong),
    /// The record of the member, with its name and metadata, does not fit into a datagram.
    Record {
        /// The largest datagram, in bytes.
        packet_bytes: u32,
        /// The most metadata, in bytes; `None`: the name alone is too long.
        meta_room: Option<usize>,
    },
    /// The location is out of range: its latitude, its longitude, or a coordinate that is not finite.
    Location(LocationError),
    /// The protocol's configuration is not valid.
    Config(ConfigError),
    /// The state folder cannot be used.
    State(StateError),
    /// The system has no random numbers or no clock, or a socket failed.
    System(io::Error),
}

impl From<ConfigError> for SpawnError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<StateError> for SpawnError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl Error for SpawnError {}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(addr, error) => write!(f, "cannot listen on {addr} (--bind): {error}"),
            Self::Listen(addr, fault) => write!(f, "cannot listen on {addr} (--bind): {fault}"),
            Self::Advertise(addr, fault) => {
                write!(f, "cannot advertise {addr} (--advertise): {fault}; set an address that other members can reach")
            }
            Self::Family { bind, advertise } => write!(
                f,
                "cannot advertise {advertise} (--advertise): an agent bound to {bind} (--bind) receives no IPv6 packets"
            ),
            Self::NoZone(addr) => write!(
                f,
                "{addr} is a link-local address and needs the interface on whose link it is, like \
                 [fe80::1%eth0]:7946"
            ),
            Self::Seed(seed, error) => write!(f, "seed {seed:?} (--join): {error}"),
            Self::NoAddress(addr) => {
                write!(
                    f,
                    "bound to {addr}, and found no address to advertise: set the one that other members can reach \
                     (--advertise)"
                )
            }
            Self::Exposed(addr) => write!(
                f,
                "{addr} is not a loopback address, and without a key any host that reaches it could forge members: set \
                 a key, or allow plain text"
            ),
            Self::Name(error) => write!(f, "the name: {error}"),
            Self::Meta(error) => write!(f, "the metadata: {error}"),
            Self::Record { packet_bytes, meta_room } => {
                let room = match meta_room {
                    Some(room) => format!("there is room for {room} bytes of metadata"),
                    None => "there is no room even for the name alone".to_owned(),
                };
                write!(
                    f,
                    "name and metadata do not fit into a datagram of packet_bytes = {packet_bytes}: {room}; raise \
                     packet_bytes, or shorten them"
                )
            }
            Self::Location(error) => write!(f, "the location: {error}"),
            Self::Config(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}
