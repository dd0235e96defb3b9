//! How knowledge of each crash spreads: which of its survivors hold the victim dead.

use super::{FaultEvent, MemberStats, Victim, VictimKind};
use crate::protocol::Time;
use crate::sim::MemberIndex;

/// All members that crashed or left, and who holds whom dead.
pub(super) struct Detections {
    cases: Vec<Detection>,
    /// Indices of the cases in which not every survivor is informed yet.
    unsettled: Vec<usize>,
    subjects: Vec<Subject>,
    /// Members with a set of holders, so that not all must be searched.
    held: Vec<MemberIndex>,
    running: u32,
}

/// A member as the subject of updates.
#[derive(Default)]
struct Subject {
    /// Its case, while it is down.
    case: Option<u32>,
    /// A bit for every member that holds it dead; empty until one does.
    holders: Box<[u64]>,
}

struct Detection {
    victim: Victim,
    at: Time,
    /// Members that began later than this are no survivors.
    fault_number: u32,
    /// Members that have run ever since the victim stopped.
    survivors: u32,
    /// Those of them that hold it dead.
    informed: u32,
}

impl Detections {
    pub(super) fn new(members: u32, running: u32) -> Self {
        let subjects = (0..members).map(|_| Subject::default()).collect();
        Self { cases: Vec::new(), unsettled: Vec::new(), subjects, held: Vec::new(), running }
    }

    pub(super) fn into_victims(self) -> Vec<Victim> {
        self.cases.into_iter().map(|case| case.victim).collect()
    }

    /// A member crashes or leaves: a case of its own, and one survivor less for those before it.
    pub(super) fn stop(
        &mut self,
        fault_event: &FaultEvent,
        fault_number: u32,
        kind: VictimKind,
        at_s: f64,
        members: &[MemberStats],
    ) {
        self.running -= 1;
        let began = members[fault_event.member as usize].began;
        for &open in &self.unsettled {
            let case = &mut self.cases[open];
            if began < case.fault_number {
                case.survivors -= 1;
                let holders = &self.subjects[case.victim.member as usize].holders;
                case.informed -= u32::from(holds(holders, fault_event.member));
                case.check(fault_event.at);
            }
        }
        self.drop_settled();

        let subject = &mut self.subjects[fault_event.member as usize];
        // Some may have held it dead already, wrongly then.
        let holders = (0..members.len() as u32).filter(|&member| holds(&subject.holders, member));
        let informed = match subject.holders.is_empty() {
            true => 0,
            false => holders.filter(|&member| members[member as usize].up).count() as u32,
        };
        let mut case = Detection {
            victim: Victim {
                fault: fault_event.fault,
                member: fault_event.member,
                at_s,
                kind,
                first_ping_s: None,
                first_suspicion_s: None,
                first_declaration_s: None,
                informed_50_s: None,
                informed_99_s: None,
                informed_100_s: None,
            },
            at: fault_event.at,
            fault_number,
            survivors: self.running,
            informed,
        };
        case.check(fault_event.at);
        subject.case = Some(self.cases.len() as u32);
        self.unsettled.push(self.cases.len());
        self.cases.push(case);
        self.drop_settled();
    }

    /// A member begins, for the first time or again: its own case is closed, and it holds no member dead.
    pub(super) fn begin(&mut self, member: MemberIndex) {
        self.running += 1;
        let Some(case) = self.subjects[member as usize].case.take() else { return };
        self.unsettled.retain(|&open| open != case as usize);
        let (word, bit) = place(member);
        for &held in &self.held {
            self.subjects[held as usize].holders[word] &= !bit;
        }
    }

    /// A direct ping is sent to a member that is down.
    pub(super) fn pinged(&mut self, member: MemberIndex, at: Time) {
        if let Some(case) = self.case_of(member) {
            let elapsed = case.elapsed(at);
            case.victim.first_ping_s.get_or_insert(elapsed);
        }
    }

    /// A running member suspects another.
    pub(super) fn suspected(&mut self, about: MemberIndex, at: Time) {
        if let Some(case) = self.case_of(about) {
            let elapsed = case.elapsed(at);
            case.victim.first_suspicion_s.get_or_insert(elapsed);
        }
    }

    /// `observer`, which began at this fault number, holds a member dead from now on.
    pub(super) fn informed(&mut self, about: MemberIndex, observer: MemberIndex, began: u32, at: Time) {
        self.make_holders(about);
        let (word, bit) = place(observer);
        let holders = &mut self.subjects[about as usize].holders[word];
        let is_new = *holders & bit == 0;
        *holders |= bit;
        let Some(case) = self.case_of(about) else { return };
        case.declared(at);
        if is_new && began < case.fault_number {
            case.informed += 1;
            case.check(at);
            if case.settled() {
                self.drop_settled();
            }
        }
    }

    /// `observer`, which began at this fault number, holds a member alive from now on.
    pub(super) fn welcomed(&mut self, about: MemberIndex, observer: MemberIndex, began: u32) {
        let (word, bit) = place(observer);
        let subject = &mut self.subjects[about as usize];
        if !holds(&subject.holders, observer) {
            return;
        }
        subject.holders[word] &= !bit;
        if let Some(case) = self.case_of(about)
            && began < case.fault_number
        {
            case.informed -= 1;
        }
    }

    fn case_of(&mut self, member: MemberIndex) -> Option<&mut Detection> {
        self.subjects[member as usize].case.map(|case| &mut self.cases[case as usize])
    }

    fn make_holders(&mut self, member: MemberIndex) {
        let words = self.subjects.len().div_ceil(64);
        let holders = &mut self.subjects[member as usize].holders;
        if holders.is_empty() {
            *holders = vec![0; words].into();
            self.held.push(member);
        }
    }

    fn drop_settled(&mut self) {
        self.unsettled.retain(|&open| !self.cases[open].settled());
    }
}

impl Detection {
    fn elapsed(&self, at: Time) -> f64 {
        at.since(self.at).as_secs_f64()
    }

    /// Records that a member holds the victim dead: a suspicion too, if none was reported before.
    fn declared(&mut self, at: Time) {
        let elapsed = self.elapsed(at);
        self.victim.first_suspicion_s.get_or_insert(elapsed);
        self.victim.first_declaration_s.get_or_insert(elapsed);
    }

    /// Records the marks that are reached now.
    fn check(&mut self, at: Time) {
        if self.informed == 0 {
            return;
        }
        self.declared(at);
        let elapsed = self.elapsed(at);
        let (informed, survivors) = (u64::from(self.informed) * 100, u64::from(self.survivors));
        let victim = &mut self.victim;
        for (percent, mark) in
            [(50, &mut victim.informed_50_s), (99, &mut victim.informed_99_s), (100, &mut victim.informed_100_s)]
        {
            if informed >= percent * survivors {
                mark.get_or_insert(elapsed);
            }
        }
    }

    fn settled(&self) -> bool {
        self.victim.informed_100_s.is_some()
    }
}

/// The word and the bit of a member in a set of members.
fn place(member: MemberIndex) -> (usize, u64) {
    (member as usize / 64, 1 << (member % 64))
}

fn holds(holders: &[u64], member: MemberIndex) -> bool {
    let (word, bit) = place(member);
    holders.get(word).is_some_and(|bits| bits & bit != 0)
}
