//! A choice of helpers in a group to which things happen.

use std::sync::Arc;

use super::group::Standing;
use super::rosters::Maker;
use super::script::{Act, Script, picks_are_lawful};
use super::{Breach, Law};
use crate::peer::Slot;
use crate::rng::{Purpose, stream};
use crate::selector::{Helpers, pick_uniform};
use crate::view::Context;

/// Plays a script twice.
pub(super) fn play(make: &impl Fn() -> Arc<dyn Helpers>, script: &Script, maker: Maker) -> Result<(), Breach> {
    let picks = run(&*make(), script, maker)?;
    if picks != run(&*make(), script, maker)? {
        return Err(Law::Deterministic.breach("the same script was played twice, with different helpers"));
    }
    Ok(())
}

fn run(helpers: &dyn Helpers, script: &Script, maker: Maker) -> Result<Vec<Slot>, Breach> {
    let (mut group, mut joiners) = script.begin(maker);
    let mut rng = stream(script.seed, Purpose::Selector, 0);
    let mut all_picks = Vec::new();
    for (period, &act) in (0..).zip(&script.acts) {
        act.happen(&mut group, maker, &mut joiners);
        let times = if let Act::Pass { periods } = act { periods } else { 1 };
        for _ in 0..times {
            let mut ctx = Context { view: &group, period, shared_period: period, has_updates: false, rng: &mut rng };
            let mut targets = Vec::new();
            pick_uniform(&mut ctx, script.direct.into(), &mut targets, |_| true);
            let want = usize::from(times % 5);
            // Picks are added to what is there already.
            let mut picks = targets.clone();
            helpers.helpers(&mut ctx, &targets, want, &mut picks);
            let picks = &picks[targets.len()..];
            picks_are_lawful(&group, picks)?;
            if let Some(slot) = picks.iter().find(|slot| targets.contains(slot)) {
                return Err(Law::NeverATarget.breach(format!("slot {slot} is to help to ping itself")));
            }
            if let Some(slot) = picks.iter().find(|&&slot| group.standing(slot) == Standing::Suspect) {
                return Err(Law::NeverASuspect.breach(format!("slot {slot} is asked for help, though it is suspected")));
            }
            let fit = group.others(|standing| standing == Standing::Alive);
            let fit = fit.iter().filter(|slot| !targets.contains(slot)).count();
            if picks.len() != want.min(fit) {
                let story = format!("{want} of {fit} fit helpers were wanted; {picks:?} were picked");
                return Err(Law::AsManyAsWanted.breach(story));
            }
            all_picks.extend(picks);
        }
    }
    Ok(all_picks)
}
