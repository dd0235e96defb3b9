//! A set in which a removal removes only what its writer has observed.

use std::collections::{BTreeMap, BTreeSet};

use super::error::MergeError;
use super::limits;
use crate::protocol::Id;

/// An addition to a set: the n-th by this member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dot {
    /// The member that added.
    pub writer: Id,
    /// 1 for its first addition.
    pub number: u64,
}

/// A set of texts that several members add to and remove from (observed-remove set; Bieniusa et al.: "An Optimized
/// Conflict-free Replicated Set", 2012).
///
/// Each addition has a [`Dot`]. A replica keeps the dots of the items that it has, and the number of additions that it
/// has seen of each writer. What it has seen and does not have was removed, so removals leave no trace.
///
/// Replicas are merged as a whole, and a writer's numbers must not be used again: a member that loses its replica writes
/// under a new id, or merges one that has all of its additions first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedSet {
    /// The dots of each item's additions that nobody has removed; one at least.
    items: BTreeMap<Box<str>, BTreeSet<Dot>>,
    /// The additions seen of each writer: all up to this number.
    seen: BTreeMap<Id, u64>,
}

impl ObservedSet {
    /// The most items.
    pub const ITEM_LIMIT: usize = limits::ITEM_LIMIT;
    /// The longest item, in bytes.
    pub const ITEM_BYTES: usize = 128;
    /// The most members that add.
    pub const WRITER_LIMIT: usize = limits::WRITER_LIMIT;

    /// Whether an item is there.
    pub fn contains(&self, item: &str) -> bool {
        self.items.contains_key(item)
    }

    /// The items, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.items.keys().map(|item| &**item)
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Adds an item, also one that is there: a concurrent removal does not remove this addition.
    ///
    /// # Errors
    /// If the item is too long, or a limit of the set is reached.
    pub fn add(&mut self, writer: Id, item: &str) -> Result<(), MergeError> {
        if item.len() > Self::ITEM_BYTES {
            return Err(MergeError::LongText(item.len()));
        }
        if !self.contains(item) && self.items.len() == Self::ITEM_LIMIT {
            return Err(MergeError::TooManyItems);
        }
        if !self.seen.contains_key(&writer) && self.seen.len() == Self::WRITER_LIMIT {
            return Err(MergeError::TooManyWriters);
        }
        let number = self.seen.entry(writer).or_default();
        *number += 1;
        // The new addition replaces those that it has observed.
        self.items.insert(item.into(), BTreeSet::from([Dot { writer, number: *number }]));
        Ok(())
    }

    /// Removes an item: all its additions that this replica has observed. Returns whether it was there.
    pub fn remove(&mut self, item: &str) -> bool {
        self.items.remove(item).is_some()
    }

    /// Merges another replica. Returns whether this one changed.
    ///
    /// # Errors
    /// If the merged set would exceed a limit. Concurrent additions can do that; once enough is removed at either
    /// replica, they merge.
    pub fn merge(&mut self, other: &Self) -> Result<bool, MergeError> {
        let mut merged = Self { items: BTreeMap::new(), seen: self.seen.clone() };
        for (writer, theirs) in &other.seen {
            let ours = merged.seen.entry(*writer).or_default();
            *ours = (*ours).max(*theirs);
        }
        for (item, dots) in self.items.iter().chain(&other.items) {
            let stays = |dot: &&Dot| {
                let is_in = |of: &Self| of.items.get(item).is_some_and(|dots| dots.contains(*dot));
                (is_in(self) || !self.has_seen(**dot)) && (is_in(other) || !other.has_seen(**dot))
            };
            let kept: BTreeSet<Dot> = dots.iter().filter(stays).copied().collect();
            if !kept.is_empty() {
                merged.items.entry(item.clone()).or_default().extend(kept);
            }
        }
        if merged.items.len() > Self::ITEM_LIMIT {
            return Err(MergeError::TooManyItems);
        }
        if merged.seen.len() > Self::WRITER_LIMIT {
            return Err(MergeError::TooManyWriters);
        }
        let has_changed = merged != *self;
        *self = merged;
        Ok(has_changed)
    }

    fn has_seen(&self, dot: Dot) -> bool {
        self.seen.get(&dot.writer).is_some_and(|seen| dot.number <= *seen)
    }
}
