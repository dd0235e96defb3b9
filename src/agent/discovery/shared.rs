//! The part of an agent's task that keeps the shared values, and carries them in the own state.

use std::time::Duration;

use crate::agent::wall_clock::WallClock;
use crate::discovery::shared::{Observed, SharedError, SharedValues, SharedView, SharedWrite};
use crate::discovery::state::{StateError, StateStore};
use crate::protocol::{Id, Span, Time};

/// Time between what makes a member carry other values, and its doing so: several such things are done together.
const CARRY_DELAY: Span = Span::from_millis(100);

/// Time after which values are looked at again that are from clocks that are ahead, or for which there was no room.
const RETRY: Span = Span::from_secs(4);

/// The shared values as an agent knows them.
#[derive(Debug)]
pub(super) struct SharedTask {
    values: SharedValues,
    wall_clock: WallClock,
    /// The time at which the own state is brought up to date.
    carry_at: Time,
    /// The time at which the others' states are read again.
    read_at: Time,
    has_warned_of_room: bool,
    has_warned_of_clocks: bool,
}

impl SharedTask {
    pub(super) fn new(me: Id, wall_clock: WallClock) -> Self {
        let values = SharedValues::new(me);
        Self {
            values,
            wall_clock,
            carry_at: Time::NEVER,
            read_at: Time::NEVER,
            has_warned_of_room: false,
            has_warned_of_clocks: false,
        }
    }

    pub(super) fn view(&self) -> SharedView {
        self.values.view()
    }

    /// The time at which [`SharedTask::run_due`] is due.
    pub(super) fn due(&self) -> Time {
        self.carry_at.min(self.read_at)
    }

    /// Writes a value. Returns whether anything was there to remove; `true` for other writes.
    pub(super) fn write(&mut self, now: Time, write: &SharedWrite) -> Result<bool, SharedError> {
        let done = self.values.write(self.wall(), write)?;
        self.carry_at = now;
        Ok(done)
    }

    /// Notes that members have joined or gone, or that the own state is a new one.
    pub(super) fn note_members(&mut self, now: Time) {
        // Nothing is carried while nobody has written anything.
        if !self.values.is_empty() {
            self.carry_at = self.carry_at.min(now + CARRY_DELAY);
        }
    }

    /// Reads a key of another member's state after a change. Returns whether the values have changed.
    pub(super) fn read(&mut self, now: Time, key: &str, value: Option<&str>) -> bool {
        if !SharedValues::is_key(key) {
            return false;
        }
        self.carry_at = self.carry_at.min(now + CARRY_DELAY);
        let Some(value) = value else { return false };
        match self.values.observe(self.wall(), key, value) {
            Observed::Changed => true,
            Observed::Ahead => {
                self.read_at = self.read_at.min(now + RETRY);
                if !std::mem::replace(&mut self.has_warned_of_clocks, true) {
                    tracing::warn!(
                        key,
                        "a shared value is from a clock that is more than 30 s ahead of this one, and is not taken before it is not: check the clocks"
                    );
                }
                false
            }
            Observed::Refused => {
                self.read_at = self.read_at.min(now + RETRY);
                tracing::debug!(key, "a shared value was refused: it is malformed, or there is no room");
                false
            }
            Observed::Known | Observed::Other => false,
        }
    }

    /// Reads the states of all members. Returns whether the values have changed.
    pub(super) fn read_all(&mut self, now: Time, store: &StateStore) -> bool {
        self.read_at = Time::NEVER;
        self.values.begin_reading();
        let others = store.members().filter(|id| *id != store.me());
        others.flat_map(|id| store.keys_of(id)).fold(false, |any, (key, value)| self.read(now, key, Some(value)) | any)
    }

    /// Does what is due: reads the others' states again, and brings the own one up to date. Returns whether the values have
    /// changed.
    pub(super) fn run_due(&mut self, now: Time, store: &mut StateStore) -> bool {
        let has_changed = self.read_at <= now && self.read_all(now, store);
        if self.carry_at <= now {
            let carried = self.carry(now, store);
            self.carry_at = self.values.next_carry();
            if let Err(error) = &carried {
                self.carry_at = self.carry_at.min(now + RETRY);
                if !self.has_warned_of_room {
                    tracing::warn!(%error, "the member's state has no room for all shared values that it is to carry");
                }
            }
            self.has_warned_of_room = carried.is_err();
        }
        has_changed
    }

    /// Writes what this member is to carry into its state. Returns the first error; what has room is written all the same.
    fn carry(&mut self, now: Time, store: &mut StateStore) -> Result<(), StateError> {
        let members: Vec<Id> = store.members().collect();
        let pairs = self.values.carry(now, self.wall(), &members, |member, key| store.get(member, key));
        let own = store.keys_of(store.me()).map(|(key, _)| key.to_owned());
        let outdated: Vec<String> = own.filter(|key| SharedValues::is_key(key) && !pairs.contains_key(key)).collect();
        for key in outdated {
            store.delete(now, &key);
        }
        let set = pairs.iter().map(|(key, text)| store.set(now, key, text, None).map(drop));
        set.fold(Ok(()), Result::and)
    }

    fn wall(&self) -> Time {
        let since_1970: Duration = self.wall_clock.since_1970();
        Time::from_micros(u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX))
    }
}
