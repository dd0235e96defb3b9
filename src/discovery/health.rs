//! Health that members report, and readiness that follows from it and from membership.

use std::fmt;

use crate::protocol::Status;

/// Health that a member reports of itself or of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It works.
    #[default]
    Passing,
    /// It works, but not as it should: used after those that pass.
    Warning(Box<str>),
    /// It does not work, for this reason.
    Critical(Box<str>),
}

/// Whether an instance can be used, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Readiness {
    /// Its member is alive, and it passes.
    Ready,
    /// Its member is alive, and warns.
    Degraded,
    /// Its member is suspected: it did not answer.
    Suspected,
    /// It is critical.
    Failing,
}

impl Health {
    /// The longest reason, in bytes.
    pub const REASON_LIMIT: usize = 256;

    /// The health of this name, as in `warning` or `critical`, with a reason. Of a longer reason the beginning is kept, and
    /// control characters become spaces.
    pub fn named(name: &str, reason: &str) -> Option<Self> {
        let mut end = reason.len().min(Self::REASON_LIMIT);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let is_control = |found: char| found.is_control() || matches!(found, '\u{2028}' | '\u{2029}');
        let reason: Box<str> = reason[..end].replace(is_control, " ").into();
        match name {
            "passing" => Some(Self::Passing),
            "warning" => Some(Self::Warning(reason)),
            "critical" => Some(Self::Critical(reason)),
            _ => None,
        }
    }

    /// The name without the reason.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passing => "passing",
            Self::Warning(_) => "warning",
            Self::Critical(_) => "critical",
        }
    }

    /// The reason; empty if it passes.
    pub fn reason(&self) -> &str {
        match self {
            Self::Passing => "",
            Self::Warning(reason) | Self::Critical(reason) => reason,
        }
    }

    /// The value under which a member publishes it.
    pub(super) fn value(&self) -> String {
        format!("{} {}", self.name(), self.reason())
    }

    /// The health that a member publishes by this value; `None` if it is none.
    pub(super) fn from_value(value: &str) -> Option<Self> {
        let (name, reason) = value.split_once(' ')?;
        Self::named(name, reason)
    }
}

impl Readiness {
    /// Readiness of an instance of a member in this state; `None` if the member is dead or has left.
    pub fn of(status: Status, member: &Health, service: &Health) -> Option<Self> {
        let critical = |health: &Health| matches!(health, Health::Critical(_));
        match status {
            Status::Dead | Status::Left => None,
            _ if critical(member) || critical(service) => Some(Self::Failing),
            Status::Suspect => Some(Self::Suspected),
            Status::Alive if *member == Health::Passing && *service == Health::Passing => Some(Self::Ready),
            Status::Alive => Some(Self::Degraded),
        }
    }

    /// Whether clients are sent to it.
    pub const fn is_healthy(self) -> bool {
        matches!(self, Self::Ready | Self::Degraded)
    }

    /// The name in tables and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Suspected => "suspected",
            Self::Failing => "failing",
        }
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
