//! Where an experiment on real sockets comes in: a world's own clock, and a network between agent and socket.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::builder::launch;
use super::handle::{Agent, Command, EventSender};
use super::packet_codec::PacketCodec;
use crate::protocol::{Address, Event, Member, Packet, Span, Time, Transmit};

/// A member of an experiment, on sockets that do not block: the others must know its address before it begins.
pub struct ExperimentAgent {
    /// The member.
    pub member: Member,
    /// Its world's clock.
    pub clock: Clock,
    /// When its first period begins.
    pub first_period: Time,
    /// Seeds to join through; none if it knows its group.
    pub seeds: Vec<Address>,
    /// What watches it.
    pub tap: Arc<dyn PacketHook>,
    /// For datagrams.
    pub udp: UdpSocket,
    /// For streams.
    pub tcp: TcpListener,
}

impl ExperimentAgent {
    /// Starts it in the runtime that this is called in. It speaks in plain text.
    ///
    /// # Errors
    /// If the runtime does not take the sockets.
    pub fn begin(self) -> io::Result<Agent> {
        let Self { member, clock, first_period, seeds, tap, udp, tcp } = self;
        let addr: SocketAddr = udp.local_addr()?;
        let udp = tokio::net::UdpSocket::from_std(udp)?;
        let tcp = tokio::net::TcpListener::from_std(tcp)?;
        let start = |driver: &mut super::driver::Driver| driver.start_in_lab(first_period, seeds);
        let timing = (clock, Span::ZERO);
        Ok(launch(
            (udp, tcp, addr),
            member,
            PacketCodec::Plain,
            timing,
            (None, Some(tap)),
            (EventSender::default(), 1),
            start,
        )
        .0)
    }
}

/// An agent that stands still, as SIGSTOP makes a process do. It goes on when this is dropped.
pub struct Paused {
    _until: oneshot::Sender<()>,
}

impl Paused {
    /// Pauses an agent. Packets that it has handed to the network still leave.
    pub async fn new(agent: &Agent) -> Self {
        let (until, paused) = oneshot::channel();
        agent.send(Command::Freeze(paused)).await;
        Self { _until: until }
    }
}

/// Watches an agent, and decides what becomes of the packets that it sends.
pub trait PacketHook: Send + Sync {
    /// The agent hands a packet to the network, of so many bytes. An answer goes over the stream of its question, whatever
    /// it is.
    fn sent(&self, at: Time, transmit: &Transmit, bytes: usize, is_answer: bool) -> PacketVerdict;
    /// A packet arrived, of so many bytes. Not taken, it is as if it had never come.
    fn received(&self, at: Time, from: Address, packet: &Packet, bytes: usize) -> bool;
    /// The agent noticed something.
    fn event(&self, at: Time, event: &Event);
    /// A timer of the agent fired so late.
    fn woken(&self, late: Span);
}

/// Verdict on a packet that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketVerdict {
    /// It leaves at this time.
    At(Time),
    /// It is lost.
    Lost,
}

/// The protocol's time, read from the system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that shows zero now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// A clock that shows zero until so much time has passed, and runs from then on.
    pub fn start_in(lead: Duration) -> Self {
        Self(Instant::now() + lead)
    }

    /// What it shows.
    pub fn now(self) -> Time {
        Time::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// When it shows this time. What is further away than a day comes after a day.
    pub fn instant(self, time: Time) -> tokio::time::Instant {
        let most = self.now() + Span::from_secs(86_400);
        (self.0 + Duration::from_micros(time.min(most).as_micros())).into()
    }

    /// The first beat of the process's pulse after this time, with so long between two beats. Timers that fire on it fire
    /// together: for a process of many agents, to be woken for each of them is most of what they cost.
    pub fn beat(self, time: Time, between: Span) -> tokio::time::Instant {
        static PULSE: OnceLock<Instant> = OnceLock::new();
        let (start, at) = (*PULSE.get_or_init(Instant::now), self.instant(time).into_std());
        let between = Duration::from_micros(between.as_micros().max(1));
        let since = at.saturating_duration_since(start).as_micros();
        let beats = since.div_ceil(between.as_micros());
        (start + Duration::from_micros((beats * between.as_micros()) as u64)).into()
    }
}
