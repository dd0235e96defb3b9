//! The example of a user's selector keeps the laws, and runs.

#![cfg(feature = "lab")]

#[path = "../examples/custom_selector.rs"]
pub mod custom_selector;

use swimlab_selectors::{DynSelector, laws};

#[test]
fn a_strangers_selector_keeps_the_laws() {
    laws::check(|| DynSelector::new("walk", custom_selector::Walk));
}

#[test]
fn a_strangers_selector_runs_beside_the_built_in_ones() {
    custom_selector::main().unwrap();
}
