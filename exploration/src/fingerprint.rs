//! Fingerprints: 128-bit hashes that stand for states and packets.

use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

/// Fingerprint of a state or a part of one.
pub(crate) type Fingerprint = u128;

/// Fingerprint of a value.
pub(crate) fn fingerprint(value: &impl Hash) -> Fingerprint {
    let mut hasher = Hasher128::default();
    value.hash(&mut hasher);
    hasher.fingerprint()
}

/// The standard library's SipHash twice, with different beginnings.
pub(crate) struct Hasher128(DefaultHasher, DefaultHasher);

impl Hasher128 {
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        u128::from(self.0.finish()) << 64 | u128::from(self.1.finish())
    }
}

impl Default for Hasher128 {
    fn default() -> Self {
        let (first, mut second) = (DefaultHasher::new(), DefaultHasher::new());
        second.write_u8(1);
        Self(first, second)
    }
}

impl Hasher for Hasher128 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// The hasher of sets of fingerprints, which are hashes already.
#[derive(Default)]
pub(crate) struct Identity(u64);

/// Builder of [`Identity`].
pub(crate) type BuildIdentity = BuildHasherDefault<Identity>;

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only fingerprints are hashed");
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
