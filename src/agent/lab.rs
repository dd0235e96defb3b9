//! Where an experiment on real sockets comes in: a world's own clock, and a network between agent and socket.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::protocol::{Address, Event, Packet, Span, Time, Transmit};

/// Watches an agent, and decides what becomes of the packets that it sends.
pub trait Tap: Send + Sync {
    /// The agent hands a packet to the network.
    fn sent(&self, at: Time, transmit: &Transmit) -> Passage;
    /// A packet arrived, of so many bytes. Not taken, it is as if it had never come.
    fn received(&self, at: Time, from: Address, packet: &Packet, bytes: usize) -> bool;
    /// The agent noticed something.
    fn event(&self, at: Time, event: &Event);
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It leaves at this time.
    At(Time),
    /// It is lost.
    Lost,
}

/// The protocol's time, read from the system's monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that shows zero now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// What it shows.
    pub fn now(self) -> Time {
        Time::from_micros(u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// When it shows this time. What is further away than a day comes after a day.
    pub fn instant(self, time: Time) -> tokio::time::Instant {
        let most = self.now() + Span::from_secs(86_400);
        (self.0 + Duration::from_micros(time.min(most).as_micros())).into()
    }

    /// The first beat of the process's pulse after this time, with so long between two beats. Timers that fire on it fire
    /// together: for a process of many agents, to be woken for each of them is most of what they cost.
    pub fn beat(self, time: Time, between: Span) -> tokio::time::Instant {
        static PULSE: OnceLock<Instant> = OnceLock::new();
        let (start, at) = (*PULSE.get_or_init(Instant::now), self.instant(time).into_std());
        let between = Duration::from_micros(between.as_micros().max(1));
        let since = at.saturating_duration_since(start).as_micros();
        let beats = since.div_ceil(between.as_micros());
        (start + Duration::from_micros((beats * between.as_micros()) as u64)).into()
    }
}
