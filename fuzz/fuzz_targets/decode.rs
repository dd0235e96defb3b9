//! No bytes make the decoder panic, and it accepts exactly the bytes that the encoder writes.
//!
//! `cargo +nightly fuzz run decode`
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_targets::decode(bytes));
