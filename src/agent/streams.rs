//! Packets over TCP. A connection is one exchange: a packet and, if there is one, its answer.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::address::to_address;
use super::arrival::Arrival;
use super::command::Command;
use super::packet_codec::{PacketError, SharedCodec};
use super::traffic::DropReason;
use crate::protocol::{MessageKind, Packet};

/// The longest that one exchange may take.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most exchanges at once that peers begin.
const MAX_INCOMING: usize = 32;

/// The most exchanges at once that an agent begins itself.
const MAX_OUTGOING: usize = 8;

/// Pause after a failed `accept`, most likely for want of file descriptors: some will be closed meanwhile.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// The longest packet, in bytes, that a member of a group of this size accepts on a stream: room for the group's own
/// table, and for that of another group behind a healed partition.
pub(super) const fn frame_limit(members: u32) -> usize {
    (1 << 20) + 1024 * members as usize
}

/// The exchanges of one agent. Clones share their limits.
#[derive(Clone)]
pub(super) struct Streams {
    codec: SharedCodec,
    commands: mpsc::WeakSender<Command>,
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
    /// The agent has ended, or sends no answer.
    NoAnswer,
}

impl Streams {
    pub(super) fn new(codec: SharedCodec, commands: mpsc::WeakSender<Command>) -> Self {
        Self {
            codec,
            commands,
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
        let incoming = Arc::new(Semaphore::new(MAX_INCOMING));
        while let Ok(permit) = Arc::clone(&incoming).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, from)) => self.serve(stream, from, permit),
                Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
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
            this.supervise(this.request(to, packet, answer_limit)).await;
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

    fn serve(&self, stream: TcpStream, from: SocketAddr, permit: OwnedSemaphorePermit) {
        let this = self.clone();
        let limit = self.incoming_limit.load(Ordering::Relaxed);
        tokio::spawn(async move {
            this.supervise(this.respond(stream, from, limit)).await;
            drop(permit);
        });
    }

    /// Runs an exchange, ends it at its timeout, and reports a failure.
    async fn supervise(&self, exchange: impl Future<Output = Result<(), ExchangeError>>) {
        let reason = match timeout(EXCHANGE_TIMEOUT, exchange).await {
            Ok(Ok(()) | Err(ExchangeError::NoAnswer)) => return,
            Ok(Err(ExchangeError::Packet(error))) => error.drop_reason(),
            Ok(Err(ExchangeError::TooLong)) => DropReason::FrameTooLong,
            Ok(Err(ExchangeError::Io(error))) => {
                tracing::debug!(%error, "a stream failed");
                DropReason::StreamFailed
            }
            Err(_) => DropReason::StreamFailed,
        };
        if let Some(commands) = self.commands.upgrade() {
            let _ = commands.send(Command::StreamFailed(reason)).await;
        }
    }

    /// The side that begins an exchange.
    async fn request(&self, to: SocketAddr, packet: Packet, answer_limit: usize) -> Result<(), ExchangeError> {
        let frame = self.frame(&packet)?;
        drop(packet);
        let mut stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&frame).await?;
        drop(frame);
        stream.shutdown().await?;
        let Some((packet, bytes)) = self.read(&mut stream, answer_limit).await? else { return Ok(()) };
        self.hand_over(Arrival { from: to_address(to), packet, bytes, reply: None }).await
    }

    /// The side that a peer has connected to.
    async fn respond(&self, mut stream: TcpStream, from: SocketAddr, limit: usize) -> Result<(), ExchangeError> {
        stream.set_nodelay(true)?;
        let Some((packet, bytes)) = self.read(&mut stream, limit).await? else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        self.hand_over(Arrival { from: to_address(from), packet, bytes, reply: Some(reply) }).await?;
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

    /// Reads one packet and its size, or the end of the stream.
    async fn read(&self, stream: &mut TcpStream, limit: usize) -> Result<Option<(Packet, usize)>, ExchangeError> {
        let mut prefix = vec![0; self.codec.lock().prefix_len()];
        match stream.read_exact(&mut prefix).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let len = self.codec.lock().frame_len(&mut prefix)?;
        if len > limit {
            return Err(ExchangeError::TooLong);
        }
        // The sender may claim any length: memory is allocated for what really arrives.
        let mut bytes = Vec::with_capacity(len.min(1 << 16));
        stream.take(len as u64).read_to_end(&mut bytes).await?;
        if bytes.len() < len {
            return Err(ExchangeError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let packet = self.codec.lock().decode(&mut bytes)?;
        Ok(Some((packet, prefix.len() + len)))
    }

    fn frame(&self, packet: &Packet) -> Result<Vec<u8>, ExchangeError> {
        let mut frame = Vec::new();
        self.codec.lock().frame(packet, &mut frame).map_err(|_| ExchangeError::TooLong)?;
        Ok(frame)
    }
}

impl From<io::Error> for ExchangeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<PacketError> for ExchangeError {
    fn from(error: PacketError) -> Self {
        Self::Packet(error)
    }
}
