//! States by member. Most members have written nothing: of them only the life is kept.

use std::collections::BTreeMap;

use super::delta::StateVersion;
use super::member_state::MemberState;
use crate::protocol::Id;

/// The states of members, those that are blank in a few bytes each.
#[derive(Clone, Debug, Default)]
pub(super) struct States {
    written: BTreeMap<Id, MemberState>,
    /// The lives of members of which no write is known. None of them is in `written`.
    blank: BTreeMap<Id, u32>,
}

impl States {
    /// The number of members.
    pub(super) fn len(&self) -> usize {
        self.written.len() + self.blank.len()
    }

    /// All members, in the order of their ids.
    pub(super) fn members(&self) -> Vec<Id> {
        let mut members: Vec<Id> = self.written.keys().chain(self.blank.keys()).copied().collect();
        members.sort_unstable();
        members
    }

    /// The states of which something is or was known to be written, in the order of their members' ids.
    pub(super) fn written(&self) -> impl Iterator<Item = &MemberState> {
        self.written.values()
    }

    /// [`States::written`], to be changed.
    pub(super) fn written_mut(&mut self) -> impl Iterator<Item = &mut MemberState> {
        self.written.values_mut()
    }

    /// A member's state, if something of it may be written.
    pub(super) fn get(&self, member: Id) -> Option<&MemberState> {
        self.written.get(&member)
    }

    /// [`States::get`], to be changed.
    pub(super) fn get_mut(&mut self, member: Id) -> Option<&mut MemberState> {
        self.written.get_mut(&member)
    }

    /// A member's state, to be written; `None` if it is not kept.
    pub(super) fn writable(&mut self, member: Id) -> Option<&mut MemberState> {
        if let Some(generation) = self.blank.remove(&member) {
            self.written.insert(member, MemberState::new(member, generation));
        }
        self.written.get_mut(&member)
    }

    /// Life and version of a member's state.
    pub(super) fn age(&self, member: Id) -> Option<(u32, u64)> {
        let blank = || self.blank.get(&member).map(|&generation| (generation, 0));
        self.written.get(&member).map(MemberState::age).or_else(blank)
    }

    /// The versions of all states that `is_wanted` wants, in the order of their members' ids.
    pub(super) fn versions(&self, is_wanted: impl Fn(Id) -> bool) -> Vec<StateVersion> {
        let written = self.written.values().map(MemberState::state_version);
        let blank = self.blank.iter().map(|(&member, &generation)| StateVersion::blank(member, generation));
        let mut versions: Vec<StateVersion> = written.chain(blank).filter(|row| is_wanted(row.member)).collect();
        versions.sort_unstable_by_key(|row| row.member);
        versions
    }

    /// Keeps a blank state of this life from now on, in place of the one before, which it returns if it was written.
    pub(super) fn begin(&mut self, member: Id, generation: u32) -> Option<MemberState> {
        self.blank.insert(member, generation);
        self.written.remove(&member)
    }

    /// Puts a state of a member's own, which may always be written.
    pub(super) fn put(&mut self, state: MemberState) {
        self.written.insert(state.member(), state);
    }

    /// Drops a state. Returns whether there was one, and it if it was written.
    pub(super) fn remove(&mut self, member: Id) -> (bool, Option<MemberState>) {
        let written = self.written.remove(&member);
        (written.is_some() || self.blank.remove(&member).is_some(), written)
    }
}
