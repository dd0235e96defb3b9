//! Changes of a catalog.

use super::instance::Instance;

/// A change of one instance. Load alone is no change: it is in the next snapshot.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// Its number: each change has the next one.
    pub index: u64,
    /// The kind.
    pub kind: ChangeKind,
    /// The instance after the change; before it, if it was removed.
    pub instance: Instance,
}

/// The kind of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// The instance is new.
    Added,
    /// Its readiness, address, port, weight, tags or member changed.
    Updated,
    /// Its member has died or left, or no longer offers it.
    Removed,
}

impl ChangeKind {
    /// The name in streams of events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Removed => "removed",
        }
    }
}
