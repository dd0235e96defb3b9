//! The part of an agent's task that keeps the shared values, and carries them in the own state.

use std::time::Duration;

use crate::agent::wall_clock::WallClock;
use crate::discovery::shared::{Observed, SharedError, SharedValues, SharedView, SharedWrite};
use crate::discovery::state::{StateError, StateStore};
use crate::protocol::{Id, Span, Time};

/// Time between what makes a member carry other values, and its doing so: several such things are done together.
const CARRY_DELAY: Span = Span::from_millis(100);

/// Time after which values from clocks that are ahead are looked at again.
const AHEAD_RETRY: Span = Span::from_secs(4);

/// The shared values as an agent knows them.
#[derive(Debug)]
pub(super) struct SharedTask {
    values: SharedValues,
    wall_clock: WallClock,
    /// The time at which the own state is brought up to date.
    carry_at: Time,
    /// The time at which the others' states are read again.
    read_at: Time,
    has_warned: bool,
}

impl SharedTask {
    pub(super) fn new(me: Id, wall_clock: WallClock) -> Self {
        let values = SharedValues::new(me);
        Self { values, wall_clock, carry_at: Time::NEVER, read_at: Time::NEVER, has_warned: false }
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
                self.read_at = self.read_at.min(now + AHEAD_RETRY);
                false
            }
            Observed::Refused => {
                tracing::debug!(key, "a shared value was refused: it is malformed, or there is no room");
                false
            }
            Observed::Known | Observed::Other => false,
        }
    }

    /// Reads the states of all members. Returns whether the values have changed.
    pub(super) fn read_all(&mut self, now: Time, store: &StateStore) -> bool {
        self.read_at = Time::NEVER;
        let others = store.members().filter(|id| *id != store.me());
        others.flat_map(|id| store.keys_of(id)).fold(false, |any, (key, value)| self.read(now, key, Some(value)) | any)
    }

    /// Does what is due: reads the others' states again, and brings the own one up to date. Returns whether the values have
    /// changed.
    pub(super) fn run_due(&mut self, now: Time, store: &mut StateStore) -> bool {
        let has_changed = self.read_at <= now && self.read_all(now, store);
        if self.carry_at <= now {
            if let Err(error) = self.carry(now, store)
                && !std::mem::replace(&mut self.has_warned, true)
            {
                tracing::warn!(%error, "the member's state has no room for the shared values that it is to carry");
            }
            self.carry_at = self.values.next_carry();
        }
        has_changed
    }

    fn carry(&mut self, now: Time, store: &mut StateStore) -> Result<(), StateError> {
        let members: Vec<Id> = store.members().collect();
        let pairs = self.values.carry(now, self.wall(), &members, |member, key| store.get(member, key));
        let own = store.keys_of(store.me()).map(|(key, _)| key.to_owned());
        let outdated: Vec<String> = own.filter(|key| SharedValues::is_key(key) && !pairs.contains_key(key)).collect();
        for key in outdated {
            store.delete(now, &key);
        }
        for (key, text) in pairs {
            store.set(now, &key, &text, None)?;
        }
        Ok(())
    }

    fn wall(&self) -> Time {
        let since_1970: Duration = self.wall_clock.since_1970();
        Time::from_micros(u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX))
    }
}
