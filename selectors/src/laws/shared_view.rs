//! The law of the stated bound for pings by any member, checked with a whole group of the same view.

use super::group::Group;
use super::law::{Law, Violation};
use super::member::Member;
use super::roster::PeerGenerator;
use super::scenario::{Scenario, Step};
use crate::peer::Slot;
use crate::selector::{Bound, DynSelector};
use crate::view::{Observation, View};

/// Checks that no member waits longer for a ping by any other than the bound allows, in a scenario that all members
/// observe at once.
pub(super) fn check(
    make: &impl Fn() -> DynSelector,
    scenario: &Scenario,
    generator: PeerGenerator,
) -> Result<(), Violation> {
    let selector = make();
    let Bound::AnyMember(_) = selector.bound(u32::MAX, scenario.direct.into()) else { return Ok(()) };
    let (mut model, mut joiners) = scenario.begin(generator);
    let mut all = AllMembers::new(&selector, scenario, &model);
    for &step in &scenario.steps {
        if let Step::Pass { periods } = step {
            (0..periods).try_for_each(|_| all.pass(&model))?;
        }
        let observation = step.apply(&mut model, generator, &mut joiners);
        all.observe(&model, observation);
    }
    (0..20).try_for_each(|_| all.pass(&model))
}

struct AllMembers<'a> {
    selector: &'a DynSelector,
    scenario: &'a Scenario,
    /// By slot; `None` for the dead.
    members: Vec<Option<Member>>,
    /// Period of the latest ping of each member.
    pinged: Vec<u64>,
    period: u64,
}

impl<'a> AllMembers<'a> {
    fn new(selector: &'a DynSelector, scenario: &'a Scenario, model: &Group) -> Self {
        let mut all = Self { selector, scenario, members: Vec::new(), pinged: Vec::new(), period: 1 };
        (0..model.slots()).for_each(|slot| all.start(model, slot));
        all
    }

    fn start(&mut self, model: &Group, slot: Slot) {
        let slots = model.slots() as usize;
        self.members.resize_with(slots, || None);
        self.pinged.resize(slots, self.period);
        let mut member = Member::new(self.selector, Group::new(model.roster().to_vec(), slot), self.scenario.seed);
        member.set_period(self.period);
        member.group.copy_from(model);
        self.members[slot as usize] = Some(member);
        self.pinged[slot as usize] = self.period;
    }

    /// Has all members observe an event. They reindex after each join, so that all have the same index.
    fn observe(&mut self, model: &Group, observation: Option<Observation>) {
        for member in self.members.iter_mut().flatten() {
            member.group.copy_from(model);
            if let Some(observation) = observation {
                member.observe(observation);
            }
        }
        match observation {
            Some(Observation::Joined(slot)) => {
                self.start(model, slot);
                self.members.iter_mut().flatten().for_each(Member::reindex);
            }
            Some(Observation::Left(slot)) => self.members[slot as usize] = None,
            _ => {}
        }
    }

    fn pass(&mut self, model: &Group) -> Result<(), Violation> {
        for member in self.members.iter_mut().flatten() {
            let mut picks = Vec::new();
            member.targets(self.scenario.direct.into(), &mut picks);
            picks.iter().for_each(|&slot| self.pinged[slot as usize] = self.period);
        }
        let alive: Vec<usize> = (0..self.members.len()).filter(|&slot| self.members[slot].is_some()).collect();
        let Bound::AnyMember(bound) = self.selector.bound(model.slots(), self.scenario.direct.into()) else {
            self.period += 1;
            return Ok(());
        };
        for slot in alive.iter().copied().filter(|_| alive.len() > 1) {
            let since = self.pinged[slot];
            if since != self.period && self.period - since >= bound {
                let details = format!(
                    "in period {}, slot {slot} has not been pinged since period {since}, where the bound is {bound} \
                     periods for {} slots; all {} living members have the same view",
                    self.period,
                    model.slots(),
                    alive.len()
                );
                return Err(Law::Bound.violated(details));
            }
        }
        self.period += 1;
        Ok(())
    }
}
