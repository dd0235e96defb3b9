//! The observer that takes the measures of services.

use std::ops::Range;

use super::DiscoveryConfig;
use super::catalogs::Catalogs;
use super::clients::Clients;
use super::propagation::{PropagationReadings, SharedPropagation};
use crate::experiment::measures::{MeasuredValue, Victim, VictimKind};
use crate::protocol::{EventKind, Status, Time};
use crate::sim::{Effect, FaultEvent, MemberIndex, Setup};

/// An observer that takes the measures of services in one trial.
pub(in crate::experiment) struct DiscoveryRecorder {
    catalogs: Catalogs,
    clients: Clients,
    /// All members that crashed or left, in the order of their faults.
    victims: Vec<StaleVictim>,
    /// By member: the index of its victim while it is down.
    down: Vec<Option<usize>>,
    propagation: Option<SharedPropagation>,
}

/// The measures of services.
pub(in crate::experiment) struct DiscoveryReadings {
    pub stale_answer_s: MeasuredValue,
    pub requests_to_dead: MeasuredValue,
    pub wrong_answers: MeasuredValue,
    pub missed_instances: MeasuredValue,
    pub propagation: PropagationReadings,
}

/// A member that crashed or left, and what the others hand out of it.
struct StaleVictim {
    member: MemberIndex,
    is_instance: bool,
    at: Time,
    /// The time at which the last catalog ceased to hand it out; `None` while one does.
    removed_at: Option<Time>,
    requests: u32,
}

impl DiscoveryRecorder {
    /// A recorder of a trial with these services, measuring within `window`.
    pub(in crate::experiment) fn new(
        config: DiscoveryConfig,
        setup: &Setup,
        window: Range<Time>,
        propagation: Option<SharedPropagation>,
    ) -> Self {
        Self {
            catalogs: Catalogs::new(setup, config.instances.of_trial(setup)),
            clients: Clients::new(config, setup, window),
            victims: Vec::new(),
            down: vec![None; setup.placement.members() as usize],
            propagation,
        }
    }

    /// A member reports an event about another one.
    pub(in crate::experiment) fn event(
        &mut self,
        at: Time,
        observer: MemberIndex,
        subject: MemberIndex,
        kind: &EventKind,
    ) {
        let status = match kind {
            EventKind::Joined | EventKind::Refuted => Status::Alive,
            EventKind::Suspected => Status::Suspect,
            EventKind::Died | EventKind::Forgotten => Status::Dead,
            EventKind::Left => Status::Left,
            _ => return,
        };
        self.advance(at);
        self.catalogs.report(observer, subject, status);
        if let Some(victim) = self.down[subject as usize] {
            self.victims[victim].check(at, &self.catalogs);
        }
    }

    /// A fault takes effect on a member, or ends. `is_new` is false for one that stops or starts a member that has
    /// stopped or started already.
    pub(in crate::experiment) fn fault(&mut self, fault_event: &FaultEvent) {
        let FaultEvent { at, member, effect, .. } = *fault_event;
        self.advance(at);
        self.clients.fault(fault_event);
        let is_up = self.catalogs.is_up(member);
        match effect {
            Effect::Crashed | Effect::Left if is_up => self.stop(at, member),
            Effect::Joined | Effect::Restarted if !is_up => {
                self.catalogs.begin(member);
                self.down[member as usize] = None;
                self.with_propagation(|propagation| propagation.begin(at, member));
            }
            _ => {}
        }
    }

    fn stop(&mut self, at: Time, member: MemberIndex) {
        self.catalogs.stop(member);
        self.down[member as usize] = Some(self.victims.len());
        let is_instance = self.catalogs.offers(member);
        self.victims.push(StaleVictim { member, is_instance, at, removed_at: None, requests: 0 });
        // What the stopped member handed out is gone, too.
        for &victim in self.down.iter().flatten() {
            self.victims[victim].check(at, &self.catalogs);
        }
        self.with_propagation(|propagation| propagation.stop(at, member));
    }

    /// Lets clients send what is due before `at`.
    fn advance(&mut self, at: Time) {
        let Self { clients, catalogs, victims, down, .. } = self;
        clients.advance(at, catalogs, |dead| {
            if let Some(victim) = down[dead as usize] {
                victims[victim].requests += 1;
            }
        });
    }

    fn with_propagation(&self, change: impl FnOnce(&mut super::propagation::Propagation)) {
        if let Some(propagation) = &self.propagation {
            change(&mut propagation.lock());
        }
    }

    /// Returns the measures of a trial that ended at `end`, and completes its victims, which are the same in the same
    /// order.
    pub(in crate::experiment) fn finish(mut self, end: Time, victims: &mut [Victim]) -> DiscoveryReadings {
        self.advance(end);
        let mut stale_answer_s = MeasuredValue::Absent;
        for (victim, stale) in victims.iter_mut().zip(&self.victims).filter(|(_, stale)| stale.is_instance) {
            debug_assert_eq!(victim.member, stale.member);
            victim.requests_to_dead = Some(stale.requests);
            victim.stale_answer_s = stale.removed_at.map(|at| at.since(stale.at).as_secs_f64());
            if victim.kind != VictimKind::Leave {
                let one =
                    victim.stale_answer_s.map_or(MeasuredValue::Censored(victim.observed_s), MeasuredValue::Value);
                stale_answer_s = stale_answer_s.last_with(one);
            }
        }
        let counts = self.clients.counts;
        let share = |sum: f64, of: u64| match of {
            0 => MeasuredValue::Absent,
            of => MeasuredValue::Value(sum / of as f64),
        };
        DiscoveryReadings {
            stale_answer_s,
            requests_to_dead: MeasuredValue::Value(counts.to_dead as f64),
            wrong_answers: share(counts.wrong as f64, counts.requests),
            missed_instances: share(counts.lacking, counts.served),
            propagation: self
                .propagation
                .map_or(PropagationReadings::ABSENT, |propagation| propagation.lock().finish(end)),
        }
    }
}

impl DiscoveryReadings {
    /// The measures of a trial without services.
    pub(in crate::experiment) const ABSENT: Self = Self {
        stale_answer_s: MeasuredValue::Absent,
        requests_to_dead: MeasuredValue::Absent,
        wrong_answers: MeasuredValue::Absent,
        missed_instances: MeasuredValue::Absent,
        propagation: PropagationReadings::ABSENT,
    };
}

impl StaleVictim {
    /// Notes whether a catalog hands it out.
    fn check(&mut self, at: Time, catalogs: &Catalogs) {
        self.removed_at = match catalogs.holders(self.member) {
            0 => Some(self.removed_at.unwrap_or(at)),
            _ => None,
        };
    }
}
