//! The time at which a connection is closed.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Time for an answer, from the end of its request's head until the client has taken it.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest life of a stream of changes.
pub(super) const STREAM_TIMEOUT: Duration = Duration::from_secs(3600);

/// The time at which a connection is closed, whatever it does.
pub(super) struct Deadline(Mutex<Instant>);

impl Deadline {
    /// More than the head of a first request may take: from then on the deadline only moves on.
    pub(super) fn of_connection() -> Self {
        Self(Mutex::new(Instant::now() + ANSWER_TIMEOUT))
    }

    /// Allows for the answer to a request that has come, and for the head of the next one.
    pub(super) fn extend_for_answer(&self) {
        self.extend(ANSWER_TIMEOUT);
    }

    /// Allows for a stream.
    pub(super) fn extend_for_stream(&self) {
        self.extend(STREAM_TIMEOUT);
    }

    fn extend(&self, by: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now() + by;
    }

    /// Waits until it has passed.
    pub(super) async fn passed(&self) {
        loop {
            let at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if at <= Instant::now() {
                return;
            }
            sleep_until(at).await;
        }
    }
}
