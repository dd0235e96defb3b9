//! The protocol's time, read from the system's monotonic clock.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::protocol::{Span, Time};

/// The longest wait for a timer. A later time is waited for in several steps.
pub(super) const LONGEST_WAIT: Span = Span::from_secs(86_400);

/// Maps the system's monotonic clock to the protocol's [`Time`].
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Instant,
}

impl Clock {
    /// A clock whose time zero is now.
    pub fn start() -> Self {
        Self { zero: Instant::now() }
    }

    /// A clock whose time zero is `lead` from now. It shows zero until then.
    pub fn start_in(lead: Duration) -> Self {
        Self { zero: Instant::now() + lead }
    }

    /// The current time.
    pub fn now(self) -> Time {
        Time::from_micros(u64::try_from(self.zero.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// The instant of a time, but at most a day from now.
    pub fn instant(self, time: Time) -> tokio::time::Instant {
        let latest = self.now() + LONGEST_WAIT;
        (self.zero + Duration::from_micros(time.min(latest).as_micros())).into()
    }

    /// The first tick at or after a time, of ticks that the whole process shares and that are `interval` apart. Timers
    /// rounded up to ticks fire together: in a process of many agents, most of the cost is to be woken for each timer.
    pub fn tick(self, time: Time, interval: Span) -> tokio::time::Instant {
        static FIRST_TICK: OnceLock<Instant> = OnceLock::new();
        let (first, at) = (*FIRST_TICK.get_or_init(Instant::now), self.instant(time).into_std());
        let interval = u128::from(interval.as_micros().max(1));
        let ticks = at.saturating_duration_since(first).as_micros().div_ceil(interval);
        (first + Duration::from_micros((ticks * interval) as u64)).into()
    }
}
