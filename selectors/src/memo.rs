//! A memory of a function's values, for choices that look at many peers of which most share a site.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::rng::mix;

/// Remembers values by key, so that each is computed once.
///
/// Keys come from the roster and are few, so that a plain mix is enough where the standard hash, which withstands
/// attacks, would take longer than most of the computations that it saves.
pub(crate) struct Memo<K, V>(HashMap<K, V, BuildHasherDefault<Mixer>>);

#[derive(Default)]
struct Mixer(u64);

impl<K: Eq + Hash, V: Copy> Memo<K, V> {
    pub(crate) fn new() -> Self {
        Self(HashMap::default())
    }

    /// The value of this key, which is computed the first time.
    #[inline]
    pub(crate) fn get_or(&mut self, key: K, compute: impl FnOnce() -> V) -> V {
        // Nearly all are known: a plain lookup is cheaper than one that is ready to insert.
        match self.0.get(&key) {
            Some(value) => *value,
            None => *self.0.entry(key).or_insert(compute()),
        }
    }
}

/// Made for keys that hash as one number.
impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = mix(self.0 ^ word);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_computed_once() {
        let (mut memo, mut computed) = (Memo::new(), 0);
        for key in [1_u64, 2, 1, 3, 2, 1] {
            let square = memo.get_or(key, || {
                computed += 1;
                key * key
            });
            assert_eq!(square, key * key);
        }
        assert_eq!(computed, 3);
    }
}
