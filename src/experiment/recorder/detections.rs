//! The spread of information about each crash: the survivors that have the victim recorded as dead.

use super::detection_times::DetectionTimes;
use super::{FaultEvent, MemberStats, Victim, VictimKind};
use crate::protocol::Time;
use crate::sim::MemberIndex;

/// All detections of members that crashed or left, and all records of members as dead.
pub(super) struct Detections {
    all: Vec<Detection>,
    /// Indices of the detections in which not every survivor is informed yet.
    incomplete: Vec<usize>,
    subjects: Vec<Subject>,
    /// Members with a set of holders, to avoid a search of all.
    held: Vec<MemberIndex>,
    running: u32,
    /// Of the pairs of a crashed victim and a survivor.
    times: DetectionTimes,
}

/// A member as the subject of updates.
#[derive(Default)]
struct Subject {
    /// Index of its detection while it is down.
    detection: Option<u32>,
    /// A set of members, by bits: those that have it recorded as dead. Empty until one does.
    holders: Box<[u64]>,
}

struct Detection {
    victim: Victim,
    at: Time,
    /// Members that started later than this are not survivors.
    fault_number: u32,
    /// Number of members that have run since the victim stopped.
    survivors: u32,
    /// Number of survivors that have it recorded as dead.
    informed: u32,
    /// Number of members that ran when the victim stopped, without those that stopped before they were informed.
    observers: u32,
    /// Number of these that have it recorded as dead, those included that stopped afterwards.
    detected: u32,
}

impl Detections {
    pub(super) fn new(members: u32, running: u32) -> Self {
        let subjects = (0..members).map(|_| Subject::default()).collect();
        let times = DetectionTimes::default();
        Self { all: Vec::new(), incomplete: Vec::new(), subjects, held: Vec::new(), running, times }
    }

    /// All victims and the detection times of their survivors, once the trial has ended at `end`.
    pub(super) fn finish(mut self, end: Time) -> (Vec<Victim>, DetectionTimes) {
        for subject in std::mem::take(&mut self.subjects) {
            if let Some(index) = subject.detection {
                self.all[index as usize].end(end, &mut self.times);
            }
        }
        (self.all.into_iter().map(|detection| detection.victim).collect(), self.times)
    }

    /// A member crashes or leaves: adds a detection, and removes the member from the survivors of earlier victims.
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
        for &index in &self.incomplete {
            let detection = &mut self.all[index];
            if began < detection.fault_number {
                detection.survivors -= 1;
                let holders = &self.subjects[detection.victim.member as usize].holders;
                let was_informed = contains(holders, fault_event.member);
                detection.informed -= u32::from(was_informed);
                detection.observers -= u32::from(!was_informed);
                detection.check(fault_event.at);
            }
        }
        self.drop_complete();

        let subject = &mut self.subjects[fault_event.member as usize];
        // Some members may have it recorded as dead already, by a false positive.
        let holders = (0..members.len() as u32).filter(|&member| contains(&subject.holders, member));
        let informed = match subject.holders.is_empty() {
            true => 0,
            false => holders.filter(|&member| members[member as usize].up).count() as u32,
        };
        let mut detection = Detection {
            victim: Victim {
                fault: fault_event.fault,
                member: fault_event.member,
                at_s,
                kind,
                observed_s: 0.0,
                first_ping_s: None,
                first_suspicion_s: None,
                first_declaration_s: None,
                informed_50_s: None,
                informed_99_s: None,
                informed_100_s: None,
                stale_answer_s: None,
                requests_to_dead: None,
            },
            at: fault_event.at,
            fault_number,
            survivors: self.running,
            informed,
            observers: self.running,
            detected: 0,
        };
        detection.detect(fault_event.at, informed, &mut self.times);
        detection.check(fault_event.at);
        subject.detection = Some(self.all.len() as u32);
        self.incomplete.push(self.all.len());
        self.all.push(detection);
        self.drop_complete();
    }

    /// A member starts or restarts: closes its own detection, and clears its records of others as dead.
    pub(super) fn begin(&mut self, member: MemberIndex, at: Time) {
        self.running += 1;
        let Some(detection) = self.subjects[member as usize].detection.take() else { return };
        self.all[detection as usize].end(at, &mut self.times);
        self.incomplete.retain(|&index| index != detection as usize);
        let (word, bit) = bit_of(member);
        for &held in &self.held {
            self.subjects[held as usize].holders[word] &= !bit;
        }
    }

    /// A direct ping is sent to a member that is down.
    pub(super) fn pinged(&mut self, member: MemberIndex, at: Time) {
        if let Some(detection) = self.detection_of(member) {
            let elapsed = detection.elapsed(at);
            detection.victim.first_ping_s.get_or_insert(elapsed);
        }
    }

    /// A running member suspects another.
    pub(super) fn suspected(&mut self, about: MemberIndex, at: Time) {
        if let Some(detection) = self.detection_of(about) {
            let elapsed = detection.elapsed(at);
            detection.victim.first_suspicion_s.get_or_insert(elapsed);
        }
    }

    /// `observer`, which started at the fault number `began`, records a member as dead.
    pub(super) fn informed(&mut self, about: MemberIndex, observer: MemberIndex, began: u32, at: Time) {
        self.make_holders(about);
        let (word, bit) = bit_of(observer);
        let holders = &mut self.subjects[about as usize].holders[word];
        let is_new = *holders & bit == 0;
        *holders |= bit;
        let Some(detection) = self.subjects[about as usize].detection else { return };
        let detection = &mut self.all[detection as usize];
        detection.declared(at);
        if is_new && began < detection.fault_number {
            detection.informed += 1;
            detection.detect(at, 1, &mut self.times);
            detection.check(at);
            if detection.is_complete() {
                self.drop_complete();
            }
        }
    }

    /// `observer`, which started at the fault number `began`, records a member as alive.
    pub(super) fn recorded_alive(&mut self, about: MemberIndex, observer: MemberIndex, began: u32, at: Time) {
        let (word, bit) = bit_of(observer);
        let subject = &mut self.subjects[about as usize];
        if !contains(&subject.holders, observer) {
            return;
        }
        subject.holders[word] &= !bit;
        let Some(detection) = subject.detection else { return };
        let detection = &mut self.all[detection as usize];
        if began < detection.fault_number {
            detection.informed -= 1;
            detection.take_back(at, &mut self.times);
        }
    }

    fn detection_of(&mut self, member: MemberIndex) -> Option<&mut Detection> {
        self.subjects[member as usize].detection.map(|index| &mut self.all[index as usize])
    }

    fn make_holders(&mut self, member: MemberIndex) {
        let words = self.subjects.len().div_ceil(64);
        let holders = &mut self.subjects[member as usize].holders;
        if holders.is_empty() {
            *holders = vec![0; words].into();
            self.held.push(member);
        }
    }

    fn drop_complete(&mut self) {
        self.incomplete.retain(|&index| !self.all[index].is_complete());
    }
}

impl Detection {
    fn elapsed(&self, at: Time) -> f64 {
        at.since(self.at).as_secs_f64()
    }

    /// Notes the first declaration, which counts as the first suspicion too if none was reported before.
    fn declared(&mut self, at: Time) {
        let elapsed = self.elapsed(at);
        self.victim.first_suspicion_s.get_or_insert(elapsed);
        self.victim.first_declaration_s.get_or_insert(elapsed);
    }

    /// Notes the times of the shares of survivors that are reached now.
    fn check(&mut self, at: Time) {
        if self.informed == 0 {
            return;
        }
        self.declared(at);
        let elapsed = self.elapsed(at);
        let (informed, survivors) = (u64::from(self.informed) * 100, u64::from(self.survivors));
        let victim = &mut self.victim;
        for (percent, time) in
            [(50, &mut victim.informed_50_s), (99, &mut victim.informed_99_s), (100, &mut victim.informed_100_s)]
        {
            if informed >= percent * survivors {
                time.get_or_insert(elapsed);
            }
        }
    }

    /// Survivors that record it as dead.
    fn detect(&mut self, at: Time, survivors: u32, times: &mut DetectionTimes) {
        self.detected += survivors;
        if self.is_crash() {
            times.detect(at.since(self.at), survivors.into());
        }
    }

    /// A survivor records it as alive again.
    fn take_back(&mut self, at: Time, times: &mut DetectionTimes) {
        self.detected -= 1;
        if self.is_crash() {
            times.take_back(at.since(self.at));
        }
    }

    /// Ends the time in which it can be detected.
    fn end(&mut self, at: Time, times: &mut DetectionTimes) {
        self.victim.observed_s = self.elapsed(at.max(self.at));
        if self.is_crash() {
            times.miss(at.since(self.at), u64::from(self.observers.saturating_sub(self.detected)));
        }
    }

    fn is_crash(&self) -> bool {
        self.victim.kind != VictimKind::Leave
    }

    fn is_complete(&self) -> bool {
        self.victim.informed_100_s.is_some()
    }
}

/// The word and the bit of a member in a set of members.
fn bit_of(member: MemberIndex) -> (usize, u64) {
    (member as usize / 64, 1 << (member % 64))
}

fn contains(holders: &[u64], member: MemberIndex) -> bool {
    let (word, bit) = bit_of(member);
    holders.get(word).is_some_and(|bits| bits & bit != 0)
}
