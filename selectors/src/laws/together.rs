//! A whole group that sees the same and counts the same periods: nobody goes unpinged by all.

use super::group::Group;
use super::member::Member;
use super::rosters::Maker;
use super::script::{Act, Script};
use super::{Breach, Law};
use crate::peer::Slot;
use crate::selector::{Bound, DynSelector};
use crate::view::{Observation, View};

/// Plays a script that all members see at once. Nobody may wait for a ping by anybody for longer than was promised.
pub(super) fn play(make: &impl Fn() -> DynSelector, script: &Script, maker: Maker) -> Result<(), Breach> {
    let strategy = make();
    let Bound::Anybody(_) = strategy.bound(u32::MAX, script.direct.into()) else { return Ok(()) };
    let (mut model, mut joiners) = script.begin(maker);
    let mut crew = Crew::new(&strategy, script, &model);
    for &act in &script.acts {
        if let Act::Pass { periods } = act {
            (0..periods).try_for_each(|_| crew.pass(&model))?;
        }
        let what = act.happen(&mut model, maker, &mut joiners);
        // Who joins is known to all, and all survey the roster anew: what else they do is for tests of their own.
        crew.sees(&model, what);
    }
    (0..20).try_for_each(|_| crew.pass(&model))
}

struct Crew<'a> {
    strategy: &'a DynSelector,
    script: &'a Script,
    /// By slot; `None` for the dead.
    members: Vec<Option<Member>>,
    /// In which period each was last pinged.
    pinged: Vec<u64>,
    period: u64,
}

impl<'a> Crew<'a> {
    fn new(strategy: &'a DynSelector, script: &'a Script, model: &Group) -> Self {
        let mut crew = Self { strategy, script, members: Vec::new(), pinged: Vec::new(), period: 1 };
        (0..model.slots()).for_each(|slot| crew.begins(model, slot));
        crew
    }

    fn begins(&mut self, model: &Group, slot: Slot) {
        let slots = model.slots() as usize;
        self.members.resize_with(slots, || None);
        self.pinged.resize(slots, self.period);
        let mut member = Member::new(self.strategy, Group::new(model.roster().to_vec(), slot), self.script.seed);
        member.is_in(self.period);
        member.group.see(model);
        self.members[slot as usize] = Some(member);
        self.pinged[slot as usize] = self.period;
    }

    fn sees(&mut self, model: &Group, what: Option<Observation>) {
        for member in self.members.iter_mut().flatten() {
            member.group.see(model);
            if let Some(what) = what {
                member.observe(what);
            }
        }
        match what {
            Some(Observation::Joined(slot)) => {
                self.begins(model, slot);
                self.members.iter_mut().flatten().for_each(Member::reindex);
            }
            Some(Observation::Left(slot)) => self.members[slot as usize] = None,
            _ => {}
        }
    }

    fn pass(&mut self, model: &Group) -> Result<(), Breach> {
        for member in self.members.iter_mut().flatten() {
            let mut picks = Vec::new();
            member.targets(self.script.direct.into(), &mut picks);
            picks.iter().for_each(|&slot| self.pinged[slot as usize] = self.period);
        }
        let alive: Vec<usize> = (0..self.members.len()).filter(|&slot| self.members[slot].is_some()).collect();
        let Bound::Anybody(bound) = self.strategy.bound(model.slots(), self.script.direct.into()) else {
            self.period += 1;
            return Ok(());
        };
        for slot in alive.iter().copied().filter(|_| alive.len() > 1) {
            let since = self.pinged[slot];
            if since != self.period && self.period - since >= bound {
                let story = format!(
                    "in period {} nobody has pinged slot {slot} since period {since}, though {bound} periods were \
                     promised at most for {} slots, all {} members alive seeing the same",
                    self.period,
                    model.slots(),
                    alive.len()
                );
                return Err(Law::Bound.breach(story));
            }
        }
        self.period += 1;
        Ok(())
    }
}
