//! The laws of helpers, checked with scenarios.

use std::sync::Arc;

use super::group::{Group, Status};
use super::law::{Law, Violation};
use super::roster::PeerGenerator;
use super::scenario::{Scenario, Step, check_picks};
use crate::peer::Slot;
use crate::rng::{Purpose, stream};
use crate::selector::{Helpers, pick_uniform};
use crate::view::Context;

/// Checks the laws in a scenario, which is run twice.
pub(super) fn check(
    make: &impl Fn() -> Arc<dyn Helpers>,
    scenario: &Scenario,
    generator: PeerGenerator,
) -> Result<(), Violation> {
    let picks = run(&*make(), scenario, generator)?;
    if picks != run(&*make(), scenario, generator)? {
        return Err(Law::Deterministic.violated("the same scenario was run twice, with different helpers"));
    }
    Ok(())
}

fn run(helpers: &dyn Helpers, scenario: &Scenario, generator: PeerGenerator) -> Result<Vec<Slot>, Violation> {
    let (mut group, mut joiners) = scenario.begin(generator);
    let mut rng = stream(scenario.seed, Purpose::Selector, 0);
    let mut all_picks = Vec::new();
    for (period, &step) in (0..).zip(&scenario.steps) {
        step.apply(&mut group, generator, &mut joiners);
        let times = if let Step::Pass { periods } = step { periods } else { 1 };
        for _ in 0..times {
            let mut ctx = Context { view: &group, period, shared_period: period, has_updates: false, rng: &mut rng };
            let mut targets = Vec::new();
            pick_uniform(&mut ctx, scenario.direct.into(), &mut targets, |_| true);
            let want = usize::from(times % 5);
            // Picks are added to a list that is not empty.
            let mut picks = targets.clone();
            helpers.helpers(&mut ctx, &targets, want, &mut picks);
            let picks = &picks[targets.len()..];
            check_helpers(&group, &targets, want, picks)?;
            all_picks.extend(picks);
        }
    }
    Ok(all_picks)
}

fn check_helpers(group: &Group, targets: &[Slot], want: usize, picks: &[Slot]) -> Result<(), Violation> {
    check_picks(group, picks)?;
    if let Some(slot) = picks.iter().find(|slot| targets.contains(slot)) {
        return Err(Law::NeverATarget.violated(format!("slot {slot} is asked to ping itself")));
    }
    if let Some(slot) = picks.iter().find(|&&slot| group.status(slot) == Status::Suspect) {
        return Err(Law::NeverASuspect.violated(format!("slot {slot} is a helper, though it is suspected")));
    }
    let fit = group.others(|status| status == Status::Alive);
    let fit = fit.iter().filter(|slot| !targets.contains(slot)).count();
    if picks.len() != want.min(fit) {
        let details = format!("{want} of {fit} possible helpers were wanted; {picks:?} were picked");
        return Err(Law::AsManyAsWanted.violated(details));
    }
    Ok(())
}
