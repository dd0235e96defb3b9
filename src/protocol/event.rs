//! Events: what a member noticed, as values for drivers to log, count or hand to an application.

use std::sync::Arc;

use super::message::{DirectMessage, Id, Incarnation, UserEvent};

/// Something that one member noticed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The member that it is about.
    pub about: Id,
    /// The incarnation that it is about.
    pub incarnation: Incarnation,
    /// The kind of event, from the reporting member's point of view.
    pub kind: EventKind,
    /// Source from which the reporting member learned of it.
    pub source: EventSource,
}

/// Source of a member's knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventSource {
    /// By its own probe or timer.
    Own,
    /// By a message of this sender.
    Heard(Id),
}

impl Event {
    /// An event about the member `about` in this incarnation.
    pub const fn new(about: Id, incarnation: Incarnation, kind: EventKind, source: EventSource) -> Self {
        Self { about, incarnation, kind, source }
    }

    /// An event about the first incarnation of a member that the reporting member has found out by itself: for detectors
    /// without incarnations.
    pub const fn own(about: Id, kind: EventKind) -> Self {
        Self::new(about, Incarnation::of_generation(0), kind, EventSource::Own)
    }
}

impl EventSource {
    /// The sender of the message, if it was one.
    pub const fn sender(self) -> Option<Id> {
        match self {
            Self::Own => None,
            Self::Heard(id) => Some(id),
        }
    }
}

/// Declares [`EventKind`] together with the table of its codes, names and sentences.
macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident $(($payload:ty))? = $code:literal, $name:literal, $sentence:literal;)*) => {
        /// The kind of an [`Event`].
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $kind $(($payload))?,)*
        }

        impl EventKind {
            /// The number in trace hashes. It never changes.
            pub const fn code(&self) -> u8 {
                match self {
                    $(event_kinds!(@pattern $kind $($payload)?) => $code,)*
                }
            }

            /// The name in logs and files.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(event_kinds!(@pattern $kind $($payload)?) => $name,)*
                }
            }

            /// Line for the event in a timeline, with `{}` in place of the member it is about.
            pub const fn sentence(&self) -> &'static str {
                match self {
                    $(event_kinds!(@pattern $kind $($payload)?) => $sentence,)*
                }
            }
        }
    };
    (@pattern $kind:ident) => { Self::$kind };
    (@pattern $kind:ident $payload:ty) => { Self::$kind(_) };
}

event_kinds! {
    /// A member is new, or has returned with a higher incarnation after its death.
    Joined = 1, "joined", "{} is a member";
    /// A member is suspected.
    Suspected = 2, "suspected", "{} is suspected";
    /// One more member suspects a suspect.
    Confirmed = 3, "confirmed", "one more suspects {}";
    /// A suspect refuted.
    Refuted = 4, "refuted", "{} lives and refutes";
    /// A member is dead.
    Died = 5, "died", "{} is dead";
    /// A member left of its own accord.
    Left = 6, "left", "{} has left";
    /// A member's address, location or metadata changed. About the reporting member itself: it published a learned
    /// location.
    Updated = 7, "updated", "{} has a new record";
    /// The record of a dead or departed member was dropped.
    Forgotten = 8, "forgotten", "{} is forgotten";
    /// The reporting member was suspected or declared dead, and raised its incarnation.
    SelfRefuted = 9, "self-refuted", "it is suspected itself, and refutes";
    /// An application event.
    User(Arc<UserEvent>) = 10, "user", "an application event of {}";
    /// Another process took the reporting member's name and keeps it: the member has stopped.
    Displaced = 11, "displaced", "another process took its name; it stops";
    /// A message of a member's application.
    Direct(Arc<DirectMessage>) = 12, "direct", "a message of {}'s application";
    /// Something about a member that SWIM has no word for: a level of suspicion, say. The detector of a user's own that
    /// reports it gives its number a meaning. Observers and trace hashes have it, measures leave it out, and of checkers
    /// only that of incarnations looks at it. No SWIM member reports it.
    Other(u32) = 13, "other", "something of the detector's own about {}";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_event_has_its_line_in_the_table_like_any_other() {
        let event = UserEvent { seq: 1, name: "deploy".into(), payload: [].into() };
        let kind = EventKind::User(Arc::new(event));
        assert_eq!((kind.code(), kind.name()), (10, "user"));
        assert_eq!((EventKind::Joined.code(), EventKind::Joined.name()), (1, "joined"));
    }
}
