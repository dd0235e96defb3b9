//! Each law can be broken: strategies that are wrong in one way each are found out, and by the right law.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use swimlab_selectors::laws::{Law, Laws};
use swimlab_selectors::strategies::{Permutation, Shuffle};
use swimlab_selectors::{Bound, Context, DynSelector, Helpers, Observation, Peer, Selector, Slot, pick_uniform};

/// A selector made of a function; it promises what it is told to.
struct Wrong<F> {
    promise: Bound,
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
        self.promise
    }
}

#[track_caller]
fn is_found_out(law: Law, make: impl Fn() -> DynSelector) {
    let breach = Laws::default().judge(make).expect_err("it breaks a law");
    assert_eq!(breach.law, law, "{breach}");
    assert!(breach.to_string().starts_with(&format!("broken law: {law}\nwrong: ")), "{breach}");
}

#[track_caller]
fn breaks(
    law: Law,
    promise: Bound,
    targets: impl Fn(&mut Context<'_>, usize, &mut Vec<Slot>) + Copy + Send + Sync + 'static,
) {
    is_found_out(law, || DynSelector::new("wrong", Wrong { promise, targets }));
}

const NOTHING: Bound = Bound::PerPeriod(0.0);

#[test]
fn who_pings_oneself_is_found_out() {
    breaks(Law::NeverOneself, NOTHING, |ctx, _, picks| picks.push(ctx.view.me()));
}

#[test]
fn who_pings_the_dead_is_found_out() {
    breaks(Law::NeverTheDead, NOTHING, |ctx, want, picks| {
        let others = (0..ctx.view.slots()).filter(|&slot| slot != ctx.view.me());
        picks.extend(others.take(want));
    });
}

#[test]
fn who_pings_somebody_twice_at_once_is_found_out() {
    breaks(Law::Distinct, NOTHING, |ctx, want, picks| {
        for _ in 0..want.min(ctx.view.pingable_count() as usize) {
            pick_uniform(ctx, 1, picks, |_| true);
        }
    });
}

#[test]
fn who_pings_too_few_is_found_out() {
    breaks(Law::AsManyAsWanted, NOTHING, |ctx, want, picks| {
        pick_uniform(ctx, want.min(2), picks, |_| true);
    });
}

#[test]
fn who_leaves_joiners_to_luck_is_found_out() {
    is_found_out(Law::Bound, || DynSelector::new("wrong", ForgetsJoiners));
}

#[test]
fn who_promises_too_short_a_bound_is_found_out() {
    is_found_out(Law::Bound, || DynSelector::new("wrong", Hasty));
}

#[test]
fn who_promises_too_high_a_probability_is_found_out() {
    breaks(Law::Bound, Bound::PerPeriod(0.6), |ctx, want, picks| pick_uniform(ctx, want, picks, |_| true));
}

#[test]
fn who_leaves_it_to_luck_that_anybody_pings_everybody_is_found_out() {
    breaks(Law::Bound, Bound::Anybody(3), |ctx, want, picks| pick_uniform(ctx, want, picks, |_| true));
}

#[test]
fn who_has_a_die_of_its_own_is_found_out() {
    static TOSSES: AtomicU32 = AtomicU32::new(0);
    breaks(Law::Deterministic, NOTHING, |ctx, want, picks| {
        let toss = TOSSES.fetch_add(1, Ordering::Relaxed) % 2;
        let first = picks.len();
        pick_uniform(ctx, want, picks, |slot| slot % 2 == toss);
        let rest = want - (picks.len() - first);
        let so_far = picks[first..].to_vec();
        pick_uniform(ctx, rest, picks, |slot| !so_far.contains(&slot));
    });
}

#[test]
fn who_overlooks_somebody_is_found_out() {
    // Whoever has the highest id is the last to be thought of.
    breaks(Law::NobodyOverlooked, NOTHING, |ctx, want, picks| {
        let view = ctx.view;
        let first = picks.len();
        let highest = (0..view.slots()).max_by_key(|&slot| view.peer(slot).id);
        pick_uniform(ctx, want, picks, |slot| Some(slot) != highest);
        picks.extend(highest.filter(|&slot| picks.len() - first < want && view.pingable(slot)));
    });
}

/// Round robin over those who were there at the beginning; the others are pinged only when there is a ping to spare.
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

/// An honest shuffle with a dishonest promise: a traversal, where it takes up to two.
struct Hasty;

impl Selector for Hasty {
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

/// Helpers made of a function.
struct WrongHelpers<F>(F);

impl<F: Fn(&mut Context<'_>, &[Slot], usize, &mut Vec<Slot>) + Send + Sync + 'static> Helpers for WrongHelpers<F> {
    fn helpers(&self, ctx: &mut Context<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        (self.0)(ctx, targets, want, picks);
    }
}

#[track_caller]
fn helpers_break(
    law: Law,
    helpers: impl Fn(&mut Context<'_>, &[Slot], usize, &mut Vec<Slot>) + Copy + Send + Sync + 'static,
) {
    let breach = Laws::default().judge_helpers(|| Arc::new(WrongHelpers(helpers))).expect_err("they break a law");
    assert_eq!(breach.law, law, "{breach}");
}

#[test]
fn helpers_that_are_targets_are_found_out() {
    helpers_break(Law::NeverATarget, |ctx, _, want, picks| {
        let view = ctx.view;
        pick_uniform(ctx, want, picks, |slot| !view.suspect(slot));
    });
}

#[test]
fn helpers_that_are_suspected_are_found_out() {
    helpers_break(Law::NeverASuspect, |ctx, targets, want, picks| {
        pick_uniform(ctx, want, picks, |slot| !targets.contains(&slot));
    });
}

#[test]
fn helpers_that_are_too_few_are_found_out() {
    helpers_break(Law::AsManyAsWanted, |_, _, _, _| {});
}

#[test]
fn helpers_that_are_the_same_twice_or_oneself_are_found_out() {
    helpers_break(Law::NeverOneself, |ctx, _, want, picks| picks.extend((0..want).map(|_| ctx.view.me())));
    helpers_break(Law::Distinct, |ctx, targets, want, picks| {
        let view = ctx.view;
        let fit =
            (0..view.slots()).find(|slot| view.pingable(*slot) && !view.suspect(*slot) && !targets.contains(slot));
        picks.extend(fit.into_iter().cycle().take(want));
    });
}

#[test]
fn helpers_that_are_dead_are_found_out() {
    helpers_break(Law::NeverTheDead, |ctx, targets, want, picks| {
        let view = ctx.view;
        let others =
            (0..view.slots()).filter(|slot| *slot != view.me() && !view.suspect(*slot) && !targets.contains(slot));
        picks.extend(others.take(want));
    });
}

#[test]
fn helpers_drawn_with_a_die_of_their_own_are_found_out() {
    static TOSSES: AtomicU32 = AtomicU32::new(0);
    helpers_break(Law::Deterministic, |ctx, targets, want, picks| {
        let view = ctx.view;
        let fit = |slot: &Slot| view.pingable(*slot) && !view.suspect(*slot) && !targets.contains(slot);
        let mut all: Vec<Slot> = (0..view.slots()).filter(fit).collect();
        if !all.is_empty() {
            let by = TOSSES.fetch_add(1, Ordering::Relaxed) as usize % all.len();
            all.rotate_left(by);
        }
        picks.extend(all.into_iter().take(want));
    });
}
