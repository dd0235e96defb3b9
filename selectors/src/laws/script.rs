//! EventKind happens to a group, as written by proptest.

use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::group::{Group, Standing};
use super::rosters::Maker;
use super::{Breach, Laws};
use crate::peer::{Peer, Slot};
use crate::rng::{Purpose, Rng, stream};
use crate::view::{Observation, View};

/// A group and what happens to it.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub seed: u64,
    /// Members at the beginning, oneself among them.
    pub members: u32,
    /// One's own slot.
    pub me: Slot,
    /// Picks per period.
    pub direct: u8,
    pub acts: Vec<Act>,
}

/// One thing that happens. Numbers choose among those to whom it can happen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Pass { periods: u8 },
    Join,
    Die(u8),
    Return(u8),
    Forget(u8),
    Suspect(u8),
    Clear(u8),
    Resurvey,
}

impl Script {
    /// The group at the beginning, and the stream that makes joiners.
    pub fn begin(&self, make_peer: Maker) -> (Group, Rng) {
        let mut rng = stream(self.seed, Purpose::Placement, 0);
        let roster: Vec<Peer> = (0..self.members).map(|_| make_peer(&mut rng)).collect();
        (Group::new(roster, self.me), rng)
    }
}

impl Act {
    /// Lets it happen; tells what a selector observes of it.
    pub fn happen(self, group: &mut Group, make_peer: Maker, rng: &mut Rng) -> Option<Observation> {
        use Standing::{Alive, Dead, Suspect, Vacant};
        let mut turn_into = |from: fn(Standing) -> bool, to: Standing, choice: u8| {
            let slots = group.others(from);
            let slot = *slots.get(usize::from(choice) % slots.len().max(1))?;
            group.mark(slot, to);
            Some(slot)
        };
        match self {
            Self::Join => Some(Observation::Joined(group.join(make_peer(rng)))),
            Self::Die(n) => turn_into(|s| matches!(s, Alive | Suspect), Dead, n).map(Observation::Left),
            Self::Return(n) => turn_into(|s| s == Dead, Alive, n).map(Observation::Joined),
            Self::Forget(n) => turn_into(|s| s == Dead, Vacant, n).and(None),
            Self::Suspect(n) => turn_into(|s| s == Alive, Suspect, n).and(None),
            Self::Clear(n) => turn_into(|s| s == Suspect, Alive, n).and(None),
            Self::Resurvey => {
                group.reindex();
                None
            }
            Self::Pass { .. } => None,
        }
    }
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        6 => (1..40u8).prop_map(|periods| Act::Pass { periods }),
        3 => Just(Act::Join),
        3 => any::<u8>().prop_map(Act::Die),
        1 => any::<u8>().prop_map(Act::Return),
        2 => any::<u8>().prop_map(Act::Forget),
        2 => any::<u8>().prop_map(Act::Suspect),
        1 => any::<u8>().prop_map(Act::Clear),
        1 => Just(Act::Resurvey),
    ]
}

fn any_script(members: u32) -> impl Strategy<Value = Script> {
    let acts = prop::collection::vec(any_act(), 0..40);
    // Half of the groups have at most five others.
    let members = prop_oneof![1..=members.min(6), 1..=members];
    (any::<u64>(), members, any::<u32>(), 1..=4u8, acts).prop_map(|(seed, members, me, direct, acts)| Script {
        seed,
        members,
        me: me % members,
        direct,
        acts,
    })
}

/// Plays scripts until one breaks a law; then finds the shortest that does.
pub(super) fn play_scripts(laws: &Laws, play: impl Fn(&Script) -> Result<(), Breach>) -> Result<(), Breach> {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(laws.scripts) };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let outcome = runner.run(&any_script(laws.members.max(1)), |script| {
        play(&script).map_err(|breach| TestCaseError::fail(breach.to_string()))
    });
    match outcome {
        Err(TestError::Fail(_, script)) => {
            let mut breach = play(&script).expect_err("a script that breaks a law does so again");
            breach.story += &format!("\nin {script:?}");
            Err(breach)
        }
        Err(TestError::Abort(why)) => panic!("no scripts could be written: {why}"),
        Ok(()) => Ok(()),
    }
}

/// The laws that hold for any list of picks.
pub(super) fn picks_are_lawful(group: &Group, picks: &[Slot]) -> Result<(), Breach> {
    use super::Law;
    for (i, &slot) in picks.iter().enumerate() {
        if slot == group.me() {
            return Err(Law::NeverOneself.breach(format!("the member in slot {slot} picked itself")));
        }
        if slot >= group.slots() || !group.pingable(slot) {
            return Err(Law::NeverTheDead.breach(format!("slot {slot} was picked, where nobody is alive")));
        }
        if picks[..i].contains(&slot) {
            return Err(Law::Distinct.breach(format!("{slot} is twice among the picks {picks:?}")));
        }
    }
    Ok(())
}
