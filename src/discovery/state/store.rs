//! This member's copy of the states of all members.

use std::collections::BTreeSet;

use swimlab_selectors::rng::mix;

use super::change::{ChangeLog, Changes};
use super::delta::{Cut, Delta, StateVersion};
use super::error::{StateError, check_key, check_value};
use super::limits::{KEY_LIMIT, LONGEST_TTL, MEMBER_LIMIT, REPLACEMENT_TIMEOUT, STATE_BYTES};
use super::member_state::{Applied, MemberState};
use super::states::States;
use crate::protocol::{Id, Span, Time};

/// The key-value states of all members, as this member knows them.
///
/// Membership decides whose states are kept: the driver calls [`admit`](Self::admit) for members that it learns of and
/// [`forget`](Self::forget) for those that are dead or have left. Only this member's own state can be written.
#[derive(Clone, Debug)]
pub struct StateStore {
    pub(super) me: Id,
    pub(super) states: States,
    /// The sum of the states' digests.
    digest: u64,
    /// Members with entries that are still to be told.
    news: BTreeSet<Id>,
    /// Nothing expires before.
    next_expiry: Time,
    /// The version of the own state at which a value without a time to live was written or ended last.
    pub(super) lasting_version: u64,
    /// Whether somebody shows another own state of this member than it has written in this life.
    pub(super) is_contradicted: bool,
    log: ChangeLog,
}

impl StateStore {
    /// Creates the store of a member in this life. It has the member's own state, which is empty.
    pub fn new(me: Id, generation: u32) -> Self {
        let mut states = States::default();
        states.put(MemberState::new(me, generation));
        Self {
            me,
            states,
            digest: 0,
            news: BTreeSet::new(),
            next_expiry: Time::NEVER,
            lasting_version: 0,
            is_contradicted: false,
            log: ChangeLog::default(),
        }
    }

    /// The member whose store this is.
    pub fn me(&self) -> Id {
        self.me
    }

    /// Writes a key of this member's own state. A value with a time to live disappears after it, here and at the other
    /// members, unless it is written again.
    ///
    /// Returns whether others will hear of it. They do not if the value is the same and it, if it expires, has more than
    /// half of its time to live left: so a figure can be written as often as it is measured.
    ///
    /// # Errors
    /// If key, value or time to live are not allowed, or a limit of the state is reached.
    pub fn set(&mut self, now: Time, key: &str, value: &str, ttl: Option<Span>) -> Result<bool, StateError> {
        check_key(key)?;
        check_value(value)?;
        if ttl.is_some_and(|ttl| ttl == Span::ZERO || ttl > LONGEST_TTL) {
            return Err(StateError::Ttl);
        }
        self.expire(now);
        let own = self.own();
        if own.get(key) == Some(value) {
            let expiry = own.expiry(key);
            let is_fresh = match ttl {
                None => expiry == Time::NEVER,
                Some(ttl) => expiry < Time::NEVER && expiry.since(now).as_micros() > ttl.as_micros() / 2,
            };
            if is_fresh {
                return Ok(false);
            }
        }
        let (keys, bytes) = own.size_without(key);
        if keys == KEY_LIMIT {
            return Err(StateError::TooManyKeys);
        }
        let bytes = bytes + key.len() + value.len();
        if bytes > STATE_BYTES {
            return Err(StateError::TooLarge(bytes));
        }
        let until = ttl.map_or(Time::NEVER, |ttl| now + ttl);
        self.write(now, key, Some((value, until)));
        Ok(true)
    }

    /// Deletes a key of this member's own state. Returns whether it had a value.
    pub fn delete(&mut self, now: Time, key: &str) -> bool {
        self.expire(now);
        let has_value = self.own().get(key).is_some();
        if has_value {
            self.write(now, key, None);
        }
        has_value
    }

    /// The value of a member's key.
    pub fn get(&self, member: Id, key: &str) -> Option<&str> {
        self.states.get(member)?.get(key)
    }

    /// The keys of a member with their values, in the order of the keys.
    pub fn keys_of(&self, member: Id) -> impl Iterator<Item = (&str, &str)> {
        self.states.get(member).into_iter().flat_map(MemberState::values)
    }

    /// The members whose states are kept, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = Id> {
        self.states.members().into_iter()
    }

    /// The number of members whose states are kept.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }

    /// The members of whose states something is, or was, known to be written.
    pub fn writers(&self) -> impl Iterator<Item = Id> {
        self.states.written().map(MemberState::member)
    }

    /// The life and the version of a member's state. The version is 0 until a write of its owner arrives.
    pub fn version_of(&self, member: Id) -> Option<(u32, u64)> {
        self.states.age(member)
    }

    /// Keeps the state of a member in this life from now on. The state of an earlier life is dropped; that of a later
    /// one, which may arrive before membership knows of it, stays.
    ///
    /// # Errors
    /// If the states of [`MEMBER_LIMIT`] members are kept already.
    pub fn admit(&mut self, member: Id, generation: u32) -> Result<(), StateError> {
        if member == self.me {
            return Ok(());
        }
        match self.states.age(member) {
            None if self.states.len() == MEMBER_LIMIT => return Err(StateError::TooManyMembers(member)),
            Some((known, _)) if known >= generation => {}
            _ => self.begin(member, generation),
        }
        Ok(())
    }

    /// Keeps a blank state of another member's life in place of what is known.
    fn begin(&mut self, member: Id, generation: u32) {
        if let Some(mut before) = self.states.begin(member, generation) {
            self.digest = self.digest.wrapping_sub(before.digest());
            before.clear(&mut self.log);
            self.news.remove(&member);
        }
    }

    /// Begins this member's own state anew, empty, in another life.
    pub fn begin_life(&mut self, generation: u32) {
        let state = self.states.get_mut(self.me).expect("the own state is never dropped");
        self.digest = self.digest.wrapping_sub(state.digest());
        state.begin_life(generation, &mut self.log);
        self.digest = self.digest.wrapping_add(state.digest());
        self.lasting_version = 0;
        self.news.remove(&self.me);
    }

    /// Whether somebody has told of another own state than this member has written in this life, since the last call, one
    /// of a higher version or with other values without a time to live: an earlier life that had the same generation, or a
    /// member that lies. Another generation overrides it, see [`begin_life`](Self::begin_life).
    pub fn take_contradiction(&mut self) -> bool {
        std::mem::take(&mut self.is_contradicted)
    }

    /// Drops a member's state unless it is of this life, the one that membership knows. A state of a later life may arrive
    /// before membership knows of it; what nobody has announced for some seconds was invented.
    pub fn hold_to(&mut self, member: Id, generation: u32) {
        if member != self.me && self.states.age(member).is_some_and(|(known, _)| known != generation) {
            self.begin(member, generation);
        }
    }

    /// Whether no member has written anything.
    pub fn is_blank(&self) -> bool {
        self.states.written().all(|state| state.age().1 == 0)
    }

    /// Drops the state of a member that is dead, has left or is forgotten, and takes no state of it until
    /// [`admit`](Self::admit) is called again. Returns whether there was one.
    pub fn forget(&mut self, member: Id) -> bool {
        if member == self.me {
            return false;
        }
        let (was_kept, written) = self.states.remove(member);
        if let Some(mut state) = written {
            self.digest = self.digest.wrapping_sub(state.digest());
            self.news.remove(&member);
            state.clear(&mut self.log);
        }
        was_kept
    }

    /// Ends values whose time to live is over, and forgets deletions of this member's own that it has remembered for
    /// long enough. Does nothing before [`next_expiry`](Self::next_expiry).
    pub fn expire(&mut self, now: Time) {
        if now < self.next_expiry {
            return;
        }
        let Self { me, states, log, .. } = self;
        let next = states.written_mut().map(|state| state.expire(now, state.member() == *me, log));
        self.next_expiry = next.min().unwrap_or(Time::NEVER);
        self.update_news_of(self.me);
    }

    /// A time before which nothing expires.
    pub fn next_expiry(&self) -> Time {
        self.next_expiry
    }

    /// A hash of the versions of all states, independent of their order. Two members with the same digest have the same
    /// states, but for values that are about to expire.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The changes of all states since the last call.
    pub fn take_changes(&mut self) -> Changes {
        self.log.take()
    }

    fn own(&self) -> &MemberState {
        self.states.get(self.me).expect("the own state is never dropped")
    }

    fn write(&mut self, now: Time, key: &str, value: Option<(&str, Time)>) {
        let tellings = self.tellings();
        let state = self.states.get_mut(self.me).expect("the own state is never dropped");
        self.digest = self.digest.wrapping_sub(state.digest());
        let changes_lasting = state.was_lasting(key) || value.is_some_and(|(_, until)| until == Time::NEVER);
        state.write(now, key, value, tellings, &mut self.log);
        if changes_lasting {
            self.lasting_version = state.age().1;
        }
        self.digest = self.digest.wrapping_add(state.digest());
        self.next_expiry = self.next_expiry.min(state.expiry(key));
        self.news.insert(self.me);
    }

    /// The number of members to which each member sends a change: ln(n) + 2. If each sends it to as many others at random,
    /// all are reached with probability exp(-exp(-2)), or 87 % (Kermarrec, Massoulie, Ganesh: "Probabilistic Reliable
    /// Dissemination in Large-Scale Systems", 2003). Repair reaches the others.
    fn tellings(&self) -> u8 {
        libm::ceil(libm::log(self.states.len() as f64)) as u8 + 2
    }
}

/// Reading and applying for an exchange.
impl StateStore {
    /// Applies another member's part of a state. With `is_news`, what is new is told to further members.
    pub(super) fn apply(&mut self, now: Time, delta: &Delta<'_>, is_news: bool) -> Applied {
        let tellings = if is_news { self.tellings() } else { 0 };
        if delta.member == self.me {
            self.is_contradicted |= (delta.generation, delta.to) > self.own().age();
            return Applied::Known;
        }
        let Some(state) = self.states.writable(delta.member) else { return Applied::Known };
        self.digest = self.digest.wrapping_sub(state.digest());
        let applied = state.apply(now, delta, tellings, &mut self.log);
        self.digest = self.digest.wrapping_add(state.digest());
        let ends = delta.entries.iter().filter_map(|entry| Some(now + entry.left?));
        let next = ends.min().unwrap_or(Time::NEVER).min(now + REPLACEMENT_TIMEOUT);
        self.next_expiry = self.next_expiry.min(next);
        self.update_news_of(delta.member);
        applied
    }

    /// The version after which this member lacks something of a state; `None` if it keeps none.
    pub(super) fn known(&self, member: Id) -> Option<StateVersion> {
        let blank = || self.states.age(member).map(|(generation, _)| StateVersion::blank(member, generation));
        self.states.get(member).map(MemberState::known).or_else(blank)
    }

    /// Whether a member's state is older here than there, or newer.
    pub(super) fn compare(&self, theirs: &StateVersion) -> Option<std::cmp::Ordering> {
        let age = self.states.age(theirs.member)?;
        Some(age.cmp(&(theirs.generation, theirs.version)))
    }

    /// The number of entries that a member lacks that knows `theirs`.
    pub(super) fn missing_at(&self, theirs: &StateVersion) -> usize {
        self.states.get(theirs.member).map_or(0, |state| state.missing_at(theirs))
    }

    /// The entries that follow what a member knows.
    pub(super) fn after(&self, now: Time, theirs: &StateVersion, room: usize) -> Option<Cut<'_>> {
        self.states.get(theirs.member)?.after(now, theirs, room)
    }

    pub(super) fn has_news(&self) -> bool {
        !self.news.is_empty()
    }

    /// The members with news, those whose news were told least often first.
    pub(super) fn newest(&self) -> Vec<Id> {
        let mut newest: Vec<(u8, Id)> = self.news.iter().map(|id| (self.urgency_of(*id), *id)).collect();
        newest.sort_unstable_by_key(|(urgency, id)| (std::cmp::Reverse(*urgency), *id));
        newest.into_iter().map(|(_, id)| id).collect()
    }

    pub(super) fn news(&self, now: Time, member: Id, room: usize) -> Option<Cut<'_>> {
        self.states.get(member)?.news(now, room)
    }

    /// Notes that `members` were told the news of a member up to a version.
    pub(super) fn note_told(&mut self, member: Id, to: u64, members: usize) {
        if let Some(state) = self.states.get_mut(member) {
            state.note_told(to, members.try_into().unwrap_or(u8::MAX));
        }
        self.update_news_of(member);
    }

    /// The digests of `parts` parts of all states.
    pub(super) fn part_digests(&self, parts: usize) -> Vec<u32> {
        let mut digests = vec![0_u32; parts];
        for state in self.states.written() {
            let digest = &mut digests[part_of(state.member(), parts)];
            *digest = digest.wrapping_add(state.digest() as u32);
        }
        digests
    }

    /// The versions of the states in the parts whose digests differ from `theirs`.
    pub(super) fn differing(&self, theirs: &[u32]) -> Vec<StateVersion> {
        let ours = self.part_digests(theirs.len());
        let differs = |member: Id| {
            let part = part_of(member, theirs.len());
            ours[part] != theirs[part]
        };
        self.states.versions(differs)
    }

    fn urgency_of(&self, member: Id) -> u8 {
        self.states.get(member).map_or(0, MemberState::urgency)
    }

    fn update_news_of(&mut self, member: Id) {
        if self.urgency_of(member) > 0 {
            self.news.insert(member);
        } else {
            self.news.remove(&member);
        }
    }
}

pub(super) fn part_of(member: Id, parts: usize) -> usize {
    (mix(member) % parts as u64) as usize
}
