//! An experiment file is refused at a line of it, or is a valid experiment that reads back.
//!
//! `cargo +nightly fuzz run experiment`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::experiment(bytes));
