//! Packets over TCP. A connection is one exchange: a packet there and, if there is an answer, one back.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use super::address::to_address;
use super::handle::Command;
use super::metrics::DropReason;
use super::packet_codec::{PacketCodec, PacketError};
use crate::protocol::{Address, MessageKind, Packet};

/// How long one exchange may take.
const LONGEST: Duration = Duration::from_secs(10);

/// The most exchanges at once that others begin.
const MOST_INCOMING: usize = 32;

/// The most exchanges at once that an agent begins itself.
const MOST_OUTGOING: usize = 8;

/// The largest packet that an unknown peer may send: a table as large as one may be met behind a healed partition, and larger
/// still where many members are known already.
pub(super) const fn frame_limit(members: u32) -> usize {
    (1 << 20) + 1024 * members as usize
}

/// What the exchanges of one agent share.
#[derive(Clone)]
pub(super) struct Streams {
    codec: Arc<Mutex<PacketCodec>>,
    commands: mpsc::WeakSender<Command>,
    outgoing: Arc<Semaphore>,
    /// Peers with which a table exchange is under way: a slow one is not asked a second time meanwhile.
    syncing: Arc<Mutex<Vec<SocketAddr>>>,
    /// How many members are known: what strangers may send depends on it.
    members: Arc<AtomicU32>,
}

/// A packet that came over a stream.
pub(super) struct Arrival {
    /// The other end: where an answer is to go.
    pub from: Address,
    /// The packet.
    pub packet: Packet,
    /// Its bytes, the prefix included.
    pub bytes: usize,
    /// Takes the answer, unless this is one.
    pub reply: Option<oneshot::Sender<Packet>>,
}

/// Why an exchange came to nothing.
enum Failure {
    Io(io::Error),
    PacketError(PacketError),
    TooLong,
    /// The agent has ended, or takes no answer.
    Idle,
}

impl Streams {
    pub fn new(codec: Arc<Mutex<PacketCodec>>, commands: mpsc::WeakSender<Command>) -> Self {
        let outgoing = Arc::new(Semaphore::new(MOST_OUTGOING));
        Self { codec, commands, outgoing, syncing: Arc::default(), members: Arc::new(AtomicU32::new(1)) }
    }

    /// Takes note of how many members are known.
    pub fn tell_size(&self, members: u32) {
        self.members.store(members, Ordering::Relaxed);
    }

    /// Takes part in exchanges that others begin, for as long as it is let.
    pub async fn listen(self, listener: TcpListener) {
        let incoming = Arc::new(Semaphore::new(MOST_INCOMING));
        while let Ok(permit) = Arc::clone(&incoming).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, from)) => self.serve(stream, from, permit),
                // Out of file descriptors, most likely: others will be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Begins an exchange. `false`: too many are under way, or one like this with the same member.
    pub fn send(&self, to: SocketAddr, packet: Packet, limit: usize) -> bool {
        let Ok(permit) = Arc::clone(&self.outgoing).try_acquire_owned() else { return false };
        let is_sync = packet.body.kind() == MessageKind::Sync;
        if is_sync {
            let mut syncing = self.syncing();
            if syncing.contains(&to) {
                return false;
            }
            syncing.push(to);
        }
        let this = self.clone();
        tokio::spawn(async move {
            this.watch(this.ask(to, packet, limit)).await;
            if is_sync {
                this.syncing().retain(|other| *other != to);
            }
            drop(permit);
        });
        true
    }

    fn syncing(&self) -> MutexGuard<'_, Vec<SocketAddr>> {
        self.syncing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream, from: SocketAddr, permit: OwnedSemaphorePermit) {
        let this = self.clone();
        let limit = frame_limit(self.members.load(Ordering::Relaxed));
        tokio::spawn(async move {
            this.watch(this.answer(stream, from, limit)).await;
            drop(permit);
        });
    }

    /// Lets an exchange take its time, but not longer, and tells of its failure.
    async fn watch(&self, exchange: impl Future<Output = Result<(), Failure>>) {
        let why = match timeout(LONGEST, exchange).await {
            Ok(Ok(()) | Err(Failure::Idle)) => return,
            Ok(Err(Failure::PacketError(misheard))) => misheard.reason(),
            Ok(Err(Failure::TooLong)) => DropReason::FrameTooLong,
            Ok(Err(Failure::Io(error))) => {
                tracing::debug!(%error, "a stream failed");
                DropReason::StreamFailed
            }
            Err(_) => DropReason::StreamFailed,
        };
        if let Some(commands) = self.commands.upgrade() {
            let _ = commands.send(Command::Failed(why)).await;
        }
    }

    async fn ask(&self, to: SocketAddr, packet: Packet, limit: usize) -> Result<(), Failure> {
        let frame = self.frame(&packet)?;
        drop(packet);
        let mut stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        stream.write_all(&frame).await?;
        drop(frame);
        stream.shutdown().await?;
        let Some((packet, bytes)) = self.read(&mut stream, limit).await? else { return Ok(()) };
        self.hand_over(Arrival { from: to_address(to), packet, bytes, reply: None }).await
    }

    async fn answer(&self, mut stream: TcpStream, from: SocketAddr, limit: usize) -> Result<(), Failure> {
        stream.set_nodelay(true)?;
        let Some((packet, bytes)) = self.read(&mut stream, limit).await? else { return Ok(()) };
        let (reply, answer) = oneshot::channel();
        self.hand_over(Arrival { from: to_address(from), packet, bytes, reply: Some(reply) }).await?;
        let packet = answer.await.map_err(|_| Failure::Idle)?;
        let frame = self.frame(&packet)?;
        stream.write_all(&frame).await?;
        stream.shutdown().await?;
        Ok(())
    }

    async fn hand_over(&self, arrival: Arrival) -> Result<(), Failure> {
        let commands = self.commands.upgrade().ok_or(Failure::Idle)?;
        commands.send(Command::Arrived(arrival)).await.map_err(|_| Failure::Idle)
    }

    /// Reads one packet, or the end of the stream.
    async fn read(&self, stream: &mut TcpStream, limit: usize) -> Result<Option<(Packet, usize)>, Failure> {
        let mut prefix = vec![0; self.codec(|codec| codec.prefix())];
        match stream.read_exact(&mut prefix).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        let len = self.codec(|codec| codec.frame_len(&mut prefix))?;
        if len > limit {
            return Err(Failure::TooLong);
        }
        // The length is the sender's word: memory grows with what really comes.
        let mut bytes = Vec::with_capacity(len.min(1 << 16));
        stream.take(len as u64).read_to_end(&mut bytes).await?;
        if bytes.len() < len {
            return Err(Failure::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let packet = self.codec(|codec| codec.decode(&mut bytes))?;
        Ok(Some((packet, prefix.len() + len)))
    }

    fn frame(&self, packet: &Packet) -> Result<Vec<u8>, Failure> {
        let mut frame = Vec::new();
        self.codec(|codec| codec.frame(packet, &mut frame)).map_err(|_| Failure::TooLong)?;
        Ok(frame)
    }

    fn codec<T>(&self, with: impl FnOnce(&mut PacketCodec) -> T) -> T {
        with(&mut self.codec.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<PacketError> for Failure {
    fn from(misheard: PacketError) -> Self {
        Self::PacketError(misheard)
    }
}
