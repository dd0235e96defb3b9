//! A member keeps its own state and its limits whatever it hears, and whatever it is told to do.
//!
//! `cargo +nightly fuzz run member`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::member(bytes));
