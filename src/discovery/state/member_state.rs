//! One member's state: its own, or a copy of another's.

use std::collections::BTreeMap;

use swimlab_selectors::rng::mix;

use super::change::ChangeLog;
use super::delta::{Cut, Delta, DeltaEntry, StateVersion};
use super::limits::{DELETION_LIMIT, DELETION_MEMORY, KEY_LIMIT, RECEIVED_FACTOR, REPLACEMENT_TIMEOUT, STATE_BYTES};
use super::message::entry_size;
use crate::protocol::{Id, Span, Time};

/// The keys and values of one life of a member, with the deletions that are remembered.
///
/// No entry is outdated by anything that the owner wrote up to `version`.
#[derive(Clone, Debug)]
pub(super) struct MemberState {
    member: Id,
    generation: u32,
    version: u64,
    /// The version up to which deletions are forgotten; at most `version`, but for a replacement.
    collected: u64,
    entries: BTreeMap<Box<str>, Entry>,
    /// The bytes of keys and values.
    bytes: usize,
    /// The whole state as it is being received, if this copy cannot be brought up to date by what follows it.
    replacement: Option<Box<Replacement>>,
}

#[derive(Clone, Debug)]
struct Entry {
    version: u64,
    /// `None` for a deletion.
    value: Option<Box<str>>,
    /// The time at which the value expires, or at which the owner forgets the deletion.
    until: Time,
    /// The number of members that are still to be told.
    tellings: u8,
    /// Whether the owner has written a value without a time to live, which this or an earlier write has replaced, or is
    /// one: a copy shows it until this version.
    was_lasting: bool,
}

/// The beginning of a state that takes the place of an older copy once it is the newer one.
#[derive(Clone, Debug)]
struct Replacement {
    state: MemberState,
    /// The time at which it grew last.
    since: Time,
}

/// The effect of a delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// The copy is newer now, or nearer to being replaced.
    Newer,
    /// All of it was known.
    Known,
    /// It does not follow what is known.
    Behind,
}

impl MemberState {
    pub(super) fn new(member: Id, generation: u32) -> Self {
        Self { member, generation, version: 0, collected: 0, entries: BTreeMap::new(), bytes: 0, replacement: None }
    }

    pub(super) fn member(&self) -> Id {
        self.member
    }

    /// Life and version, by which copies are compared.
    pub(super) fn age(&self) -> (u32, u64) {
        (self.generation, self.version)
    }

    /// A hash of member, life and version; 0 for a state without any write.
    pub(super) fn digest(&self) -> u64 {
        if self.version == 0 {
            return 0;
        }
        mix(self.member ^ mix(u64::from(self.generation) ^ mix(self.version)))
    }

    pub(super) fn state_version(&self) -> StateVersion {
        let Self { member, generation, version, collected, .. } = *self;
        StateVersion { member, generation, version, collected }
    }

    /// The version after which others are asked for the rest: that of the replacement, if there is one.
    pub(super) fn known(&self) -> StateVersion {
        self.replacement.as_ref().map_or(self, |replacement| &replacement.state).state_version()
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.entries.get(key)?.value.as_deref()
    }

    /// The time at which the value of a key expires; `NEVER` for values without an end.
    pub(super) fn expiry(&self, key: &str) -> Time {
        self.entries.get(key).map_or(Time::NEVER, |entry| entry.until)
    }

    /// The keys that have values, in order.
    pub(super) fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().filter_map(|(key, entry)| Some((&**key, entry.value.as_deref()?)))
    }

    /// The keys that have values without a time to live, in order.
    pub(super) fn lasting(&self) -> impl Iterator<Item = (&str, &str)> {
        let lasting = self.entries.iter().filter(|(_, entry)| entry.until == Time::NEVER);
        lasting.filter_map(|(key, entry)| Some((&**key, entry.value.as_deref()?)))
    }

    /// Whether copies may show a value without a time to live of this key, as long as they lack its last write.
    pub(super) fn was_lasting(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.was_lasting)
    }

    /// The number of keys that have values and the bytes of both, this key apart.
    pub(super) fn size_without(&self, key: &str) -> (usize, usize) {
        let others = self.values().filter(|(other, _)| *other != key);
        others.fold((0, 0), |(keys, bytes), (key, value)| (keys + 1, bytes + key.len() + value.len()))
    }

    /// Begins another life: all of the one before is gone.
    pub(super) fn begin_life(&mut self, generation: u32, log: &mut ChangeLog) {
        self.clear(log);
        *self = Self::new(self.member, generation);
    }

    /// Logs the end of all values.
    pub(super) fn clear(&mut self, log: &mut ChangeLog) {
        for (key, entry) in std::mem::take(&mut self.entries) {
            log.record(self.member, &key, entry.value, None);
        }
    }

    fn put(&mut self, key: &str, mut entry: Entry, log: Option<&mut ChangeLog>) {
        let new = entry.value.clone();
        let old = match self.entries.get_mut(key) {
            Some(stored) => {
                entry.was_lasting |= stored.was_lasting;
                std::mem::replace(stored, entry).value
            }
            None => {
                self.bytes += key.len();
                self.entries.insert(key.into(), entry);
                None
            }
        };
        self.bytes += len_of(new.as_deref());
        self.bytes -= len_of(old.as_deref());
        if let Some(log) = log {
            log.record(self.member, key, old, new.as_deref());
        }
    }

    /// Forgets deletions up to a version.
    fn collect(&mut self, up_to: u64) {
        if up_to > self.collected {
            self.collected = up_to;
            self.sweep();
        }
    }

    /// Drops the deletions that are to be forgotten.
    fn sweep(&mut self) {
        let Self { entries, bytes, collected, .. } = self;
        entries.retain(|key, entry| {
            let stays = entry.value.is_some() || entry.version > *collected;
            if !stays {
                *bytes -= key.len();
            }
            stays
        });
    }
}

/// Writing, and the passing of time.
impl MemberState {
    /// Writes a key as the owner: a value with the time at which it expires, or a deletion.
    pub(super) fn write(
        &mut self,
        now: Time,
        key: &str,
        value: Option<(&str, Time)>,
        tellings: u8,
        log: &mut ChangeLog,
    ) {
        self.version += 1;
        let until = value.map_or(now + DELETION_MEMORY, |(_, until)| until);
        let was_lasting = value.is_some() && until == Time::NEVER;
        let value = value.map(|(value, _)| value.into());
        self.put(key, Entry { version: self.version, value, until, tellings, was_lasting }, Some(log));
        self.forget_beyond_limits();
    }

    /// Makes the owner forget its oldest deletions while they are too many, or keys and bytes are with them.
    fn forget_beyond_limits(&mut self) {
        loop {
            let deletions = self.entries.values().filter(|entry| entry.value.is_none());
            let is_excess = deletions.clone().count() > DELETION_LIMIT
                || self.entries.len() > KEY_LIMIT
                || self.bytes > STATE_BYTES;
            match deletions.map(|entry| entry.version).min() {
                Some(oldest) if is_excess => self.collect(oldest),
                _ => return,
            }
        }
    }

    /// Ends values whose time has come, deletions that the owner has remembered for long enough, and a replacement that
    /// does not grow. Returns the next time at which there is something to end.
    pub(super) fn expire(&mut self, now: Time, is_owner: bool, log: &mut ChangeLog) -> Time {
        let (mut forgotten, mut has_expired) = (0, false);
        for (key, entry) in self.entries.iter_mut().filter(|(_, entry)| entry.until <= now) {
            if let Some(old) = entry.value.take() {
                self.bytes -= old.len();
                log.record(self.member, key, Some(old), None);
                entry.until = if is_owner { now + DELETION_MEMORY } else { Time::NEVER };
                entry.tellings = 0;
                has_expired = true;
            } else {
                forgotten = forgotten.max(entry.version);
            }
        }
        self.collect(forgotten);
        if has_expired {
            self.sweep();
        }
        if is_owner {
            self.forget_beyond_limits();
        }
        let until = |replacement: &Replacement| replacement.since + REPLACEMENT_TIMEOUT;
        self.replacement.take_if(|replacement| until(replacement) <= now);
        let next = self.entries.values().map(|entry| entry.until).min().unwrap_or(Time::NEVER);
        self.replacement.as_ref().map_or(next, |replacement| until(replacement).min(next))
    }
}

/// Deltas of other members' states.
impl MemberState {
    /// Applies a delta if it follows what is known. New entries are told `tellings` members more.
    pub(super) fn apply(&mut self, now: Time, delta: &Delta<'_>, tellings: u8, log: &mut ChangeLog) -> Applied {
        if delta.generation < self.generation {
            return Applied::Known;
        }
        if delta.generation > self.generation {
            if delta.from > 0 {
                return Applied::Behind;
            }
            self.begin_life(delta.generation, log);
        }
        let is_known = delta.to <= self.version && delta.collected <= self.version;
        if is_known && self.replacement.is_none() {
            self.collect(delta.collected);
            return Applied::Known;
        }
        if !is_known && self.follows(delta) && self.has_room(delta) {
            self.extend(now, delta, tellings, Some(log));
            let (version, state) = (self.version, |replacement: &Replacement| replacement.state.known());
            self.replacement
                .take_if(|replacement| version >= state(replacement).version.max(state(replacement).collected));
            return Applied::Newer;
        }
        match self.extend_replacement(now, delta) {
            true => {
                self.replace(log);
                Applied::Newer
            }
            false if is_known => Applied::Known,
            false => Applied::Behind,
        }
    }

    /// Whether a delta begins where this ends, or before, and its sender remembers all deletions that are missing here.
    fn follows(&self, delta: &Delta<'_>) -> bool {
        delta.from <= self.version && delta.collected <= self.version
    }

    fn has_room(&self, delta: &Delta<'_>) -> bool {
        let (mut keys, mut bytes) = (self.entries.len(), self.bytes);
        for entry in delta.entries.iter().filter(|entry| entry.version > self.version) {
            bytes += len_of(entry.value);
            match self.entries.get(entry.key) {
                Some(stored) => bytes -= len_of(stored.value.as_deref()),
                None => {
                    keys += 1;
                    bytes += entry.key.len();
                }
            }
        }
        keys <= KEY_LIMIT * RECEIVED_FACTOR && bytes <= STATE_BYTES * RECEIVED_FACTOR
    }

    fn extend(&mut self, now: Time, delta: &Delta<'_>, tellings: u8, mut log: Option<&mut ChangeLog>) {
        let known = self.version;
        for entry in delta.entries.iter().filter(|entry| entry.version > known) {
            let until = entry.left.map_or(Time::NEVER, |left| now + left);
            let value = entry.value.map(Into::into);
            let kept = Entry { version: entry.version, value, until, tellings, was_lasting: false };
            self.put(entry.key, kept, log.as_deref_mut());
        }
        self.version = delta.to;
        self.collect(delta.collected);
    }

    /// Applies a delta that does not follow this state to the one that will take its place, if it follows that. All
    /// parts of a replacement are from senders that have forgotten the same deletions: one that has forgotten fewer may
    /// not know yet of a deletion that another has forgotten already.
    fn extend_replacement(&mut self, now: Time, delta: &Delta<'_>) -> bool {
        let fits = |state: &Self| {
            let is_as_clean = delta.collected == state.collected && delta.from <= state.version;
            (is_as_clean || delta.collected > state.collected && state.follows(delta)) && delta.to > state.version
        };
        let current = self.replacement.as_ref().map(|replacement| &replacement.state);
        if !current.is_some_and(fits) {
            let is_needed = !self.follows(delta) || !self.has_room(delta);
            let is_cleaner = current.is_none_or(|state| delta.collected > state.collected);
            let is_start = delta.from == 0 || self.follows(delta);
            if !(is_needed && is_cleaner && is_start) {
                return false;
            }
            let collected = delta.collected.max(self.collected);
            let state = Self { collected, ..Self::new(self.member, self.generation) };
            self.replacement = Some(Box::new(Replacement { state, since: now }));
        }
        let replacement = self.replacement.as_mut().expect("there was one, or there is a new one");
        if !fits(&replacement.state) {
            return false;
        }
        if !replacement.state.has_room(delta) {
            self.replacement = None;
            return false;
        }
        replacement.state.extend(now, delta, 0, None);
        replacement.since = now;
        true
    }

    /// Lets the replacement take the place of this state once it is newer and knows all deletions that are forgotten.
    fn replace(&mut self, log: &mut ChangeLog) {
        let version = self.version;
        let is_ready = |of: &Self| of.version > version && of.version >= of.collected;
        let Some(replacement) = self.replacement.take_if(|replacement| is_ready(&replacement.state)) else { return };
        let mut before = std::mem::replace(self, replacement.state);
        for (key, entry) in &self.entries {
            let old = before.entries.remove(key).and_then(|entry| entry.value);
            log.record(self.member, key, old, entry.value.as_deref());
        }
        before.clear(log);
    }

    /// The number of entries that a member lacks that knows `theirs`.
    pub(super) fn missing_at(&self, theirs: &StateVersion) -> usize {
        let from = self.start_for(theirs);
        self.entries.values().filter(|entry| entry.version > from).count()
    }

    /// The entries that follow what a member knows, as many as `room` bytes hold; `None` if not even one fits.
    pub(super) fn after(&self, now: Time, theirs: &StateVersion, room: usize) -> Option<Cut<'_>> {
        self.cut(now, self.start_for(theirs), room)
    }

    fn start_for(&self, theirs: &StateVersion) -> u64 {
        let is_of_this_life = theirs.generation == self.generation;
        let knows_deletions = theirs.version >= self.collected || theirs.collected == self.collected;
        if is_of_this_life && knows_deletions { theirs.version } else { 0 }
    }

    /// The entries that are still to be told, with all later ones, as many as `room` bytes hold.
    ///
    /// They start right after the last entry before them. What was between these two has been superseded, so that a
    /// receiver that missed it needs no repair.
    pub(super) fn news(&self, now: Time, room: usize) -> Option<Cut<'_>> {
        let versions = || self.entries.values().map(|entry| entry.version);
        let first = self.entries.values().filter(|entry| entry.tellings > 0).map(|entry| entry.version).min()?;
        let from = versions().filter(|version| *version < first).max().unwrap_or(0);
        self.cut(now, from, room)
    }

    /// The number of members that the newest entry to tell is still to be told; 0 without news.
    pub(super) fn urgency(&self) -> u8 {
        self.entries.values().map(|entry| entry.tellings).max().unwrap_or(0)
    }

    /// Notes that `members` were told all news up to a version.
    pub(super) fn note_told(&mut self, to: u64, members: u8) {
        for entry in self.entries.values_mut().filter(|entry| entry.version <= to) {
            entry.tellings = entry.tellings.saturating_sub(members);
        }
    }

    fn cut(&self, now: Time, from: u64, mut room: usize) -> Option<Cut<'_>> {
        if from >= self.version {
            return None;
        }
        let mut entries: Vec<DeltaEntry<'_>> = self.entries_after(now, from).collect();
        entries.sort_unstable_by_key(|entry| entry.version);
        let fitting = entries.iter().map(entry_size).take_while(|size| {
            let fits = *size <= room;
            room = room.saturating_sub(*size);
            fits
        });
        let fitting = fitting.count();
        let is_complete = fitting == entries.len();
        entries.truncate(fitting);
        let to = if is_complete { self.version } else { entries.last()?.version };
        let Self { member, generation, collected, .. } = *self;
        Some(Cut { delta: Delta { member, generation, from, to, collected, entries }, is_complete })
    }

    fn entries_after(&self, now: Time, from: u64) -> impl Iterator<Item = DeltaEntry<'_>> {
        self.entries.iter().filter(move |(_, entry)| entry.version > from).map(move |(key, entry)| {
            let expires = entry.value.is_some() && entry.until < Time::NEVER;
            let left = expires.then(|| entry.until.since(now).max(Span::from_millis(1)));
            DeltaEntry { version: entry.version, left, key, value: entry.value.as_deref() }
        })
    }
}

fn len_of(value: Option<&str>) -> usize {
    value.map_or(0, str::len)
}
