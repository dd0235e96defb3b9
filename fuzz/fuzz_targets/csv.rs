//! Tables of round-trip times are refused, or members can be placed on them.
//!
//! `cargo +nightly fuzz run csv`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::csv(bytes));
