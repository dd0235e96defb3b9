//! The laws of a selector, checked with scenarios that one member observes.

use super::law::{Law, Violation};
use super::member::Member;
use super::roster::PeerGenerator;
use super::scenario::{Scenario, Step, check_picks};
use crate::coordinate::Coordinate;
use crate::peer::Slot;
use crate::rng::{Purpose, below, mix, stream, unit};
use crate::selector::{Bound, DynSelector};
use crate::view::{Observation, View};

/// Checks the laws in a scenario, which is run twice, and that an empty roster can be indexed.
pub(super) fn check(
    make: &impl Fn() -> DynSelector,
    scenario: &Scenario,
    generator: PeerGenerator,
) -> Result<(), Violation> {
    let picks = run(&make(), scenario, generator)?;
    if picks != run(&make(), scenario, generator)? {
        return Err(Law::Deterministic.violated("the same scenario was run twice, with different picks"));
    }
    make().build_index(&[]);
    Ok(())
}

/// Has a member observe the acks of its pings: round-trip times that depend on the peers, most of them with a
/// coordinate and a hint, some of which are implausible.
fn observe_acks(member: &mut Member, picks: &[Slot]) {
    for &slot in picks {
        let peer = mix(member.group.peer(slot).id);
        let mut rng = stream(peer, Purpose::Network, member.period());
        let mut number = |most: f64| (unit(&mut rng) * most) as f32;
        let vector = std::array::from_fn(|_| number(2e4));
        let error = [number(1.6), 0.1, f32::NAN][(peer % 3) as usize];
        let coordinate = Coordinate { vector, height: number(1000.0), adjustment: 0.0, error };
        let hinted = below(&mut rng, member.group.slots());
        let rtt_us = 100 + (peer % 30_000) as u32 + below(&mut rng, 1000);
        let hint = Observation::NeighborHint { slot: hinted, rtt_us: below(&mut rng, 30_000) };
        for observation in [Observation::Coordinate { slot, coordinate }, Observation::Rtt { slot, rtt_us }, hint] {
            member.observe(observation);
        }
    }
}

/// Wait of a peer for its next ping.
#[derive(Clone, Copy)]
struct Wait {
    since: u64,
    /// Whether the peer has not been pinged since it joined.
    joined: bool,
}

fn run(selector: &DynSelector, scenario: &Scenario, generator: PeerGenerator) -> Result<Vec<Slot>, Violation> {
    let (group, mut joiners) = scenario.begin(generator);
    let mut member = Member::new(selector, group, scenario.seed);
    let mut waits = vec![Wait { since: 0, joined: true }; scenario.members as usize];
    let mut all_picks = Vec::new();
    for &step in &scenario.steps {
        if let Some(Observation::Joined(slot)) = step.apply_to_member(&mut member, generator, &mut joiners) {
            waits.resize(member.group.slots() as usize, Wait { since: 0, joined: true });
            waits[slot as usize] = Wait { since: member.period(), joined: true };
        }
        if let Step::Pass { periods } = step {
            for _ in 0..periods {
                pass(selector, scenario, &mut member, &mut waits, &mut all_picks)?;
            }
        }
    }
    // Finally a time without events that is long enough to reach the bound once more.
    if let Bound::Periods(bound) = selector.bound(member.group.slots(), scenario.direct.into()) {
        for _ in 0..(2 * bound + 1).min(5000) {
            pass(selector, scenario, &mut member, &mut waits, &mut all_picks)?;
        }
    }
    Ok(all_picks)
}

/// Runs one period: checks the picks of targets and of gossip, and that no peer waits longer than the bound allows.
fn pass(
    selector: &DynSelector,
    scenario: &Scenario,
    member: &mut Member,
    waits: &mut [Wait],
    all_picks: &mut Vec<Slot>,
) -> Result<(), Violation> {
    let period = member.period();
    for gossip in [false, true] {
        let want = usize::from(scenario.direct) + usize::from(gossip);
        // Picks are added to a list that is not empty.
        let mut picks = vec![member.group.me()];
        if gossip {
            member.gossip(want, &mut picks);
        } else {
            member.targets(want, &mut picks);
        }
        let picks = &picks[1..];
        check_picks(&member.group, picks)?;
        let pingable = member.group.pingable_count() as usize;
        if picks.len() != want.min(pingable) {
            let details = format!("{want} of {pingable} pingable members were wanted; {picks:?} were picked");
            return Err(Law::AsManyAsWanted.violated(details));
        }
        if !gossip {
            picks.iter().for_each(|&slot| waits[slot as usize] = Wait { since: period, joined: false });
            observe_acks(member, picks);
        }
        all_picks.extend(picks);
    }
    let Bound::Periods(bound) = selector.bound(member.group.slots(), scenario.direct.into()) else { return Ok(()) };
    for slot in member.group.pingable_slots() {
        let Wait { since, joined } = waits[slot as usize];
        // A joiner may wait for another traversal.
        let bound = if joined { 2 * bound } else { bound };
        if period - since > bound {
            let details = format!(
                "in period {period}, slot {slot} has waited since period {since}, where the bound is {bound} periods \
                 for {} slots and {} pings per period",
                member.group.slots(),
                scenario.direct
            );
            return Err(Law::Bound.violated(details));
        }
    }
    Ok(())
}
