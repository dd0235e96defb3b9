//! Seeds of trials.

use swimlab_selectors::rng::mix;

/// The seed of the trial with the number `trial` of an experiment with the seed `seed`. It is the same in every cell,
/// so that all cells have the same placements and faults.
///
/// It has 53 bits, so that programs that read numbers as doubles (JSON, spreadsheets) do not round it.
pub fn trial_seed(seed: u64, trial: u32) -> u64 {
    mix(mix(seed).wrapping_add(u64::from(trial))) >> 11
}
