//! EventKind happened, as values: a driver logs them, counts them, hands them to an application.

use std::sync::Arc;

use super::message::{Id, Incarnation, UserEvent};

/// Something that one member noticed.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whom it is about.
    pub about: Id,
    /// The incarnation that the news speaks of.
    pub incarnation: Incarnation,
    /// EventKind happened.
    pub kind: EventKind,
    /// How the member knows.
    pub source: EventSource,
}

/// EventKind happened, in the eyes of the member that reports it.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// A member is new, or back from the dead with a higher incarnation.
    Joined,
    /// A member is doubted.
    Suspected,
    /// One more member doubts a suspect.
    Confirmed,
    /// A suspect spoke up.
    Refuted,
    /// A member is dead.
    Died,
    /// A member left of its own will.
    Left,
    /// A member's card changed; of the reporting member itself: it says anew where it is.
    Updated,
    /// A dead or departed member's record is dropped.
    Forgotten,
    /// Somebody doubted or buried the reporting member itself, which raised its incarnation.
    SelfRefuted,
    /// Another process took the reporting member's name, and keeps it: the member has stopped.
    Displaced,
    /// An application's event.
    User(Arc<UserEvent>),
}

/// How a member came to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventSource {
    /// By its own probe or timer.
    Own,
    /// It was told, by this sender.
    Heard(Id),
}
