//! The snapshot of a state folder is read, or refused.
//!
//! `cargo +nightly fuzz run snapshot`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::snapshot(bytes));
