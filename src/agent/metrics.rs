//! What an agent counts. Plain numbers that its task adds to; nobody else writes them.

use crate::protocol::{MessageKind, Span};

/// All counts of one agent since its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// Sent, by [`MessageKind`].
    pub sent: [Traffic; MessageKind::ALL.len()],
    /// Received and understood, by [`MessageKind`].
    pub received: [Traffic; MessageKind::ALL.len()],
    /// What was not handled or not sent, by [`DropReason`].
    pub drops: [u64; DropReason::ALL.len()],
    /// Direct pings of its own probe rounds.
    pub probes: u64,
    /// Round-trip times of those that were answered directly.
    pub rtt: Histogram,
    /// Members that its own probes began to suspect.
    pub own_suspicions: u64,
    /// Suspicions that it began or heard of.
    pub suspicions: u64,
    /// Suspects that spoke up.
    pub refutations: u64,
    /// How often it had to speak up itself.
    pub accusations: u64,
    /// Deaths that it declared or heard of.
    pub deaths: u64,
    /// Members that joined or came back.
    pub joins: u64,
    /// Members that left.
    pub departures: u64,
    /// Applications' events that it received.
    pub user_events: u64,
    /// How late its timers were: long waits mean that this process gets too little time to run.
    pub timer_lag: Histogram,
}

/// Messages and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many.
    pub messages: u64,
    /// Their bytes as encoded, without headers of UDP, TCP and IP.
    pub bytes: u64,
}

/// Why something was not handled, or not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DropReason {
    /// No packet, or one that says what is not allowed.
    Malformed,
    /// Not sealed, or with another key or label.
    Forged,
    /// Sealed too long ago or hence, or taken before.
    Stale,
    /// The system took no further datagram.
    SendQueueFull,
    /// There is no way from this socket to that address.
    Unreachable,
    /// The stream broke, or took too long.
    StreamFailed,
    /// As many streams as allowed were open.
    StreamLimit,
    /// A packet on a stream was longer than allowed.
    FrameTooLong,
    /// A packet of our own that no reader would accept, or larger than a datagram.
    Unencodable,
}

/// How many values fell into which range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By range: up to [`Histogram::BOUNDS_US`], and above them all.
    pub counts: [u64; Histogram::BOUNDS_US.len() + 1],
    /// All values, in microseconds.
    pub sum_us: u64,
}

impl Traffic {
    pub(super) fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

impl DropReason {
    /// All reasons, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Forged,
        Self::Stale,
        Self::SendQueueFull,
        Self::Unreachable,
        Self::StreamFailed,
        Self::StreamLimit,
        Self::FrameTooLong,
        Self::Unencodable,
    ];

    /// The name in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Forged => "forged",
            Self::Stale => "stale",
            Self::SendQueueFull => "send_queue_full",
            Self::Unreachable => "unreachable",
            Self::StreamFailed => "stream_failed",
            Self::StreamLimit => "stream_limit",
            Self::FrameTooLong => "frame_too_long",
            Self::Unencodable => "unencodable",
        }
    }
}

impl Histogram {
    /// The upper ends of the ranges, in microseconds.
    pub const BOUNDS_US: [u64; 12] =
        [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

    pub(super) fn add(&mut self, span: Span) {
        let us = span.as_micros();
        self.counts[Self::BOUNDS_US.partition_point(|&bound| bound < us)] += 1;
        self.sum_us += us;
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Metrics {
    pub(super) fn drop(&mut self, why: DropReason) {
        self.drops[why as usize] += 1;
    }

    /// All drops for one reason.
    pub fn dropped(&self, why: DropReason) -> u64 {
        self.drops[why as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_belongs_below_it() {
        let mut histogram = Histogram::default();
        [100, 101, 2_000_000].into_iter().for_each(|us| histogram.add(Span::from_micros(us)));
        assert_eq!((histogram.counts[0], histogram.counts[1], histogram.counts[12]), (1, 1, 1));
        assert_eq!((histogram.count(), histogram.sum_us), (3, 2_000_201));
    }

    #[test]
    fn reasons_stand_where_their_numbers_say() {
        assert!(DropReason::ALL.iter().enumerate().all(|(at, why)| *why as usize == at));
    }
}
