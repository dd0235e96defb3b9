//! A lookup of members by id.

use super::observer::MemberIndex;
use crate::protocol::{Id, IdSequence};

/// The indices of a world's members by id.
#[derive(Clone, Debug)]
pub struct IdIndex(Ids);

#[derive(Clone, Debug)]
enum Ids {
    /// Those of a placement, which follow from a formula.
    Sequence(IdSequence),
    Sorted(Vec<(Id, MemberIndex)>),
}

impl IdIndex {
    /// An index of these ids, which are in the order of the members' indices.
    pub fn new<I: IntoIterator<Item = Id, IntoIter: Clone>>(ids: I) -> Self {
        let ids = ids.into_iter();
        if let Some(sequence) = IdSequence::of(ids.clone()) {
            return Self(Ids::Sequence(sequence));
        }
        let mut sorted: Vec<_> = ids.zip(0..).collect();
        sorted.sort_unstable();
        Self(Ids::Sorted(sorted))
    }

    /// The index of the member with this id.
    pub fn index(&self, id: Id) -> Option<MemberIndex> {
        match &self.0 {
            Ids::Sequence(sequence) => sequence.position(id),
            Ids::Sorted(sorted) => {
                let at = sorted.binary_search_by_key(&id, |&(id, _)| id).ok()?;
                Some(sorted[at].1)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::mix;

    #[test]
    fn every_member_is_found_and_nothing_else() {
        for ids in [0, 1, 2, 100].into_iter().flat_map(|n| [1, 2].map(|step| (0..n).map(move |n| mix(step * n)))) {
            let ids: Vec<Id> = ids.collect();
            let index = IdIndex::new(ids.iter().copied());
            for (expected, &id) in ids.iter().enumerate() {
                assert_eq!(index.index(id), Some(expected as u32));
            }
            assert_eq!([0, 5, u64::MAX].map(|id| index.index(id)), [None; 3]);
        }
    }
}
