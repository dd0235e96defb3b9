//! Packets over TCP. A connection is one exchange: a packet and, if there is one, its answer.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::accept_failures::AcceptFailures;
use super::address::{to_address, with_port};
use super::admission::{Admission, Ticket};
use super::arrival::Arrival;
use super::command::Command;
use super::packet_codec::SharedCodec;
use super::packet_error::PacketError;
use super::traffic::DropReason;
use crate::protocol::{Address, Body, MessageKind, Packet};

/// The longest that one exchange may take.
pub(super) const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest that a peer may take to send the prefix of its packet.
pub(super) const PREFIX_TIMEOUT: Duration = Duration::from_secs(3);

/// The most exchanges at once that an agent begins itself.
pub(super) const MAX_OUTGOING: usize = 8;

/// The longest packet, in bytes, that a member of a group of this size accepts on a stream: room for the group's own
/// table, and for that of another group behind a healed partition.
pub(super) const fn frame_limit(members: u32) -> usize {
    FRAME_BASE + FRAME_PER_MEMBER * members as usize
}

/// Bytes of [`frame_limit`] in a group of any size.
pub(super) const FRAME_BASE: usize = 1 << 20;

/// Bytes of [`frame_limit`] for each member.
pub(super) const FRAME_PER_MEMBER: usize = 1 << 10;

/// The exchanges of one agent. Clones share their limits.
#[derive(Clone)]
pub(super) struct Streams {
    codec: SharedCodec,
    commands: mpsc::WeakSender<Command>,
    /// The address that exchanges are begun from, with port 0, if it is not the system's choice.
    local: Option<SocketAddr>,
    outgoing: Arc<Semaphore>,
    /// Peers with which a state sync is under way: a slow one is not asked a second time meanwhile.
    syncing: Arc<Mutex<Vec<SocketAddr>>>,
    /// The longest packet that a peer may send, in bytes.
    incoming_limit: Arc<AtomicUsize>,
}

/// Reason why an exchange brought no packet.
enum ExchangeError {
    Io(io::Error),
    Packet(PacketError),
    TooLong,
    /// An answer that asks for an answer.
    Unasked,
    /// The agent has ended, or sends no answer.
    NoAnswer,
}

impl Streams {
    /// The exchanges of an agent that listens at `bound`.
    pub(super) fn new(codec: SharedCodec, commands: mpsc::WeakSender<Command>, bound: SocketAddr) -> Self {
        Self {
            codec,
            commands,
            local: source_of(bound),
            outgoing: Arc::new(Semaphore::new(MAX_OUTGOING)),
            syncing: Arc::default(),
            incoming_limit: Arc::new(AtomicUsize::new(frame_limit(1))),
        }
    }

    /// Sets the longest packet that a peer may send, in bytes.
    pub(super) fn set_incoming_limit(&self, bytes: usize) {
        self.incoming_limit.store(bytes, Ordering::Relaxed);
    }

    /// Serves the exchanges that peers begin, without end.
    pub(super) async fn listen(self, listener: TcpListener) {
        let admission = Admission::new(self.codec.lock().is_sealed());
        let mut failures = AcceptFailures::new("members");
        loop {
            match listener.accept().await {
                Ok((stream, from)) => {
                    let ticket = admission.enter(from.ip(), || self.count_ended()).await;
                    let number = ticket.number();
                    admission.set_task(number, self.serve(stream, from, ticket));
                }
                Err(error) => {
                    if admission.end_one() {
                        self.count_ended();
                    }
                    failures.pause(&error).await;
                }
            }
        }
    }

    /// Begins an exchange, whose answer may have `answer_limit` bytes.
    ///
    /// # Errors
    /// [`DropReason::StreamLimit`] if too many are under way, or a state sync with the same peer.
    pub(super) fn begin(&self, to: SocketAddr, packet: Packet, answer_limit: usize) -> Result<(), DropReason> {
        let permit = Arc::clone(&self.outgoing).try_acquire_owned().map_err(|_| DropReason::StreamLimit)?;
        let is_sync = packet.body.kind() == MessageKind::Sync;
        if is_sync {
            let mut syncing = self.syncing();
            if syncing.contains(&to) {
                return Err(DropReason::StreamLimit);
            }
            syncing.push(to);
        }
        let this = self.clone();
        tokio::spawn(async move {
            this.supervise(Some(to_address(to)), this.request(to, packet, answer_limit)).await;
            if is_sync {
                this.syncing().retain(|other| *other != to);
            }
            drop(permit);
        });
        Ok(())
    }

    fn syncing(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream, from: SocketAddr, ticket: Ticket) -> AbortHandle {
        let this = self.clone();
        let limit = self.incoming_limit.load(Ordering::Relaxed);
        let task = tokio::spawn(async move { this.supervise(None, this.respond(stream, from, limit, &ticket)).await });
        task.abort_handle()
    }

    /// Counts a connection that was ended for another one.
    fn count_ended(&self) {
        if let Some(commands) = self.commands.upgrade() {
            // Not counted while the agent has much to do: the listener must not wait for it.
            let _ = commands.try_send(Command::StreamFailed { reason: DropReason::StreamLimit, to: None });
        }
    }

    /// Runs an exchange, ends it at its timeout, and reports a failure. `to`: the peer that the agent has connected to.
    async fn supervise(&self, to: Option<Address>, exchange: impl Future<Output = Result<(), ExchangeError>>) {
        let reason = match timeout(EXCHANGE_TIMEOUT, exchange).await {
            Ok(Ok(()) | Err(ExchangeError::NoAnswer)) => return,
            Ok(Err(ExchangeError::Packet(error))) => error.drop_reason(),
            Ok(Err(ExchangeError::TooLong)) => DropReason::FrameTooLong,
            Ok(Err(ExchangeError::Unasked)) => DropReason::Malformed,
            Ok(Err(ExchangeError::Io(error))) => {
                tracing::debug!(%error, "a stream failed");
                DropReason::StreamFailed
            }
            Err(_) => DropReason::StreamFailed,
        };
        if let Some(commands) = self.commands.upgrade() {
            let _ = commands.send(Command::StreamFailed { reason, to }).await;
        }
    }

    /// The side that begins an exchange.
    async fn request(&self, to: SocketAddr, packet: Packet, answer_limit: usize) -> Result<(), ExchangeError> {
        let (frame, wants_reply) = (self.frame(&packet)?, asks_for_table(&packet));
        drop(packet);
        let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(local) = self.local {
            socket.bind(local)?;
        }
        let mut stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&frame).await?;
        drop(frame);
        stream.shutdown().await?;
        let arrival = match self.read_len(&mut stream, to, answer_limit).await {
            Ok(Some(len)) => self.read(&mut stream, to, len).await?,
            Ok(None) | Err(ExchangeError::Io(_)) if wants_reply => {
                self.codec.rejections().unanswered(to);
                return Ok(());
            }
            Ok(None) => return Ok(()),
            Err(error) => return Err(error),
        };
        // An answer that wants another one would have no end.
        if asks_for_table(&arrival.packet) { Err(ExchangeError::Unasked) } else { self.hand_over(arrival).await }
    }

    /// The side that a peer has connected to.
    async fn respond(
        &self,
        mut stream: TcpStream,
        from: SocketAddr,
        limit: usize,
        ticket: &Ticket,
    ) -> Result<(), ExchangeError> {
        stream.set_nodelay(true)?;
        let len = match timeout(PREFIX_TIMEOUT, self.read_len(&mut stream, from, limit)).await {
            Ok(Ok(Some(len))) => len,
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(ExchangeError::Io(io::ErrorKind::TimedOut.into())),
        };
        ticket.served().await;
        let arrival = self.read(&mut stream, from, len).await?;
        ticket.set_answering();
        let (reply, answer) = oneshot::channel();
        self.hand_over(Arrival { reply: Some(reply), ..arrival }).await?;
        let packet = answer.await.map_err(|_| ExchangeError::NoAnswer)?;
        let frame = self.frame(&packet)?;
        stream.write_all(&frame).await?;
        stream.shutdown().await?;
        Ok(())
    }

    async fn hand_over(&self, arrival: Arrival) -> Result<(), ExchangeError> {
        let commands = self.commands.upgrade().ok_or(ExchangeError::NoAnswer)?;
        commands.send(Command::Arrived(arrival)).await.map_err(|_| ExchangeError::NoAnswer)
    }

    /// Reads the prefix of a packet: its length, which a key proves. `None`: the stream has ended before.
    async fn read_len(
        &self,
        stream: &mut TcpStream,
        from: SocketAddr,
        limit: usize,
    ) -> Result<Option<usize>, ExchangeError> {
        let mut prefix = vec![0; self.codec.lock().prefix_len()];
        match stream.read_exact(&mut prefix).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let len = self.codec.lock().frame_len(&mut prefix);
        match len.map_err(|error| self.refused(from, error))? {
            len if len > limit => Err(ExchangeError::TooLong),
            len => Ok(Some(len)),
        }
    }

    /// Reads the packet of `len` bytes that follows a prefix, and the size of both.
    async fn read(&self, stream: &mut TcpStream, from: SocketAddr, len: usize) -> Result<Arrival, ExchangeError> {
        // The sender may claim any length: memory is allocated for what really arrives.
        let mut bytes = Vec::with_capacity(len.min(1 << 16));
        stream.take(len as u64).read_to_end(&mut bytes).await?;
        if bytes.len() < len {
            return Err(ExchangeError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let mut codec = self.codec.lock();
        let bytes_with_prefix = codec.prefix_len() + len;
        let packet = codec.decode(&mut bytes).map_err(|error| self.refused(from, error))?;
        Ok(Arrival { from: to_address(from), packet, bytes: bytes_with_prefix, ahead_us: None, reply: None })
    }

    fn refused(&self, from: SocketAddr, error: PacketError) -> ExchangeError {
        self.codec.rejections().refused(from, &error);
        ExchangeError::Packet(error)
    }

    fn frame(&self, packet: &Packet) -> Result<Vec<u8>, ExchangeError> {
        let mut frame = Vec::new();
        self.codec.lock().frame(packet, &mut frame).map_err(|_| ExchangeError::TooLong)?;
        Ok(frame)
    }
}

/// The address that an agent's connections come from, so that peers see the one that its datagrams come from. `None`:
/// the system chooses it. It also chooses well for many agents on one loopback address, which would need a port each.
fn source_of(bound: SocketAddr) -> Option<SocketAddr> {
    let ip = bound.ip().to_canonical();
    let is_default = ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST || ip == Ipv6Addr::LOCALHOST;
    (!is_default).then_some(with_port(bound, 0))
}

/// Whether a packet is a sync whose sender wants the receiver's table.
fn asks_for_table(packet: &Packet) -> bool {
    matches!(&packet.body, Body::Sync(sync) if sync.wants_reply)
}

impl From<io::Error> for ExchangeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net;

    use tokio::time::Instant;

    use super::super::packet_codec::PacketCodec;
    use super::*;
    use crate::protocol::{Incarnation, PeerView, StateSync};

    struct Endpoint {
        streams: Streams,
        addr: SocketAddr,
        inbox: mpsc::Receiver<Command>,
        // Streams hold no handle of their own.
        _commands: mpsc::Sender<Command>,
        listener: Option<TcpListener>,
    }

    impl Endpoint {
        async fn new() -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let addr = listener.local_addr().unwrap();
            let (commands, inbox) = mpsc::channel(64);
            let streams = Streams::new(SharedCodec::new(PacketCodec::Plain), commands.downgrade(), addr);
            Self { streams, addr, inbox, _commands: commands, listener: Some(listener) }
        }

        /// The failure of a connection that sends these bytes and no more, and the time until then.
        async fn fate_of(mut self, opening: &[u8]) -> (DropReason, Duration) {
            // Connected and sent before the clock goes on.
            let mut peer = net::TcpStream::connect(self.addr).unwrap();
            peer.write_all(opening).unwrap();
            let begun = Instant::now();
            let listener = self.listener.take().expect("not taken yet");
            let listening = tokio::spawn(self.streams.listen(listener));
            let Some(Command::StreamFailed { reason, .. }) = self.inbox.recv().await else { panic!("not a failure") };
            listening.abort();
            (reason, begun.elapsed())
        }
    }

    fn announce(len: usize) -> [u8; 4] {
        (len as u32).to_be_bytes()
    }

    fn is_about(elapsed: Duration, expected: Duration) -> bool {
        elapsed >= expected && elapsed < expected + Duration::from_millis(100)
    }

    fn packet(body: Body) -> Packet {
        let incarnation = Incarnation::default();
        Packet {
            from: 7,
            incarnation,
            peer_view: PeerView::Unknown,
            body,
            updates: [].into_iter().collect(),
            coordinate: None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_has_a_few_seconds_for_its_prefix_and_some_more_for_the_exchange() {
        let (reason, elapsed) = Endpoint::new().await.fate_of(&[]).await;
        assert!(reason == DropReason::StreamFailed && is_about(elapsed, PREFIX_TIMEOUT), "{reason:?}, {elapsed:?}");
        let (reason, elapsed) = Endpoint::new().await.fate_of(&announce(100)).await;
        assert!(reason == DropReason::StreamFailed && is_about(elapsed, EXCHANGE_TIMEOUT), "{reason:?}, {elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_packet_longer_than_the_group_may_send_is_refused_by_its_prefix() {
        for members in [1, 1000] {
            let limit = FRAME_BASE + members as usize * FRAME_PER_MEMBER;
            let endpoint = Endpoint::new().await;
            endpoint.streams.set_incoming_limit(frame_limit(members));
            // Waited for, though it does not come.
            assert_eq!(endpoint.fate_of(&announce(limit)).await.0, DropReason::StreamFailed);
            let endpoint = Endpoint::new().await;
            endpoint.streams.set_incoming_limit(frame_limit(members));
            let (reason, elapsed) = endpoint.fate_of(&announce(limit + 1)).await;
            assert_eq!((reason, elapsed.as_secs()), (DropReason::FrameTooLong, 0));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn exchanges_beyond_the_limit_are_not_begun_until_others_have_ended() {
        // Connections are taken up by the system, and nobody answers.
        let mut endpoint = Endpoint::new().await;
        let begin = |streams: &Streams| streams.begin(endpoint.addr, packet(Body::Ping { seq: 1 }), 1000);
        for _ in 0..MAX_OUTGOING {
            begin(&endpoint.streams).unwrap();
        }
        assert_eq!(begin(&endpoint.streams), Err(DropReason::StreamLimit));
        for _ in 0..MAX_OUTGOING {
            assert!(endpoint.inbox.recv().await.is_some());
        }
        while endpoint.streams.outgoing.available_permits() == 0 {
            tokio::task::yield_now().await;
        }
        begin(&endpoint.streams).unwrap();
    }

    #[tokio::test]
    async fn a_peer_with_which_a_state_sync_is_under_way_is_not_asked_again() {
        let (endpoint, other) = (Endpoint::new().await, Endpoint::new().await);
        let sync = || packet(Body::Sync(Box::new(StateSync::whole(true, false, Vec::new()))));
        endpoint.streams.begin(endpoint.addr, sync(), 1000).unwrap();
        assert_eq!(endpoint.streams.begin(endpoint.addr, sync(), 1000), Err(DropReason::StreamLimit));
        endpoint.streams.begin(other.addr, sync(), 1000).unwrap();
    }
}
