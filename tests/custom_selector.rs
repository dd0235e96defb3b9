//! The selector of examples/custom_selector.rs keeps the laws and its bound, and runs beside the built-in ones.

#![cfg(feature = "lab")]

#[path = "../examples/custom_selector.rs"]
pub mod custom_selector;

use custom_selector::selector;
use swimlab_selectors::{Bound, laws};

#[test]
fn the_example_keeps_the_laws() {
    laws::check(selector);
}

#[test]
fn the_example_states_the_bound_of_one_traversal() {
    let walk = selector();
    assert_eq!(walk.bound(61, 1), Bound::Periods(60));
    assert_eq!(walk.bound(61, 7), Bound::Periods(9));
    assert_eq!(walk.bound(1, 1), Bound::Periods(1));
}

#[test]
fn the_example_runs_beside_the_built_in_selectors() {
    custom_selector::main().unwrap();
}
