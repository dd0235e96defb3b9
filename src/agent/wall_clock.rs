//! The time of day. It may be set forwards and backwards while an agent runs, and it goes on while the machine sleeps.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::clock::Clock;
use crate::protocol::{Span, Time};

/// A clock that tells the time of day: the system's, or that of a test.
#[derive(Clone)]
pub(super) struct WallClock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl WallClock {
    /// A clock that asks `now` for the time.
    #[cfg(test)]
    pub(super) fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The time since 1970; zero for a clock that shows an earlier time.
    pub(super) fn since_1970(&self) -> Duration {
        (self.0)().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)
    }

    /// The time from 1970, from which all agents count periods, to the time zero of a clock.
    pub(super) fn since_epoch(&self, clock: Clock) -> Span {
        let now = u64::try_from(self.since_1970().as_micros()).unwrap_or(u64::MAX);
        Span::from_micros(now) - clock.now().since(Time::ZERO)
    }
}

impl Default for WallClock {
    /// The system's clock.
    fn default() -> Self {
        Self(Arc::new(SystemTime::now))
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WallClock").field(&self.since_1970()).finish()
    }
}
