//! Notification of the service manager that has started the agent, by the protocol of `sd_notify` (systemd): datagrams to
//! the socket that the environment variable `NOTIFY_SOCKET` names.

use std::env;
use std::ffi::OsStr;
use std::io;
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use crate::agent::Agent;

/// Time between two looks at whether the join has an answer.
const POLL: Duration = Duration::from_millis(100);

/// The socket of the service manager; `None`: there is none.
pub(super) struct ServiceManager(Option<Notified>);

struct Notified {
    socket: UnixDatagram,
    to: SocketAddr,
}

impl ServiceManager {
    /// The service manager that the environment names.
    pub(super) fn of_environment() -> Self {
        let Some(name) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self(None) };
        let notified = address(name.as_bytes()).and_then(|to| {
            let socket = UnixDatagram::unbound()?;
            // The service manager may be slow to read.
            socket.set_nonblocking(true)?;
            Ok(Notified { socket, to })
        });
        if let Err(error) = &notified {
            tracing::warn!(?name, %error, "NOTIFY_SOCKET: the service manager cannot be notified");
        }
        Self(notified.ok())
    }

    /// Tells that the agent is ready once its join has an answer; an agent without seeds is ready at once.
    pub(super) async fn tell_when_ready(&self, agent: &Agent) {
        if self.0.is_none() {
            return;
        }
        let mut is_told = false;
        while let Ok(info) = agent.info().await {
            if !info.is_joining {
                return self.notify("READY=1\nSTATUS=running");
            }
            if !is_told {
                self.notify("STATUS=joining: no seed has answered yet");
            }
            is_told = true;
            tokio::time::sleep(POLL).await;
        }
    }

    /// Tells that the agent ends.
    pub(super) fn tell_stopping(&self) {
        self.notify("STOPPING=1");
    }

    fn notify(&self, state: &str) {
        if let Some(Notified { socket, to }) = &self.0
            && let Err(error) = socket.send_to_addr(state.as_bytes(), to)
        {
            tracing::warn!(%error, "NOTIFY_SOCKET: the service manager was not notified");
        }
    }
}

/// The address of a name: a path, or `@` and a name without a file.
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    match name {
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        [b'/', ..] => SocketAddr::from_pathname(OsStr::from_bytes(name)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither an absolute path nor @ and a name")),
    }
}
