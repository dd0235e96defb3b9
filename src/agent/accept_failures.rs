//! Connections that cannot be accepted, most likely for want of file descriptors.

use std::io;
use std::time::Duration;

use tokio::time::sleep;

/// Pause after a failure: some descriptors will be closed meanwhile.
const RETRY: Duration = Duration::from_millis(100);

/// The failures of one listener to accept connections.
pub(super) struct AcceptFailures {
    /// Those who connect, for the log.
    clients: &'static str,
    is_logged: bool,
}

impl AcceptFailures {
    pub(super) fn new(clients: &'static str) -> Self {
        Self { clients, is_logged: false }
    }

    /// Logs the first failure, and waits until it is time to try again. A listener that fails is tried for good: the
    /// others of the agent go on meanwhile, and datagrams need no descriptor.
    pub(super) async fn pause(&mut self, error: &io::Error) {
        if !self.is_logged {
            self.is_logged = true;
            let clients = self.clients;
            tracing::warn!(%error, "connections of {clients} cannot be accepted for now and are tried again; if file \
                                    descriptors are too few, raise their limit (ulimit -n, LimitNOFILE= of a service)");
        }
        sleep(RETRY).await;
    }
}
