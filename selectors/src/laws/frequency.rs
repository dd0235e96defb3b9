//! The law of the stated bound for probabilities per period, checked by counting.

use super::group::Group;
use super::law::{Law, Violation};
use super::member::Member;
use super::roster::PeerGenerator;
use super::scenario::Step;
use crate::peer::{Peer, Slot};
use crate::rng::{Purpose, below, stream};
use crate::selector::{Bound, DynSelector};
use crate::view::{Observation, View};

/// Pings of one peer since it joined.
#[derive(Clone, Copy, Default)]
struct Tally {
    pings: u32,
    /// Minimum of the expected number of pings.
    expected: f64,
}

impl Tally {
    /// Checks that the pings are at most five standard deviations below the expectation. A correct strategy fails this
    /// once in three million, and since the seed is fixed, never or always.
    fn check(self, slot: usize) -> Result<(), Violation> {
        let Self { pings, expected } = self;
        if f64::from(pings) >= expected - 5.0 * f64::sqrt(expected) - 1.0 {
            return Ok(());
        }
        let details =
            format!("slot {slot} was pinged {pings} times, where the bound promises {expected:.1} on average");
        Err(Law::Bound.violated(details))
    }
}

/// Checks that each peer is pinged as often as the probability per period says. The second half has churn.
pub(super) fn check(make: &impl Fn() -> DynSelector, generator: PeerGenerator) -> Result<(), Violation> {
    const SEED: u64 = 2002;
    let selector = make();
    for (members, direct) in [(2, 1), (3, 1), (6, 2), (20, 1), (20, 3)] {
        let Bound::PerPeriod(_) = selector.bound(members, direct) else { return Ok(()) };
        let mut joiners = stream(SEED, Purpose::Placement, 1);
        let roster: Vec<Peer> = (0..members).map(|_| generator(&mut joiners)).collect();
        let mut member = Member::new(&selector, Group::new(roster, 0), SEED);
        let mut faults = stream(SEED, Purpose::Faults, u64::from(members));
        let mut tallies = vec![Tally::default(); members as usize];
        for period in 0..4000 {
            if period > 2000 && period % 50 == 0 {
                let choice = below(&mut faults, 256) as u8;
                let step = [Step::Die(choice), Step::Forget(choice), Step::Join][(period / 50) % 3];
                match step.apply_to_member(&mut member, generator, &mut joiners) {
                    Some(Observation::Joined(slot)) => {
                        tallies.resize(member.group.slots() as usize, Tally::default());
                        tallies[slot as usize] = Tally::default();
                    }
                    Some(Observation::Left(slot)) => tallies[slot as usize].check(slot as usize)?,
                    _ => {}
                }
            }
            let Bound::PerPeriod(share) = selector.bound(member.group.slots(), direct) else { break };
            let mut picks = Vec::new();
            member.targets(direct as usize, &mut picks);
            for slot in member.group.pingable_slots() {
                let tally = &mut tallies[slot as usize];
                tally.pings += u32::from(picks.contains(&slot));
                tally.expected += share;
            }
        }
        for slot in (1..tallies.len()).filter(|&slot| member.group.pingable(slot as Slot)) {
            tallies[slot].check(slot)?;
        }
    }
    Ok(())
}
