//! What loss does to a stream: TCP's packets are lost like any others, and each loss costs time.
//!
//! The law. A stream is set up by a packet there (SYN) and one back (SYN-ACK); a message is as many packets as it has
//! segments. Whatever is lost is sent again after a timeout of 1 s, and each further timeout of the message lasts twice as
//! long as the one before (RFC 6298, sections 2 and 5.5): 1, 3, 7 s in all, and after 10 s the stream is given up, as
//! memberlist (`TCPTimeout`) and our agents do. Each packet is lost with the loss rate of its own direction. So with one
//! rate p for both and a message of one segment, a new stream is not slowed down with probability (1-p)^3.
//!
//! Simpler than TCP in three respects. A lost acknowledgement costs nothing: the data is there. What is lost of a message
//! of many segments always waits for a timeout, where fast retransmit would often notice sooner: large tables rather come
//! too late than too early. And the timeout is the RFC's, whose 1 s is the least; Linux repeats data after 200 ms.

use rand::RngExt;
use swimlab_selectors::rng::Rng;

use crate::protocol::Span;

/// How long an exchange over a stream may take, from the question to the answer's arrival.
pub const LONGEST: Span = Span::from_secs(10);

/// What of a message fits into one packet: Ethernet's 1500 bytes without the headers of IPv6 and TCP.
const SEGMENT: u32 = 1440;

/// The first timeout (RFC 6298, section 2).
const TIMEOUT: Span = Span::from_secs(1);

/// A message over a stream.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Its size.
    pub bytes: u32,
    /// Whether the stream is set up for it.
    pub opens: bool,
    /// How likely a packet is lost on the message's way, and on the way back.
    pub loss: [f64; 2],
}

impl Message {
    /// How long its packets wait to be sent again, all in all; `None` if longer than any exchange may take. Nothing is
    /// drawn where nothing is lost.
    pub fn waits(self, luck: &mut Rng) -> Option<Span> {
        let [there, back] = self.loss;
        let mut is_lost = |rate: f64| rate > 0.0 && luck.random::<f64>() < rate;
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

/// One timeout more, twice as long as the last: 0, 1, 3, 7 s.
fn after_timeout(waited: Span) -> Option<Span> {
    Some(waited * 2 + TIMEOUT).filter(|&waited| waited <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::{Purpose, stream};

    /// The shares of 40,000 messages that wait 0, 1, 3 and 7 s, and of those that fail.
    fn shares(message: Message) -> [f64; 5] {
        let mut luck = stream(1, Purpose::Network, 0);
        let mut shares = [0.0; 5];
        for _ in 0..40_000 {
            let waited = message.waits(&mut luck).map(Span::as_micros);
            let at = [Some(0), Some(1_000_000), Some(3_000_000), Some(7_000_000), None];
            shares[at.iter().position(|&time| time == waited).expect("a sum of doubled timeouts")] += 1.0 / 40_000.0;
        }
        shares
    }

    /// Four times the standard error of a share of 40,000.
    #[track_caller]
    fn are_close(seen: [f64; 5], law: [f64; 5]) {
        let error = |p: f64| 4.0 * (p * (1.0 - p) / 40_000.0).sqrt() + 1e-9;
        assert!(seen.iter().zip(law).all(|(seen, law)| (seen - law).abs() <= error(law)), "{seen:?}, not {law:?}");
    }

    /// The law of `n` timeouts and no more, for 0 to 3, and of what is left.
    fn with_rest(n: [f64; 4]) -> [f64; 5] {
        [n[0], n[1], n[2], n[3], 1.0 - n.iter().sum::<f64>()]
    }

    #[test]
    fn without_loss_a_stream_never_waits_and_nothing_is_drawn() {
        let mut luck = stream(1, Purpose::Network, 0);
        let message = Message { bytes: 100_000, opens: true, loss: [0.0; 2] };
        assert_eq!(message.waits(&mut luck), Some(Span::ZERO));
        assert_eq!(luck, stream(1, Purpose::Network, 0));
    }

    #[test]
    fn an_answer_waits_once_for_each_time_that_its_packet_is_lost() {
        for p in [0.1, 0.5, 0.8_f64] {
            let seen = shares(Message { bytes: 30, opens: false, loss: [p, 0.9] });
            are_close(seen, with_rest([0, 1, 2, 3].map(|lost| (1.0 - p) * p.powi(lost))));
        }
    }

    #[test]
    fn a_new_stream_waits_for_either_packet_of_its_beginning_too() {
        for (p, q) in [(0.1, 0.1), (0.3, 0.0), (0.0, 0.3), (0.5, 0.8_f64)] {
            let seen = shares(Message { bytes: 30, opens: true, loss: [p, q] });
            // So many timeouts in all, some of them while the stream is set up.
            let (set_up, sent) = ((1.0 - p) * (1.0 - q), 1.0 - p);
            let lost = |n: i32| {
                let split = |first: i32| set_up * (1.0 - set_up).powi(first) * sent * (1.0 - sent).powi(n - first);
                (0..=n).map(split).sum::<f64>()
            };
            are_close(seen, with_rest([0, 1, 2, 3].map(lost)));
        }
    }

    #[test]
    fn a_message_of_many_segments_waits_for_the_unluckiest_of_them() {
        let p: f64 = 0.2;
        let seen = shares(Message { bytes: 10 * SEGMENT, opens: false, loss: [p, 0.0] });
        let within = |timeouts: i32| (1.0 - p.powi(timeouts + 1)).powi(10);
        are_close(seen, with_rest([within(0), within(1) - within(0), within(2) - within(1), within(3) - within(2)]));
    }

    #[test]
    fn where_everything_is_lost_the_stream_fails() {
        let mut luck = stream(1, Purpose::Network, 0);
        for (opens, loss) in [(true, [0.0, 1.0]), (true, [1.0, 0.0]), (false, [1.0, 0.0])] {
            assert_eq!(Message { bytes: 30, opens, loss }.waits(&mut luck), None);
        }
    }
}
