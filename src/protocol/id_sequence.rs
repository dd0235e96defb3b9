//! Ids that follow from positions.

use swimlab_selectors::rng::{mix, unmix};

use super::message::Id;

/// The ids of a group in which the id of position p is `mix(first + p)`, as in simulated worlds: neither ids nor an
/// index of them need to be stored, and looking one up reads no memory. In a large world each such read is a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdSequence {
    first: u64,
    len: u32,
}

impl IdSequence {
    /// The sequence that these ids are; `None` if they follow from no formula.
    pub fn of(ids: impl IntoIterator<Item = Id>) -> Option<Self> {
        let mut ids = ids.into_iter();
        let first = unmix(ids.next()?);
        let mut len: u32 = 1;
        for id in ids {
            if id != mix(first.wrapping_add(u64::from(len))) {
                return None;
            }
            len = len.checked_add(1)?;
        }
        Some(Self { first, len })
    }

    /// The id of a position.
    #[inline]
    pub fn id(self, position: u32) -> Id {
        mix(self.first.wrapping_add(u64::from(position)))
    }

    /// The position of an id.
    #[inline]
    pub fn position(self, id: Id) -> Option<u32> {
        let position = unmix(id).wrapping_sub(self.first);
        (position < u64::from(self.len)).then_some(position as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_positions_follow_from_each_other() {
        for first in [0, 7, u64::MAX] {
            let ids: Vec<Id> = (0..100).map(|n| mix(u64::wrapping_add(first, n))).collect();
            let sequence = IdSequence::of(ids.iter().copied()).unwrap();
            for (position, &id) in (0..).zip(&ids) {
                assert_eq!((sequence.id(position), sequence.position(id)), (id, Some(position)));
            }
            for other in [mix(u64::wrapping_add(first, 100)), mix(first.wrapping_sub(1)), 5] {
                assert_eq!(sequence.position(other), None);
            }
        }
    }

    #[test]
    fn other_ids_are_no_sequence() {
        assert_eq!(IdSequence::of([mix(1), mix(2), mix(4)]), None);
        assert_eq!(IdSequence::of([mix(1), mix(1)]), None);
        assert_eq!(IdSequence::of([]), None);
    }
}
