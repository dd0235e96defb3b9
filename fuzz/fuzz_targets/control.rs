//! Request lines of the control socket are requests, or are refused.
//!
//! `cargo +nightly fuzz run control`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::control(bytes));
