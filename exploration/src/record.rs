//! One member's record of another, and what may become of it in a step.

use std::fmt;

use swimlab::protocol::{Incarnation, Member, Status};

use crate::model::id_of;

/// One member's record of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) status: Status,
    pub(crate) incarnation: Incarnation,
}

impl Record {
    /// A member's record of the member with this index; `None` if it is unknown or forgotten.
    pub(crate) fn of(member: &Member, about: usize) -> Option<Self> {
        let table = member.table();
        let record = table.record(table.slot(id_of(about))?);
        Some(Self { status: record.status?, incarnation: record.incarnation })
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.incarnation)
    }
}

/// Change of one member's record of another in one step.
pub(crate) struct Change {
    pub(crate) before: Option<Record>,
    pub(crate) after: Option<Record>,
    /// The incarnation of the member that the record is about.
    pub(crate) owner: Incarnation,
}

impl Change {
    /// Whether a member becomes dead or departed.
    pub(crate) fn is_death(&self) -> bool {
        is_member(self.before) && self.after.is_some_and(|after| !after.status.is_member())
    }

    /// Whether a dead or departed member returns.
    pub(crate) fn is_return(&self) -> bool {
        self.before.is_some_and(|before| !before.status.is_member()) && is_member(self.after)
    }

    /// A text to be put between the member that holds the record and the one that it is about.
    pub(crate) fn violation(&self) -> Option<String> {
        let (after, owner) = (self.after?, self.owner);
        let now = after.incarnation;
        if now > owner {
            return Some(format!("holds incarnation {now}, which is above the owner's {owner}, of"));
        }
        let before = self.before?;
        let was = before.incarnation;
        if now < was {
            return Some(format!("goes back from incarnation {was} to {now} of"));
        }
        (!before.status.is_member() && after.status.is_member() && now <= was)
            .then(|| format!("revives without a refutation ({before}, then {after})"))
    }
}

fn is_member(record: Option<Record>) -> bool {
    record.is_some_and(|record| record.status.is_member())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(status: Status, refutations: u32) -> Option<Record> {
        Some(Record { status, incarnation: Incarnation { generation: 0, refutations } })
    }

    fn verdict(before: Option<Record>, after: Option<Record>, owner: u32) -> String {
        let owner = Incarnation { generation: 0, refutations: owner };
        Change { before, after, owner }.violation().unwrap_or_default()
    }

    #[test]
    fn the_dead_return_by_a_higher_incarnation_only() {
        let dead = record(Status::Dead, 2);
        assert_eq!(verdict(dead, record(Status::Alive, 3), 3), "");
        assert_eq!(
            verdict(dead, record(Status::Alive, 2), 3),
            "revives without a refutation (dead 0.2, then alive 0.2)"
        );
        assert_eq!(
            verdict(record(Status::Left, 2), record(Status::Suspect, 2), 3),
            "revives without a refutation (left 0.2, then suspect 0.2)"
        );
        assert_eq!(verdict(dead, record(Status::Left, 2), 3), "");
    }

    #[test]
    fn incarnations_neither_fall_nor_exceed_their_owners() {
        assert_eq!(
            verdict(record(Status::Alive, 1), record(Status::Alive, 0), 1),
            "goes back from incarnation 0.1 to 0.0 of"
        );
        assert_eq!(
            verdict(record(Status::Alive, 1), record(Status::Suspect, 2), 1),
            "holds incarnation 0.2, which is above the owner's 0.1, of"
        );
        assert_eq!(verdict(None, record(Status::Alive, 1), 1), "");
        assert_eq!(verdict(record(Status::Dead, 1), None, 1), "");
    }
}
