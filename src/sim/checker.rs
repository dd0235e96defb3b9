//! Invariants that must hold in every trial, whatever is measured: only its owner raises an incarnation, a dead member
//! returns only by a refutation, application events are reported once, stores are bounded, and members agree once the
//! last fault is long enough over.

use std::collections::BTreeSet;

use smallvec::SmallVec;

use super::id_index::IdIndex;
use super::observer::{Effect, FaultEvent, MemberIndex};
use super::setup::{Setup, Start};
use crate::protocol::{Event, EventKind, Gauge, Incarnation, Span, Time};

/// The guarantees of a detector, which the checkers hold it to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarantees {
    /// The limits of a member's bounded stores, in a world of this many hosts.
    pub limits: Gauge,
    /// The time after the last crash or departure within which all members know of it, without loss and packets that
    /// are late by more than a period. `None`: no guarantee.
    pub converges_within: Option<Span>,
    /// The time after the end of any other fault within which all members agree on who is alive, on the same
    /// conditions. `None`: no guarantee.
    pub heals_within: Option<Span>,
    /// Whether a member that was declared dead returns only with an incarnation that its owner raised.
    pub returns_refuted: bool,
    /// Whether members agree only as long as more than half of those that they count are up.
    pub needs_majority: bool,
}

impl Guarantees {
    /// The guarantees of a detector whose stores are bounded, and no others.
    pub fn bounded(limits: Gauge) -> Self {
        Self { limits, ..Self::default() }
    }
}

/// Checks the invariants of one world.
pub struct Checker {
    guarantees: Guarantees,
    ids: IdIndex,
    /// Each member's own incarnation.
    own: Vec<Incarnation>,
    /// Reports of each member about others.
    reported: Vec<SmallVec<[Report; 1]>>,
    /// Application events reported: observer, sender, the sender's generation, number of the event.
    user_events: BTreeSet<(MemberIndex, MemberIndex, u32, u32)>,
    /// Time at which a fault last took effect or ended.
    last_change: Time,
    /// Faults in force, each once for every member that it disturbs.
    disturbances: usize,
    /// The time after that by which all members must agree; `None` if that cannot be expected.
    agreement: Option<Span>,
    violations: Vec<String>,
    more: usize,
}

/// Report of one member about another. Sorted by subject; there are few in nearly every trial.
#[derive(Clone, Copy)]
struct Report {
    about: MemberIndex,
    /// The highest incarnation.
    incarnation: Incarnation,
    /// Whether it declared the subject dead or gone last.
    is_dead: bool,
}

/// The most violations that are written out; a broken detector breaks a rule thousands of times.
const WRITTEN_OUT: usize = 20;

impl Checker {
    /// A checker for this world.
    pub fn new(setup: &Setup, guarantees: Guarantees) -> Self {
        let hosts = setup.placement.members() as usize;
        let only_stops = setup.start == Start::Joined && setup.faults.iter().all(|fault| fault.kind.only_stops());
        // Where packets are lost, or come later than a period, some member is always suspected by another.
        let is_punctual = setup.loss == 0.0 && setup.placement.lateness() * 2 <= setup.period;
        let may_settle = is_punctual && !setup.faults.iter().any(|fault| fault.kind.may_outlast_its_end());
        Self {
            guarantees,
            ids: IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id)),
            own: vec![Incarnation::default(); hosts],
            reported: vec![SmallVec::new(); hosts],
            user_events: BTreeSet::new(),
            last_change: Time::ZERO,
            disturbances: 0,
            agreement: if only_stops { guarantees.converges_within } else { guarantees.heals_within }
                .filter(|_| may_settle),
            violations: Vec::new(),
            more: 0,
        }
    }

    /// Notes an effect of a fault.
    pub fn fault(&mut self, fault_event: &FaultEvent) {
        let last_change = std::mem::replace(&mut self.last_change, fault_event.at);
        let member = fault_event.member as usize;
        match fault_event.effect {
            Effect::Restarted => {
                self.own[member] = Incarnation::of_generation(self.own[member].generation + 1);
                self.reported[member].clear();
                self.user_events.retain(|&(observer, ..)| observer != fault_event.member);
            }
            // These change nothing about who is alive.
            Effect::Broadcast | Effect::MetaChanged => self.last_change = last_change,
            Effect::Disturbed => self.disturbances += 1,
            Effect::Released => self.disturbances -= 1,
            Effect::Crashed | Effect::Left | Effect::Joined => {}
        }
    }

    /// Checks an event that a member reports.
    pub fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let Some(about) = self.ids.index(event.about) else {
            return self.object(at, member, &format!("reports an unknown id {:016x}", event.about));
        };
        let incarnation = event.incarnation;
        if event.kind == EventKind::Updated && about == member {
            self.own[member as usize] = incarnation.max(self.own[member as usize]);
        }
        let own = self.own[about as usize];
        if event.kind == EventKind::SelfRefuted {
            if about != member || incarnation <= own {
                self.object(at, member, &format!("refutes with incarnation {incarnation} after {own}"));
            }
            self.own[member as usize] = incarnation;
            return;
        }
        if incarnation > own {
            self.object(
                at,
                member,
                &format!("knows incarnation {incarnation} of member {about}, which is at {own} itself"),
            );
        }
        if let EventKind::User(user) = &event.kind {
            if !self.user_events.insert((member, about, incarnation.generation, user.seq)) {
                self.object(at, member, &format!("reports event {} of member {about} again", user.seq));
            }
            return;
        }
        if let EventKind::Other(_) = event.kind {
            return;
        }
        let reported = &mut self.reported[member as usize];
        let at_entry = reported.binary_search_by_key(&about, |report| report.about).unwrap_or_else(|at_entry| {
            reported.insert(at_entry, Report { about, incarnation, is_dead: false });
            at_entry
        });
        let before = reported[at_entry];
        let is_dead = match event.kind {
            EventKind::Died | EventKind::Left => true,
            EventKind::Forgotten => before.is_dead,
            _ => false,
        };
        if event.kind == EventKind::Forgotten && !self.guarantees.returns_refuted {
            // Nothing remains of it: it may return by any record.
            reported.remove(at_entry);
            return;
        }
        reported[at_entry] = Report { about, incarnation, is_dead };
        let earlier = before.incarnation;
        if incarnation < earlier {
            self.object(
                at,
                member,
                &format!("goes back from incarnation {earlier} of member {about} to {incarnation}"),
            );
        }
        if before.is_dead && !is_dead && incarnation <= earlier && self.guarantees.returns_refuted {
            let what = format!("revives member {about} without a refutation: {incarnation} after death at {earlier}");
            self.object(at, member, &what);
        }
    }

    /// Checks how full a member's stores are.
    pub fn inspect(&mut self, at: Time, member: MemberIndex, gauge: Gauge) {
        let limits = self.guarantees.limits;
        for (what, now, limit) in [
            ("broadcasts", gauge.broadcasts, limits.broadcasts),
            ("relays", gauge.relays, limits.relays),
            ("forgotten members", gauge.forgotten, limits.forgotten),
            ("tombstones", gauge.tombstones, limits.tombstones),
        ] {
            if now > limit {
                self.object(at, member, &format!("holds {now} {what}, more than {limit}"));
            }
        }
    }

    /// Checks that a member's count of members at the end agrees with the number that are up.
    pub fn inspect_agreement(&mut self, at: Time, member: MemberIndex, counts: u32, up: u32) {
        // Guarantees hold from the end of a fault on.
        if self.disturbances > 0 || self.guarantees.needs_majority && 2 * up <= counts {
            return;
        }
        let quiet = at.since(self.last_change);
        if counts != up && self.agreement.is_some_and(|bound| quiet >= bound) {
            self.object(at, member, &format!("counts {counts} members {quiet} after the last fault; {up} are up"));
        }
    }

    /// All violations, as sentences.
    pub fn into_violations(mut self) -> Vec<String> {
        if self.more > 0 {
            self.violations.push(format!("and {} more", self.more));
        }
        self.violations
    }

    fn object(&mut self, at: Time, member: MemberIndex, what: &str) {
        if self.violations.len() < WRITTEN_OUT {
            self.violations.push(format!("{at}: member {member} {what}"));
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{EventSource, UserEvent};
    use crate::topology::{TopologyContext, topologies};
    use swimlab_selectors::Spec;

    fn checker() -> (Checker, Vec<u64>) {
        let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
        let setup = Setup::new(&lan, 3, 1, Vec::new());
        let ids = setup.placement.peers.iter().map(|peer| peer.id).collect();
        let limits = Gauge { broadcasts: 1, relays: 1, forgotten: 1, tombstones: 1 };
        let converges_within = Some(Span::from_secs(5));
        let guarantees = Guarantees { converges_within, returns_refuted: true, ..Guarantees::bounded(limits) };
        (Checker::new(&setup, guarantees), ids)
    }

    fn event(about: u64, refutations: u32, kind: EventKind) -> Event {
        Event { about, incarnation: Incarnation { generation: 0, refutations }, kind, source: EventSource::Own }
    }

    #[test]
    fn a_sound_run_has_no_violations() {
        let (mut checker, ids) = checker();
        let at = Time::ZERO;
        checker.event(at, 0, &event(ids[1], 0, EventKind::Suspected));
        checker.event(at, 1, &event(ids[1], 1, EventKind::SelfRefuted));
        checker.event(at, 0, &event(ids[1], 1, EventKind::Refuted));
        checker.event(at, 0, &event(ids[1], 1, EventKind::Died));
        checker.event(at, 1, &event(ids[1], 2, EventKind::SelfRefuted));
        checker.event(at, 0, &event(ids[1], 2, EventKind::Joined));
        assert_eq!(checker.into_violations(), [""; 0]);
    }

    #[test]
    fn an_incarnation_that_its_owner_never_had_is_a_violation() {
        let (mut checker, ids) = checker();
        checker.event(Time::ZERO, 0, &event(ids[1], 3, EventKind::Refuted));
        assert!(checker.into_violations()[0].contains("knows incarnation 0.3 of member 1, which is at 0.0 itself"));
    }

    #[test]
    fn a_return_without_a_refutation_is_a_violation() {
        let (mut checker, ids) = checker();
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Died));
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Forgotten));
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Joined));
        assert!(checker.into_violations()[0].contains("revives member 1 without a refutation"));
    }

    #[test]
    fn an_event_of_a_detector_s_own_says_nothing_about_who_is_alive() {
        let (mut checker, ids) = checker();
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Died));
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Other(7)));
        assert!(checker.violations.is_empty());
        checker.event(Time::ZERO, 0, &event(ids[1], 1, EventKind::Other(7)));
        assert!(checker.into_violations()[0].contains("knows incarnation 0.1 of member 1"));
    }

    #[test]
    fn an_application_event_that_is_reported_twice_in_one_life_is_a_violation() {
        let (mut checker, ids) = checker();
        let user = |seq| EventKind::User(UserEvent { seq, name: "e".into(), payload: [].into() }.into());
        for seq in [1, 2] {
            checker.event(Time::ZERO, 0, &event(ids[1], 0, user(seq)));
        }
        let restart = FaultEvent { at: Time::ZERO, fault: 0, member: 0, effect: Effect::Restarted };
        checker.fault(&restart);
        checker.event(Time::ZERO, 0, &event(ids[1], 0, user(1)));
        assert!(checker.violations.is_empty());
        checker.event(Time::ZERO, 0, &event(ids[1], 0, user(1)));
        assert_eq!(checker.into_violations(), ["0.000000s: member 0 reports event 1 of member 1 again"]);
    }

    #[test]
    fn without_that_guarantee_a_forgotten_member_returns_with_any_record() {
        let (mut checker, ids) = checker();
        checker.guarantees.returns_refuted = false;
        checker.event(Time::ZERO, 1, &event(ids[1], 1, EventKind::SelfRefuted));
        for (refutations, kind) in [(1, EventKind::Died), (1, EventKind::Forgotten), (0, EventKind::Joined)] {
            checker.event(Time::ZERO, 0, &event(ids[1], refutations, kind));
        }
        assert!(checker.violations.is_empty());
        // Before it is forgotten, not even there.
        checker.event(Time::ZERO, 0, &event(ids[1], 1, EventKind::Refuted));
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Suspected));
        assert!(checker.into_violations()[0].contains("goes back"));
    }

    #[test]
    fn disagreement_is_a_violation_only_after_the_guaranteed_time() {
        let (mut checker, _) = checker();
        let fault_event = FaultEvent { at: Time::from_micros(0), fault: 0, member: 2, effect: Effect::Crashed };
        checker.fault(&fault_event);
        checker.inspect_agreement(Time::from_micros(4_000_000), 0, 3, 2);
        assert!(checker.violations.is_empty());
        checker.inspect_agreement(Time::from_micros(5_000_000), 0, 3, 2);
        assert!(checker.into_violations()[0].contains("counts 3 members 5s after the last fault; 2 are up"));
    }

    #[test]
    fn agreement_is_expected_only_once_all_faults_are_over() {
        let (mut checker, _) = checker();
        checker.agreement = Some(Span::from_secs(5));
        let effects = [Effect::Disturbed, Effect::Disturbed, Effect::Released, Effect::Released];
        for (second, (effect, objections)) in (0..).zip(effects.into_iter().zip([0, 0, 0, 1])) {
            let at = Time::from_micros(second * 10_000_000);
            checker.fault(&FaultEvent { at, fault: 0, member: 1, effect });
            checker.inspect_agreement(at + Span::from_secs(6), 0, 2, 3);
            assert_eq!(checker.violations.len(), objections, "after {effect:?}");
        }
    }

    #[test]
    fn beside_a_host_that_may_never_catch_up_no_agreement_is_expected() {
        for (fault, objections) in [("slow:lasts=5s", 1), ("slow:lasts=5s,catch_up=2ms", 0)] {
            let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
            let fault = crate::sim::faults().build(&Spec::parse(fault).unwrap(), &()).unwrap();
            let guarantees = Guarantees { heals_within: Some(Span::from_secs(5)), ..Guarantees::default() };
            let mut checker = Checker::new(&Setup::new(&lan, 3, 1, vec![fault]), guarantees);
            checker.inspect_agreement(Time::from_micros(6_000_000), 0, 2, 3);
            assert_eq!(checker.violations.len(), objections);
        }
    }

    #[test]
    fn where_packets_are_often_late_by_more_than_a_period_no_agreement_is_expected() {
        for (topology, objections) in [("home", 0), ("home:jitter=false", 1), ("aws:jitter=true", 1)] {
            let topology = topologies().build(&Spec::parse(topology).unwrap(), &TopologyContext::default()).unwrap();
            let guarantees = Guarantees { converges_within: Some(Span::from_secs(5)), ..Guarantees::default() };
            let mut checker = Checker::new(&Setup::new(&topology, 6, 1, Vec::new()), guarantees);
            checker.inspect_agreement(Time::from_micros(6_000_000), 0, 5, 6);
            assert_eq!(checker.violations.len(), objections);
        }
    }

    #[test]
    fn without_a_majority_of_those_counted_no_agreement_is_expected_where_one_is_needed() {
        for (up, objections) in [(3, 0), (4, 1)] {
            let (mut checker, _) = checker();
            checker.guarantees.needs_majority = true;
            checker.inspect_agreement(Time::from_micros(5_000_000), 0, 6, up);
            assert_eq!(checker.violations.len(), objections, "{up} of 6 are up");
        }
    }

    #[test]
    fn an_overfull_store_is_a_violation() {
        let (mut checker, _) = checker();
        checker.inspect(Time::ZERO, 2, Gauge { relays: 2, ..Gauge::default() });
        assert_eq!(checker.into_violations(), ["0.000000s: member 2 holds 2 relays, more than 1"]);
    }
}
