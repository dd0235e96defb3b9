//! A sorted map that is nearly always tiny, for per-member state in very large worlds.

use std::collections::BTreeMap;

use smallvec::SmallVec;

/// A sorted map. A single entry lies in the map itself, a few in a list, many in a tree.
#[derive(Clone, Debug)]
pub(super) struct SortedMap<K, V>(Store<K, V>);

#[derive(Clone, Debug)]
enum Store<K, V> {
    Few(SmallVec<[(K, V); 1]>),
    Many(BTreeMap<K, V>),
}

/// The most entries in a list: up to here, moving them costs less than a tree's nodes.
const FEW: usize = 16;

impl<K: Ord + Copy, V> SortedMap<K, V> {
    /// Number of entries.
    pub(super) fn len(&self) -> usize {
        match &self.0 {
            Store::Few(list) => list.len(),
            Store::Many(tree) => tree.len(),
        }
    }

    /// Whether there is no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a key.
    pub(super) fn get(&self, key: K) -> Option<&V> {
        match &self.0 {
            Store::Few(list) => position(list, key).ok().map(|at| &list[at].1),
            Store::Many(tree) => tree.get(&key),
        }
    }

    /// The value of a key, to be changed.
    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        match &mut self.0 {
            Store::Few(list) => position(list, key).ok().map(|at| &mut list[at].1),
            Store::Many(tree) => tree.get_mut(&key),
        }
    }

    /// The value of a key, which gets this one if it has none.
    pub(super) fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        self.make_room();
        match &mut self.0 {
            Store::Few(list) => {
                let at = position(list, key).unwrap_or_else(|at| {
                    list.insert(at, (key, value()));
                    at
                });
                &mut list[at].1
            }
            Store::Many(tree) => tree.entry(key).or_insert_with(value),
        }
    }

    /// Gives a key this value.
    pub(super) fn insert(&mut self, key: K, value: V) {
        self.make_room();
        match &mut self.0 {
            Store::Few(list) => match position(list, key) {
                Ok(at) => list[at].1 = value,
                Err(at) => list.insert(at, (key, value)),
            },
            Store::Many(tree) => {
                tree.insert(key, value);
            }
        }
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        match &mut self.0 {
            Store::Few(list) => position(list, key).ok().map(|at| list.remove(at).1),
            Store::Many(tree) => tree.remove(&key),
        }
    }

    /// Keeps only these entries, whose values may be changed.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut V) -> bool) {
        match &mut self.0 {
            Store::Few(list) => list.retain(|(_, value)| keep(value)),
            Store::Many(tree) => tree.retain(|_, value| keep(value)),
        }
    }

    /// All entries in the order of their keys.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> {
        let (list, tree) = match &self.0 {
            Store::Few(list) => (Some(list), None),
            Store::Many(tree) => (None, Some(tree)),
        };
        let list = list.into_iter().flatten().map(|(key, value)| (*key, value));
        list.chain(tree.into_iter().flatten().map(|(key, value)| (*key, value)))
    }

    /// Turns a list that is full into a tree.
    fn make_room(&mut self) {
        if let Store::Few(list) = &mut self.0
            && list.len() == FEW
        {
            self.0 = Store::Many(std::mem::take(list).into_iter().collect());
        }
    }
}

fn position<K: Ord + Copy, V>(list: &[(K, V)], key: K) -> Result<usize, usize> {
    list.binary_search_by_key(&key, |&(other, _)| other)
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self(Store::Few(SmallVec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_behaves_like_a_tree_at_any_size(
            steps in proptest::collection::vec((0u8..5, 0u16..60, 0u32..1000), 0..200),
        ) {
            let (mut ours, mut tree) = (SortedMap::default(), BTreeMap::new());
            for (what, key, value) in steps {
                match what {
                    0 | 1 => {
                        ours.insert(key, value);
                        tree.insert(key, value);
                    }
                    2 => prop_assert_eq!(ours.remove(key), tree.remove(&key)),
                    3 => prop_assert_eq!(ours.get_or_insert_with(key, || value), tree.entry(key).or_insert(value)),
                    _ => {
                        let divisor = value % 7 + 2;
                        ours.retain(|value| *value % divisor > 0);
                        tree.retain(|_, value| *value % divisor > 0);
                    }
                }
                prop_assert_eq!(ours.get(key), tree.get(&key));
                prop_assert_eq!(ours.get_mut(key), tree.get_mut(&key));
                prop_assert_eq!((ours.len(), ours.is_empty()), (tree.len(), tree.is_empty()));
                prop_assert!(ours.iter().eq(tree.iter().map(|(key, value)| (*key, value))));
            }
        }
    }
}
