//! Setting up an agent.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swimlab_selectors::rng::{below, mix};
use swimlab_selectors::{DynSelector, Helpers, Location, Peer, UniformHelpers, ZonePath};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::sync::{broadcast, mpsc, watch};

use super::address::to_address;
use super::driver::{Driver, SnapshotWriter, Socket, phase, random_streams};
use super::event::Events;
use super::handle::{Agent, Command, EventSender};
use super::packet_codec::PacketCodec;
use super::seeds;
use super::snapshot::{Remembered, Snapshot, StateDir, StateError, VERSION};
use super::streams::Streams;
use super::testing::{Clock, PacketHook};
use crate::protocol::{
    Address, Config, ConfigError, Id, Identity, Incarnation, Member, MemberConfig, NodeInfo, Roster, Span, Time,
    TooLong,
};
use crate::wire::{Keyring, Seal};

/// How many commands may wait for an agent's task.
const COMMANDS: usize = 64;

/// How late timers may be at most.
const LONGEST_SLACK: Span = Span::from_millis(10);

/// Below which number a life's first ping is drawn: small ones take fewer bytes.
const FIRST_SEQS: u32 = 1 << 15;

/// How many connections may wait to be taken: as many as may join through one seed at once.
const BACKLOG: u32 = 1024;

/// How often a free port is sought that both UDP and TCP have.
const PORT_TRIES: usize = 16;

/// A member to be set up. Whatever is not set has a default: port chosen by the system on the loopback interface, profile
/// `swim` with preset `lan`, selector `auto`.
#[derive(Clone)]
pub struct Builder {
    bind: SocketAddr,
    advertise: Option<SocketAddr>,
    name: Option<String>,
    seeds: Vec<String>,
    protocol: Config,
    strategy: Option<DynSelector>,
    helpers: Option<Arc<dyn Helpers>>,
    location: Option<Location>,
    zone: ZonePath,
    meta: Vec<u8>,
    security: Security,
    state_dir: Option<PathBuf>,
    buffer: usize,
}

/// Protection of a cluster's packets.
#[derive(Clone, Debug, Default)]
pub enum Security {
    /// Everybody on this machine: the agent binds to the loopback interface only.
    #[default]
    Loopback,
    /// Everybody who can reach the agent. Anybody can then forge members, and kill them.
    Plaintext,
    /// Encrypted and authenticated: only holders of the key read and write packets. Clusters with the same key and
    /// different labels reject each other's packets.
    Sealed {
        /// The keys.
        keyring: Keyring,
        /// The cluster's name, known to all its members.
        label: String,
    },
}

/// Why an agent could not be started. Nothing is left behind.
#[derive(Debug)]
pub enum SpawnError {
    /// The address cannot be had: in use, or not this machine's.
    Bind(SocketAddr, io::Error),
    /// None of the seeds has an address; the first one's reason.
    Resolve(String, io::Error),
    /// Bound to all addresses, and none can be told to others.
    NoAddress(SocketAddr),
    /// Without key and without [`Security::Plaintext`], only loopback addresses are bound to.
    Exposed(SocketAddr),
    /// The name is longer than allowed.
    Name(TooLong),
    /// The metadata are longer than allowed.
    Meta(TooLong),
    /// The place is none on earth, or infinitely far.
    Location,
    /// The protocol configuration is not valid.
    Config(ConfigError),
    /// The state folder cannot be used.
    State(StateError),
    /// The system has no random numbers, or no clock.
    System(io::Error),
}

/// The id of the member with this name: stable over restarts, and the same in everybody's eyes.
pub fn id_of(name: &str) -> Id {
    name.bytes().fold(mix(name.len() as u64), |hash, byte| mix(hash ^ u64::from(byte)))
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            advertise: None,
            name: None,
            seeds: Vec::new(),
            protocol: Config::lan(),
            strategy: None,
            helpers: None,
            location: None,
            zone: ZonePath::default(),
            meta: Vec::new(),
            security: Security::default(),
            state_dir: None,
            buffer: 256,
        }
    }
}

impl Builder {
    /// Where to listen, by UDP and TCP. Port 0: any that is free.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.bind = addr;
        self
    }

    /// Where others reach it, if that is not where it listens. Port 0: the port it listens on.
    pub fn advertise(mut self, addr: SocketAddr) -> Self {
        self.advertise = Some(addr);
        self
    }

    /// Its name, from which its id is made; without one, the address. Two processes of one name are one member: the later
    /// one displaces the earlier.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Members to join through: `host`, `host:port` or `address:port`. They are tried for ever, whenever no member is
    /// known at their address.
    pub fn join<T: Into<String>>(mut self, seeds: impl IntoIterator<Item = T>) -> Self {
        self.seeds = seeds.into_iter().map(Into::into).collect();
        self
    }

    /// The protocol's settings.
    pub fn config(mut self, protocol: Config) -> Self {
        self.protocol = protocol;
        self
    }

    /// Sets the selector of members to ping.
    pub fn selector(mut self, strategy: DynSelector) -> Self {
        self.strategy = Some(strategy);
        self
    }

    /// Sets the selection of helpers for indirect pings.
    pub fn helpers(mut self, helpers: Arc<dyn Helpers>) -> Self {
        self.helpers = Some(helpers);
        self
    }

    /// Where it stands.
    pub fn location(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// Its region, zone and rack.
    pub fn zone(mut self, zone: ZonePath) -> Self {
        self.zone = zone;
        self
    }

    /// Its metadata: any bytes; [`super::Meta`] makes them of pairs of texts.
    pub fn meta(mut self, meta: impl Into<Vec<u8>>) -> Self {
        self.meta = meta.into();
        self
    }

    /// Sets the protection of the cluster's packets.
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// A folder of its own, in which it keeps what finds the cluster again after a restart.
    pub fn state_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(path.into());
        self
    }

    /// How many notices a slow reader of events may be behind before it misses some; at least 1.
    pub fn event_buffer(mut self, events: usize) -> Self {
        self.buffer = events.clamp(1, 1 << 20);
        self
    }

    /// Starts the member in the runtime that this is called in.
    pub async fn spawn(self) -> Result<Agent, SpawnError> {
        self.begin(EventSender::default()).await
    }

    /// The same, with a reader of all that happens: it misses none of those whom the agent finds there already.
    pub async fn spawn_watched(self) -> Result<(Agent, Events), SpawnError> {
        let (sender, events) = broadcast::channel(self.buffer);
        let agent = self.begin(Arc::new(OnceLock::from(sender))).await?;
        let events = agent.read(events);
        Ok((agent, events))
    }

    async fn begin(self, events: EventSender) -> Result<Agent, SpawnError> {
        TooLong::check(self.meta.len(), NodeInfo::META_LIMIT).map_err(SpawnError::Meta)?;
        self.check_exposure()?;
        self.check_place()?;
        let (seeds, known_names) = self.look_up().await?;
        let (socket, listener) = self.sockets().await?;
        let bound = socket.local_addr().map_err(SpawnError::System)?;
        let addr = self.address(bound, seeds.first().copied()).await?;
        let state = self.state_dir.as_deref().map(StateDir::open).transpose().map_err(SpawnError::State)?;
        let earlier = state.as_ref().map(StateDir::read).transpose().map_err(SpawnError::State)?.flatten();
        let name = self.name.clone().or_else(|| earlier.as_ref().map(|earlier| earlier.name.clone()));
        let name = name.unwrap_or_else(|| addr.to_string());
        TooLong::check(name.len(), NodeInfo::NAME_LIMIT).map_err(SpawnError::Name)?;
        let generation = generation(earlier.as_ref())?;
        let members = earlier.map(|earlier| earlier.members).unwrap_or_default();
        let memory = state.map(|dir| keep(dir, &name, generation, &members)).transpose().map_err(SpawnError::State)?;

        let clock = Clock::start();
        let codec = self.codec()?;
        let config = MemberConfig::new(self.protocol.clone(), codec.sizer()).map_err(SpawnError::Config)?;
        let config = config.with_helpers(self.helpers_or_default());
        let (member, first_period) = self.member(config, &name, addr, generation, clock)?;
        let id = member.id();
        // A fiftieth of the wait for an answer is nothing to the protocol.
        let slack = self.protocol.probe_timeout.scale(0.02).min(LONGEST_SLACK);
        let (known, others) = recall(&members);
        let start = |driver: &mut Driver| driver.start((spread(seeds, id), others), known, first_period);
        tracing::info!(%name, %addr, generation, "a member begins");
        let (agent, commands) = launch(
            (socket, listener, addr),
            member,
            codec,
            (clock, slack),
            (memory, None),
            (events, self.buffer),
            start,
        );
        if known_names {
            tokio::spawn(seeds::keep_looking_up(self.seeds.clone(), commands.clone()));
        }
        if !self.seeds.is_empty() {
            tokio::spawn(seeds::warn_if_unheard(self.seeds.clone(), commands));
        }
        Ok(agent)
    }

    fn check_exposure(&self) -> Result<(), SpawnError> {
        match self.security {
            Security::Loopback if !self.bind.ip().to_canonical().is_loopback() => Err(SpawnError::Exposed(self.bind)),
            _ => Ok(()),
        }
    }

    fn check_place(&self) -> Result<(), SpawnError> {
        let is_fine = match self.location {
            None => true,
            Some(Location::Plane { x, y }) => x.is_finite() && y.is_finite(),
            Some(Location::Learned { .. }) => true,
            Some(Location::Globe { lat, lon }) => (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon),
        };
        if is_fine { Ok(()) } else { Err(SpawnError::Location) }
    }

    /// The seeds' addresses, and whether any of them was a name.
    async fn look_up(&self) -> Result<(Vec<Address>, bool), SpawnError> {
        let (found, failed) = seeds::resolve(&self.seeds).await;
        match failed.into_iter().next() {
            Some((seed, error)) if found.is_empty() => Err(SpawnError::Resolve(seed, error)),
            Some((seed, error)) => {
                tracing::warn!(seed, %error, "a seed has no address");
                Ok((found, true))
            }
            None => Ok((found, self.seeds.iter().any(|seed| seeds::is_name(seed)))),
        }
    }

    async fn sockets(&self) -> Result<(UdpSocket, TcpListener), SpawnError> {
        let mut tries = if self.bind.port() == 0 { PORT_TRIES } else { 1 };
        loop {
            tries -= 1;
            match bind(self.bind).await {
                Ok(sockets) => return Ok(sockets),
                Err(error) if tries == 0 => return Err(SpawnError::Bind(self.bind, error)),
                Err(_) => {}
            }
        }
    }

    /// What others are told.
    async fn address(&self, bound: SocketAddr, seed: Option<Address>) -> Result<SocketAddr, SpawnError> {
        let told = match self.advertise {
            Some(told) => told,
            None if !bound.ip().to_canonical().is_unspecified() => bound,
            None => SocketAddr::new(outward(bound, seed).await.ok_or(SpawnError::NoAddress(bound))?, 0),
        };
        let port = if told.port() == 0 { bound.port() } else { told.port() };
        Ok(SocketAddr::new(told.ip().to_canonical(), port))
    }

    fn codec(&self) -> Result<PacketCodec, SpawnError> {
        Ok(match &self.security {
            Security::Loopback | Security::Plaintext => PacketCodec::Plain,
            Security::Sealed { keyring, label } => {
                PacketCodec::Sealed(Box::new(Seal::new(keyring.clone(), label).map_err(SpawnError::System)?))
            }
        })
    }

    fn helpers_or_default(&self) -> Arc<dyn Helpers> {
        self.helpers.clone().unwrap_or_else(|| Arc::new(UniformHelpers))
    }

    /// The member, and when its first period begins.
    fn member(
        &self,
        config: MemberConfig,
        name: &str,
        addr: SocketAddr,
        generation: u32,
        clock: Clock,
    ) -> Result<(Member, Time), SpawnError> {
        let auto = || "auto".parse().expect("auto is built in");
        let strategy = self.strategy.clone().unwrap_or_else(auto);
        let peer = Peer { id: id_of(name), location: self.location, zone: self.zone, site: None };
        let seed = getrandom::u64().map_err(|error| SpawnError::System(io::Error::other(error)))?;
        let (strategy_rng, mut rng) = random_streams(seed, peer.id);
        let first_period = phase(clock.now(), self.protocol.period, &mut rng);
        let incarnation = Incarnation::of_generation(generation);
        let node = NodeInfo { peer, address: to_address(addr), name: name.into(), meta: self.meta[..].into() };
        let node = Arc::new(node);
        let roster = Arc::new(Roster::of_members([Arc::clone(&node)]));
        let indexed = strategy.build_index(roster.peers());
        let first_seq = below(&mut rng, FIRST_SEQS);
        let since_epoch = since_epoch(clock)?;
        let identity = Identity { node, incarnation, since_epoch, strategy_rng, rng };
        let mut member = Member::new(Arc::new(config), identity, roster, &indexed, 0);
        member.number_pings_from(first_seq);
        Ok((member, first_period))
    }
}

/// Sets a member going on these sockets: the handle, and where commands go for as long as there is one.
pub(super) fn launch(
    (udp, tcp, addr): (UdpSocket, TcpListener, SocketAddr),
    member: Member,
    codec: PacketCodec,
    timing: (Clock, Span),
    (memory, tap): (Option<SnapshotWriter>, Option<Arc<dyn PacketHook>>),
    (events, buffer): (EventSender, usize),
    start: impl FnOnce(&mut Driver),
) -> (Agent, mpsc::WeakSender<Command>) {
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let (weak, codec) = (commands.downgrade(), Arc::new(Mutex::new(codec)));
    let streams = Streams::new(Arc::clone(&codec), weak.clone());
    let listening = tokio::spawn(streams.clone().listen(tcp));
    let is_v6 = udp.local_addr().is_ok_and(|bound| bound.is_ipv6());
    let socket = Socket { udp, is_v6 };
    let (id, name) = (member.id(), member.node().name.clone());
    let mut driver = Driver::new(timing, member, socket, (codec, streams), Arc::clone(&events), memory, tap);
    start(&mut driver);
    let (ended, end) = watch::channel(None);
    tokio::spawn(async move {
        let end = driver.run(inbox).await;
        listening.abort();
        tracing::info!(?end, "a member ends");
        let _ = ended.send(Some(end));
    });
    (Agent::new((id, name, addr), commands, (events, buffer), end), weak)
}

/// Both sockets on one port.
async fn bind(addr: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let tcp = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As the standard library's listeners do: a former life's connections, closed already, are in nobody's way.
    tcp.set_reuseaddr(true)?;
    tcp.bind(addr)?;
    let tcp = tcp.listen(BACKLOG)?;
    let udp = UdpSocket::bind(SocketAddr::new(addr.ip(), tcp.local_addr()?.port())).await?;
    Ok((udp, tcp))
}

/// This machine's address on the way to a seed, or to the rest of the world. No packet is sent.
async fn outward(bound: SocketAddr, seed: Option<Address>) -> Option<IpAddr> {
    let far = match bound {
        SocketAddr::V4(_) => SocketAddr::from(([192, 0, 2, 1], 9)),
        SocketAddr::V6(_) => SocketAddr::new(IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)), 9),
    };
    let to = seed.and_then(|seed| super::address::reachable(seed, bound.is_ipv6())).unwrap_or(far);
    let socket = UdpSocket::bind(SocketAddr::new(bound.ip(), 0)).await.ok()?;
    socket.connect(to).await.ok()?;
    let ip = socket.local_addr().ok()?.ip().to_canonical();
    (!ip.is_unspecified()).then_some(ip)
}

/// How long before the clock's zero the epoch of Unix lies: from there all agents count their periods.
fn since_epoch(clock: Clock) -> Result<Span, SpawnError> {
    let now = unix_time()?;
    Ok(Span::from_micros(u64::try_from(now.as_micros()).unwrap_or(u64::MAX)) - clock.now().since(Time::ZERO))
}

fn unix_time() -> Result<Duration, SpawnError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_err(|error| SpawnError::System(io::Error::other(error)))
}

/// This life's generation: the time of its start, and above that of any earlier life that is known.
fn generation(earlier: Option<&Snapshot>) -> Result<u32, SpawnError> {
    let start = u32::try_from(unix_time()?.as_secs()).unwrap_or(u32::MAX);
    Ok(earlier.map_or(start, |earlier| start.max(earlier.generation.saturating_add(1))))
}

/// Writes the new generation before anybody hears of it.
fn keep(dir: StateDir, name: &str, generation: u32, members: &[Remembered]) -> Result<SnapshotWriter, StateError> {
    dir.write(&Snapshot { version: VERSION, name: name.to_owned(), generation, members: members.to_vec() })?;
    Ok(SnapshotWriter::new(dir, generation))
}

/// The members of an earlier life: for the reconnect list, and as seeds.
fn recall(members: &[Remembered]) -> (Vec<(Id, Address)>, Vec<Address>) {
    let id = |member: &Remembered| Id::from_str_radix(&member.id, 16).ok();
    let known = members.iter().filter_map(|member| Some((id(member)?, to_address(member.addr)))).collect();
    (known, members.iter().map(|member| to_address(member.addr)).collect())
}

/// The same seeds in another order for every member, so that they share the work.
fn spread(mut seeds: Vec<Address>, id: Id) -> Vec<Address> {
    let first = id as usize % seeds.len().max(1);
    seeds.rotate_left(first);
    seeds
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("bind", &self.bind).field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::error::Error for SpawnError {}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(addr, error) => write!(f, "cannot listen on {addr}: {error}"),
            Self::Resolve(seed, error) => write!(f, "seed {seed} has no address: {error}"),
            Self::NoAddress(addr) => write!(f, "bound to {addr}, and there is no address that others could be told"),
            Self::Exposed(addr) => write!(
                f,
                "without a key only loopback addresses are bound to, and {addr} is none: anybody who reaches it could forge \
                 members"
            ),
            Self::Name(error) => write!(f, "the name: {error}"),
            Self::Meta(error) => write!(f, "the metadata: {error}"),
            Self::Location => f.write_str("the place has a latitude beyond 90 or a longitude beyond 180 degrees"),
            Self::Config(error) => error.fmt(f),
            Self::State(error) => error.fmt(f),
            Self::System(error) => error.fmt(f),
        }
    }
}
