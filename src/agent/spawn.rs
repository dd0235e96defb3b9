//! From a [`Builder`]'s settings to a running agent.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{DynSelector, Location, Peer};

use super::address::{Reach, canonical, is_link_local, to_address, with_port, zone_of};
use super::builder::{Builder, Security, check_name, id_of};
use super::clock::Clock;
use super::driver::DriverParts;
use super::event_hub::{EventHub, Events, ExitSender};
use super::generation_limit::GenerationLimit;
use super::handle::Agent;
use super::launch::Launch;
use super::metrics::Names;
use super::packet_codec::PacketCodec;
use super::rejoin::Rejoin;
use super::seed::DEFAULT_PORT;
use super::seed_filter::{Outward, SeedFilter};
use super::seeds::{self, START_PATIENCE, SeedBook};
use super::snapshot::{SavedMember, Snapshot, StateDir};
use super::snapshot_writer::SnapshotWriter;
use super::sockets::Sockets;
use super::spawn_error::SpawnError;
use crate::protocol::{
    Address, Id, Identity, Incarnation, Member, MemberConfig, MemoryPool, NodeInfo, Outbox, Roster, Span, TooLong,
};
use crate::wire::{Label, Seal};

/// The limit of how late timers may be.
pub(super) const MAX_TIMER_SLACK: Span = Span::from_millis(10);

/// Time between two attempts to find an address to advertise.
const ADDRESS_RETRY: Duration = Duration::from_secs(1);

/// The most bytes of the host's name in a default name.
pub(super) const MAX_HOST_NAME: usize = 100;

/// The limit of a life's first ping number. It is random, so that acks to an earlier life do not match, and small,
/// because small numbers take fewer bytes.
const FIRST_SEQS: u64 = 1 << 15;

/// Numbers of application events set aside for each microsecond of the second in which an agent starts.
const EVENTS_PER_MICROSECOND: u32 = 1 << 12;

/// Memory that the agents of this process share.
static POOL: LazyLock<Arc<MemoryPool>> = LazyLock::new(Arc::default);

/// The default selector. Agents of this process that have it share its indexes.
static AUTO: LazyLock<DynSelector> = LazyLock::new(|| "auto".parse().expect("auto is built in"));

impl Builder {
    /// Starts the member as a task of the current tokio runtime.
    ///
    /// # Errors
    /// If a setting is not valid, an address cannot be bound or found, or the state folder cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time enabled.
    pub async fn spawn(self) -> Result<Agent, SpawnError> {
        let (events, exit) = EventHub::new(self.event_buffer);
        self.start(events, exit, async { Ok(()) }).await
    }

    /// Like [`Builder::spawn`], with a reader that gets every event, those about members already in the group included.
    ///
    /// # Errors
    /// As of [`Builder::spawn`].
    ///
    /// # Panics
    /// As of [`Builder::spawn`].
    pub async fn spawn_watched(self) -> Result<(Agent, Events), SpawnError> {
        self.spawn_when(async { Ok(()) }).await
    }

    /// Like [`Builder::spawn_watched`], with a step that the member's start depends on, such as
    /// [`ControlSocket::open`](super::control::ControlSocket::open). The step is taken when the port is bound and the
    /// state folder locked, and before any other member learns of this one.
    ///
    /// # Errors
    /// As of [`Builder::spawn`], or that of the step.
    ///
    /// # Panics
    /// As of [`Builder::spawn`].
    pub async fn spawn_when<E: From<SpawnError>>(
        self,
        ready: impl Future<Output = Result<(), E>>,
    ) -> Result<(Agent, Events), E> {
        let (hub, exit) = EventHub::new(self.event_buffer);
        let events = hub.subscribe();
        Ok((self.start(hub, exit, ready).await?, events))
    }

    async fn start<E: From<SpawnError>>(
        self,
        events: EventHub,
        exit: ExitSender,
        ready: impl Future<Output = Result<(), E>>,
    ) -> Result<Agent, E> {
        self.validate()?;
        let mut seeds = SeedBook::parse(&self.seeds).map_err(|(seed, error)| SpawnError::Seed(seed, error))?;
        let codec = self.codec()?;
        let mut config = MemberConfig::new(self.config.clone(), codec.sizer()).map_err(SpawnError::from)?;
        config = config.with_pool(Arc::clone(&POOL));
        if let Some(helpers) = &self.helpers {
            config = config.with_helpers(Arc::clone(helpers));
        }
        let sockets = Sockets::bind(self.bind).await.map_err(|error| SpawnError::Bind(self.bind, error))?;
        let bound = sockets.udp.local_addr().map_err(SpawnError::System)?;
        let earlier = EarlierLife::read(self.state_dir.as_deref())?;
        // The members of an earlier life serve as well until the seeds' names have addresses.
        seeds.look_up(if earlier.members().is_empty() { START_PATIENCE } else { Duration::ZERO }).await;
        let addr = self.advertised(bound, &mut seeds, earlier.members()).await?;
        let life = self.begin_life(addr, earlier)?;
        ready.await?;

        let filter = SeedFilter::new(bound, Some(addr), &seeds.addresses());
        filter.warn_of_useless(&seeds.addresses());
        let clock = Clock::start();
        let mut member = self.member(config, &life, clock)?;
        let (outbox, rejoin) = self.start_member(&mut member, &life, filter.usable(&seeds.addresses()), clock)?;
        if !seeds.is_complete() && !member.is_joining() {
            member.await_seeds();
        }
        tracing::info!(name = %life.name, %addr, generation = life.generation, "the agent starts");
        let timer_slack = timer_slack(self.config.probe_timeout);
        let (reach, snapshots, hook) = (filter.reach(), life.snapshots, None);
        let selector = self.chosen_selector().label().to_owned();
        let names = Names { selector, profile: self.profile.clone(), preset: self.preset.clone() };
        let driver = DriverParts {
            clock,
            wall_clock: Some(self.wall_clock.clone()),
            timer_slack,
            member,
            outbox,
            rejoin,
            hook,
            names,
            events,
            snapshots,
        };
        let agent = Launch { sockets, reach, addr, codec, driver, exit }.start();

        if !seeds.is_empty() {
            tokio::spawn(seeds::warn_if_silent(seeds.texts(), agent.weak_commands()));
        }
        if seeds.has_names() {
            tokio::spawn(seeds::keep_looking_up(seeds, filter, agent.weak_commands()));
        }
        Ok(agent)
    }

    fn validate(&self) -> Result<(), SpawnError> {
        if let Some(name) = &self.name {
            check_name(name).map_err(SpawnError::Name)?;
        }
        TooLong::check(self.meta.len(), NodeInfo::META_LIMIT).map_err(SpawnError::Meta)?;
        if matches!(self.security, Security::Loopback) && !self.bind.ip().to_canonical().is_loopback() {
            return Err(SpawnError::Exposed(self.bind));
        }
        self.validate_addresses()?;
        self.location.as_ref().map_or(Ok(()), Location::validate).map_err(SpawnError::Location)
    }

    /// Refuses addresses at which no member could be reached.
    fn validate_addresses(&self) -> Result<(), SpawnError> {
        // Port 0 stands for another one, which is allowed.
        let fault = |addr| to_address(with_port(addr, DEFAULT_PORT)).fault();
        if let Some(fault) = fault(self.bind)
            && !self.bind.ip().to_canonical().is_unspecified()
        {
            return Err(SpawnError::Listen(self.bind, fault));
        }
        let zone = self.advertise.map_or(0, zone_of).max(zone_of(self.bind));
        for addr in self.advertise.into_iter().chain([self.bind]) {
            if is_link_local(addr.ip()) && zone == 0 {
                return Err(SpawnError::NoZone(addr));
            }
        }
        let Some(advertise) = self.advertise else { return Ok(()) };
        if let Some(fault) = fault(advertise) {
            return Err(SpawnError::Advertise(advertise, fault));
        }
        let reach = Reach::of(self.bind).with_zone(zone);
        if self.bind.is_ipv4() && reach.socket_addr(to_address(advertise)).is_none() {
            return Err(SpawnError::Family { bind: self.bind, advertise });
        }
        Ok(())
    }

    fn codec(&self) -> Result<PacketCodec, SpawnError> {
        Ok(match &self.security {
            Security::Loopback | Security::Plaintext if self.plain_label.is_empty() => PacketCodec::Plain,
            Security::Loopback | Security::Plaintext => PacketCodec::Labeled(Label::new(&self.plain_label)),
            Security::Sealed { keyring, label } => {
                PacketCodec::Sealed(Box::new(Seal::new(keyring.clone(), label).map_err(SpawnError::System)?))
            }
        })
    }

    /// The address that other members are told. Without one that could be told, waits for the seeds' names to have
    /// addresses, whose routes lead to one.
    async fn advertised(
        &self,
        bound: SocketAddr,
        seeds: &mut SeedBook,
        earlier: &[SavedMember],
    ) -> Result<SocketAddr, SpawnError> {
        if let Some(addr) = self.advertise {
            if addr.ip().is_loopback() && !bound.ip().to_canonical().is_loopback() {
                tracing::warn!(%addr, %bound, "the address to advertise is a loopback address: no other machine reaches it");
            }
            return Ok(canonical(with_port(addr, if addr.port() == 0 { bound.port() } else { addr.port() })));
        }
        if !bound.ip().to_canonical().is_unspecified() {
            return Ok(canonical(bound));
        }
        let mut is_waiting = false;
        loop {
            let known = seeds.addresses();
            let filter = SeedFilter::new(bound, None, &known);
            let mut members = filter.usable(&known);
            members.extend(earlier.iter().map(SavedMember::address));
            match filter.outward(&members).await {
                Outward::Found(addr) => return Ok(addr),
                Outward::Loopback(addr) if seeds.is_complete() => {
                    tracing::warn!(%addr, "found no address to advertise but a loopback address, which no other machine \
                                           reaches: set the one that other members can reach (--advertise)");
                    return Ok(addr);
                }
                _ if seeds.is_complete() => return Err(SpawnError::NoAddress(bound)),
                _ => {}
            }
            if !is_waiting {
                tracing::warn!(%bound, "found no address to advertise yet: waiting for a network and for addresses of \
                                        the seeds; --advertise sets the address");
            }
            is_waiting = true;
            tokio::time::sleep(ADDRESS_RETRY).await;
            seeds.look_up(START_PATIENCE).await;
        }
    }

    /// Saves this life's generation before any member learns it.
    fn begin_life(&self, addr: SocketAddr, earlier: EarlierLife) -> Result<Life, SpawnError> {
        let EarlierLife { state_dir, snapshot: earlier } = earlier;
        let name = self.name.clone().or_else(|| earlier.as_ref().map(|earlier| earlier.name.clone()));
        let name = name.map_or_else(default_name, Ok)?;
        check_name(&name).map_err(SpawnError::Name)?;
        // The time of the start, but above the generation of the earlier life.
        let since_1970 = self.wall_clock.since_1970();
        let mut generation = u32::try_from(since_1970.as_secs()).unwrap_or(u32::MAX);
        // A clock that is beyond them all has no more generations to give.
        let limit = GenerationLimit::new(generation).at(since_1970);
        generation = generation.min(limit);
        let mut earlier_members = Vec::new();
        if let Some(earlier) = earlier {
            if earlier.generation < limit {
                generation = generation.max(earlier.generation + 1);
            } else {
                tracing::warn!(
                    generation = earlier.generation,
                    "the snapshot in the state folder is of a start in the future; its generation is ignored: the clock \
                     was ahead then, or is behind now"
                );
            }
            earlier_members = earlier.members;
        }
        let first = Snapshot::new(&name, generation, earlier_members.clone());
        let snapshots = state_dir.map(|dir| SnapshotWriter::begin(dir, &first)).transpose()?;
        Ok(Life { name, addr, generation, earlier_members, snapshots })
    }

    fn chosen_selector(&self) -> DynSelector {
        self.selector.clone().unwrap_or_else(|| AUTO.clone())
    }

    fn member(&self, config: MemberConfig, life: &Life, clock: Clock) -> Result<Member, SpawnError> {
        let selector = self.chosen_selector();
        let id = id_of(&life.name);
        let peer = Peer { id, location: self.location, zone: self.zone, site: None };
        let (address, name) = (to_address(life.addr), life.name.as_str().into());
        let meta = self.zone_names.beside(&self.meta).into();
        let node = Arc::new(NodeInfo { peer, address, name, meta });
        let roster = Arc::new(Roster::of_members([node]));
        let index = selector.build_index(roster.peers());
        let seed = random_u64()?;
        let identity = Identity {
            incarnation: Incarnation::of_generation(life.generation),
            since_epoch: self.wall_clock.since_epoch(clock),
            strategy_rng: stream(seed, Purpose::Selector, id),
            rng: stream(seed, Purpose::Protocol, id),
        };
        let packet_bytes = config.protocol().packet_bytes;
        let mut member = Member::new(Arc::new(config), identity, roster, &index, 0);
        let meta_room = member.meta_room();
        if meta_room.is_none_or(|room| room < member.node().meta.len()) {
            return Err(SpawnError::Record { packet_bytes, meta_room });
        }
        member.number_pings_from((random_u64()? % FIRST_SEQS) as u32);
        // A life that begins in the same second may have the same generation: its events have other numbers.
        member.number_events_from(self.wall_clock.since_1970().subsec_micros() * EVENTS_PER_MICROSECOND);
        Ok(member)
    }

    /// Starts a member at a random point of its period, and lets it join through the seeds and the members of its
    /// earlier life.
    fn start_member(
        &self,
        member: &mut Member,
        life: &Life,
        seeds: Vec<Address>,
        clock: Clock,
    ) -> Result<(Outbox, Rejoin), SpawnError> {
        let (now, mut outbox) = (clock.now(), Outbox::default());
        let phase = Span::from_micros(random_u64()? % self.config.period.as_micros().max(1));
        member.start(now, now + phase);
        let seeds = rotated(seeds, member.id());
        member.set_seeds(seeds.clone());
        let own = member.node().address;
        let mut earlier = Vec::new();
        for saved in &life.earlier_members {
            let address = saved.address();
            if address == own || address.fault().is_some() {
                continue;
            }
            earlier.push(address);
            if let Some(id) = saved.id() {
                member.remember(id, address);
            }
        }
        if !earlier.is_empty() {
            member.await_seeds();
        }
        member.join(now, seeds, &mut outbox);
        Ok((outbox, Rejoin::new(earlier, self.config.period)))
    }
}

/// The state folder, and the snapshot of an earlier life in it.
struct EarlierLife {
    state_dir: Option<StateDir>,
    snapshot: Option<Snapshot>,
}

impl EarlierLife {
    fn read(path: Option<&Path>) -> Result<Self, SpawnError> {
        let state_dir = path.map(StateDir::open).transpose()?;
        let snapshot = state_dir.as_ref().map(StateDir::read).transpose()?.flatten();
        Ok(Self { state_dir, snapshot })
    }

    fn members(&self) -> &[SavedMember] {
        self.snapshot.as_ref().map_or(&[], |snapshot| &snapshot.members)
    }
}

/// A member from one start to its end.
struct Life {
    name: String,
    /// The address that other members are told.
    addr: SocketAddr,
    generation: u32,
    earlier_members: Vec<SavedMember>,
    snapshots: Option<SnapshotWriter>,
}

/// The same seeds in another order for every member, so that they share the load.
fn rotated(mut seeds: Vec<Address>, id: Id) -> Vec<Address> {
    let first = id as usize % seeds.len().max(1);
    seeds.rotate_left(first);
    seeds
}

/// The name of a member that was given none: that of the host, and a random number, because names of hosts are not
/// always unique, and addresses are given to other hosts in time.
fn default_name() -> Result<String, SpawnError> {
    Ok(name_on(host_name(), random_u64()? >> 16))
}

/// A name made from that of the host and a number of 48 bits.
fn name_on(mut host: String, number: u64) -> String {
    host.retain(|character| character.is_ascii_alphanumeric() || "-_.".contains(character));
    host.truncate(MAX_HOST_NAME);
    let host = if host.is_empty() { "member" } else { &host };
    format!("{host}-{number:012x}")
}

/// The lateness of timers that is intended: a fiftieth of the wait for an ack makes no difference to the protocol.
fn timer_slack(probe_timeout: Span) -> Span {
    probe_timeout.scale(0.02).min(MAX_TIMER_SLACK)
}

#[cfg(unix)]
fn host_name() -> String {
    nix::unistd::gethostname().map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn host_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

fn random_u64() -> Result<u64, SpawnError> {
    getrandom::u64().map_err(|error| SpawnError::System(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_late_by_no_more_than_the_limit() {
        let at_limit = MAX_TIMER_SLACK * 50;
        assert_eq!(timer_slack(Span::from_millis(100)), Span::from_millis(2));
        assert_eq!([at_limit, at_limit * 2].map(timer_slack), [MAX_TIMER_SLACK; 2]);
    }

    #[test]
    fn a_default_name_has_no_more_of_the_hosts_name_than_the_limit() {
        let name = |len: usize| name_on("x".repeat(len), (1 << 48) - 1);
        let longest = name(MAX_HOST_NAME);
        assert_eq!(longest.len(), MAX_HOST_NAME + 13);
        assert_eq!(name(MAX_HOST_NAME + 1), longest);
        assert_eq!(check_name(&longest), Ok(()));
    }
}
