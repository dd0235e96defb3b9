//! Parts of a member's state as they pass between members.

use crate::protocol::{Id, Span};

/// The version that a member has of another's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StateVersion {
    pub member: Id,
    pub generation: u32,
    /// All that the owner wrote up to this version, and did not write again since, is there.
    pub version: u64,
    /// The version up to which deletions are forgotten.
    pub collected: u64,
}

impl StateVersion {
    /// That of a state of which no write is known.
    pub(super) fn blank(member: Id, generation: u32) -> Self {
        Self { member, generation, version: 0, collected: 0 }
    }
}

/// All entries of a member's state whose last version is above `from` and at most `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delta<'a> {
    pub member: Id,
    pub generation: u32,
    pub from: u64,
    pub to: u64,
    /// The version up to which the sender has forgotten deletions. A receiver that is older may have keys whose
    /// deletion this delta does not tell.
    pub collected: u64,
    /// In the order of their versions.
    pub entries: Vec<DeltaEntry<'a>>,
}

/// A key as its owner last wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeltaEntry<'a> {
    pub version: u64,
    /// The remaining time to live, if it has one.
    pub left: Option<Span>,
    pub key: &'a str,
    /// `None` if it was deleted or has expired.
    pub value: Option<&'a str>,
}

/// A delta, and whether it has all that the sender could tell.
pub(super) struct Cut<'a> {
    pub delta: Delta<'a>,
    pub is_complete: bool,
}

/// A hash, under a salt, of what a member shows of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub member: Id,
    pub generation: u32,
    pub version: u64,
    pub hash: u64,
}
