//! The events at which a handler runs, and its command.

use crate::agent::{AgentEvent, MemberChange, Query};
use crate::protocol::{NameError, UserEvent};

/// The events at which a handler runs, and its command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::agent) struct Handler {
    pub(super) trigger: Trigger,
    pub(super) command: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trigger {
    /// An application event; `None`: with any name.
    Event(Option<String>),
    /// A query; `None`: with any name.
    Query(Option<String>),
    /// A change of a member; `None`: any change.
    Member(Option<MemberChange>),
}

impl Handler {
    /// Parses `EVENT=COMMAND`.
    pub(in crate::cli::agent) fn parse(text: &str) -> Result<Self, String> {
        let (trigger, command) = text.split_once('=').ok_or_else(|| format!("expected EVENT=COMMAND, {EVENTS}"))?;
        let command = command.trim();
        if command.is_empty() {
            return Err("the command is empty".to_owned());
        }
        let trigger = match (trigger, trigger.split_once(':'), trigger.strip_prefix("member-")) {
            ("event", ..) => Trigger::Event(None),
            ("query", ..) => Trigger::Query(None),
            ("member", ..) => Trigger::Member(None),
            (_, Some(("event", name)), _) => {
                NameError::check(name, UserEvent::NAME_LIMIT).map_err(|error| format!("the event's name: {error}"))?;
                Trigger::Event(Some(name.to_owned()))
            }
            (_, Some(("query", name)), _) => {
                NameError::check(name, Query::NAME_LIMIT).map_err(|error| format!("the query's name: {error}"))?;
                Trigger::Query(Some(name.to_owned()))
            }
            (.., Some(change)) => {
                let found = MemberChange::ALL.into_iter().find(|known| known.name() == change);
                Trigger::Member(Some(found.ok_or_else(|| format!("unknown event {trigger:?}: {EVENTS}"))?))
            }
            _ => return Err(format!("unknown event {trigger:?}: {EVENTS}")),
        };
        Ok(Self { trigger, command: command.to_owned() })
    }

    pub(super) fn is_for(&self, event: &AgentEvent) -> bool {
        match (&self.trigger, event) {
            (Trigger::Event(name), AgentEvent::User { event, .. }) => {
                name.as_deref().is_none_or(|name| *name == *event.name)
            }
            (Trigger::Query(name), AgentEvent::Query(query)) => name.as_deref().is_none_or(|name| name == query.name()),
            (Trigger::Member(change), AgentEvent::Member(happened, _)) => {
                change.is_none_or(|change| change == *happened)
            }
            _ => false,
        }
    }
}

/// The events that a handler may be for.
const EVENTS: &str = "where EVENT is event, event:NAME, query, query:NAME, member, member-joined, member-suspected, member-refuted, \
                      member-died, member-left or member-updated";
