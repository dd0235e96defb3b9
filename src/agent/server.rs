//! A small server: bounded numbers of connections, bounded times. One more client always gets in: when all places are
//! taken, the connection that has been silent for longest makes room.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(unix)]
use nix::sys::socket::{MsgFlags, recv};
#[cfg(unix)]
use tokio::io::Interest;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::accept_failures::AcceptFailures;

/// Limits of a server.
#[derive(Clone, Copy)]
pub(super) struct ServerLimits {
    /// Those who connect, for the log.
    pub clients: &'static str,
    /// The most connections at once.
    pub connections: usize,
    /// The most connections at once from one address.
    pub per_source: usize,
    /// The longest wait for the first byte of a request.
    pub first_byte: Duration,
    /// The longest that one connection may take.
    pub timeout: Duration,
}

/// A socket that accepts connections.
pub(super) trait Listener: Sync {
    type Stream: Connection;

    /// Accepts a connection, and tells the address that it comes from; `None` if it has none.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Option<IpAddr>)>> + Send;
}

/// A connection that was accepted.
pub(super) trait Connection: Send + 'static {
    /// Waits for the first byte, and leaves it there, or for the end.
    fn first_byte(&self) -> impl Future<Output = io::Result<()>> + Send;
}

/// The place of a connection in a server.
pub(super) struct Place(Arc<AtomicBool>);

/// A connection that is being served.
struct Served {
    source: Option<IpAddr>,
    has_asked: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Place {
    /// Notes that the whole request has been read: silent connections make room before this one.
    pub(super) fn has_asked(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Option<IpAddr>)> {
        TcpListener::accept(self).await.map(|(stream, from)| (stream, Some(from.ip().to_canonical())))
    }
}

impl Connection for TcpStream {
    async fn first_byte(&self) -> io::Result<()> {
        // A runtime may take a stream that has just been accepted for readable, which it then is not.
        self.peek(&mut [0]).await.map(drop)
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Option<IpAddr>)> {
        UnixListener::accept(self).await.map(|(stream, _)| (stream, None))
    }
}

#[cfg(unix)]
impl Connection for UnixStream {
    async fn first_byte(&self) -> io::Result<()> {
        let peek = || recv(self.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK).map_err(io::Error::from);
        self.async_io(Interest::READABLE, peek).await.map(drop)
    }
}

/// Accepts connections without end, and serves each in a task of its own.
pub(super) async fn serve<L, F>(
    listener: &L,
    limits: ServerLimits,
    respond: impl Fn(L::Stream, Place) -> F + Clone + Send + 'static,
) where
    L: Listener,
    F: Future<Output = io::Result<()>> + Send,
{
    let mut all: VecDeque<Served> = VecDeque::new();
    let mut failures = AcceptFailures::new(limits.clients);
    loop {
        let (stream, source) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                failures.pause(&error).await;
                continue;
            }
        };
        all.retain(|served| !served.task.is_finished());
        if all.iter().filter(|served| served.source.is_some() && served.source == source).count() >= limits.per_source {
            make_room(&mut all, |served| served.source == source);
        }
        if all.len() >= limits.connections {
            make_room(&mut all, |_| true);
        }
        let has_asked = Arc::<AtomicBool>::default();
        let place = Place(Arc::clone(&has_asked));
        let respond = respond.clone();
        let task = tokio::spawn(async move {
            // A client that fails or is too slow gets no answer.
            if let Ok(Ok(())) = timeout(limits.first_byte, stream.first_byte()).await {
                let _ = timeout(limits.timeout, respond(stream, place)).await;
            }
        });
        all.push_back(Served { source, has_asked, task });
    }
}

/// Reads a request up to and including `end`, and perhaps beyond. Returns whether `end` has come; it has not if the client
/// has closed its side, or has sent `limit` bytes without it. However small the pieces are in which a request arrives,
/// each byte is searched a constant number of times.
pub(super) async fn read_through(
    stream: &mut (impl AsyncRead + Unpin),
    request: &mut Vec<u8>,
    end: &[u8],
    limit: usize,
) -> io::Result<bool> {
    let mut searched = 0;
    loop {
        if request[searched..].windows(end.len()).any(|piece| piece == end) {
            return Ok(true);
        }
        // The last bytes may be the beginning of an end.
        searched = (request.len() + 1).saturating_sub(end.len());
        let room = limit.saturating_sub(request.len());
        if room == 0 || (&mut *stream).take(room as u64).read_buf(request).await? == 0 {
            return Ok(false);
        }
    }
}

/// Ends the oldest of the connections that `fits`, preferably one that has not asked yet.
fn make_room(all: &mut VecDeque<Served>, fits: impl Fn(&Served) -> bool) {
    let silent = |served: &Served| fits(served) && !served.has_asked.load(Ordering::Relaxed);
    if let Some(served) =
        all.iter().position(silent).or_else(|| all.iter().position(fits)).and_then(|at| all.remove(at))
    {
        served.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, SocketAddr};

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpSocket;
    use tokio::time::Instant;

    use super::*;

    /// The limits of all servers.
    fn all_limits() -> Vec<ServerLimits> {
        vec![
            #[cfg(feature = "discovery")]
            crate::agent::http::HTTP_LIMITS,
            #[cfg(feature = "discovery")]
            crate::agent::http::METRICS_LIMITS,
            #[cfg(feature = "discovery")]
            crate::agent::dns::TCP_LIMITS,
            #[cfg(unix)]
            crate::agent::control::LIMITS,
        ]
    }

    /// Answers the first byte, and then reads without end.
    async fn answer<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, _: Place) -> io::Result<()> {
        stream.read_u8().await?;
        stream.write_u8(b'y').await?;
        stream.read_to_end(&mut Vec::new()).await?;
        Ok(())
    }

    /// A connection from a loopback address, once it is served.
    async fn connect(host: usize, to: SocketAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host as u8), 0))).unwrap();
        let mut stream = socket.connect(to).await.unwrap();
        stream.write_u8(b'x').await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'y');
        stream
    }

    async fn is_closed(stream: &mut TcpStream) -> bool {
        !matches!(stream.read(&mut [0]).await, Ok(1..))
    }

    fn is_open(stream: &TcpStream) -> bool {
        stream.try_read(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    // All of 127.0.0.0/8 is there on Linux.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_more_than_allowed_in_all_or_of_one_source_ends_the_oldest() {
        for limits in all_limits() {
            let ServerLimits { connections, per_source, .. } = limits;
            // Machines under load are slow: no connection may end for its time.
            let patient = Duration::from_secs(600);
            let limits = ServerLimits { first_byte: patient, timeout: patient, ..limits };
            // Of one source, then in all, from as many sources as needed.
            for (most, late) in [(per_source, 1), (connections, 200)] {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let to = listener.local_addr().unwrap();
                let server = tokio::spawn(async move { serve(&listener, limits, answer).await });
                let mut all = Vec::new();
                for n in 0..most {
                    all.push(connect(1 + n / per_source, to).await);
                }
                assert!(all.iter().all(is_open));
                all.push(connect(late, to).await);
                assert!(is_closed(&mut all[0]).await);
                assert!(all[1..].iter().all(is_open));
                server.abort();
            }
        }
    }

    /// The time for which a server with these limits keeps a client.
    async fn lifetime<L: Listener>(listener: L, mut client: impl AsyncRead + Unpin, limits: ServerLimits) -> Duration
    where
        L::Stream: AsyncRead + AsyncWrite + Unpin,
    {
        let (begun, mut answered) = (Instant::now(), Vec::new());
        tokio::select! {
            () = serve(&listener, limits, answer) => unreachable!("it has no end"),
            _ = client.read_to_end(&mut answered) => {}
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_ended_without_a_first_byte_in_time_or_when_it_takes_too_long() {
        for limits in all_limits() {
            for (sent, longest) in [(&b""[..], limits.first_byte), (b"x", limits.timeout)] {
                let is_due = |elapsed| elapsed >= longest && elapsed < longest + Duration::from_millis(100);
                // Connected and sent before the clock goes on.
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                client.write_all(sent).unwrap();
                client.set_nonblocking(true).unwrap();
                assert!(is_due(lifetime(listener, TcpStream::from_std(client).unwrap(), limits).await));
                #[cfg(unix)]
                {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("a.sock");
                    let listener = UnixListener::bind(&path).unwrap();
                    let mut client = std::os::unix::net::UnixStream::connect(&path).unwrap();
                    client.write_all(sent).unwrap();
                    client.set_nonblocking(true).unwrap();
                    assert!(is_due(lifetime(listener, UnixStream::from_std(client).unwrap(), limits).await));
                }
            }
        }
    }

    #[tokio::test]
    async fn a_request_ends_at_its_end_wherever_the_pieces_meet() {
        for at in 0..10 {
            let (first, second) = b"GET /\r\n\r\nmore".split_at(at);
            let (mut stream, mut request) = (first.chain(second), Vec::new());
            assert!(read_through(&mut stream, &mut request, b"\r\n\r\n", 64).await.unwrap(), "{at}");
            assert!(request.starts_with(b"GET /\r\n\r\n"));
        }
    }

    #[tokio::test]
    async fn a_request_without_an_end_is_read_up_to_the_limit() {
        for (bytes, limit, read) in [(&b"GET /\r\n\r"[..], 64, 8), (b"GET /\r\n\r\n", 8, 8), (b"", 8, 0)] {
            let (mut stream, mut request) = (bytes, Vec::new());
            assert!(!read_through(&mut stream, &mut request, b"\r\n\r\n", limit).await.unwrap());
            assert_eq!(request.len(), read);
        }
    }
}
