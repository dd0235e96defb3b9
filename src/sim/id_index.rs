//! A lookup of members by id.

use super::observer::MemberIndex;
use crate::protocol::Id;

/// The indices of a world's members by id.
#[derive(Clone, Debug)]
pub struct IdIndex(Vec<(Id, MemberIndex)>);

impl IdIndex {
    /// An index of these ids, which are in the order of the members' indices.
    pub fn new(ids: impl IntoIterator<Item = Id>) -> Self {
        let mut sorted: Vec<_> = ids.into_iter().zip(0..).collect();
        sorted.sort_unstable();
        Self(sorted)
    }

    /// The index of the member with this id.
    pub fn index(&self, id: Id) -> Option<MemberIndex> {
        // Ids are spread evenly, so a guess by proportion lands close; a few steps remain.
        let len = self.0.len();
        let guess = ((u128::from(id) * len as u128) >> 64) as usize;
        let mut at = guess.min(len.checked_sub(1)?);
        while self.0[at].0 > id && at > 0 {
            at -= 1;
        }
        while self.0[at].0 < id && at + 1 < len {
            at += 1;
        }
        (self.0[at].0 == id).then_some(self.0[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::mix;

    #[test]
    fn every_member_is_found_and_nothing_else() {
        for n in [0, 1, 2, 100] {
            let ids: Vec<Id> = (0..n).map(mix).collect();
            let index = IdIndex::new(ids.iter().copied());
            for (expected, &id) in ids.iter().enumerate() {
                assert_eq!(index.index(id), Some(expected as u32));
            }
            assert_eq!([0, 5, u64::MAX].map(|id| index.index(id)), [None; 3]);
        }
    }
}
