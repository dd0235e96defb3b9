//! The laws that take counting: probabilities per period, and that nobody is overlooked.

use super::group::Group;
use super::member::Member;
use super::rosters::{Maker, at_one_place};
use super::script::Act;
use super::{Breach, Law};
use crate::peer::{Peer, Slot};
use crate::rng::{Purpose, below, stream};
use crate::selector::{Bound, DynSelector};
use crate::view::{Observation, View};

const SEED: u64 = 2002;

/// A probability per period is kept: each peer is pinged at least as often as it says, less five standard
/// deviations, which an honest strategy misses once in three million; the seed being fixed, never or always. The second
/// half of the periods has churn.
pub(super) fn pings_as_often_as_promised(make: &impl Fn() -> DynSelector, maker: Maker) -> Result<(), Breach> {
    let strategy = make();
    for (members, direct) in [(2, 1), (3, 1), (6, 2), (20, 1), (20, 3)] {
        let Bound::PerPeriod(_) = strategy.bound(members, direct) else { return Ok(()) };
        let mut joiners = stream(SEED, Purpose::Placement, 1);
        let roster: Vec<Peer> = (0..members).map(|_| maker(&mut joiners)).collect();
        let mut member = Member::new(&strategy, Group::new(roster, 0), SEED);
        let mut faults = stream(SEED, Purpose::Faults, u64::from(members));
        // (pings, expected at least), since it is there.
        let mut tallies = vec![(0u32, 0.0); members as usize];
        let judge = |slot: usize, (pings, expected): (u32, f64)| {
            if f64::from(pings) >= expected - 5.0 * f64::sqrt(expected) - 1.0 {
                return Ok(());
            }
            let story =
                format!("slot {slot} was pinged {pings} times, though {expected:.1} times were promised on average");
            Err(Law::Bound.breach(story))
        };
        for period in 0..4000 {
            if period > 2000 && period % 50 == 0 {
                let choice = below(&mut faults, 256) as u8;
                let act = [Act::Die(choice), Act::Forget(choice), Act::Join][(period / 50) % 3];
                match member.happens(act, maker, &mut joiners) {
                    Some(Observation::Joined(slot)) => {
                        tallies.resize(member.group.slots() as usize, (0, 0.0));
                        tallies[slot as usize] = (0, 0.0);
                    }
                    Some(Observation::Left(slot)) => judge(slot as usize, tallies[slot as usize])?,
                    _ => {}
                }
            }
            let Bound::PerPeriod(share) = strategy.bound(member.group.slots(), direct) else { break };
            let mut picks = Vec::new();
            member.targets(direct as usize, &mut picks);
            for slot in member.group.others(|_| true).into_iter().filter(|&slot| member.group.pingable(slot)) {
                let (pings, expected) = &mut tallies[slot as usize];
                *pings += u32::from(picks.contains(&slot));
                *expected += share;
            }
        }
        for slot in (1..tallies.len()).filter(|&slot| member.group.pingable(slot as Slot)) {
            judge(slot, tallies[slot])?;
        }
    }
    Ok(())
}

/// With all members at one place, everyone is pinged at least half as often as on average.
pub(super) fn overlooks_nobody(make: &impl Fn() -> DynSelector) -> Result<(), Breach> {
    const MEMBERS: u32 = 40;
    const PERIODS: u32 = 400;
    let mut rng = stream(SEED, Purpose::Placement, 2);
    let roster: Vec<Peer> = (0..MEMBERS).map(|_| at_one_place(&mut rng)).collect();
    let strategy = make();
    let mut pings = vec![0; MEMBERS as usize];
    for me in 0..MEMBERS {
        let mut member = Member::new(&strategy, Group::new(roster.clone(), me), SEED);
        let mut picks = Vec::new();
        (0..PERIODS).for_each(|_| member.targets(1, &mut picks));
        picks.iter().for_each(|&slot| pings[slot as usize] += 1);
    }
    match pings.iter().position(|&count| count < PERIODS / 2) {
        None => Ok(()),
        Some(slot) => Err(Law::NobodyOverlooked.breach(format!(
            "of {MEMBERS} members at one place, number {slot} was pinged {} times in {PERIODS} periods, and the others \
             about {PERIODS} times",
            pings[slot]
        ))),
    }
}
