//! Sealed packets.

use std::time::{Duration, UNIX_EPOCH};

use swimlab::wire::{Key, Keyring, OpenError, SEAL_VERSION, Seal};

/// Seconds since the Unix epoch at which everything happens.
const NOW_S: u64 = 1_767_225_600;

/// Only sealed bytes are opened, and only once, and no bytes make a member panic, whether their sender has a key or
/// not.
pub fn open(bytes: &[u8]) {
    let ring = || Keyring::new(Key::new(&[7; Key::LEN]));
    let seal = || Seal::new(ring(), "fuzz").expect("random numbers");
    let now = UNIX_EPOCH + Duration::from_secs(NOW_S);

    // Bytes of a sender without the key. With a fresh stamp they reach the cipher.
    let mut forged = bytes.to_vec();
    let _ = seal().open(now, &mut forged.clone()).expect_err("not sealed");
    if let Some(header) = forged.first_chunk_mut() {
        *header = ((u64::from(SEAL_VERSION) << 56) | (NOW_S * 1_000_000)).to_be_bytes();
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

    // A key file.
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(keyring) = Keyring::parse(text)
    {
        assert!(keyring.ids().count() > 0, "a keyring has a key");
    }
}
