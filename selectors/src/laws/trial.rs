//! A selector in a group to which things happen.

use super::member::Member;
use super::rosters::Maker;
use super::script::{Act, Script, picks_are_lawful};
use super::{Breach, Law};
use crate::coordinate::Coordinate;
use crate::peer::Slot;
use crate::rng::{Purpose, Rng, below, mix, stream, unit};
use crate::selector::{Bound, DynSelector};
use crate::view::{Observation, View};

/// Plays a script twice, and once with an index over nobody.
pub(super) fn play(make: &impl Fn() -> DynSelector, script: &Script, maker: Maker) -> Result<(), Breach> {
    let picks = run(&make(), script, maker)?;
    if picks != run(&make(), script, maker)? {
        return Err(Law::Deterministic.breach("the same script was played twice, with different picks"));
    }
    make().build_index(&[]);
    Ok(())
}

impl Member {
    /// Those who were pinged answer: after a time that depends on who they are, most of them with a coordinate and a tip.
    /// Some of what they say cannot be.
    fn hears(&mut self, picks: &[Slot]) {
        for &slot in picks {
            let peer = mix(self.group.peer(slot).id);
            let mut answer = stream(peer, Purpose::Network, self.period());
            let mut number = |most: f64| (unit(&mut answer) * most) as f32;
            let vector = std::array::from_fn(|_| number(2e4));
            let error = [number(1.6), 0.1, f32::NAN][(peer % 3) as usize];
            let at = Coordinate { vector, height: number(1000.0), adjustment: 0.0, error };
            let tip = below(&mut answer, self.group.slots());
            let rtt = 100 + (peer % 30_000) as u32 + below(&mut answer, 1000);
            let tip = Observation::NeighborHint(tip, below(&mut answer, 30_000));
            for what in [Observation::Coordinate(slot, at), Observation::Rtt(slot, rtt), tip] {
                self.observe(what);
            }
        }
    }

    pub(super) fn happens(&mut self, act: Act, maker: Maker, joiners: &mut Rng) -> Option<Observation> {
        let observation = act.happen(&mut self.group, maker, joiners);
        if let Some(what) = observation {
            self.observe(what);
        } else if let Act::Resurvey = act {
            self.reindex();
        }
        observation
    }
}

/// Since when a peer waits for its next ping.
#[derive(Clone, Copy)]
struct Wait {
    since: u64,
    /// Whether it has never been pinged yet.
    joined: bool,
}

fn run(strategy: &DynSelector, script: &Script, maker: Maker) -> Result<Vec<Slot>, Breach> {
    let (group, mut joiners) = script.begin(maker);
    let mut member = Member::new(strategy, group, script.seed);
    let mut waits = vec![Wait { since: 0, joined: true }; script.members as usize];
    let mut all_picks = Vec::new();
    for &act in &script.acts {
        if let Some(Observation::Joined(slot)) = member.happens(act, maker, &mut joiners) {
            waits.resize(member.group.slots() as usize, Wait { since: 0, joined: true });
            waits[slot as usize] = Wait { since: member.period(), joined: true };
        }
        if let Act::Pass { periods } = act {
            for _ in 0..periods {
                pass(strategy, script, &mut member, &mut waits, &mut all_picks)?;
            }
        }
    }
    // In the end quiet returns, for long enough to see the bound kept once more.
    if let Bound::Periods(bound) = strategy.bound(member.group.slots(), script.direct.into()) {
        for _ in 0..(2 * bound + 1).min(5000) {
            pass(strategy, script, &mut member, &mut waits, &mut all_picks)?;
        }
    }
    Ok(all_picks)
}

/// One period: targets and gossip are picked, and nobody may wait longer than promised.
fn pass(
    strategy: &DynSelector,
    script: &Script,
    member: &mut Member,
    waits: &mut [Wait],
    all_picks: &mut Vec<Slot>,
) -> Result<(), Breach> {
    let period = member.period();
    for gossip in [false, true] {
        let want = usize::from(script.direct) + usize::from(gossip);
        // Picks are added to what is there already.
        let mut picks = vec![member.group.me()];
        if gossip {
            member.gossip(want, &mut picks);
        } else {
            member.targets(want, &mut picks);
        }
        let picks = &picks[1..];
        picks_are_lawful(&member.group, picks)?;
        let pingable = member.group.pingable_count() as usize;
        if picks.len() != want.min(pingable) {
            let story = format!("{want} of {pingable} pingable members were wanted; {picks:?} were picked");
            return Err(Law::AsManyAsWanted.breach(story));
        }
        if !gossip {
            picks.iter().for_each(|&slot| waits[slot as usize] = Wait { since: period, joined: false });
            member.hears(picks);
        }
        all_picks.extend(picks);
    }
    let Bound::Periods(bound) = strategy.bound(member.group.slots(), script.direct.into()) else { return Ok(()) };
    for slot in member.group.others(|_| true).into_iter().filter(|&slot| member.group.pingable(slot)) {
        let Wait { since, joined } = waits[slot as usize];
        // A joiner waits for one more traversal at most.
        let promised = if joined { 2 * bound } else { bound };
        if period - since > promised {
            let story = format!(
                "in period {period} slot {slot} has waited since period {since}, though at most {promised} periods were \
                 promised for {} slots and {} pings per period",
                member.group.slots(),
                script.direct
            );
            return Err(Law::Bound.breach(story));
        }
    }
    Ok(())
}
