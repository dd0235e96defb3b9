//! A bound on what packets from senders that are no known members make an agent send.

use crate::protocol::{Span, Time};

/// The bytes that may be sent in a second, and at once.
pub(super) const BYTES_PER_SECOND: u64 = 64 << 10;

/// Bytes of updates that may be sent because of packets whose source address may be forged: enough for a few newcomers.
#[derive(Debug)]
pub(super) struct ReplyBudget {
    bytes: u64,
    at: Time,
}

impl ReplyBudget {
    pub(super) const fn new() -> Self {
        Self { bytes: BYTES_PER_SECOND, at: Time::ZERO }
    }

    /// Takes the bytes of a packet to be sent. `false`: there are not as many.
    pub(super) fn take(&mut self, now: Time, bytes: usize) -> bool {
        let earned = now.since(self.at).as_micros().saturating_mul(BYTES_PER_SECOND) / Span::from_secs(1).as_micros();
        if earned > 0 {
            (self.at, self.bytes) = (now, (self.bytes + earned).min(BYTES_PER_SECOND));
        }
        let left = self.bytes.checked_sub(bytes as u64);
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A10
    #[test]
    fn a_bounded_number_of_bytes_is_sent_in_a_second() {
        let (mut budget, mut sent) = (ReplyBudget::new(), 0);
        for micros in 0..1_000_000 {
            sent += u64::from(budget.take(Time::ZERO + Span::from_micros(micros), 1400)) * 1400;
        }
        assert!(sent <= 2 * BYTES_PER_SECOND && sent > BYTES_PER_SECOND, "{sent}");
    }
}
