//! No bytes make the decoder panic, and it accepts exactly the bytes that the encoder writes.
//!
//! `cargo +nightly fuzz run decode`
#![no_main]

use libfuzzer_sys::fuzz_target;
use swimlab::wire;

fuzz_target!(|bytes: &[u8]| {
    if let Some(prefix) = bytes.first_chunk() {
        let _ = wire::frame_len(*prefix);
    }
    if let Ok(packet) = wire::decode(bytes) {
        let mut again = Vec::new();
        wire::encode(&packet, &mut again).expect("a decoded packet is valid");
        assert_eq!(again, bytes);
        assert_eq!(wire::encoded_len(&packet) as usize, bytes.len());
    }
});
