//! Payloads of the exchange of states are refused, or answered within bounds.
//!
//! `cargo +nightly fuzz run state`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::state(bytes));
