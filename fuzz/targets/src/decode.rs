//! Packets without a seal.

use swimlab::wire::{self, Label};

/// No bytes make the decoder panic, and it accepts exactly the bytes that the encoder writes.
pub fn decode(bytes: &[u8]) {
    if let Some(prefix) = bytes.first_chunk() {
        let _ = wire::frame_len(*prefix);
    }
    let label = Label::new("fuzz");
    if let Ok(packet) = wire::decode(bytes) {
        let mut again = Vec::new();
        wire::encode(&packet, &mut again).expect("a decoded packet is valid");
        assert_eq!(again, bytes);
        assert_eq!(wire::encoded_len(&packet) as usize, bytes.len());
        let mut labeled = Vec::new();
        label.encode(&packet, &mut labeled).expect("a decoded packet is valid");
        assert_eq!(label.decode(&labeled).as_ref(), Ok(&packet));
        assert!(label.decode(bytes).is_err(), "a packet without a label");
    }
    let _ = label.decode(bytes);
}
