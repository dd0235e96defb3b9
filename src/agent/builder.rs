//! Settings of an agent to be started.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use swimlab_selectors::rng::mix;
use swimlab_selectors::{DynSelector, Helpers, Location, ZonePath};

use super::handle::Agent;
use super::wall_clock::WallClock;
use super::zone_names::ZoneNames;
use crate::protocol::{Config, Id, NameError, NodeInfo};
use crate::wire::Keyring;

/// The default of the event buffer.
pub(super) const DEFAULT_EVENT_BUFFER: usize = 256;

/// The largest event buffer.
pub(super) const MAX_EVENT_BUFFER: usize = 1 << 20;

/// Settings of an agent to be started.
///
/// All have defaults: a port that the system chooses on the loopback interface, the configuration [`Config::lan`], the
/// selector `auto`, no seeds.
///
/// ```
/// use swimlab::agent::{Agent, Meta, Security};
/// use swimlab::protocol::Config;
/// use swimlab::wire::{Key, Keyring};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let keyring = Keyring::new(Key::new(&[7; Key::LEN])); // Keyring::read takes the keys from a file.
/// let agent = Agent::builder()
///     .name("web-1")
///     .bind("127.0.0.1:0".parse()?)
///     .security(Security::Sealed { keyring, label: "production".to_owned() })
///     .config(Config::local())
///     .selector("shuffle".parse()?)
///     .meta(Meta::from_pairs(["role=web"])?.to_bytes())
///     .spawn()
///     .await?;
/// assert_eq!(agent.name(), "web-1");
/// assert_eq!(agent.info().await?.keys.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Builder {
    pub(super) bind: SocketAddr,
    pub(super) advertise: Option<SocketAddr>,
    pub(super) name: Option<String>,
    pub(super) seeds: Vec<String>,
    pub(super) config: Config,
    pub(super) profile: Option<String>,
    pub(super) preset: Option<String>,
    pub(super) selector: Option<DynSelector>,
    pub(super) helpers: Option<Arc<dyn Helpers>>,
    pub(super) location: Option<Location>,
    pub(super) zone: ZonePath,
    pub(super) zone_names: ZoneNames,
    pub(super) meta: Vec<u8>,
    pub(super) security: Security,
    pub(super) plain_label: String,
    pub(super) state_dir: Option<PathBuf>,
    pub(super) event_buffer: usize,
    pub(super) wall_clock: WallClock,
}

/// Protection of a cluster's packets.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Security {
    /// Plain text on the loopback interface, the only one that the agent then binds to. Every process on the machine
    /// can forge members.
    #[default]
    Loopback,
    /// Plain text on any interface. Every host that reaches the agent can forge members, and have members declared
    /// dead.
    Plaintext,
    /// Packets are encrypted and authenticated: only holders of a key read and write them.
    Sealed {
        /// The keys.
        keyring: Keyring,
        /// The cluster's name. Clusters with the same key and different labels reject each other's packets.
        label: String,
    },
}

impl Agent {
    /// Default settings of an agent to be started.
    pub fn builder() -> Builder {
        Builder::default()
    }
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: None,
            name: None,
            seeds: Vec::new(),
            config: Config::lan(),
            profile: Some("swim".to_owned()),
            preset: Some("lan".to_owned()),
            selector: None,
            helpers: None,
            location: None,
            zone: ZonePath::default(),
            zone_names: ZoneNames::default(),
            meta: Vec::new(),
            security: Security::default(),
            plain_label: String::new(),
            state_dir: None,
            event_buffer: DEFAULT_EVENT_BUFFER,
            wall_clock: WallClock::default(),
        }
    }
}

impl Builder {
    /// Sets the address to listen on, for UDP and TCP. With port 0, the system chooses one.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.bind = addr;
        self
    }

    /// Sets the address that other members are told, if they cannot reach the one to listen on: behind NAT, for
    /// example. Port 0 stands for the port that the agent listens on. Without one, an agent bound to all
    /// addresses tells the one that it has on its way to the first seed that it reaches.
    pub fn advertise(mut self, addr: SocketAddr) -> Self {
        self.advertise = Some(addr);
        self
    }

    /// Sets the member's name, unique in its cluster, from which its id is made ([`id_of`]). Of two processes with one
    /// name, the later one displaces the earlier. Without a name, that in the state folder is used, or else the host's name with a random number.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets seeds, the members to join through: `host`, `host:port`, `address` or `address:port`, by default with
    /// [`DEFAULT_PORT`](super::DEFAULT_PORT). A host name stands for all its addresses; one that has none yet is looked
    /// up again. Seeds are tried without end as long as no member is known at their address. The agent's own addresses
    /// and those that its socket does not reach are left out, and so are loopback addresses if it is not bound to one
    /// and there are others.
    pub fn join<T: Into<String>>(mut self, seeds: impl IntoIterator<Item = T>) -> Self {
        self.seeds = seeds.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the protocol's configuration. All members of a cluster should have the same.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        (self.profile, self.preset) = (None, None);
        self
    }

    /// Sets the names of the profile and the preset that the configuration is made from, for [`Agent::info`].
    pub fn config_names(mut self, profile: Option<String>, preset: Option<String>) -> Self {
        (self.profile, self.preset) = (profile, preset);
        self
    }

    /// Sets the selector of members to ping.
    pub fn selector(mut self, selector: DynSelector) -> Self {
        self.selector = Some(selector);
        self
    }

    /// Sets the selection of helpers for indirect pings; by default the configuration's own.
    pub fn helpers(mut self, helpers: Arc<dyn Helpers>) -> Self {
        self.helpers = Some(helpers);
        self
    }

    /// Sets the member's location, for selectors that ask how near a member is.
    pub fn location(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Sets the member's region, zone and rack, for selectors that ask how near a member is.
    pub fn zone(mut self, zone: ZonePath) -> Self {
        self.zone = zone;
        self.zone_names = ZoneNames::default();
        self
    }

    /// Sets the member's region, zone and rack like [`Builder::zone`], and shows other members their names
    /// ([`MemberInfo::zone`](super::MemberInfo::zone)). The names ride in the metadata, as the pair `zone`, if these are
    /// pairs as [`Meta`](super::Meta) encodes them, have no such key and leave room.
    pub fn zone_names(mut self, path: &str) -> Self {
        self.zone = ZonePath::parse(path);
        self.zone_names = ZoneNames::parse(path);
        self
    }

    /// Sets the member's metadata, which all members see: any bytes, at most
    /// [`NodeInfo::META_LIMIT`](crate::protocol::NodeInfo::META_LIMIT). [`Meta`](super::Meta) encodes pairs of texts.
    pub fn meta(mut self, meta: impl Into<Vec<u8>>) -> Self {
        self.meta = meta.into();
        self
    }

    /// Sets the protection of the cluster's packets.
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Sets the name of a cluster that sends plain text: clusters with different labels, or without one, reject each
    /// other's packets. It is no protection, since anybody can write it, and has no effect with
    /// [`Security::Sealed`], which has a label of its own. Empty by default: no label.
    pub fn plain_label(mut self, label: impl Into<String>) -> Self {
        self.plain_label = label.into();
        self
    }

    /// Sets a folder for snapshots, by which the member finds its cluster again after a restart. It serves one agent.
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(path.into());
        self
    }

    /// Sets how many events a reader may be behind before it misses some: from 1 to 2^20, 256 by default.
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.event_buffer = events.clamp(1, MAX_EVENT_BUFFER);
        self
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("bind", &self.bind).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Checks the name of a member.
///
/// # Errors
/// If it is empty, has control characters, or is longer than [`NodeInfo::NAME_LIMIT`].
pub fn check_name(name: &str) -> Result<(), NameError> {
    NameError::check(name, NodeInfo::NAME_LIMIT)
}

/// The id of the member with a name. It is the same after restarts and at all members.
pub fn id_of(name: &str) -> Id {
    name.bytes().fold(mix(name.len() as u64), |hash, byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_buffer_has_at_least_one_place_and_at_most_the_limit() {
        let buffer = |events| Agent::builder().event_buffer(events).event_buffer;
        let limit = MAX_EVENT_BUFFER;
        assert_eq!([0, 1, limit, limit + 1].map(buffer), [1, 1, limit, limit]);
    }
}
