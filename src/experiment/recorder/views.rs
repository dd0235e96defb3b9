//! The views of all members: how wrong they are, how many different ones there are, and when all agree.

use std::collections::BTreeMap;
use std::ops::Range;

use super::MeasuredValue;
use crate::protocol::Time;
use crate::sim::{MemberIndex, Setup, Start};

/// The most members, joiners included, whose views are compared: each pair takes a byte.
const MEMBER_LIMIT: u32 = 2048;

/// The views of all members, and the pairs in which a running member is wrong about another one.
pub(super) struct Views {
    /// The interval in which wrong pairs are summed and different views counted.
    window: Range<Time>,
    /// By observer and subject: whether the observer believes the subject to be a member. Empty until a view can be
    /// wrong, and where views are not compared.
    beliefs: Vec<Box<[bool]>>,
    up: Vec<bool>,
    is_compared: bool,
    knows_all: bool,
    /// Number of wrong pairs.
    wrong: u64,
    /// The time up to which `wrong_time` reaches.
    summed_to: Time,
    /// Time of all wrong pairs in the window, in microseconds.
    wrong_time: u128,
    /// The digests of the running members' views, each with the number of members that have it.
    digests: BTreeMap<u64, u32>,
    /// The digest of each member's view.
    digest_of: Vec<u64>,
    most_digests: usize,
    last_fault: Option<Time>,
    /// The first time after the last fault at which all agreed.
    agreed_at: Option<Time>,
    /// The time since which no pair is wrong; `None` while one is.
    right_since: Option<Time>,
}

/// The measures of views.
pub(super) struct ViewReadings {
    pub agreement_s: MeasuredValue,
    pub last_disagreement_s: MeasuredValue,
    pub wrong_entries: MeasuredValue,
    pub distinct_views: MeasuredValue,
}

impl Views {
    /// The initial members run from the start; they know each other unless they have yet to join.
    pub(super) fn new(setup: &Setup, window: Range<Time>) -> Self {
        let members = setup.placement.members();
        let mut views = Self {
            summed_to: window.start,
            window,
            beliefs: Vec::new(),
            up: (0..members).map(|member| member < setup.members).collect(),
            is_compared: members <= MEMBER_LIMIT,
            knows_all: setup.start == Start::Joined,
            wrong: 0,
            wrong_time: 0,
            digests: BTreeMap::new(),
            digest_of: Vec::new(),
            most_digests: 1,
            last_fault: None,
            agreed_at: None,
            right_since: Some(Time::ZERO),
        };
        // Without faults and joins, views are right until the first false alarm.
        if !setup.faults.is_empty() || !views.knows_all {
            views.begin_comparison();
        }
        views
    }

    /// A fault begins or ends.
    pub(super) fn fault(&mut self, at: Time) {
        self.last_fault = Some(at);
        self.agreed_at = None;
        self.check(at);
    }

    /// A member starts, knowing itself alone.
    pub(super) fn begin(&mut self, at: Time, member: MemberIndex) {
        let Some(row) = self.beliefs.get_mut(member as usize) else { return };
        row.fill(false);
        self.digest_of[member as usize] = digest_of(member);
        self.turn(at, member, true);
    }

    /// A member stops.
    pub(super) fn stop(&mut self, at: Time, member: MemberIndex) {
        if (member as usize) < self.beliefs.len() {
            self.turn(at, member, false);
        }
    }

    /// A member's belief about another changes.
    pub(super) fn believe(&mut self, at: Time, observer: MemberIndex, subject: MemberIndex, is_member: bool) {
        if self.beliefs.is_empty() {
            self.begin_comparison();
        }
        let (observer, subject) = (observer as usize, subject as usize);
        let Some(row) = self.beliefs.get_mut(observer) else { return };
        if std::mem::replace(&mut row[subject], is_member) == is_member {
            return;
        }
        let before = self.digest_of[observer];
        self.digest_of[observer] ^= digest_of(subject as MemberIndex);
        if self.up[observer] {
            self.sum_to(at);
            let is_right = is_member == self.up[subject];
            self.wrong = if is_right { self.wrong - 1 } else { self.wrong + 1 };
            self.drop_digest(before);
            self.add_digest(at, self.digest_of[observer]);
            self.check(at);
        }
    }

    /// The measures of a world that ended at `end`, in which the pairs of running members had this time in all.
    pub(super) fn finish(&mut self, end: Time, pair_s: f64) -> ViewReadings {
        self.sum_to(end);
        let since = |from: Time, to: Time| to.since(from).as_secs_f64();
        let from = self.last_fault.unwrap_or(self.window.start);
        let if_compared = |reading: MeasuredValue| if self.is_compared { reading } else { MeasuredValue::Absent };
        let agreement_s = match (self.last_fault, self.agreed_at) {
            (Some(fault), Some(agreed)) => MeasuredValue::Value(since(fault, agreed)),
            (Some(fault), None) => MeasuredValue::Censored(since(fault, end)),
            (None, _) => MeasuredValue::Absent,
        };
        let last_disagreement_s = match self.right_since {
            Some(right) => MeasuredValue::Value(since(from, right)),
            None => MeasuredValue::Censored(since(from, end)),
        };
        let wrong_entries = match pair_s {
            0.0 => MeasuredValue::Absent,
            pair_s => MeasuredValue::Value(self.wrong_time as f64 / 1e6 / pair_s),
        };
        ViewReadings {
            agreement_s: if_compared(agreement_s),
            last_disagreement_s: if_compared(last_disagreement_s),
            wrong_entries: if_compared(wrong_entries),
            distinct_views: if_compared(MeasuredValue::Value(self.most_digests as f64)),
        }
    }

    fn begin_comparison(&mut self) {
        if !self.is_compared {
            return;
        }
        let (up, knows_all) = (&self.up, self.knows_all);
        let nobody: Box<[bool]> = vec![false; up.len()].into();
        let everybody: Box<[bool]> = up.clone().into();
        let row = |is_up: &bool| if *is_up && knows_all { everybody.clone() } else { nobody.clone() };
        self.beliefs = up.iter().map(row).collect();
        let running = up.iter().filter(|up| **up).count() as u64;
        let whole = (0..).zip(up).filter(|(_, up)| **up).fold(0, |digest, (member, _)| digest ^ digest_of(member));
        self.digest_of = (0..up.len() as u32).map(|member| if knows_all { whole } else { digest_of(member) }).collect();
        if !knows_all {
            self.wrong = running * running.saturating_sub(1);
            self.right_since = (self.wrong == 0).then_some(Time::ZERO);
        }
        for member in (0..up.len()).filter(|&member| up[member]) {
            *self.digests.entry(self.digest_of[member]).or_default() += 1;
        }
    }

    /// Starts or stops a member: as a subject, those who were right about it become wrong and the reverse; as an observer
    /// it counts from now on, or no more.
    fn turn(&mut self, at: Time, member: MemberIndex, is_up: bool) {
        self.sum_to(at);
        let member = member as usize;
        for other in (0..self.up.len()).filter(|&other| other != member && self.up[other]) {
            let was_right = self.beliefs[other][member] == self.up[member];
            self.wrong = if was_right { self.wrong + 1 } else { self.wrong - 1 };
        }
        let views = self.beliefs[member].iter().zip(&self.up).enumerate();
        let own = views.filter(|&(subject, (belief, up))| subject != member && belief != up).count() as u64;
        self.wrong = if is_up { self.wrong + own } else { self.wrong - own };
        self.up[member] = is_up;
        match is_up {
            true => self.add_digest(at, self.digest_of[member]),
            false => self.drop_digest(self.digest_of[member]),
        }
        self.check(at);
    }

    fn check(&mut self, at: Time) {
        if self.wrong > 0 {
            self.right_since = None;
            return;
        }
        self.right_since.get_or_insert(at);
        self.agreed_at.get_or_insert(at);
    }

    fn sum_to(&mut self, at: Time) {
        let to = at.min(self.window.end);
        let time = to.since(self.summed_to).as_micros();
        if time > 0 {
            // What was before this change lasted into the window.
            self.most_digests = self.most_digests.max(self.digests.len());
            self.wrong_time += u128::from(time) * u128::from(self.wrong);
            self.summed_to = to;
        }
    }

    fn add_digest(&mut self, at: Time, digest: u64) {
        *self.digests.entry(digest).or_default() += 1;
        if self.window.contains(&at) {
            self.most_digests = self.most_digests.max(self.digests.len());
        }
    }

    fn drop_digest(&mut self, digest: u64) {
        if let Some(count) = self.digests.get_mut(&digest) {
            *count -= 1;
            if *count == 0 {
                self.digests.remove(&digest);
            }
        }
    }
}

/// A member's part of the digest of a view, which is the exclusive or of those of all its members (SplitMix64, Steele,
/// Lea, Flood 2014).
fn digest_of(member: MemberIndex) -> u64 {
    let mut z = (u64::from(member) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
