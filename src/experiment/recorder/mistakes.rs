//! Mistakes of the detector (Chen, Toueg, Aguilera 2002): a running member holds another running member dead.
//!
//! In a long run the means of all their times follow from three sums: the time of all pairs of running members, the time
//! that they spent in mistakes, and the number of mistakes. So the state is these sums and the mistakes that last, which
//! are exceptions.

use std::collections::BTreeSet;
use std::ops::Range;

use super::MeasuredValue;
use crate::protocol::Time;
use crate::sim::MemberIndex;

/// The mistakes of all members about each other.
pub(super) struct Mistakes {
    /// The interval in which times are summed and transitions counted.
    window: Range<Time>,
    /// The mistakes that last, as (subject, observer).
    open: BTreeSet<(MemberIndex, MemberIndex)>,
    /// Number of running members.
    up: u64,
    /// The time up to which the sums reach.
    summed_to: Time,
    /// Time of all running members, in microseconds.
    member_time: u128,
    /// Time of all ordered pairs of running members, in microseconds.
    pair_time: u128,
    /// The part of it in which the one held the other dead.
    mistake_time: u128,
    begun: u64,
    /// Number of mistakes that the observer took back.
    ended: u64,
}

/// The measures that follow from the mistakes.
pub(super) struct MistakeReadings {
    pub recurrence_s: MeasuredValue,
    pub duration_s: MeasuredValue,
    pub good_period_s: MeasuredValue,
    pub accuracy: MeasuredValue,
    pub flaps: MeasuredValue,
}

impl Mistakes {
    /// `running` members run from the start and hold nobody dead.
    pub(super) fn new(window: Range<Time>, running: u32) -> Self {
        Self {
            summed_to: window.start,
            window,
            open: BTreeSet::new(),
            up: running.into(),
            member_time: 0,
            pair_time: 0,
            mistake_time: 0,
            begun: 0,
            ended: 0,
        }
    }

    /// `observer` declares the running member `subject` dead.
    pub(super) fn begin(&mut self, at: Time, observer: MemberIndex, subject: MemberIndex) {
        self.sum_to(at);
        if self.open.insert((subject, observer)) && self.window.contains(&at) {
            self.begun += 1;
        }
    }

    /// `observer` holds `subject` for a member.
    pub(super) fn end(&mut self, at: Time, observer: MemberIndex, subject: MemberIndex) {
        if self.open.is_empty() {
            return;
        }
        self.sum_to(at);
        if self.open.remove(&(subject, observer)) && self.window.contains(&at) {
            self.ended += 1;
        }
    }

    /// A member starts.
    pub(super) fn member_starts(&mut self, at: Time) {
        self.sum_to(at);
        self.up += 1;
    }

    /// A member stops: mistakes about it become right, its own disappear, and none of them was taken back.
    pub(super) fn member_stops(&mut self, at: Time, member: MemberIndex) {
        self.sum_to(at);
        self.up -= 1;
        self.open.retain(|&(subject, observer)| subject != member && observer != member);
    }

    /// The measures of a trial that has ended.
    pub(super) fn finish(&mut self) -> MistakeReadings {
        self.sum_to(self.window.end);
        let (pair_s, mistake_s) = (self.pair_s(), self.mistake_time as f64 / 1e6);
        let per = |time: f64, count: u64| match count {
            _ if self.pair_time == 0 => MeasuredValue::Absent,
            0 => MeasuredValue::Censored(time),
            _ => MeasuredValue::Value(time / count as f64),
        };
        let duration_s = match self.ended {
            0 if self.mistake_time == 0 => MeasuredValue::Absent,
            // None was taken back: the mean of those that last is more than this.
            0 => MeasuredValue::Censored(mistake_s / self.open.len().max(1) as f64),
            _ => per(mistake_s, self.ended),
        };
        let if_pairs = |value: f64| match self.pair_time {
            0 => MeasuredValue::Absent,
            _ => MeasuredValue::Value(value),
        };
        let members = self.member_s() / (self.window.end.since(self.window.start)).as_secs_f64();
        MistakeReadings {
            recurrence_s: per(pair_s, self.begun),
            duration_s,
            good_period_s: per(pair_s - mistake_s, self.begun),
            accuracy: if_pairs(1.0 - mistake_s / pair_s),
            flaps: if_pairs(self.ended as f64 / members),
        }
    }

    /// Time of all running members in the window, in seconds.
    pub(super) fn member_s(&self) -> f64 {
        self.member_time as f64 / 1e6
    }

    /// Time of all ordered pairs of running members in the window, in seconds.
    pub(super) fn pair_s(&self) -> f64 {
        self.pair_time as f64 / 1e6
    }

    fn sum_to(&mut self, at: Time) {
        let to = at.min(self.window.end);
        let time = u128::from(to.since(self.summed_to).as_micros());
        if time > 0 {
            self.member_time += time * u128::from(self.up);
            self.pair_time += time * u128::from(self.up) * u128::from(self.up.saturating_sub(1));
            self.mistake_time += time * self.open.len() as u128;
            self.summed_to = to;
        }
    }
}
