//! Hooks for experiments on real sockets: a clock that members share, and a network between agents and sockets; and the
//! parsers of what an agent reads besides packets.
//!
//! The hooks serve `Experiment::run_real` (feature `lab`), which runs the simulator's worlds on sockets; the parsers
//! serve fuzz targets, which need no sockets and files to reach them. An application needs none of them.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::oneshot;

use super::address::Reach;
pub use super::clock::Clock;
use super::command::Command;
#[cfg(unix)]
use super::control::{Request, read_request};
#[cfg(feature = "discovery")]
use super::discovery::Discovery;
use super::driver::DriverParts;
use super::event_hub::EventHub;
use super::handle::Agent;
use super::launch::Launch;
use super::metrics::Names;
use super::packet_codec::PacketCodec;
pub use super::packet_hook::{PacketHook, PacketVerdict, ReceivedPacket, SentPacket};
use super::query;
use super::rejoin::Rejoin;
use super::snapshot::Snapshot;
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
        let driver = DriverParts {
            clock,
            wall_clock: None,
            timer_slack: Span::ZERO,
            member,
            outbox,
            rejoin: Rejoin::default(),
            hook: Some(hook),
            names: Names::default(),
            events,
            snapshots: None,
        };
        let (sockets, reach) = (Sockets { udp, tcp }, Reach::of(addr));
        Ok(Launch { sockets, reach, addr, codec: PacketCodec::Plain, driver, exit }.start())
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

/// Reads a request as a control socket does that it reaches in pieces of at most `piece` bytes, at least one.
///
/// # Errors
/// The refusal that the client gets, if it is no request.
#[cfg(unix)]
pub fn control_request(bytes: &[u8], piece: usize) -> Result<Request, String> {
    finished(read_request(&mut Pieces::of(bytes, piece))).expect("memory can be read")
}

/// The bytes that an agent's HTTP server sends to a client who sends these, in pieces of at most `piece` bytes, at least
/// one, and then closes its side. The agent knows no member.
#[cfg(feature = "discovery")]
pub fn http_response(bytes: &[u8], piece: usize) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime
        .expect("a runtime needs nothing")
        .block_on(super::http::in_memory(Discovery::empty(), Pieces::of(bytes, piece)))
}

/// Reads the content of an agent's snapshot file, and returns the content that the agent would write with the same
/// members.
///
/// # Errors
/// The reason why it is no snapshot.
pub fn snapshot_rewritten(bytes: &[u8]) -> Result<Vec<u8>, String> {
    Snapshot::parse(bytes).map(|snapshot| snapshot.to_json())
}

/// Handles the payload of a direct message about queries, from a member that this one has asked something; returns what is
/// sent in answer.
///
/// # Errors
/// The reason why it is no such message.
///
/// # Panics
/// If a rule of queries is broken.
pub fn query_replies(payload: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    query::sample::replies(payload)
}

/// A payload of each kind, of direct messages about queries.
pub fn query_messages() -> Vec<Vec<u8>> {
    query::sample::messages()
}

/// Bytes in memory that are read in pieces.
struct Pieces<'a> {
    left: &'a [u8],
    piece: usize,
}

impl<'a> Pieces<'a> {
    fn of(left: &'a [u8], piece: usize) -> Self {
        Self { left, piece: piece.max(1) }
    }
}

impl AsyncRead for Pieces<'_> {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (now, later) = this.left.split_at(this.piece.min(this.left.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        this.left = later;
        Poll::Ready(Ok(()))
    }
}

/// The output of a future that waits for nothing but memory.
fn finished<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory is always ready"),
    }
}
