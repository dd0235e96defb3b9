//! Properties that every step keeps, and what members of a state agree on.

use swimlab::protocol::Status;

use crate::record::{Change, Record};
use crate::state::{Host, State, Version};

impl State {
    /// The first property that the last step has violated, if there is one: `touched` is the only member that may have
    /// changed, and `earlier` what it was before.
    pub(crate) fn violation(&self, touched: usize, earlier: &Version) -> Option<String> {
        let host = &self.hosts[touched];
        if !host.is_up {
            return None;
        }
        let version = &host.version;
        if version.is_stopped {
            return Some(format!("member {touched} has stopped and did not leave"));
        }
        let (own, was) = (version.incarnation, earlier.incarnation);
        if own < was {
            return Some(format!("member {touched} lowers its incarnation from {was} to {own}"));
        }
        let mine = Record { status: Status::Alive, incarnation: own };
        match version.records[touched] {
            None => return Some(format!("member {touched} has no record of itself")),
            Some(record) if record != mine => {
                return Some(format!("member {touched}, alive at {own}, has the record \"{record}\" of itself"));
            }
            Some(_) => {}
        }
        self.changes(touched, earlier).find_map(|(about, change)| {
            change.violation().map(|what| format!("member {touched} {what} member {about}"))
        })
    }

    /// Changes of a member's records of the others since it was like this.
    pub(crate) fn changes(&self, touched: usize, earlier: &Version) -> impl Iterator<Item = (usize, Change)> {
        let others = self.hosts.iter().enumerate().filter(move |(about, _)| *about != touched);
        others.map(move |(about, other)| {
            let (before, after) = (earlier.records[about], self.hosts[touched].version.records[about]);
            (about, Change { before, after, owner: other.version.incarnation })
        })
    }

    /// Whether all members that are up agree on which members are up.
    pub(crate) fn agrees(&self) -> bool {
        let counts =
            |host: &Host, about: usize| host.version.records[about].is_some_and(|record| record.status.is_member());
        self.up()
            .all(|(_, host)| self.hosts.iter().enumerate().all(|(about, other)| counts(host, about) == other.is_up))
    }

    /// Whether they agree on their incarnations, too, suspect none, and have nothing more to tell each other.
    pub(crate) fn is_settled(&self) -> bool {
        let is_right = |host: &Host, (about, other): (usize, &Host)| match host.version.records[about] {
            Some(Record { status: Status::Alive, incarnation }) => {
                other.is_up && incarnation == other.version.incarnation
            }
            Some(Record { status: Status::Suspect, .. }) => false,
            Some(Record { status: Status::Dead | Status::Left, .. }) | None => !other.is_up,
        };
        self.up()
            .all(|(_, host)| host.version.is_quiet && self.hosts.iter().enumerate().all(|about| is_right(host, about)))
    }

    /// Whether a member that is up holds another one dead that is up, too.
    pub(crate) fn has_false_death(&self) -> bool {
        let is_dead =
            |host: &Host, about: usize| host.version.records[about].is_some_and(|record| record.status == Status::Dead);
        self.up().any(|(_, host)| self.up().any(|(about, _)| is_dead(host, about)))
    }

    /// The records that each member that is up has of the others, for reports of disagreement.
    pub(crate) fn beliefs(&self) -> String {
        let beliefs = self.up().map(|(index, host)| {
            let others = (0..self.hosts.len()).filter(|about| *about != index);
            let record = |about: usize| match host.version.records[about] {
                Some(record) => format!("{about} {record}"),
                None => format!("{about} unknown"),
            };
            format!("member {index} holds {}", others.map(record).collect::<Vec<_>>().join(", "))
        });
        beliefs.collect::<Vec<_>>().join("; ")
    }

    fn up(&self) -> impl Iterator<Item = (usize, &Host)> {
        self.hosts.iter().enumerate().filter(|(_, host)| host.is_up)
    }
}
