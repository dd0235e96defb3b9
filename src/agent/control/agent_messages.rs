//! State of an agent, as it is written in JSON.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::member_messages::hex;
use super::values::{FamilyValue, FamilyValues};
use crate::agent::handle::Agent;
use crate::agent::metrics::{FAMILIES, Family, Info, Reading};

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

impl Interfaces {
    /// Writes the addresses into an agent's summary.
    pub(super) fn tell(self, summary: &mut AgentSummary) {
        let Self { metrics, http, dns } = self;
        (summary.metrics, summary.http, summary.dns) = (metrics, http, dns);
    }
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
