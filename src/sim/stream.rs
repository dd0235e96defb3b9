//! Streams under packet loss: TCP's segments are lost like any packet, and each loss costs time.
//!
//! A stream is set up by a packet there (SYN) and one back (SYN-ACK); a message takes one packet per segment. Lost
//! packets are sent again after a timeout of 1 s, and each further timeout of the message lasts twice as long as the
//! one before (RFC 6298, sections 2 and 5.5): 1, 3, 7 s in all, and after 10 s the stream is given up, as memberlist
//! (`TCPTimeout`) and the agents of this crate do. Each packet is lost with the loss rate of its own direction. So with
//! one rate p for both and a message of one segment, a new stream is not slowed down with probability (1-p)^3.
//!
//! Simpler than TCP in three respects. A lost acknowledgement costs nothing: the data is there. A lost segment of a
//! long message always waits for a timeout, where fast retransmit would often notice sooner: large tables come too late
//! rather than too early. And the timeout is the RFC's, whose 1 s is the least; Linux repeats data after 200 ms.

use rand::RngExt;
use swimlab_selectors::rng::Rng;

use crate::protocol::Span;

/// The longest exchange over a stream, from sending the request to the arrival of the reply.
pub(super) const LONGEST: Span = Span::from_secs(10);

/// The bytes of a message that fit into one packet: Ethernet's 1500 without the headers of IPv6 and TCP.
const SEGMENT: u32 = 1440;

/// The first timeout (RFC 6298, section 2).
const TIMEOUT: Span = Span::from_secs(1);

/// A message over a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamMessage {
    /// Its size in bytes.
    pub bytes: u32,
    /// Whether a stream has to be set up for it.
    pub opens: bool,
    /// The probability of losing a packet in the message's direction, and in the other.
    pub loss: [f64; 2],
}

impl StreamMessage {
    /// Draws how long its retransmissions take in all; `None` if longer than any exchange may take. Draws nothing where
    /// nothing is lost.
    pub(super) fn waits(self, rng: &mut Rng) -> Option<Span> {
        let [there, back] = self.loss;
        let mut is_lost = |rate: f64| rate > 0.0 && rng.random::<f64>() < rate;
        let mut waited = Span::ZERO;
        while self.opens && (is_lost(there) || is_lost(back)) {
            waited = after_timeout(waited)?;
        }
        let mut left = self.bytes.div_ceil(SEGMENT).max(1);
        loop {
            left = (0..left).map(|_| u32::from(is_lost(there))).sum();
            if left == 0 {
                return Some(waited);
            }
            waited = after_timeout(waited)?;
        }
    }
}

/// Adds one timeout, twice as long as the last: 0, 1, 3, 7 s.
fn after_timeout(waited: Span) -> Option<Span> {
    Some(waited * 2 + TIMEOUT).filter(|&waited| waited <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::{Purpose, stream};

    /// The shares of 40,000 messages that wait 0, 1, 3 and 7 s, and of those that fail.
    fn shares(message: StreamMessage) -> [f64; 5] {
        let mut rng = stream(1, Purpose::Network, 0);
        let mut shares = [0.0; 5];
        for _ in 0..40_000 {
            let waited = message.waits(&mut rng).map(Span::as_micros);
            let at = [Some(0), Some(1_000_000), Some(3_000_000), Some(7_000_000), None];
            shares[at.iter().position(|&time| time == waited).expect("a sum of doubled timeouts")] += 1.0 / 40_000.0;
        }
        shares
    }

    /// Four times the standard error of a share of 40,000.
    #[track_caller]
    fn are_close(seen: [f64; 5], expected: [f64; 5]) {
        let error = |p: f64| 4.0 * (p * (1.0 - p) / 40_000.0).sqrt() + 1e-9;
        assert!(seen.iter().zip(expected).all(|(seen, p)| (seen - p).abs() <= error(p)), "{seen:?}, not {expected:?}");
    }

    /// The probabilities of exactly 0 to 3 timeouts, and the rest.
    fn with_rest(n: [f64; 4]) -> [f64; 5] {
        [n[0], n[1], n[2], n[3], 1.0 - n.iter().sum::<f64>()]
    }

    #[test]
    fn without_loss_a_stream_never_waits_and_nothing_is_drawn() {
        let mut rng = stream(1, Purpose::Network, 0);
        let message = StreamMessage { bytes: 100_000, opens: true, loss: [0.0; 2] };
        assert_eq!(message.waits(&mut rng), Some(Span::ZERO));
        assert_eq!(rng, stream(1, Purpose::Network, 0));
    }

    #[test]
    fn an_answer_waits_once_for_each_time_that_its_packet_is_lost() {
        for p in [0.1, 0.5, 0.8_f64] {
            let seen = shares(StreamMessage { bytes: 30, opens: false, loss: [p, 0.9] });
            are_close(seen, with_rest([0, 1, 2, 3].map(|lost| (1.0 - p) * p.powi(lost))));
        }
    }

    #[test]
    fn a_new_stream_waits_for_either_packet_of_its_beginning_too() {
        for (p, q) in [(0.1, 0.1), (0.3, 0.0), (0.0, 0.3), (0.5, 0.8_f64)] {
            let seen = shares(StreamMessage { bytes: 30, opens: true, loss: [p, q] });
            // `n` timeouts in all, some of them while the stream is set up.
            let (set_up, sent) = ((1.0 - p) * (1.0 - q), 1.0 - p);
            let lost = |n: i32| {
                let split = |first: i32| set_up * (1.0 - set_up).powi(first) * sent * (1.0 - sent).powi(n - first);
                (0..=n).map(split).sum::<f64>()
            };
            are_close(seen, with_rest([0, 1, 2, 3].map(lost)));
        }
    }

    #[test]
    fn a_message_of_many_segments_waits_for_the_last_of_them() {
        let p: f64 = 0.2;
        let seen = shares(StreamMessage { bytes: 10 * SEGMENT, opens: false, loss: [p, 0.0] });
        let within = |timeouts: i32| (1.0 - p.powi(timeouts + 1)).powi(10);
        are_close(seen, with_rest([within(0), within(1) - within(0), within(2) - within(1), within(3) - within(2)]));
    }

    #[test]
    fn timeouts_add_up_to_the_longest_exchange_and_no_more() {
        // The next one lasts a second longer than all before.
        let almost = (LONGEST - TIMEOUT).scale(0.5);
        assert_eq!(after_timeout(almost), Some(LONGEST));
        assert_eq!(after_timeout(almost + Span::from_micros(1)), None);
    }

    #[test]
    fn where_everything_is_lost_the_stream_fails() {
        let mut rng = stream(1, Purpose::Network, 0);
        for (opens, loss) in [(true, [0.0, 1.0]), (true, [1.0, 0.0]), (false, [1.0, 0.0])] {
            assert_eq!(StreamMessage { bytes: 30, opens, loss }.waits(&mut rng), None);
        }
    }
}
