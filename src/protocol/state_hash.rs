//! Hashes of state that holds times: equal for states that differ only in when they began.

use std::hash::{Hash, Hasher};

use super::time::Time;

/// State with times in it, which is hashed with those times relative to a reference.
pub(super) trait StateHash {
    /// Feeds the state to a hasher. Two states in which all times lie equally far from their references feed the same.
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H);
}

impl StateHash for Time {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let is_never = *self == Self::NEVER;
        (is_never, if is_never { 0 } else { self.as_micros().wrapping_sub(reference.as_micros()) }).hash(hasher);
    }
}

impl<T: StateHash> StateHash for [T] {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        self.len().hash(hasher);
        self.iter().for_each(|item| item.hash_state(reference, hasher));
    }
}

impl<T: StateHash> StateHash for Option<&T> {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        self.is_some().hash(hasher);
        if let Some(item) = self {
            item.hash_state(reference, hasher);
        }
    }
}
