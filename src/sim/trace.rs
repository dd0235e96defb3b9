//! The trace hash: one number for all events of a run in order. Equal hashes mean equal runs.

use crate::protocol::{Event, EventKind, EventSource, MessageKind, Time};

use super::observer::MemberIndex;

/// A running hash. Not cryptographic: it detects accidental differences, in a nanosecond or two per event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0x243f_6a88_85a3_08d3) // The first digits of pi: an arbitrary constant.
    }
}

impl Trace {
    /// Adds the delivery of a packet.
    pub fn delivery(&mut self, at: Time, from: MemberIndex, to: MemberIndex, kind: MessageKind, bytes: u32) {
        self.add(at.as_micros());
        self.add(u64::from(from) << 32 | u64::from(to));
        self.add(u64::from(kind.code()) << 32 | u64::from(bytes));
    }

    /// Adds an event of a member.
    pub fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        self.add(at.as_micros());
        self.add(u64::from(member) << 32 | u64::from(event.kind.code()));
        if let EventKind::Other(number) = event.kind {
            self.add(number.into());
        }
        self.add(event.about);
        self.add(u64::from(event.incarnation.generation) << 32 | u64::from(event.incarnation.refutations));
        self.add(match event.source {
            EventSource::Own => 0,
            EventSource::Heard(id) => id,
        });
    }

    /// The hash so far.
    pub fn value(self) -> u64 {
        swimlab_selectors::rng::mix(self.0)
    }

    fn add(&mut self, word: u64) {
        // A multiply by an odd constant (of Fibonacci hashing) and a rotation spread every bit over the next words.
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}
