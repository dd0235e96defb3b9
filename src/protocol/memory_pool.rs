//! Memory that the members of one process share: equal published descriptions, and rosters of those that know the same.
//!
//! Thousands of agents in one process know the same group. With a pool they hold it once.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::message::{Id, NodeInfo};
use super::roster::Roster;

/// Memory that members of one process share. It keeps nothing alive that no member holds.
///
/// A member with a pool ([`MemberConfig::with_pool`](super::MemberConfig::with_pool)) numbers its peers by the order of
/// their ids whenever it folds changes into a roster, so that members that know the same have equal rosters.
#[derive(Default)]
pub struct MemoryPool {
    nodes: [Mutex<WeakMap<Id, NodeInfo>>; SHARDS],
    /// By digest.
    rosters: Mutex<WeakMap<u64, Roster>>,
}

/// Parts of the descriptions, each with a lock of its own.
const SHARDS: usize = 16;

/// Values that others hold. Entries of values that nobody holds any more are dropped when the map has doubled.
struct WeakMap<K, V> {
    entries: HashMap<K, Weak<V>>,
    sweep_at: usize,
}

/// The fewest entries that are swept.
const SWEEP_MIN: usize = 64;

impl MemoryPool {
    /// The description equal to this one that members hold already, or this one.
    pub(super) fn node(&self, node: &Arc<NodeInfo>) -> Arc<NodeInfo> {
        let id = node.peer.id;
        let mut nodes = lock(&self.nodes[(id >> 32) as usize % SHARDS]);
        if let Some(known) = nodes.get(id)
            && *known == **node
        {
            return known;
        }
        nodes.insert(id, node);
        Arc::clone(node)
    }

    /// The roster with this digest that members hold already and for which `is_equal` holds, or a new one.
    pub(super) fn roster(
        &self,
        digest: u64,
        is_equal: impl Fn(&Roster) -> bool,
        build: impl FnOnce() -> Roster,
    ) -> Arc<Roster> {
        let known = || lock(&self.rosters).get(digest).filter(|roster| is_equal(roster));
        if let Some(known) = known() {
            return known;
        }
        let built = Arc::new(build());
        // Another member may have built the same meanwhile.
        known().unwrap_or_else(|| {
            lock(&self.rosters).insert(digest, &built);
            built
        })
    }

    /// Whether members hold a roster with this digest.
    pub(super) fn has_roster(&self, digest: u64) -> bool {
        lock(&self.rosters).get(digest).is_some()
    }
}

impl<K: Hash + Eq, V> WeakMap<K, V> {
    fn get(&self, key: K) -> Option<Arc<V>> {
        self.entries.get(&key)?.upgrade()
    }

    fn insert(&mut self, key: K, value: &Arc<V>) {
        self.entries.insert(key, Arc::downgrade(value));
        if self.entries.len() >= self.sweep_at {
            self.entries.retain(|_, value| value.strong_count() > 0);
            self.sweep_at = SWEEP_MIN.max(self.entries.len() * 2);
        }
    }
}

impl<K, V> Default for WeakMap<K, V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), sweep_at: SWEEP_MIN }
    }
}

impl fmt::Debug for MemoryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemoryPool")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::Peer;

    use super::*;
    use crate::protocol::message::Address;

    fn node(id: Id, port: u16) -> Arc<NodeInfo> {
        Arc::new(NodeInfo::new(Peer::new(id), Address { ip: [1; 16], port }))
    }

    #[test]
    fn equal_descriptions_are_one_and_others_of_the_same_member_are_not() {
        let pool = MemoryPool::default();
        let first = pool.node(&node(1, 1));
        assert!(Arc::ptr_eq(&first, &pool.node(&node(1, 1))));
        assert!(!Arc::ptr_eq(&first, &pool.node(&node(1, 2))));
        assert!(!Arc::ptr_eq(&first, &pool.node(&node(2, 1))));
    }

    #[test]
    fn nothing_is_kept_that_no_member_holds() {
        let pool = MemoryPool::default();
        let roster = || Roster::of_members([node(1, 1)]);
        let held = pool.roster(7, |_| true, roster);
        assert!(pool.has_roster(7) && Arc::ptr_eq(&held, &pool.roster(7, |_| true, roster)));
        assert!(!Arc::ptr_eq(&held, &pool.roster(7, |_| false, roster)), "another one with the same digest");
        drop(held);
        assert!(!pool.has_roster(7));
        for id in 0..1000 * SHARDS as u64 {
            pool.node(&node(id << 32, 1));
        }
        assert!(pool.nodes.iter().all(|nodes| lock(nodes).entries.len() <= SWEEP_MIN));
    }
}
