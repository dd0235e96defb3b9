//! The time at which all running members know all running members and nobody else.

use super::MeasuredValue;
use crate::protocol::Time;
use crate::sim::MemberIndex;

/// The most members, joiners included, whose views are compared: each pair takes a byte.
const MEMBER_LIMIT: u32 = 2048;

/// The views of all members, and the pairs in which a running member is wrong about another one.
pub(super) struct Agreement {
    /// By observer and subject: whether the observer believes the subject to be a member. Empty where views are not
    /// compared.
    beliefs: Vec<Box<[bool]>>,
    up: Vec<bool>,
    /// Number of wrong pairs.
    wrong: u64,
    last_fault: Option<Time>,
    agreed_at: Option<Time>,
}

impl Agreement {
    /// `initial` of the `members` run from the start and know each other.
    pub(super) fn new(members: u32, initial: u32, has_faults: bool) -> Self {
        let compared = if has_faults && members <= MEMBER_LIMIT { members } else { 0 };
        let row = |observer: u32| (0..members).map(|subject| observer < initial && subject < initial).collect();
        Self {
            beliefs: (0..compared).map(row).collect(),
            up: (0..compared).map(|member| member < initial).collect(),
            wrong: 0,
            last_fault: None,
            agreed_at: None,
        }
    }

    /// A fault begins or ends.
    pub(super) fn fault(&mut self, at: Time) {
        self.last_fault = Some(at);
        self.agreed_at = None;
        self.check(at);
    }

    /// A member starts, knowing itself alone.
    pub(super) fn begin(&mut self, member: MemberIndex) {
        let Some(row) = self.beliefs.get_mut(member as usize) else { return };
        row.fill(false);
        self.turn(member, true);
    }

    /// A member stops.
    pub(super) fn stop(&mut self, member: MemberIndex) {
        if (member as usize) < self.beliefs.len() {
            self.turn(member, false);
        }
    }

    /// A member's belief about another changes.
    pub(super) fn believe(&mut self, at: Time, observer: MemberIndex, subject: MemberIndex, is_member: bool) {
        let (observer, subject) = (observer as usize, subject as usize);
        let Some(row) = self.beliefs.get_mut(observer) else { return };
        if std::mem::replace(&mut row[subject], is_member) != is_member && self.up[observer] {
            let is_right = is_member == self.up[subject];
            self.wrong = if is_right { self.wrong - 1 } else { self.wrong + 1 };
            self.check(at);
        }
    }

    /// Returns the time from the last fault to the agreement, of a world that ended at `end`.
    pub(super) fn finish(&self, end: Time) -> MeasuredValue {
        match (self.last_fault, self.agreed_at) {
            (Some(fault), Some(agreed)) if !self.beliefs.is_empty() => {
                MeasuredValue::Value(agreed.since(fault).as_secs_f64())
            }
            (Some(fault), None) if !self.beliefs.is_empty() => MeasuredValue::Censored(end.since(fault).as_secs_f64()),
            _ => MeasuredValue::Absent,
        }
    }

    /// Starts or stops a member: as a subject, those who were right about it become wrong and the reverse; as an observer
    /// it counts from now on, or no more.
    fn turn(&mut self, member: MemberIndex, is_up: bool) {
        let member = member as usize;
        for other in (0..self.up.len()).filter(|&other| other != member && self.up[other]) {
            let was_right = self.beliefs[other][member] == self.up[member];
            self.wrong = if was_right { self.wrong + 1 } else { self.wrong - 1 };
        }
        let views = self.beliefs[member].iter().zip(&self.up).enumerate();
        let own = views.filter(|&(subject, (belief, up))| subject != member && belief != up).count() as u64;
        self.wrong = if is_up { self.wrong + own } else { self.wrong - own };
        self.up[member] = is_up;
    }

    fn check(&mut self, at: Time) {
        if self.wrong == 0 && self.agreed_at.is_none() {
            self.agreed_at = Some(at);
        }
    }
}
