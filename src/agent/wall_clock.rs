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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

    use super::*;
    use crate::agent::Agent;
    use crate::protocol::Config;

    const PERIOD: Duration = Duration::from_millis(200);

    /// Keeps the number of the last period.
    #[derive(Clone, Default)]
    struct Recording(Arc<Mutex<u64>>);

    impl Selector for Recording {
        type RosterIndex = ();
        type State = ();

        fn build_index(&self, _: &[Peer]) {}

        fn new_state(&self, (): &(), _: &mut Context<'_>) {}

        fn targets(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, _: usize, _: &mut Vec<Slot>) {
            *self.0.lock().unwrap() = ctx.shared_period;
        }

        fn bound(&self, _: u32, _: u32) -> Bound {
            Bound::PerPeriod(1.0)
        }
    }

    // Published cases, "a clock set right later, a suspend": for an agent, a suspend is a clock that was set forwards.
    #[tokio::test]
    async fn periods_follow_a_clock_that_is_set_and_a_machine_that_slept() {
        let (offset, recording) = (Arc::new(AtomicI64::new(0)), Recording::default());
        let shown = Arc::clone(&offset);
        let clock = WallClock::new(move || {
            let (now, offset) = (SystemTime::now(), shown.load(Relaxed));
            let by = Duration::from_secs(offset.unsigned_abs());
            if offset < 0 { now - by } else { now + by }
        });
        let expected = |clock: &WallClock| (clock.since_1970().as_micros() / PERIOD.as_micros()) as u64;
        let config = Config::local().with_period(Span::from_millis(200)).with_probe_timeout(Span::from_millis(100));
        let mut builder = Agent::builder().name("a").config(config);
        builder = builder.selector(DynSelector::new("recording", recording.clone()));
        builder.wall_clock = clock.clone();
        let _agent = builder.spawn().await.unwrap();
        for seconds in [0, 3600, -7200, 1, 86_400 * 30, 0] {
            offset.store(seconds, Relaxed);
            let is_followed = async {
                while recording.0.lock().unwrap().abs_diff(expected(&clock)) > 2 {
                    tokio::time::sleep(PERIOD / 10).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), is_followed).await.expect("the periods follow the clock");
        }
    }
}
