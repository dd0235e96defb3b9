//! The part of the budget that the confirmation gets, which the search has to know: a period is fitted to the certainty
//! that the fresh trials will have.

/// The number of finalists of the search.
pub(super) const FINALISTS: usize = 3;

/// The share of the budget that the confirmation may spend.
const CONFIRMATION: f64 = 0.28;

/// The share of the budget for rare false deaths: the confirmation gets it where closed forms tell them.
pub(super) const RARE_DEATHS: f64 = 0.2;

/// The least and the most pairs of trials of a finalist.
const LEAST_TRIALS: f64 = 6.0;
const MOST_TRIALS: f64 = 2_000.0;

/// The number of fresh trials of each finalist, if one of all of them costs this much, and closed forms tell that all of
/// them have few enough false deaths or not.
pub(super) fn fresh_trials(budget: f64, cost_of_all: f64, are_proven: bool) -> u32 {
    let share = if are_proven { CONFIRMATION + RARE_DEATHS } else { CONFIRMATION };
    (share * budget / cost_of_all).clamp(LEAST_TRIALS, MOST_TRIALS) as u32
}
