//! Progress of each change of a load figure, and bytes that the exchange of states sends for it.

use std::collections::VecDeque;
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
    /// By member: the number of changes of all members before it started; `None` while it is down.
    up_since: Vec<Option<u64>>,
    /// By member: the number of its last change.
    numbers: Vec<u32>,
    /// By owner, then by observer: the number of the owner's last change that the observer knows.
    known: Vec<u32>,
    /// By member: its latest changes, in order, which not all have learned of. Who knows a change knows all earlier ones,
    /// and whoever is to learn of an earlier one is to learn of the later ones. So changes are over in their order.
    open: Vec<VecDeque<Change>>,
    /// By share of [`SHARES`]: the times of the changes that were timed.
    times: [Vec<Span>; SHARES.len()],
    /// Changes of all members since the start.
    made: u64,
    /// Changes in the window.
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

/// The time of a share that is not reached: longer than any trial.
const NOT_REACHED: Span = Span::from_micros(u64::MAX);

/// A change on its way.
struct Change {
    number: u32,
    at: Time,
    /// The number of changes of all members up to this one.
    made: u64,
    /// The number of members that ran at its time and have done so since, its own apart.
    others: u32,
    /// The number of those that know it.
    known: u32,
    /// By share of [`SHARES`].
    times: [Span; SHARES.len()],
}

/// The most memory of a change, in bytes: twice that of one on its way and of its times, as lists grow by doubling.
pub(in crate::experiment) const CHANGE_BYTES: u64 = 2 * (size_of::<Change>() + SHARES.len() * size_of::<Span>()) as u64;

/// The memory of what one member knows of one other, in bytes.
pub(in crate::experiment) const KNOWN_BYTES: u64 = size_of::<u32>() as u64;

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
            up_since: (0..members).map(|member| (member < initial).then_some(0)).collect(),
            numbers: vec![0; members as usize],
            known: vec![0; members as usize * members as usize],
            open: (0..members).map(|_| VecDeque::new()).collect(),
            times: Default::default(),
            made: 0,
            changes: 0,
            bytes: 0,
            calm_bytes: 0,
            member_time: 0,
            running: initial.into(),
        }
    }

    /// A member changes its figure. Returns the number of the change, which is the figure.
    pub(super) fn change(&mut self, at: Time, owner: MemberIndex) -> u32 {
        let number = self.numbers[owner as usize] + 1;
        self.numbers[owner as usize] = number;
        self.made += 1;
        if self.window.contains(&at) {
            self.changes += 1;
            let is_up = self.up_since[owner as usize].is_some();
            let others = (self.running - u64::from(is_up)) as u32;
            if others > 0 {
                let (made, times) = (self.made, [NOT_REACHED; SHARES.len()]);
                self.open[owner as usize].push_back(Change { number, at, made, others, known: 0, times });
            }
        }
        number
    }

    /// A member learns of a figure. It then knows all earlier ones, which are of no interest any more.
    pub(super) fn learn(&mut self, at: Time, observer: MemberIndex, owner: MemberIndex, number: u32) {
        let known = self.known_mut(owner, observer);
        let before = *known;
        *known = before.max(number);
        let Some(up_since) = self.up_since[observer as usize] else { return };
        let open = &mut self.open[owner as usize];
        let from = open.partition_point(|change| change.number <= before);
        let news = open.iter_mut().skip(from).take_while(|change| change.number <= number);
        for change in news.filter(|change| change.made > up_since) {
            change.known += 1;
            change.check(at);
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
        let Some(up_since) = self.up_since[member as usize].take() else { return };
        self.count_time(at);
        self.running -= 1;
        self.close(member, |_| true);
        for owner in 0..self.open.len() as u32 {
            let known = *self.known_mut(owner, member);
            for change in self.open[owner as usize].iter_mut().filter(|change| change.made > up_since) {
                change.others -= 1;
                change.known -= u32::from(change.number <= known);
                change.check(at);
            }
            self.close(owner, Change::is_complete);
        }
    }

    /// A member starts.
    pub(super) fn begin(&mut self, at: Time, member: MemberIndex) {
        self.count_time(at);
        self.running += 1;
        self.up_since[member as usize] = Some(self.made);
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
        let median = |times: &mut Vec<Span>| median(times, shortest);
        PropagationReadings { times: self.times.each_mut().map(median), bytes_per_change }
    }

    /// Takes out the changes of a member that are over, the earliest ones, and keeps their times.
    fn close(&mut self, owner: MemberIndex, is_over: impl Fn(&Change) -> bool) {
        let Self { open, times, timed_until, .. } = self;
        while let Some(change) = open[owner as usize].pop_front_if(|change| is_over(change)) {
            if change.at < *timed_until {
                times.iter_mut().zip(change.times).for_each(|(times, time)| times.push(time));
            }
        }
    }

    fn known_mut(&mut self, owner: MemberIndex, observer: MemberIndex) -> &mut u32 {
        &mut self.known[owner as usize * self.numbers.len() + observer as usize]
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
    /// Notes the time of the shares that are reached now.
    fn check(&mut self, at: Time) {
        let (known, others) = (u64::from(self.known) * 100, u64::from(self.others));
        for (percent, time) in SHARES.into_iter().zip(&mut self.times) {
            if *time == NOT_REACHED && known >= percent * others {
                *time = at.since(self.at);
            }
        }
    }

    fn is_complete(&self) -> bool {
        self.known == self.others
    }
}

impl PropagationReadings {
    /// The measures of a trial without changes.
    pub(in crate::experiment) const ABSENT: Self =
        Self { times: [MeasuredValue::Absent; SHARES.len()], bytes_per_change: MeasuredValue::Absent };
}

/// The median of the times of changes, each of which was observed for `observed` or longer. Those that did not reach it
/// count as more than any time.
fn median(times: &mut [Span], observed: Span) -> MeasuredValue {
    times.sort_unstable();
    let Some(last) = times.len().checked_sub(1) else { return MeasuredValue::Absent };
    match (times[last / 2], times[last.div_ceil(2)]) {
        (_, NOT_REACHED) => MeasuredValue::Censored(observed.as_secs_f64()),
        (low, high) => MeasuredValue::Value((low.as_secs_f64() + high.as_secs_f64()) / 2.0),
    }
}
