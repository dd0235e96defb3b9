//! An item of a set in which a removal removes only what its writer has observed.

use std::collections::BTreeMap;

use super::clock::{HybridClock, Stamp};
use super::error::MergeError;
use super::limits;
use crate::protocol::{Id, Time};

/// An item that several members add to a set and remove from it (observed-remove set; Bieniusa et al.: "An Optimized
/// Conflict-free Replicated Set", 2012). A set is one of these for each item that it ever had.
///
/// Additions and removals have the stamps of their writers' clocks. A removal removes the additions that its replica has
/// observed, so an addition that is concurrent with it stays. A writer observes its own additions, so its latest one stands for all.
/// Those of the [`WRITER_LIMIT`](Self::WRITER_LIMIT) latest writers count, which all replicas agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedItem {
    /// The latest addition of each writer.
    additions: BTreeMap<Id, Addition>,
}

/// An addition of an item by one member. Later ones are greater, and a removed one is greater than the same before; the
/// later removal counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Addition {
    /// The time of the writer's clock.
    pub stamp: Stamp,
    /// The time at which somebody has observed and removed it.
    pub removed: Option<Stamp>,
}

impl ObservedItem {
    /// The most members whose additions are kept, removed ones included: the latest ones.
    pub const WRITER_LIMIT: usize = limits::WRITER_LIMIT;

    /// Whether the item is in the set.
    pub fn is_present(&self) -> bool {
        self.additions.values().any(|addition| addition.removed.is_none())
    }

    /// The latest addition of each writer.
    pub fn additions(&self) -> &BTreeMap<Id, Addition> {
        &self.additions
    }

    /// The stamp of the latest addition or removal; zero for an item that was never there.
    pub fn latest(&self) -> Stamp {
        self.additions
            .values()
            .map(|addition| addition.removed.unwrap_or_default().max(addition.stamp))
            .max()
            .unwrap_or_default()
    }

    /// Adds the item, also if it is there: a concurrent removal does not remove this addition.
    ///
    /// # Errors
    /// If an addition that is there is from a clock too far ahead.
    pub fn add(&mut self, clock: &mut HybridClock, wall: Time, writer: Id) -> Result<(), MergeError> {
        clock.observe(wall, self.latest())?;
        let stamp = clock.stamp(wall);
        // The new addition stands for those that it has observed.
        self.remove_at(stamp);
        self.additions.insert(writer, Addition { stamp, removed: None });
        self.keep_latest();
        Ok(())
    }

    /// Removes the item: all additions that this replica has observed. Returns whether it was there.
    ///
    /// # Errors
    /// If an addition that is there is from a clock too far ahead.
    pub fn remove(&mut self, clock: &mut HybridClock, wall: Time) -> Result<bool, MergeError> {
        if !self.is_present() {
            return Ok(false);
        }
        clock.observe(wall, self.latest())?;
        self.remove_at(clock.stamp(wall));
        Ok(true)
    }

    fn remove_at(&mut self, stamp: Stamp) {
        for addition in self.additions.values_mut() {
            addition.removed.get_or_insert(stamp);
        }
    }

    /// Merges another replica: of each writer the greater addition stays. Returns whether this one changed.
    pub fn merge(&mut self, other: &Self) -> bool {
        let before = self.clone();
        for (writer, theirs) in &other.additions {
            let ours = self.additions.entry(*writer).or_default();
            *ours = (*ours).max(*theirs);
        }
        self.keep_latest();
        *self != before
    }

    /// Drops the earliest additions beyond the limit. They are earlier than all others everywhere, so they do not come back.
    fn keep_latest(&mut self) {
        while self.additions.len() > Self::WRITER_LIMIT {
            let earliest = self.additions.iter().min_by_key(|(writer, addition)| (addition.stamp, **writer));
            let writer = earliest.map(|(writer, _)| *writer);
            writer.and_then(|writer| self.additions.remove(&writer));
        }
    }
}

impl FromIterator<(Id, Addition)> for ObservedItem {
    /// The item with these additions, one of each writer.
    fn from_iter<T: IntoIterator<Item = (Id, Addition)>>(additions: T) -> Self {
        let mut item = Self { additions: additions.into_iter().collect() };
        item.keep_latest();
        item
    }
}
