//! Only sealed bytes are opened, and only once, and no bytes make a member panic, whether their sender has a key or
//! not.
//!
//! `cargo +nightly fuzz run open`
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use swimlab::wire::{Key, Keyring, OpenError, SEAL_VERSION, Seal};

fuzz_target!(|bytes: &[u8]| {
    let ring = || Keyring::new(Key::new(&[7; Key::LEN]));
    let seal = || Seal::new(ring(), "fuzz").expect("random numbers");
    let now = UNIX_EPOCH + Duration::from_secs(1_767_225_600);

    // Bytes of a sender without the key. With a fresh stamp they reach the cipher.
    let mut forged = bytes.to_vec();
    let _ = seal().open(now, &mut forged.clone()).expect_err("not sealed");
    if let Some(header) = forged.first_chunk_mut() {
        *header = (u64::from(SEAL_VERSION) << 56 | 1_767_225_600_000_000).to_be_bytes();
        assert!(matches!(seal().open(now, &mut forged), Err(OpenError::Short(_) | OpenError::Forged)));
    }

    // A member's bytes.
    let mut sealed = Vec::new();
    seal().seal(now, bytes, &mut sealed);
    let mut reader = seal();
    assert_eq!(reader.open(now, &mut sealed.clone()), Ok(bytes));
    assert_eq!(reader.open(now, &mut sealed.clone()), Err(OpenError::Replayed));
    if let Ok(prefix) = (&mut sealed.clone()[..]).try_into() {
        let _ = seal().frame_len(now, prefix);
    }
    let _ = seal().decode(now, &mut sealed);
});
