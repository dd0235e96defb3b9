//! A small server: bounded numbers of connections, bounded times.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Pause after a failed `accept`, most likely for want of file descriptors: some will be closed meanwhile.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Limits of a server.
pub(super) struct ServerLimits {
    /// The most connections at once; more wait.
    pub connections: usize,
    /// The longest that one connection may take.
    pub timeout: Duration,
}

/// A socket that accepts connections.
pub(super) trait Listener: Sync {
    type Stream;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        TcpListener::accept(self).await.map(|(stream, _)| stream)
    }
}

#[cfg(unix)]
impl Listener for UnixListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Accepts connections without end, and serves each in a task of its own.
pub(super) async fn serve<L, F>(listener: &L, limits: ServerLimits, respond: impl Fn(L::Stream) -> F)
where
    L: Listener,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.connections));
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok(stream) => {
                let response = timeout(limits.timeout, respond(stream));
                tokio::spawn(async move {
                    // A client that fails or is too slow gets no answer.
                    let _ = response.await;
                    drop(slot);
                });
            }
            Err(_) => sleep(ACCEPT_RETRY).await,
        }
    }
}
