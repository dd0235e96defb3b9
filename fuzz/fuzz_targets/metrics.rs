//! HTTP requests get one whole response, or none.
//!
//! `cargo +nightly fuzz run metrics`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::metrics(bytes));
