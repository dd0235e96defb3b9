//! Requests and answers, as they are written in JSON.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::monitor::LogLevel;
use super::query_messages::{LONGEST_QUERY, QueryAnswerSummary, QueryRequest, QuerySummary};
use super::values::{FamilyValue, FamilyValues, SecretText};
use crate::agent::discovery::{InstanceSummary, SharedSummary};
use crate::agent::event::MemberInfo;
use crate::agent::handle::Agent;
use crate::agent::join::{LONGEST_JOIN, SeedContact};
use crate::agent::metrics::{FAMILIES, Family, Info, Reading};
use crate::agent::reachability::{LONGEST_CHECK, Reached};
use crate::agent::round_trip::{RoundTrip, RoundTripSource};
use crate::protocol::Id;

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

/// Round-trip time between two members, as `swimlab rtt` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoundTripSummary {
    /// The name of the one member.
    pub from: String,
    /// The name of the other.
    pub to: String,
    /// The round-trip time in milliseconds.
    pub rtt_ms: f64,
    /// `measured` or `coordinates`.
    pub source: String,
    /// The estimated relative error, of coordinates: 0.1 is a tenth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
}

/// A member that was pinged, as `swimlab reachability` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReachedSummary {
    /// The member's id: 16 hexadecimal digits.
    pub id: String,
    /// The member's name.
    pub name: String,
    /// The address that the member advertises.
    pub addr: SocketAddr,
    /// `alive` or `suspect`, before the ping.
    pub state: String,
    /// The round-trip time in milliseconds; absent without an ack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
}

/// An address of a seed that an agent was told to join, as `swimlab join` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContactSummary {
    /// The seed as it was given.
    pub seed: String,
    /// The address; absent if the seed has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addr: Option<SocketAddr>,
    /// The reason why no member has answered there; absent if one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A member, as `swimlab members` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MemberSummary {
    /// The member's id: 16 hexadecimal digits.
    pub id: String,
    /// The member's name.
    pub name: String,
    /// The address that the member advertises.
    pub addr: SocketAddr,
    /// `alive`, `suspect`, `dead` or `left`.
    pub state: String,
    /// Generation and refutations, with a dot in between.
    pub incarnation: String,
    /// The member's metadata.
    pub meta: BTreeMap<String, String>,
    /// The names of its zone path, with slashes in between, if it has one; `#` and a hash for each level if the names are
    /// not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Its place on the globe, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// A place on the globe, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Place {
    /// The latitude.
    pub lat: f64,
    /// The longitude.
    pub lon: f64,
}

/// State of an agent, as `swimlab info` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentSummary {
    /// The version of swimlab.
    pub version: String,
    /// The member's name.
    pub name: String,
    /// The member's id: 16 hexadecimal digits.
    pub id: String,
    /// The address that the member advertises.
    pub addr: SocketAddr,
    /// Generation and refutations, with a dot in between.
    pub incarnation: String,
    /// Seconds since the start of the agent.
    pub uptime_s: f64,
    /// Whether a join is under way that no seed has answered yet.
    pub is_joining: bool,
    /// The selector's label.
    #[serde(default)]
    pub selector: String,
    /// The profile, if the configuration is made from a named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The preset, if the configuration is made from a named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The protocol period in seconds.
    #[serde(default)]
    pub period_s: f64,
    /// The number of other members that the selector regards as near; absent if it prefers none by distance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighborhood: Option<u32>,
    /// Whether the selector pings in shuffled order at present because clocks do not agree.
    #[serde(default)]
    pub has_fallen_back: bool,
    /// The share of the bytes sent to members of known distance that went to far ones; absent if none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub far_share: Option<f64>,
    /// The agent's clock beside those of other members; absent without a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockSummary>,
    /// Settings that are probably wrong, in words.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The metric families that `swimlab info` shows, by their keys.
    #[serde(flatten)]
    pub families: FamilyValues,
    /// The agent's network coordinate, if its selector learns one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinate: Option<CoordinateSummary>,
    /// The identifiers of the agent's keys, the one that seals first.
    pub keys: Vec<String>,
    /// The address at which the agent serves its metrics, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    /// The address at which the agent answers over HTTP, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<SocketAddr>,
    /// The address at which the agent answers DNS queries, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns: Option<SocketAddr>,
}

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

/// Addresses at which an agent serves other programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interfaces {
    /// Its metrics alone.
    pub metrics: Option<SocketAddr>,
    /// HTTP.
    pub http: Option<SocketAddr>,
    /// DNS, over UDP and TCP.
    pub dns: Option<SocketAddr>,
}

impl Interfaces {
    /// Writes the addresses into an agent's summary.
    pub(super) fn tell(self, summary: &mut AgentSummary) {
        let Self { metrics, http, dns } = self;
        (summary.metrics, summary.http, summary.dns) = (metrics, http, dns);
    }
}

/// An agent's clock beside those of other members.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClockSummary {
    /// Seconds by which it is ahead of the median of the others; negative if it is behind.
    pub ahead_s: f64,
    /// The number of the others.
    pub peers: usize,
}

/// A network coordinate. The round-trip time between two members is estimated by the distance of their positions, plus
/// the heights and the adjustments of both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CoordinateSummary {
    /// The position, in microseconds.
    pub position_us: [f32; 8],
    /// The share of the access link, in microseconds.
    pub height_us: f32,
    /// Correction for what position and height do not express, in microseconds.
    pub adjustment_us: f32,
    /// The estimated relative error: 0.1 is a tenth.
    pub error: f32,
}

impl From<&MemberInfo> for MemberSummary {
    fn from(member: &MemberInfo) -> Self {
        Self {
            id: hex(member.id()),
            name: member.name().to_owned(),
            addr: member.addr(),
            state: member.state.to_string(),
            incarnation: member.incarnation.to_string(),
            meta: member.pairs().0,
            zone: member.zone(),
            place: member.place().map(|(lat, lon)| Place { lat, lon }),
        }
    }
}

impl RoundTripSummary {
    pub(super) fn new(from: String, to: String, found: RoundTrip) -> Self {
        let (source, error) = match found.source {
            RoundTripSource::Measured => ("measured", None),
            RoundTripSource::Coordinates { error } => ("coordinates", Some((error * 1e3).round() / 1e3)),
        };
        Self { from, to, rtt_ms: millis(found.rtt), source: source.to_owned(), error }
    }
}

impl From<&Reached> for ReachedSummary {
    fn from(Reached { member, rtt }: &Reached) -> Self {
        Self {
            id: hex(member.id()),
            name: member.name().to_owned(),
            addr: member.addr(),
            state: member.state.to_string(),
            rtt_ms: rtt.map(millis),
        }
    }
}

/// A time in milliseconds, to the microsecond.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

impl From<SeedContact> for ContactSummary {
    fn from(contact: SeedContact) -> Self {
        let error = contact.failure.map(|failure| failure.to_string());
        Self { seed: contact.seed, addr: contact.addr, error }
    }
}

impl AgentSummary {
    pub(in crate::agent) fn new(agent: &Agent, info: &Info) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: agent.name().to_owned(),
            id: hex(agent.id()),
            addr: agent.addr(),
            incarnation: info.incarnation.to_string(),
            uptime_s: info.uptime.as_secs_f64(),
            is_joining: info.is_joining,
            selector: info.names.selector.clone(),
            profile: info.names.profile.clone(),
            preset: info.names.preset.clone(),
            period_s: info.period.as_secs_f64(),
            neighborhood: info.neighbors,
            has_fallen_back: info.has_fallen_back,
            far_share: info.far_share().map(|share| (share * 1e4).round() / 1e4),
            clock: info
                .clock_offset
                .map(|offset| ClockSummary { ahead_s: offset.ahead_us as f64 / 1e6, peers: offset.peers }),
            warnings: info.warnings.iter().map(ToString::to_string).collect(),
            families: FamilyValues(FAMILIES.iter().filter_map(|family| shown_value(family, info)).collect()),
            coordinate: info.coordinate.map(|at| CoordinateSummary {
                position_us: at.vector,
                height_us: at.height,
                adjustment_us: at.adjustment,
                error: at.error,
            }),
            keys: info.keys.iter().map(ToString::to_string).collect(),
            metrics: None,
            http: None,
            dns: None,
        }
    }
}

fn hex(id: Id) -> String {
    format!("{id:016x}")
}

/// Reads a family, if `swimlab info` shows it.
fn shown_value(family: &Family, info: &Info) -> Option<(String, FamilyValue)> {
    let shown = family.info?;
    let value = match (family.read)(info) {
        Reading::Count(count) => FamilyValue::Single(count),
        Reading::Labeled(_, values) => {
            let values = values.into_iter().filter(|(_, count)| *count > 0 || !shown.skips_zeros);
            FamilyValue::Labeled(values.map(|(name, count)| (name.to_owned(), count)).collect())
        }
        Reading::Seconds(_)
        | Reading::SecondsIfKnown(_)
        | Reading::CountIfKnown(_)
        | Reading::Texts(_)
        | Reading::Histogram(_) => return None,
    };
    Some((shown.key.to_owned(), value))
}

// Named by `serde`, which wants references.
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}
