//! Changes of states, as values for those who follow them.

use std::collections::VecDeque;

use super::limits::CHANGE_LIMIT;
use crate::protocol::Id;

/// A value that appeared, changed or disappeared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The member whose state it is.
    pub member: Id,
    /// The key.
    pub key: Box<str>,
    /// The value before, if there was one.
    pub old: Option<Box<str>>,
    /// The value since, unless it was deleted, expired or forgotten with its member.
    pub new: Option<Box<str>>,
}

/// Changes since the last call of [`StateStore::take_changes`](super::StateStore::take_changes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The changes, oldest first.
    pub list: Vec<StateChange>,
    /// The number of changes before these that were dropped because too many waited. Whoever follows the changes reads
    /// the states anew if it is not 0.
    pub missed: u64,
}

/// Changes that wait to be taken: the latest [`CHANGE_LIMIT`].
#[derive(Clone, Debug, Default)]
pub(super) struct ChangeLog {
    changes: VecDeque<StateChange>,
    missed: u64,
}

impl ChangeLog {
    /// Records a change, unless both values are equal.
    pub(super) fn record(&mut self, member: Id, key: &str, old: Option<Box<str>>, new: Option<&str>) {
        if old.as_deref() == new {
            return;
        }
        if self.changes.len() == CHANGE_LIMIT {
            self.changes.pop_front();
            self.missed += 1;
        }
        self.changes.push_back(StateChange { member, key: key.into(), old, new: new.map(Into::into) });
    }

    pub(super) fn take(&mut self) -> Changes {
        Changes { list: std::mem::take(&mut self.changes).into(), missed: std::mem::take(&mut self.missed) }
    }
}
