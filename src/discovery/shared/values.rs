//! One member's knowledge of the shared values, and the part of it that it carries.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;
use super::error::SharedError;
use super::keepers::{KeeperTable, patience};
use super::key::{SharedKey, is_shared};
use super::limits::{BYTE_LIMIT, ENTRY_LIMIT, OBSERVED_FACTOR, REMOVAL_MEMORY};
use crate::discovery::merge::{HybridClock, Register};
use crate::protocol::{Id, Time};

/// The shared values as one member knows them. See the [module](super).
///
/// Wall-clock times are those since the Unix epoch.
#[derive(Clone, Debug)]
pub struct SharedValues {
    me: Id,
    clock: HybridClock,
    entries: BTreeMap<SharedKey, Entry>,
    /// The entries that this member carries in its state.
    carried: BTreeSet<SharedKey>,
    /// The entries of which no keeper carries what this member knows, and since when.
    unkept: BTreeMap<SharedKey, Time>,
    next_carry: Time,
    keepers: KeeperTable,
    /// The first key for which there was no room since the others' entries were observed from the first on: from it on, none
    /// is taken. So what stays is the same in whatever order entries arrive.
    no_room_from: Option<SharedKey>,
}

/// The shared values as a reader sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedView {
    /// The values by name.
    pub values: BTreeMap<Box<str>, Box<str>>,
    /// The items of each set that has one.
    pub sets: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
}

/// A write of a shared value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SharedWrite {
    /// Writes the value of a name.
    Set {
        /// The name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Removes the value of a name.
    Unset {
        /// The name.
        name: String,
    },
    /// Adds an item to a set.
    Add {
        /// The set's name.
        set: String,
        /// The item.
        item: String,
    },
    /// Removes an item from a set.
    Remove {
        /// The set's name.
        set: String,
        /// The item.
        item: String,
    },
}

/// The effect of an entry of another member's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// It carries no shared value.
    Other,
    /// It was known.
    Known,
    /// It was news.
    Changed,
    /// It is from a clock that is too far ahead. It is to be observed again later.
    Ahead,
    /// It is malformed, or there is no room for it.
    Refused,
}

impl SharedValues {
    /// The values of a member that knows none yet.
    pub fn new(me: Id) -> Self {
        Self {
            me,
            clock: HybridClock::default(),
            entries: BTreeMap::new(),
            carried: BTreeSet::new(),
            unkept: BTreeMap::new(),
            next_carry: Time::NEVER,
            keepers: KeeperTable::default(),
            no_room_from: None,
        }
    }

    /// Whether a key of a member's state carries a shared value.
    pub fn is_key(key: &str) -> bool {
        is_shared(key)
    }

    /// Whether nobody has written anything that is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Carries out a write. Returns whether there was something to remove; `true` for other writes.
    ///
    /// # Errors
    /// As of [`set`](Self::set), [`unset`](Self::unset), [`add`](Self::add) and [`remove`](Self::remove).
    pub fn write(&mut self, wall: Time, write: &SharedWrite) -> Result<bool, SharedError> {
        match write {
            SharedWrite::Set { name, value } => self.set(wall, name, value).map(|()| true),
            SharedWrite::Unset { name } => self.unset(wall, name),
            SharedWrite::Add { set, item } => self.add(wall, set, item).map(|()| true),
            SharedWrite::Remove { set, item } => self.remove(wall, set, item),
        }
    }

    /// Writes the value of a name.
    ///
    /// # Errors
    /// If name or value are not allowed, there is no room, or the value that is there is from a clock too far ahead.
    pub fn set(&mut self, wall: Time, name: &str, value: &str) -> Result<(), SharedError> {
        if value.len() > Register::VALUE_BYTES {
            return Err(SharedError::LongValue(value.len()));
        }
        let (me, mut clock) = (self.me, self.clock);
        let key = SharedKey::value(name)?;
        let mut register = self.register(&key);
        register.set(&mut clock, wall, me, value).map_err(SharedError::Clock)?;
        self.put(wall, key, Entry::Value(register))?;
        self.clock = clock;
        Ok(())
    }

    /// Removes the value of a name. Returns whether there was one.
    ///
    /// # Errors
    /// If the name is not allowed, or the value is from a clock too far ahead.
    pub fn unset(&mut self, wall: Time, name: &str) -> Result<bool, SharedError> {
        let key = SharedKey::value(name)?;
        let mut register = self.register(&key);
        if register.get().is_none() {
            return Ok(false);
        }
        register.clear(&mut self.clock, wall, self.me).map_err(SharedError::Clock)?;
        self.put(wall, key, Entry::Value(register)).map(|()| true)
    }

    /// Adds an item to a set, also one that is there: a removal at the same time does not remove this addition.
    ///
    /// # Errors
    /// If name or item are not allowed, there is no room, or an addition that is there is from a clock too far ahead.
    pub fn add(&mut self, wall: Time, set: &str, item: &str) -> Result<(), SharedError> {
        let (me, mut clock) = (self.me, self.clock);
        let key = SharedKey::item(set, item)?;
        let mut entry = self.entry(&key);
        if let Entry::Item(item) = &mut entry {
            item.add(&mut clock, wall, me).map_err(SharedError::Clock)?;
        }
        self.put(wall, key, entry)?;
        self.clock = clock;
        Ok(())
    }

    /// Removes an item from a set: all additions that this member knows of. Returns whether it was there.
    ///
    /// # Errors
    /// If name or item are not allowed, or an addition is from a clock too far ahead.
    pub fn remove(&mut self, wall: Time, set: &str, item: &str) -> Result<bool, SharedError> {
        let key = SharedKey::item(set, item)?;
        let mut entry = self.entry(&key);
        let was_present = match &mut entry {
            Entry::Item(item) => item.remove(&mut self.clock, wall).map_err(SharedError::Clock)?,
            Entry::Value(_) => false,
        };
        if was_present {
            self.put(wall, key, entry)?;
        }
        Ok(was_present)
    }

    /// The values and sets that are there.
    pub fn view(&self) -> SharedView {
        let mut view = SharedView::default();
        for (key, entry) in self.entries.iter().filter(|(_, entry)| !entry.is_removed()) {
            match (key, entry) {
                (SharedKey::Value(name), Entry::Value(register)) => {
                    view.values.extend(register.get().map(|value| (name.clone(), value.into())));
                }
                (SharedKey::Item(set, item), _) => {
                    view.sets.entry(set.clone()).or_default().insert(item.clone());
                }
                (SharedKey::Value(_), Entry::Item(_)) => {}
            }
        }
        view
    }

    /// Begins to observe the entries of all members anew: there may be room for some that were refused.
    pub fn begin_reading(&mut self) {
        self.no_room_from = None;
    }

    /// Merges an entry that another member carries in its state. If entries are more than there is room for, those that come
    /// first in the order of their keys stay.
    pub fn observe(&mut self, wall: Time, key: &str, text: &str) -> Observed {
        if !is_shared(key) {
            return Observed::Other;
        }
        let entry = SharedKey::parse(key).and_then(|key| Entry::parse(&key, text).map(|entry| (key, entry)));
        let Some((key, theirs)) = entry else { return Observed::Refused };
        if is_forgotten(wall, &theirs) {
            return Observed::Known;
        }
        if self.clock.observe(wall, theirs.stamp()).is_err() {
            return Observed::Ahead;
        }
        let mut merged = self.entry(&key);
        if !merged.merge(&theirs) {
            return Observed::Known;
        }
        if self.no_room_from.as_ref().is_some_and(|first| key >= *first) {
            return Observed::Refused;
        }
        self.entries.insert(key.clone(), merged);
        while self.entries.len() > ENTRY_LIMIT * OBSERVED_FACTOR || self.bytes() > BYTE_LIMIT * OBSERVED_FACTOR {
            self.no_room_from = self.entries.pop_last().map(|(last, _)| last);
        }
        if self.entries.contains_key(&key) { Observed::Changed } else { Observed::Refused }
    }

    /// The keys and values that this member is to carry in its state, in a group of these members. `carried_by` tells what
    /// another member carries under a key. `now` is a time of any clock that is not set.
    pub fn carry<'a>(
        &mut self,
        now: Time,
        wall: Time,
        members: &[Id],
        carried_by: impl Fn(Id, &str) -> Option<&'a str>,
    ) -> BTreeMap<String, String> {
        self.forget_removals(wall);
        self.next_carry = Time::NEVER;
        self.keepers.set_members(members);
        let Self { me, entries, carried, unkept, next_carry, keepers, .. } = self;
        let mut pairs = BTreeMap::new();
        for (key, entry) in entries.iter() {
            let (name, text) = (key.text(), entry.to_string());
            let keepers = keepers.of(key);
            let knows_it = |keeper: &Id| {
                carried_by(*keeper, &name).is_some_and(|theirs| {
                    theirs == text || Entry::parse(key, theirs).is_some_and(|mut theirs| !theirs.merge(entry))
                })
            };
            if keepers.contains(me) {
                carried.insert(key.clone());
            } else if keepers.iter().all(knows_it) {
                carried.remove(key);
            }
            if carried.contains(key) || keepers.iter().any(knows_it) {
                unkept.remove(key);
            } else {
                // Perhaps the writer has died, and no keeper has heard of it; or all keepers have died at once.
                let until = *unkept.entry(key.clone()).or_insert(now) + patience(&name, *me);
                if until <= now {
                    carried.insert(key.clone());
                } else {
                    *next_carry = until.min(*next_carry);
                }
            }
            if carried.contains(key) {
                pairs.insert(name, text);
            }
        }
        pairs
    }

    /// A time at which this member may have to carry more, though nothing that it knows of has changed.
    pub fn next_carry(&self) -> Time {
        self.next_carry
    }

    fn forget_removals(&mut self, wall: Time) {
        let Self { entries, carried, unkept, keepers, .. } = self;
        entries.retain(|_, entry| !is_forgotten(wall, entry));
        carried.retain(|key| entries.contains_key(key));
        unkept.retain(|key, _| entries.contains_key(key));
        keepers.retain(|key| entries.contains_key(key));
    }

    fn entry(&self, key: &SharedKey) -> Entry {
        self.entries.get(key).cloned().unwrap_or_else(|| Entry::empty(key))
    }

    fn register(&self, key: &SharedKey) -> Register {
        match self.entries.get(key) {
            Some(Entry::Value(register)) => register.clone(),
            _ => Register::default(),
        }
    }

    /// Stores a write of this member, which carries it until the keepers do.
    fn put(&mut self, wall: Time, key: SharedKey, entry: Entry) -> Result<(), SharedError> {
        self.forget_removals(wall);
        // A removal is always possible.
        let is_removed = entry.is_removed();
        let before = self.entries.insert(key.clone(), entry);
        let is_excess = before.is_none() && self.entries.len() > ENTRY_LIMIT;
        let error = match self.bytes() {
            _ if is_removed => None,
            _ if is_excess => Some(SharedError::TooMany),
            bytes => (bytes > BYTE_LIMIT).then_some(SharedError::TooLarge(bytes)),
        };
        if let Some(error) = error {
            match before {
                Some(before) => self.entries.insert(key, before),
                None => self.entries.remove(&key),
            };
            return Err(error);
        }
        self.carried.insert(key);
        Ok(())
    }

    /// The bytes of all entries, as they are carried.
    fn bytes(&self) -> usize {
        self.entries.iter().map(|(key, entry)| key.text().len() + entry.to_string().len()).sum()
    }
}

/// Whether the removal of an entry is no longer remembered.
fn is_forgotten(wall: Time, entry: &Entry) -> bool {
    entry.is_removed() && entry.stamp().wall + REMOVAL_MEMORY < wall
}
