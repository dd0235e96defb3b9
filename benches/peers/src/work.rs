//! The work that every peer does, `ping-1`: each of n members has a period of 1 s with a random phase. Once per period it
//! pings one other member, each of them with the same probability, which answers with an ack. Messages take 10 to 50 ms,
//! drawn uniformly for each. Nothing is lost, and nobody fails.
//!
//! Peers count what their members do, and the count must be what the work adds up to: see [`Tally::check`].

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// The time between two pings of a member, in microseconds.
pub const PERIOD_US: u64 = 1_000_000;
/// The shortest and the longest time that a message takes, in microseconds.
pub const LATENCY_US: (u64, u64) = (10_000, 50_000);
/// The seed of all runs.
pub const SEED: u64 = 1;

/// The amount of work in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// The number of members.
    pub members: u32,
    /// The simulated time. At least 6 s, by when 99 % of the members have been pinged.
    pub seconds: u32,
}

impl Work {
    /// The simulated time, in microseconds.
    pub fn end_us(self) -> u64 {
        u64::from(self.seconds) * 1_000_000
    }
}

/// The count for the members of this process. Peers count alike, by plain additions: a process runs one peer, on one
/// thread, and some peers move members between functions that allow no other place.
pub static TALLY: Tally = Tally {
    periods: AtomicU64::new(0),
    pings: AtomicU64::new(0),
    acks: AtomicU64::new(0),
    first_pings_us: Mutex::new(Vec::new()),
};

/// Counters of what the members have done.
pub struct Tally {
    periods: AtomicU64,
    pings: AtomicU64,
    acks: AtomicU64,
    /// The times at which members were pinged for the first time.
    first_pings_us: Mutex<Vec<u64>>,
}

impl Tally {
    /// A member has begun a period and sent its ping.
    pub fn period(&self) {
        add_one(&self.periods);
    }

    /// A member has got a ping and sent its ack; `is_pinged` is whether it has had one before.
    pub fn ping(&self, now_us: u64, is_pinged: &mut bool) {
        add_one(&self.pings);
        if !*is_pinged {
            *is_pinged = true;
            self.first_pings_us.lock().expect("no thread panicked").push(now_us);
        }
    }

    /// A member has got an ack.
    pub fn ack(&self) {
        add_one(&self.acks);
    }

    /// The number of events: periods, and messages that were handled.
    pub fn events(&self) -> u64 {
        [&self.periods, &self.pings, &self.acks].map(|count| count.load(Ordering::Relaxed)).iter().sum()
    }

    /// Checks that this is the work.
    ///
    /// - Every member has begun a period per second, and every ping was answered: 2 n messages per second, of which those
    ///   of the last moments are under way.
    /// - A member has not been pinged after t periods with probability exp(-t). So half of them were pinged for the first
    ///   time before ln 2 periods and a latency, and 99 % before ln 100 and a latency, within five standard deviations.
    pub fn check(&self, work: Work) -> Result<(), String> {
        let [periods, pings, acks] =
            [&self.periods, &self.pings, &self.acks].map(|count| count.load(Ordering::Relaxed));
        let (n, seconds) = (f64::from(work.members), f64::from(work.seconds));
        let latency_s = (LATENCY_US.0 + LATENCY_US.1) as f64 / 2e6;
        // Pings are sent evenly over time; five standard deviations of the number under way.
        let under_way = |latencies: f64| latencies * latency_s * n + 5.0 * (latencies * latency_s * n).sqrt() + 1.0;
        let expected = n * seconds;
        for (what, count, least) in [
            ("periods", periods, expected * 0.9995),
            ("pings handled", pings, expected * 0.9995 - under_way(1.0)),
            ("acks handled", acks, expected * 0.9995 - under_way(2.0)),
        ] {
            // dscale ends with the first event that is not before the end.
            if !(least..=expected + 1.0).contains(&(count as f64)) {
                return Err(format!("{count} {what} in {seconds} s of {n} members, not {least:.0} to {expected}"));
            }
        }
        let mut first = self.first_pings_us.lock().expect("no thread panicked").clone();
        first.sort_unstable();
        for share in [0.5, 0.99] {
            // A member that is never pinged has no time; there are more than enough others.
            let reached_s = first.get((share * n) as usize).map_or(f64::INFINITY, |&us| us as f64 / 1e6);
            let expected_s = -(1.0 - share).ln() + latency_s;
            let tolerance_s = 5.0 * (share * (1.0 - share) / n).sqrt() / (1.0 - share);
            if (reached_s - expected_s).abs() > tolerance_s {
                return Err(format!(
                    "{} % of the members were pinged after {reached_s:.3} s, not {expected_s:.3} +- {tolerance_s:.3}",
                    share * 100.0
                ));
            }
        }
        Ok(())
    }
}

/// Without a locked instruction: there is one thread.
fn add_one(count: &AtomicU64) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORK: Work = Work { members: 1_000, seconds: 10 };

    /// The count of members that are pinged for the first time at these times.
    fn tally(periods: u64, first_pings_us: impl Iterator<Item = u64>) -> Tally {
        let count = |n| AtomicU64::new(n);
        Tally {
            periods: count(periods),
            pings: count(9_970),
            acks: count(9_940),
            first_pings_us: Mutex::new(first_pings_us.collect()),
        }
    }

    /// The k-th of n members is pinged when exp(-t) of them are not.
    fn at_random() -> impl Iterator<Item = u64> {
        (0..1_000).map(|k| ((-(1.0 - f64::from(k) / 1e3).ln() + 0.03) * 1e6) as u64)
    }

    #[test]
    fn the_work_passes_and_other_work_is_refused() {
        assert_eq!(tally(10_000, at_random()).check(WORK), Ok(()));
        // A period too many or too few for some.
        assert!(tally(10_020, at_random()).check(WORK).unwrap_err().contains("10020 periods"));
        assert!(tally(9_980, at_random()).check(WORK).unwrap_err().contains("9980 periods"));
        // In turn instead of at random: all have been pinged after one period.
        let in_turn = tally(10_000, (0..1_000).map(|k| k * 1_000));
        assert!(in_turn.check(WORK).unwrap_err().contains("50 % of the members"));
        // Some members are never pinged.
        let half = tally(10_000, at_random().filter(|at_us| *at_us < 3_000_000));
        assert!(half.check(WORK).unwrap_err().contains("99 % of the members"));
    }
}
