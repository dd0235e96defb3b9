//! Requests and answers, as they are written in JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::agent_messages::AgentSummary;
use super::member_messages::{ContactSummary, MemberSummary, ReachedSummary, RoundTripSummary};
use super::monitor::LogLevel;
use super::overview_messages::OverviewSummary;
use super::query_messages::{LONGEST_QUERY, QueryAnswerSummary, QueryRequest, QuerySummary};
use super::values::SecretText;
use crate::agent::discovery::{InstanceSummary, SharedSummary};
use crate::agent::join::LONGEST_JOIN;
use crate::agent::reachability::LONGEST_CHECK;

/// A request to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
#[non_exhaustive]
pub enum Request {
    /// List all members: [`Answer::Members`].
    Members,
    /// List the alive and suspected members that a filter lets through: [`Answer::Members`].
    FilteredMembers {
        /// The filter, as [`Filter`](crate::discovery::Filter) reads it.
        filter: String,
    },
    /// List instances of services: [`Answer::Services`].
    Services {
        /// The service; without one, all services.
        name: Option<String>,
        /// Whether to leave out those that are suspected or failing.
        healthy: bool,
        /// The filter, as [`Filter`](crate::discovery::Filter) reads it.
        filter: Option<String>,
    },
    /// Summarize the agent's state: [`Answer::Info`].
    Info,
    /// Summarize the agent's state, that of all members, and the latest events: [`Answer::Overview`].
    Overview,
    /// Join the groups of these members: [`Answer::Contacts`].
    Join {
        /// Seeds, as those of `--join`.
        seeds: Vec<String>,
    },
    /// Read settings again that can change at run time.
    Reload,
    /// Leave the group.
    Leave,
    /// Mark a suspected or dead member as departed, at all members.
    ForceLeave {
        /// The member's name.
        name: String,
    },
    /// The round-trip time between two members: [`Answer::RoundTrip`].
    RoundTrip {
        /// The name of the one; that of the agent's own member if it is absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// The name of the other.
        to: String,
    },
    /// Ping all members directly: [`Answer::Reachability`].
    Reachability,
    /// Change single pairs of the agent's metadata.
    UpdateMeta {
        /// Pairs to set, as `key=value`.
        set: Vec<String>,
        /// Keys to remove.
        unset: Vec<String>,
    },
    /// Report the health of the agent's member, or of one of its services.
    SetHealth {
        /// The service; without one, the member as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
        /// `passing`, `warning` or `critical`.
        health: String,
        /// The reason.
        reason: String,
    },
    /// Report a load figure of the agent's member.
    SetLoad {
        /// Its name.
        name: String,
        /// The figure.
        figure: f64,
    },
    /// List the values that the group shares: [`Answer::Shared`].
    Shared,
    /// Write a shared value.
    SetShared {
        /// Its name.
        name: String,
        /// The value.
        value: String,
    },
    /// Remove a shared value.
    UnsetShared {
        /// Its name.
        name: String,
    },
    /// Add an item to a shared set.
    AddShared {
        /// The set's name.
        set: String,
        /// The item.
        item: String,
    },
    /// Remove an item from a shared set.
    RemoveShared {
        /// The set's name.
        set: String,
        /// The item.
        item: String,
    },
    /// Broadcast an application event.
    Event {
        /// Its name.
        name: String,
        /// Its payload.
        payload: String,
    },
    /// Ask members something: [`Answer::QueryAnswer`] for each that answers or fails, as they come, and
    /// [`Answer::QueryEnd`]. The query ends when the client closes its side of the connection.
    Query(QueryRequest),
    /// Install a key.
    InstallKey {
        /// The key in base64 or hexadecimal digits, as in a key file.
        key: SecretText,
    },
    /// Seal with an installed key.
    UseKey {
        /// The key's identifier.
        id: String,
    },
    /// Remove a key.
    RemoveKey {
        /// The key's identifier.
        id: String,
    },
    /// Read the log of the agent's program from now on: after the answer, lines of [`LogLine`](super::LogLine) follow.
    Monitor {
        /// Records of this level and more severe ones.
        level: LogLevel,
    },
}

impl Request {
    /// The longest that an agent takes for the request beyond the time for reading and answering it.
    pub(super) fn longest(&self) -> Duration {
        match self {
            Self::Join { .. } => LONGEST_JOIN,
            Self::Reachability => LONGEST_CHECK,
            Self::Query(_) => LONGEST_QUERY,
            _ => Duration::ZERO,
        }
    }
}

/// An agent's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// The request was carried out.
    Done,
    /// The request was not carried out, for this reason.
    Refused(String),
    /// All members.
    Members(Vec<MemberSummary>),
    /// Instances by service, the readiest first.
    Services(Vec<InstanceSummary>),
    /// The agent's state.
    Info(Box<AgentSummary>),
    /// The agent's state, that of all members, and the latest events.
    Overview(Box<OverviewSummary>),
    /// Outcomes for the addresses that the agent was told to join.
    Contacts(Vec<ContactSummary>),
    /// The values that the group shares.
    Shared(SharedSummary),
    /// The round-trip time between two members.
    RoundTrip(RoundTripSummary),
    /// The members that were pinged, and the round-trip times of those that answered.
    Reachability(Vec<ReachedSummary>),
    /// A member's answer to a query; more follow.
    QueryAnswer(QueryAnswerSummary),
    /// A query is over.
    QueryEnd(QuerySummary),
}

impl Answer {
    /// The line that is sent.
    pub(super) fn line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).expect("plain data");
        line.push(b'\n');
        line
    }
}
