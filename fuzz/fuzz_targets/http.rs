//! HTTP requests get whole responses, or none.
//!
//! `cargo +nightly fuzz run http`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::http(bytes));
