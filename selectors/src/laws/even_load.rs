//! The law of even load, checked by counting: with all members at one location, none is neglected by all.

use super::group::Group;
use super::law::{Law, Violation};
use super::member::Member;
use super::roster::at_one_location;
use crate::peer::Peer;
use crate::rng::{Purpose, stream};
use crate::selector::DynSelector;

/// Checks that each member at one location gets at least half of the mean number of pings.
pub(super) fn check(make: &impl Fn() -> DynSelector) -> Result<(), Violation> {
    const MEMBERS: u32 = 40;
    const PERIODS: u32 = 400;
    const SEED: u64 = 2002;
    let mut rng = stream(SEED, Purpose::Placement, 2);
    let roster: Vec<Peer> = (0..MEMBERS).map(|_| at_one_location(&mut rng)).collect();
    let selector = make();
    let mut pings = vec![0; MEMBERS as usize];
    for me in 0..MEMBERS {
        let mut member = Member::new(&selector, Group::new(roster.clone(), me), SEED);
        for _ in 0..PERIODS {
            let mut picks = Vec::new();
            member.targets(1, &mut picks);
            picks.iter().for_each(|&slot| pings[slot as usize] += 1);
        }
    }
    let all: u32 = pings.iter().sum();
    let Some(slot) = pings.iter().position(|&count| 2 * MEMBERS * count < all) else { return Ok(()) };
    let others = pings.iter().enumerate().filter(|(other, _)| *other != slot).map(|(_, count)| *count);
    let (least, most) = (others.clone().min().unwrap_or(0), others.max().unwrap_or(0));
    Err(Law::EvenLoad.violated(format!(
        "of {MEMBERS} members at one location, number {slot} was pinged {} times in {PERIODS} periods, and the others \
         {least} to {most} times",
        pings[slot]
    )))
}
