//! State of an agent with that of all members and the latest events, as it is written in JSON.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::agent_messages::AgentSummary;
use super::member_messages::MemberSummary;

/// State of an agent, of all members that it has a record of, and its latest events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OverviewSummary {
    /// The agent.
    pub agent: AgentSummary,
    /// The local health multiplier's score: 0 is perfect health; periods and timeouts are (score + 1) times as long.
    pub health_score: u16,
    /// Packets sent since the agent's start.
    pub sent: TrafficSummary,
    /// Packets received and decoded since the agent's start.
    pub received: TrafficSummary,
    /// Suspicions that own probes began.
    pub own_suspicions: u64,
    /// All members.
    pub members: Vec<MemberOverview>,
    /// The latest events, the newest first.
    pub events: Vec<EventSummary>,
}

/// Packets and their bytes, without the headers of UDP, TCP and IP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrafficSummary {
    /// The number of packets.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A member, and what the agent has observed of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberOverview {
    /// The record.
    #[serde(flatten)]
    pub member: MemberSummary,
    /// Seconds for which it has its state, or since it was first seen; absent beyond the most members of which that is
    /// remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_s: Option<f64>,
    /// Suspicions that the agent has reported of it, since its control socket serves it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub suspicions: u64,
    /// The round-trip time in milliseconds; absent if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Whether the round-trip time is estimated from coordinates.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_estimate: bool,
    /// The services that it offers, each with its port: `web:8080`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

/// An event of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventSummary {
    /// The number of the event, from 1 on.
    pub number: u64,
    /// Seconds since it was reported.
    pub ago_s: f64,
    /// `joined`, `suspected`, `refuted`, `died`, `left`, `updated`, `user`, `displaced` or `missed`.
    pub event: String,
    /// The name of the member that it is about, or of the sender.
    #[serde(default)]
    pub name: String,
    /// The address of the member that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<SocketAddr>,
    /// The member's incarnation, the name of the application event, or the number of missed events.
    #[serde(default)]
    pub detail: String,
}

// Named by `serde`, which wants references.
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
