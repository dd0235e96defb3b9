//! Progress of each change of a load figure, and bytes that the exchange of states sends for it.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::experiment::measures::MeasuredValue;
use crate::protocol::{Span, Time};
use crate::sim::{MemberIndex, Setup};

/// The record of a trial's changes, shared by its members, which write it, and the recorder, which reads it.
#[derive(Clone)]
pub(in crate::experiment) struct SharedPropagation(Arc<Mutex<Propagation>>);

/// The record of a trial's changes.
pub(super) struct Propagation {
    window: Range<Time>,
    /// Changes from this time on are not timed: the trial may end before they have arrived.
    timed_until: Time,
    up: Vec<bool>,
    /// By member: the number of its last change.
    numbers: Vec<u64>,
    /// By member: its changes that not all have learned of.
    open: Vec<Vec<Change>>,
    /// By share of [`SHARES`]: the times of the changes that were timed, `None` if it was not reached.
    times: [Vec<Option<Span>>; SHARES.len()],
    changes: u64,
    bytes: u64,
    calm_bytes: u64,
    /// Running members times microseconds, up to `counted_until`.
    member_time: u64,
    counted_until: Time,
    running: u64,
}

/// The shares of members whose times are measured, in percent.
const SHARES: [u64; 3] = [50, 99, 100];

/// The longest time at the end of a trial in which changes are not timed, as far as it is no more than a tenth of it.
const SETTLING: Span = Span::from_secs(10);

/// A change on its way.
struct Change {
    number: u64,
    at: Time,
    is_timed: bool,
    /// The members that ran at its time and have done so since, its own apart, and whether they know it.
    others: Vec<(MemberIndex, bool)>,
    /// The number of those that know it.
    known: usize,
    times: [Option<Span>; SHARES.len()],
}

/// The measures of changes.
pub(in crate::experiment) struct PropagationReadings {
    /// Medians over the changes, by share of members.
    pub times: [MeasuredValue; SHARES.len()],
    pub bytes_per_change: MeasuredValue,
}

impl SharedPropagation {
    /// The empty record of a trial, measuring within `window`.
    pub(in crate::experiment) fn new(setup: &Setup, window: Range<Time>) -> Self {
        Self(Arc::new(Mutex::new(Propagation::new(setup.placement.members(), setup.members, window))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Propagation> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Propagation {
    /// `initial` of the `members` run from the start.
    pub(super) fn new(members: u32, initial: u32, window: Range<Time>) -> Self {
        let settling = SETTLING.min(window.end.since(window.start).scale(0.1));
        Self {
            timed_until: window.end - settling,
            counted_until: window.start,
            window,
            up: (0..members).map(|member| member < initial).collect(),
            numbers: vec![0; members as usize],
            open: (0..members).map(|_| Vec::new()).collect(),
            times: Default::default(),
            changes: 0,
            bytes: 0,
            calm_bytes: 0,
            member_time: 0,
            running: initial.into(),
        }
    }

    /// A member changes its figure. Returns the number of the change, which is the figure.
    pub(super) fn change(&mut self, at: Time, owner: MemberIndex) -> u64 {
        let number = self.numbers[owner as usize] + 1;
        self.numbers[owner as usize] = number;
        if self.window.contains(&at) {
            self.changes += 1;
            let others = (0..self.up.len() as u32).filter(|&other| other != owner && self.up[other as usize]);
            let others: Vec<_> = others.map(|other| (other, false)).collect();
            if !others.is_empty() {
                let (is_timed, times) = (at < self.timed_until, [None; SHARES.len()]);
                self.open[owner as usize].push(Change { number, at, is_timed, others, known: 0, times });
            }
        }
        number
    }

    /// A member learns of a figure. It then knows all earlier ones, which are of no interest any more.
    pub(super) fn learn(&mut self, at: Time, observer: MemberIndex, owner: MemberIndex, number: u64) {
        for change in self.open[owner as usize].iter_mut().filter(|change| change.number <= number) {
            change.learn(at, observer);
        }
        self.close(owner, Change::is_complete);
    }

    /// A member sends this number of bytes for the exchange of states; `is_calm`: it would do so if nothing had changed.
    pub(super) fn send(&mut self, at: Time, bytes: u32, is_calm: bool) {
        if self.window.contains(&at) {
            self.bytes += u64::from(bytes);
            self.calm_bytes += if is_calm { u64::from(bytes) } else { 0 };
        }
    }

    /// A member stops. Nobody waits for it, and its own changes have come as far as they ever will.
    pub(super) fn stop(&mut self, at: Time, member: MemberIndex) {
        self.count_time(at);
        self.running -= 1;
        self.up[member as usize] = false;
        self.close(member, |_| true);
        for owner in 0..self.open.len() as u32 {
            self.open[owner as usize].iter_mut().for_each(|change| change.stop(at, member));
            self.close(owner, Change::is_complete);
        }
    }

    /// A member starts.
    pub(super) fn begin(&mut self, at: Time, member: MemberIndex) {
        self.count_time(at);
        self.running += 1;
        self.up[member as usize] = true;
    }

    /// Returns the measures of a trial that ended at `end`.
    pub(super) fn finish(&mut self, end: Time) -> PropagationReadings {
        self.count_time(end);
        (0..self.open.len() as u32).for_each(|owner| self.close(owner, |_| true));
        let observed = self.window.end.since(self.window.start);
        let members = self.member_time as f64 / observed.as_micros() as f64;
        let bytes = (self.bytes - self.calm_bytes) as f64;
        let bytes_per_change = match self.changes {
            0 => MeasuredValue::Absent,
            changes => MeasuredValue::Value(bytes / changes as f64 / members),
        };
        let shortest = observed - self.timed_until.since(self.window.start);
        let median = |times: &mut Vec<Option<Span>>| median(times, shortest);
        PropagationReadings { times: self.times.each_mut().map(median), bytes_per_change }
    }

    /// Takes out the changes of a member that are over, and keeps their times.
    fn close(&mut self, owner: MemberIndex, is_over: impl Fn(&Change) -> bool) {
        let Self { open, times, .. } = self;
        for change in open[owner as usize].extract_if(.., |change| is_over(change)).filter(|change| change.is_timed) {
            times.iter_mut().zip(change.times).for_each(|(times, time)| times.push(time));
        }
    }

    fn count_time(&mut self, at: Time) {
        let at = at.min(self.window.end);
        if at > self.counted_until {
            self.member_time += at.since(self.counted_until).as_micros() * self.running;
            self.counted_until = at;
        }
    }
}

impl Change {
    /// A member learns of it.
    fn learn(&mut self, at: Time, member: MemberIndex) {
        if let Ok(place) = self.others.binary_search_by_key(&member, |&(other, _)| other)
            && !std::mem::replace(&mut self.others[place].1, true)
        {
            self.known += 1;
            self.check(at);
        }
    }

    /// A member stops: it counts no more.
    fn stop(&mut self, at: Time, member: MemberIndex) {
        if let Ok(place) = self.others.binary_search_by_key(&member, |&(other, _)| other) {
            let (_, knew) = self.others.remove(place);
            self.known -= usize::from(knew);
            self.check(at);
        }
    }

    /// Notes the time of the shares that are reached now.
    fn check(&mut self, at: Time) {
        let (known, others) = (self.known as u64 * 100, self.others.len() as u64);
        for (percent, time) in SHARES.into_iter().zip(&mut self.times) {
            if known >= percent * others {
                time.get_or_insert(at.since(self.at));
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.known == self.others.len()
    }
}

impl PropagationReadings {
    /// The measures of a trial without changes.
    pub(in crate::experiment) const ABSENT: Self =
        Self { times: [MeasuredValue::Absent; SHARES.len()], bytes_per_change: MeasuredValue::Absent };
}

/// The median of the times of changes, each of which was observed for `observed` or longer. Those that did not reach it
/// count as more than any time.
fn median(times: &mut [Option<Span>], observed: Span) -> MeasuredValue {
    times.sort_unstable_by_key(|time| time.unwrap_or(Span::from_micros(u64::MAX)));
    let Some(last) = times.len().checked_sub(1) else { return MeasuredValue::Absent };
    match (times[last / 2], times[last.div_ceil(2)]) {
        (Some(low), Some(high)) => MeasuredValue::Value((low.as_secs_f64() + high.as_secs_f64()) / 2.0),
        _ => MeasuredValue::Censored(observed.as_secs_f64()),
    }
}
