//! Limits of how fast members are admitted, so that an insider who invents members cannot fill tables.
//!
//! Nobody can tell an invented member from a real one before it has been probed. Real ones are few at a time, apart
//! from those that a joiner learns from the table it has asked for, which are not counted. A member that is refused is
//! tried again with each further update, ping or state sync that names it.

use std::hash::{Hash, Hasher};

use crate::protocol::config::Config;
use crate::protocol::state_hash::StateHash;
use crate::protocol::time::{Span, Time};

/// Admissions of members: of those that introduced themselves, and of those known from third parties. The ones do not
/// use up what the others are allowed.
#[derive(Clone, Debug, Default)]
pub(super) struct Admissions {
    first_hand: Rate,
    third_party: Rate,
    /// The number of times that a member was refused.
    pub(super) refused: u64,
}

/// A rate with bursts: the generic cell rate algorithm of ITU-T I.371, which needs one time.
#[derive(Clone, Debug, Default)]
struct Rate {
    /// The time at which a whole burst is allowed again.
    full_at: Time,
}

impl Admissions {
    /// Takes one admission, if it is allowed.
    pub(super) fn take(&mut self, now: Time, is_first_hand: bool, members: u32, config: &Config) -> bool {
        let rate = if is_first_hand { &mut self.first_hand } else { &mut self.third_party };
        let is_allowed = members < config.member_limit && rate.take(now, config.admission_burst, config.admission_rate);
        self.refused += u64::from(!is_allowed);
        is_allowed
    }
}

impl Rate {
    fn take(&mut self, now: Time, burst: u32, per_second: u32) -> bool {
        let interval = Span::from_micros(1_000_000 / u64::from(per_second.max(1)));
        let full_at = self.full_at.max(now) + interval;
        let is_allowed = full_at.since(now) <= interval * u64::from(burst);
        if is_allowed {
            self.full_at = full_at;
        }
        is_allowed
    }
}

impl StateHash for Admissions {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { first_hand, third_party, refused } = self;
        [first_hand.full_at, third_party.full_at].hash_state(reference, hasher);
        refused.hash(hasher);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(admissions: &mut Admissions, now: Time, is_first_hand: bool, config: &Config) -> usize {
        (0..10_000).filter(|_| admissions.take(now, is_first_hand, 1, config)).count()
    }

    // A9
    #[test]
    fn after_a_burst_members_are_admitted_at_the_rate_and_those_that_introduce_themselves_apart() {
        let config = Config::lan().with_admission_burst(100).with_admission_rate(10);
        let mut admissions = Admissions::default();
        assert_eq!(admitted(&mut admissions, Time::ZERO, false, &config), 100);
        assert_eq!(admitted(&mut admissions, Time::ZERO, true, &config), 100);
        let later = Time::ZERO + Span::from_secs(3);
        assert_eq!(admitted(&mut admissions, later, false, &config), 30);
        // What is not used does not add up beyond a burst.
        assert_eq!(admitted(&mut admissions, later + Span::from_secs(3600), false, &config), 100);
        assert_eq!(admissions.refused, 40_000 - 330);
    }

    #[test]
    fn a_full_table_admits_nobody() {
        let config = Config::lan().with_member_limit(5);
        let mut admissions = Admissions::default();
        assert!(admissions.take(Time::ZERO, true, 4, &config));
        assert!(!admissions.take(Time::ZERO, true, 5, &config));
    }
}
