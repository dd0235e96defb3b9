//! Violations of each law: strategies that are wrong in one way each, and the law that must report them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use swimlab_selectors::laws::{Law, Laws};
use swimlab_selectors::{
    Bound, Context, DynSelector, Helpers, Observation, Peer, Permutation, Selector, Shuffle, Slot, pick_uniform,
};

/// A selector made of a function, with any bound.
struct Wrong<F> {
    bound: Bound,
    targets: F,
}

impl<F: Fn(&mut Context<'_>, usize, &mut Vec<Slot>) + Send + Sync + 'static> Selector for Wrong<F> {
    type RosterIndex = ();
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, _: &(), _: &mut Context<'_>) {}

    fn targets(&self, _: &(), _: &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        (self.targets)(ctx, want, picks);
    }

    fn bound(&self, _: u32, _: u32) -> Bound {
        self.bound
    }
}

#[track_caller]
fn is_reported(law: Law, make: impl Fn() -> DynSelector) {
    let violation = Laws::default().find_violation(make).expect("it violates a law");
    assert_eq!(violation.law, law, "{violation}");
    assert!(violation.to_string().starts_with(&format!("violated law: {law}\nwrong: ")), "{violation}");
}

#[track_caller]
fn violates(
    law: Law,
    bound: Bound,
    targets: impl Fn(&mut Context<'_>, usize, &mut Vec<Slot>) + Copy + Send + Sync + 'static,
) {
    is_reported(law, || DynSelector::new("wrong", Wrong { bound, targets }));
}

const NO_BOUND: Bound = Bound::PerPeriod(0.0);

#[test]
fn pings_of_the_member_itself_are_reported() {
    violates(Law::NeverItself, NO_BOUND, |ctx, _, picks| picks.push(ctx.view.me()));
}

#[test]
fn pings_of_the_dead_are_reported() {
    violates(Law::NeverTheDead, NO_BOUND, |ctx, want, picks| {
        let others = (0..ctx.view.slots()).filter(|&slot| slot != ctx.view.me());
        picks.extend(others.take(want));
    });
}

#[test]
fn repeated_picks_are_reported() {
    violates(Law::Distinct, NO_BOUND, |ctx, want, picks| {
        for _ in 0..want.min(ctx.view.pingable_count() as usize) {
            pick_uniform(ctx, 1, picks, |_| true);
        }
    });
}

#[test]
fn too_few_picks_are_reported() {
    violates(Law::AsManyAsWanted, NO_BOUND, |ctx, want, picks| {
        pick_uniform(ctx, want.min(2), picks, |_| true);
    });
}

#[test]
fn joiners_without_a_bound_are_reported() {
    is_reported(Law::Bound, || DynSelector::new("wrong", ForgetsJoiners));
}

#[test]
fn too_small_a_bound_is_reported() {
    is_reported(Law::Bound, || DynSelector::new("wrong", OneTraversal));
}

#[test]
fn too_high_a_probability_is_reported() {
    violates(Law::Bound, Bound::PerPeriod(0.6), |ctx, want, picks| pick_uniform(ctx, want, picks, |_| true));
}

#[test]
fn random_coverage_by_any_member_is_reported() {
    violates(Law::Bound, Bound::AnyMember(3), |ctx, want, picks| pick_uniform(ctx, want, picks, |_| true));
}

#[test]
fn randomness_from_another_source_is_reported() {
    static DRAWS: AtomicU32 = AtomicU32::new(0);
    violates(Law::Deterministic, NO_BOUND, |ctx, want, picks| {
        let parity = DRAWS.fetch_add(1, Ordering::Relaxed) % 2;
        let first = picks.len();
        pick_uniform(ctx, want, picks, |slot| slot % 2 == parity);
        let rest = want - (picks.len() - first);
        let so_far = picks[first..].to_vec();
        pick_uniform(ctx, rest, picks, |slot| !so_far.contains(&slot));
    });
}

#[test]
fn a_neglected_member_is_reported() {
    // The member with the highest id is picked only if all others are.
    violates(Law::EvenLoad, NO_BOUND, |ctx, want, picks| {
        let view = ctx.view;
        let first = picks.len();
        let highest = (0..view.slots()).max_by_key(|&slot| view.peer(slot).id);
        pick_uniform(ctx, want, picks, |slot| Some(slot) != highest);
        picks.extend(highest.filter(|&slot| picks.len() - first < want && view.pingable(slot)));
    });
}

#[test]
fn the_report_of_a_neglected_member_counts_the_pings_of_the_others() {
    // Each member pings the first other one.
    let first = |ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>| {
        picks.extend((0..ctx.view.slots()).filter(|&slot| ctx.view.pingable(slot)).take(want));
    };
    let make = || DynSelector::new("wrong", Wrong { bound: NO_BOUND, targets: first });
    let violation = Laws::default().find_violation(make).expect("it violates a law").to_string();
    let told = "number 2 was pinged 0 times in 400 periods, and the others 0 to 15600 times";
    assert!(violation.contains(told), "{violation}");
}

#[test]
fn a_selector_may_skip_what_the_list_of_picks_holds() {
    let skipping = |ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>| {
        let held = picks.clone();
        pick_uniform(ctx, want, picks, |slot| !held.contains(&slot));
    };
    let make = || DynSelector::new("skipping", Wrong { bound: NO_BOUND, targets: skipping });
    assert_eq!(Laws::default().find_violation(make), None);
}

/// Round robin over the initial members; joiners are pinged only if a pick is left.
struct ForgetsJoiners;

impl Selector for ForgetsJoiners {
    type RosterIndex = ();
    type State = (u32, u32);

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, _: &(), ctx: &mut Context<'_>) -> (u32, u32) {
        (ctx.view.slots(), 0)
    }

    fn targets(&self, _: &(), state: &mut (u32, u32), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        let first = picks.len();
        for _ in 0..state.0 {
            let slot = Permutation::new(state.0, 1).at(state.1);
            state.1 = (state.1 + 1) % state.0;
            if picks.len() - first < want && ctx.view.pingable(slot) {
                picks.push(slot);
            }
        }
        let so_far = picks[first..].to_vec();
        pick_uniform(ctx, want - so_far.len(), picks, |slot| !so_far.contains(&slot));
    }

    fn bound(&self, n: u32, _: u32) -> Bound {
        Bound::Periods(2 * u64::from(n))
    }
}

/// A shuffle that states one traversal as its bound, where it takes up to two.
struct OneTraversal;

impl Selector for OneTraversal {
    type RosterIndex = ();
    type State = <Shuffle as Selector>::State;

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, _: &(), ctx: &mut Context<'_>) -> Self::State {
        Shuffle.new_state(&(), ctx)
    }

    fn targets(&self, _: &(), state: &mut Self::State, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        Shuffle.targets(&(), state, ctx, want, picks);
    }

    fn observe(&self, _: &(), state: &mut Self::State, ctx: &mut Context<'_>, what: Observation) {
        Shuffle.observe(&(), state, ctx, what);
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(u64::from(n.div_ceil(direct)))
    }
}

/// A helper strategy made of a function.
struct WrongHelpers<F>(F);

impl<F: Fn(&mut Context<'_>, &[Slot], usize, &mut Vec<Slot>) + Send + Sync + 'static> Helpers for WrongHelpers<F> {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        (self.0)(ctx, targets, want, picks);
    }
}

#[track_caller]
fn helpers_violate(
    law: Law,
    helpers: impl Fn(&mut Context<'_>, &[Slot], usize, &mut Vec<Slot>) + Copy + Send + Sync + 'static,
) {
    let violation = Laws::default().find_helper_violation(|| Arc::new(WrongHelpers(helpers)));
    let violation = violation.expect("they violate a law");
    assert_eq!(violation.law, law, "{violation}");
}

#[test]
fn helpers_that_are_targets_are_reported() {
    helpers_violate(Law::NeverATarget, |ctx, _, want, picks| {
        let view = ctx.view;
        pick_uniform(ctx, want, picks, |slot| !view.suspect(slot));
    });
}

#[test]
fn suspected_helpers_are_reported() {
    helpers_violate(Law::NeverASuspect, |ctx, targets, want, picks| {
        pick_uniform(ctx, want, picks, |slot| !targets.contains(&slot));
    });
}

#[test]
fn too_few_helpers_are_reported() {
    helpers_violate(Law::AsManyAsWanted, |_, _, _, _| {});
}

#[test]
fn repeated_helpers_and_the_member_itself_are_reported() {
    helpers_violate(Law::NeverItself, |ctx, _, want, picks| picks.extend((0..want).map(|_| ctx.view.me())));
    helpers_violate(Law::Distinct, |ctx, targets, want, picks| {
        let view = ctx.view;
        let possible =
            (0..view.slots()).find(|slot| view.pingable(*slot) && !view.suspect(*slot) && !targets.contains(slot));
        picks.extend(possible.into_iter().cycle().take(want));
    });
}

#[test]
fn dead_helpers_are_reported() {
    helpers_violate(Law::NeverTheDead, |ctx, targets, want, picks| {
        let view = ctx.view;
        let others =
            (0..view.slots()).filter(|slot| *slot != view.me() && !view.suspect(*slot) && !targets.contains(slot));
        picks.extend(others.take(want));
    });
}

#[test]
fn helpers_with_randomness_from_another_source_are_reported() {
    static DRAWS: AtomicU32 = AtomicU32::new(0);
    helpers_violate(Law::Deterministic, |ctx, targets, want, picks| {
        let view = ctx.view;
        let fit = |slot: &Slot| view.pingable(*slot) && !view.suspect(*slot) && !targets.contains(slot);
        let mut all: Vec<Slot> = (0..view.slots()).filter(fit).collect();
        if !all.is_empty() {
            let by = DRAWS.fetch_add(1, Ordering::Relaxed) as usize % all.len();
            all.rotate_left(by);
        }
        picks.extend(all.into_iter().take(want));
    });
}
