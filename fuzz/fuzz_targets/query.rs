//! Payloads of queries are refused, or answered within bounds.
//!
//! `cargo +nightly fuzz run query`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::query(bytes));
