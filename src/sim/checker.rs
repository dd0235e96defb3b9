//! What must hold in every trial, whatever is measured: incarnations only their owners raise, no return by old news,
//! bounded stores, agreement once the last fault is long enough over.

use super::fault::FaultKind;
use super::id_index::IdIndex;
use super::observer::{Effect, FaultEvent, MemberIndex};
use super::setup::Setup;
use crate::protocol::{Event, EventKind, Gauge, Incarnation, Span, Time};

/// What a detector promises, and is held to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guarantees {
    /// How full the bounded stores of a member can be, in a world of as many members as there are hosts.
    pub limits: Gauge,
    /// Without loss: how long after the last crash or departure all know of it. `None`: no promise.
    pub converges_within: Option<Span>,
    /// Without loss: how long after any other fault is over all know who is alive. `None`: no promise.
    pub heals_within: Option<Span>,
    /// Whether who was held dead comes back only with an incarnation that its owner raised.
    pub returns_refuted: bool,
}

/// Watches one world.
pub struct Checker {
    guarantees: Guarantees,
    ids: IdIndex,
    /// Each member's own incarnation.
    own: Vec<Incarnation>,
    /// What each member has said of others: the highest incarnation, and whether it holds them dead.
    said: Vec<Said>,
    /// When something last began or ceased to be wrong.
    last_change: Time,
    /// What must have passed since, for all to agree; `None` if it cannot be expected.
    agreement: Option<Span>,
    violations: Vec<String>,
    more: usize,
}

/// Sorted by whom it is about: a few entries in nearly every trial.
type Said = Vec<(MemberIndex, Incarnation, bool)>;

/// How many violations are reported in words; a broken detector breaks a rule thousands of times.
const REPORTED: usize = 20;

impl Checker {
    /// A checker for this world.
    pub fn new(setup: &Setup, guarantees: Guarantees) -> Self {
        let hosts = setup.placement.members() as usize;
        let quiet = |kind: &FaultKind| matches!(kind, FaultKind::Crash | FaultKind::Leave);
        let only_ends = setup.start == super::setup::Start::Joined && setup.faults.iter().all(|f| quiet(&f.kind));
        // With lossy links somebody is always being doubted somewhere.
        let lossless = setup.loss == 0.0;
        Self {
            guarantees,
            ids: IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id)),
            own: vec![Incarnation::default(); hosts],
            said: vec![Said::new(); hosts],
            last_change: Time::ZERO,
            agreement: if only_ends { guarantees.converges_within } else { guarantees.heals_within }
                .filter(|_| lossless),
            violations: Vec::new(),
            more: 0,
        }
    }

    /// A fault struck or released a member.
    pub fn fault(&mut self, fault_event: &FaultEvent) {
        self.last_change = fault_event.at;
        let member = fault_event.member as usize;
        match fault_event.effect {
            Effect::Restarted => {
                self.own[member] = Incarnation::of_generation(self.own[member].generation + 1);
                self.said[member].clear();
            }
            Effect::Crashed | Effect::Left | Effect::Joined | Effect::Disturbed | Effect::Released => {}
        }
    }

    /// A member noticed something.
    pub fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let Some(about) = self.ids.index(event.about) else {
            return self.object(at, member, &format!("speaks of an unknown id {:016x}", event.about));
        };
        let told = event.incarnation;
        if event.kind == EventKind::Updated && about == member {
            self.own[member as usize] = told.max(self.own[member as usize]);
        }
        let own = self.own[about as usize];
        if event.kind == EventKind::SelfRefuted {
            if about != member || told <= own {
                self.object(at, member, &format!("answers an accusation with incarnation {told} after {own}"));
            }
            self.own[member as usize] = told;
            return;
        }
        if told > own {
            self.object(at, member, &format!("knows incarnation {told} of member {about}, which is at {own} itself"));
        }
        if matches!(event.kind, EventKind::User(_)) {
            return;
        }
        let said = &mut self.said[member as usize];
        let at_entry = said.binary_search_by_key(&about, |&(about, ..)| about).unwrap_or_else(|at_entry| {
            if said.is_empty() {
                said.reserve_exact(1);
            }
            said.insert(at_entry, (about, told, false));
            at_entry
        });
        let (_, before, was_dead) = said[at_entry];
        let is_dead = match event.kind {
            EventKind::Died | EventKind::Left => true,
            EventKind::Forgotten => was_dead,
            _ => false,
        };
        said[at_entry] = (about, told, is_dead);
        if told < before {
            self.object(at, member, &format!("goes back from incarnation {before} of member {about} to {told}"));
        }
        if was_dead && !is_dead && told <= before && self.guarantees.returns_refuted {
            self.object(at, member, &format!("revives member {about} by old news: {told} after death at {before}"));
        }
    }

    /// How full a member's stores are now.
    pub fn inspect(&mut self, at: Time, member: MemberIndex, gauge: Gauge) {
        let limits = self.guarantees.limits;
        for (what, now, limit) in [
            ("broadcasts", gauge.broadcasts, limits.broadcasts),
            ("relays", gauge.relays, limits.relays),
            ("buried members", gauge.forgotten, limits.forgotten),
            ("graves", gauge.tombstones, limits.tombstones),
        ] {
            if now > limit {
                self.object(at, member, &format!("holds {now} {what}, more than {limit}"));
            }
        }
    }

    /// How many members somebody counts at the end, where so many are up.
    pub fn inspect_agreement(&mut self, at: Time, member: MemberIndex, counts: u32, up: u32) {
        let quiet = at.since(self.last_change);
        if counts != up && self.agreement.is_some_and(|bound| quiet >= bound) {
            self.object(at, member, &format!("counts {counts} members {quiet} after the last fault; {up} are up"));
        }
    }

    /// All objections, as sentences.
    pub fn into_violations(mut self) -> Vec<String> {
        if self.more > 0 {
            self.violations.push(format!("and {} more", self.more));
        }
        self.violations
    }

    fn object(&mut self, at: Time, member: MemberIndex, what: &str) {
        if self.violations.len() < REPORTED {
            self.violations.push(format!("{at}: member {member} {what}"));
        } else {
            self.more += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::EventSource;
    use crate::topology::{TopologyContext, topologies};
    use swimlab_selectors::Spec;

    fn checker() -> (Checker, Vec<u64>) {
        let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
        let setup = Setup::new(&lan, 3, 1, Vec::new());
        let ids = setup.placement.peers.iter().map(|peer| peer.id).collect();
        let limits = Gauge { broadcasts: 1, relays: 1, forgotten: 1, tombstones: 1 };
        let converges_within = Some(Span::from_secs(5));
        (Checker::new(&setup, Guarantees { limits, converges_within, heals_within: None, returns_refuted: true }), ids)
    }

    fn event(about: u64, refutations: u32, kind: EventKind) -> Event {
        Event { about, incarnation: Incarnation { generation: 0, refutations }, kind, source: EventSource::Own }
    }

    #[test]
    fn a_sound_life_raises_no_objection() {
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
    fn an_incarnation_that_its_owner_never_had_is_objected_to() {
        let (mut checker, ids) = checker();
        checker.event(Time::ZERO, 0, &event(ids[1], 3, EventKind::Refuted));
        assert!(checker.into_violations()[0].contains("knows incarnation 0.3 of member 1, which is at 0.0 itself"));
    }

    #[test]
    fn a_return_by_old_news_is_objected_to() {
        let (mut checker, ids) = checker();
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Died));
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Forgotten));
        checker.event(Time::ZERO, 0, &event(ids[1], 0, EventKind::Joined));
        assert!(checker.into_violations()[0].contains("revives member 1 by old news"));
    }

    #[test]
    fn disagreement_is_objected_to_only_once_the_promised_time_is_over() {
        let (mut checker, _) = checker();
        let fault_event = FaultEvent { at: Time::from_micros(0), fault: 0, member: 2, effect: Effect::Crashed };
        checker.fault(&fault_event);
        checker.inspect_agreement(Time::from_micros(4_000_000), 0, 3, 2);
        assert!(checker.violations.is_empty());
        checker.inspect_agreement(Time::from_micros(5_000_000), 0, 3, 2);
        assert!(checker.into_violations()[0].contains("counts 3 members 5s after the last fault; 2 are up"));
    }

    #[test]
    fn an_overfull_store_is_objected_to() {
        let (mut checker, _) = checker();
        checker.inspect(Time::ZERO, 2, Gauge { relays: 2, ..Gauge::default() });
        assert_eq!(checker.into_violations(), ["0.000000s: member 2 holds 2 relays, more than 1"]);
    }
}
