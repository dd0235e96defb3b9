//! Reasons why an agent cannot be started.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use swimlab_selectors::LocationError;

use super::snapshot::StateError;
use crate::protocol::{ConfigError, NameError, TooLong};

/// Reason why an agent could not be started. Nothing is left behind.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// The address cannot be bound: it is in use, or not one of this machine.
    Bind(SocketAddr, io::Error),
    /// None of the seeds could be resolved; the first one and its error.
    Resolve(String, io::Error),
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
            Self::Bind(addr, error) => write!(f, "cannot listen on {addr}: {error}"),
            Self::Resolve(seed, error) => write!(f, "seed {seed} has no address: {error}"),
            Self::NoAddress(addr) => {
                write!(
                    f,
                    "bound to {addr}, and found no address to advertise: set the one that other members can reach"
                )
            }
            Self::Exposed(addr) => write!(
                f,
                "{addr} is not a loopback address, and without a key any host that reaches it could forge members: set \
                 a key, or allow plain text"
            ),
            Self::Name(error) => write!(f, "the name: {error}"),
            Self::Meta(error) => write!(f, "the metadata: {error}"),
            Self::Location(error) => write!(f, "the location: {error}"),
            Self::Config(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}
