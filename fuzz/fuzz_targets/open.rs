//! Only sealed bytes are opened, and only once.
//!
//! `cargo +nightly fuzz run open`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::open(bytes));
