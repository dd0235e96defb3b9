//! Hooks for experiments on real sockets: a clock that members share, and a network between agents and sockets.
//!
//! They serve `Experiment::run_real` (feature `lab`), which runs the simulator's worlds on sockets. An application
//! needs none of them.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::address::Reach;
pub use super::clock::Clock;
use super::command::Command;
use super::event_hub::EventHub;
use super::handle::Agent;
use super::launch::Launch;
use super::packet_codec::PacketCodec;
pub use super::packet_hook::{PacketHook, PacketVerdict, ReceivedPacket, SentPacket};
use super::rejoin::Rejoin;
use super::sockets::Sockets;
use crate::protocol::{Address, Member, Outbox, Span, Time};

/// A member of an experiment, to be run by an agent. Its sockets are bound already, because the other members must know
/// its address before it starts.
pub struct ExperimentAgent {
    /// The member, not yet started.
    pub member: Member,
    /// The clock that all members of the experiment share.
    pub clock: Clock,
    /// The time at which the member's first period begins.
    pub first_period: Time,
    /// Seeds to join through; empty if the member knows its group.
    pub seeds: Vec<Address>,
    /// Decides about the agent's packets.
    pub hook: Arc<dyn PacketHook>,
    /// The socket for datagrams, in non-blocking mode.
    pub udp: UdpSocket,
    /// The socket for streams, in non-blocking mode.
    pub tcp: TcpListener,
}

impl ExperimentAgent {
    /// Starts the member as a task of the current tokio runtime. It sends plain text.
    ///
    /// # Errors
    /// If the runtime cannot register the sockets.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time enabled.
    pub fn spawn(self) -> io::Result<Agent> {
        let Self { mut member, clock, first_period, seeds, hook, udp, tcp } = self;
        let addr = udp.local_addr()?;
        let udp = tokio::net::UdpSocket::from_std(udp)?;
        let tcp = tokio::net::TcpListener::from_std(tcp)?;
        let (now, mut outbox) = (clock.now(), Outbox::default());
        member.start(now, first_period);
        member.join(now, seeds, &mut outbox);
        let (events, exit) = EventHub::new(1);
        Ok(Launch {
            sockets: Sockets { udp, tcp },
            reach: Reach::of(addr),
            addr,
            member,
            outbox,
            rejoin: Rejoin::default(),
            codec: PacketCodec::Plain,
            clock,
            wall_clock: None,
            timer_slack: Span::ZERO,
            snapshots: None,
            hook: Some(hook),
            events,
            exit,
        }
        .start())
    }
}

/// A paused agent: it does nothing, like a process after SIGSTOP, until this is dropped.
pub struct Paused {
    _until: oneshot::Sender<()>,
}

impl Paused {
    /// Pauses an agent. Packets that it has handed to the network still leave.
    pub async fn new(agent: &Agent) -> Self {
        let (until, resumed) = oneshot::channel();
        agent.send(Command::Pause(resumed)).await;
        Self { _until: until }
    }
}
