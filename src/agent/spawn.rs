//! From a [`Builder`]'s settings to a running agent.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Helpers, Location, Peer, UniformHelpers};

use super::address::to_address;
use super::builder::{Builder, Security, check_name, id_of};
use super::clock::Clock;
use super::event_hub::{EventHub, Events, ExitSender};
use super::handle::Agent;
use super::launch::Launch;
use super::packet_codec::PacketCodec;
use super::seeds::{self, Resolved, SeedFailure};
use super::snapshot::{SavedMember, Snapshot, StateDir};
use super::snapshot_writer::SnapshotWriter;
use super::sockets::{Sockets, outward_ip};
use super::spawn_error::SpawnError;
use crate::protocol::{
    Address, Id, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox, Roster, Span, Time, TooLong,
};
use crate::wire::Seal;

/// The limit of how late timers may be.
const MAX_TIMER_SLACK: Span = Span::from_millis(10);

/// The limit of a life's first ping number. It is random, so that acks to an earlier life do not match, and small,
/// because small numbers take fewer bytes.
const FIRST_SEQS: u64 = 1 << 15;

/// Numbers of application events set aside for each microsecond of the second in which an agent starts.
const EVENTS_PER_MICROSECOND: u32 = 1 << 12;

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
        let codec = self.codec()?;
        let config = MemberConfig::new(self.config.clone(), codec.sizer())
            .map_err(SpawnError::from)?
            .with_helpers(self.helpers_or_default());
        let seeds = self.resolve_seeds().await?;
        let sockets = Sockets::bind(self.bind).await.map_err(|error| SpawnError::Bind(self.bind, error))?;
        let bound = sockets.udp.local_addr().map_err(SpawnError::System)?;
        let addr = self.advertised(bound, seeds.addresses.first().copied()).await?;
        let life = self.begin_life(addr)?;
        ready.await?;

        let clock = Clock::start();
        let mut member = self.member(config, &life, clock)?;
        let outbox = self.start_member(&mut member, &life, seeds.addresses, clock)?;
        tracing::info!(name = %life.name, %addr, generation = life.generation, "the agent starts");
        // A fiftieth of the wait for an ack makes no difference to the protocol.
        let timer_slack = self.config.probe_timeout.scale(0.02).min(MAX_TIMER_SLACK);
        let (snapshots, hook) = (life.snapshots, None);
        let agent =
            Launch { sockets, addr, member, outbox, codec, clock, timer_slack, snapshots, hook, events, exit }.start();

        if seeds.may_change {
            tokio::spawn(seeds::keep_looking_up(self.seeds.clone(), agent.weak_commands()));
        }
        if !self.seeds.is_empty() {
            tokio::spawn(seeds::warn_if_silent(self.seeds, agent.weak_commands()));
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
        self.location.as_ref().map_or(Ok(()), Location::validate).map_err(SpawnError::Location)
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

    async fn resolve_seeds(&self) -> Result<Seeds, SpawnError> {
        let Resolved { addresses, failures } = seeds::resolve(&self.seeds).await;
        let may_change = !failures.is_empty() || self.seeds.iter().any(|seed| seeds::is_name(seed));
        if let Some(SeedFailure { seed, error }) = failures.into_iter().next() {
            if addresses.is_empty() {
                return Err(SpawnError::Resolve(seed, error));
            }
            tracing::warn!(seed, %error, "a seed has no address");
        }
        Ok(Seeds { addresses, may_change })
    }

    /// The address that other members are told.
    async fn advertised(&self, bound: SocketAddr, first_seed: Option<Address>) -> Result<SocketAddr, SpawnError> {
        let addr = match self.advertise {
            Some(addr) => addr,
            None if !bound.ip().to_canonical().is_unspecified() => bound,
            None => {
                let ip = outward_ip(bound, first_seed).await.ok_or(SpawnError::NoAddress(bound))?;
                SocketAddr::new(ip, 0)
            }
        };
        let port = if addr.port() == 0 { bound.port() } else { addr.port() };
        Ok(SocketAddr::new(addr.ip().to_canonical(), port))
    }

    /// Reads what an earlier life has saved, and saves this life's generation before any member learns it.
    fn begin_life(&self, addr: SocketAddr) -> Result<Life, SpawnError> {
        let state_dir = self.state_dir.as_deref().map(StateDir::open).transpose()?;
        let earlier = state_dir.as_ref().map(StateDir::read).transpose()?.flatten();
        let name = self.name.clone().or_else(|| earlier.as_ref().map(|earlier| earlier.name.clone()));
        let name = name.unwrap_or_else(|| addr.to_string());
        check_name(&name).map_err(SpawnError::Name)?;
        // The time of the start, but above the generation of the earlier life.
        let mut generation = u32::try_from(unix_time()?.as_secs()).unwrap_or(u32::MAX);
        let mut earlier_members = Vec::new();
        if let Some(earlier) = earlier {
            generation = generation.max(earlier.generation.saturating_add(1));
            earlier_members = earlier.members;
        }
        let first = Snapshot::new(&name, generation, earlier_members.clone());
        let snapshots = state_dir.map(|dir| SnapshotWriter::begin(dir, &first)).transpose()?;
        Ok(Life { name, addr, generation, earlier_members, snapshots })
    }

    fn member(&self, config: MemberConfig, life: &Life, clock: Clock) -> Result<Member, SpawnError> {
        let default = || "auto".parse().expect("auto is built in");
        let selector = self.selector.clone().unwrap_or_else(default);
        let id = id_of(&life.name);
        let peer = Peer { id, location: self.location, zone: self.zone, site: None };
        let (address, name, meta) = (to_address(life.addr), life.name.as_str().into(), self.meta[..].into());
        let node = Arc::new(NodeInfo { peer, address, name, meta });
        let roster = Arc::new(Roster::of_members([Arc::clone(&node)]));
        let index = selector.build_index(roster.peers());
        let seed = random_u64()?;
        let identity = Identity {
            node,
            incarnation: Incarnation::of_generation(life.generation),
            since_epoch: since_epoch(clock)?,
            strategy_rng: stream(seed, Purpose::Selector, id),
            rng: stream(seed, Purpose::Protocol, id),
        };
        let mut member = Member::new(Arc::new(config), identity, roster, &index, 0);
        member.number_pings_from((random_u64()? % FIRST_SEQS) as u32);
        // A life that begins in the same second may have the same generation: its events have other numbers.
        member.number_events_from(unix_time()?.subsec_micros() * EVENTS_PER_MICROSECOND);
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
    ) -> Result<Outbox, SpawnError> {
        let (now, mut outbox) = (clock.now(), Outbox::default());
        let phase = Span::from_micros(random_u64()? % self.config.period.as_micros().max(1));
        member.start(now, now + phase);
        let seeds = rotated(seeds, member.id());
        member.set_seeds(seeds.clone());
        for earlier in &life.earlier_members {
            if let Some(id) = earlier.id() {
                member.remember(id, earlier.address());
            }
        }
        let own = member.node().address;
        let all = seeds.into_iter().chain(life.earlier_members.iter().map(SavedMember::address));
        member.join(now, all.filter(|address| *address != own).collect(), &mut outbox);
        Ok(outbox)
    }
}

/// The seeds of a builder.
struct Seeds {
    addresses: Vec<Address>,
    /// Whether another lookup may find other addresses.
    may_change: bool,
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

/// The time from the Unix epoch, from which all agents count periods, to the clock's time zero.
fn since_epoch(clock: Clock) -> Result<Span, SpawnError> {
    let now = u64::try_from(unix_time()?.as_micros()).unwrap_or(u64::MAX);
    Ok(Span::from_micros(now) - clock.now().since(Time::ZERO))
}

fn unix_time() -> Result<Duration, SpawnError> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_err(|error| SpawnError::System(io::Error::other(error)))
}

fn random_u64() -> Result<u64, SpawnError> {
    getrandom::u64().map_err(|error| SpawnError::System(io::Error::other(error)))
}
