//! Requests and answers, as they are written in JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::agent::event::MemberInfo;
use crate::agent::handle::Agent;
use crate::agent::meta::Meta;
use crate::agent::metrics::{FAMILIES, Family, Info, Reading};
use crate::protocol::Id;

/// A request to an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
#[non_exhaustive]
pub enum Request {
    /// List all members: [`Answer::Members`].
    Members,
    /// Summarize the agent's state: [`Answer::Info`].
    Info,
    /// Leave the group.
    Leave,
    /// Broadcast an application event.
    Event {
        /// Its name.
        name: String,
        /// Its payload.
        payload: String,
    },
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
}

/// A secret in a [`Request`]. It is overwritten in memory when it is dropped, and its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

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
    /// The agent's state.
    Info(Box<AgentSummary>),
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

/// Metric families by key, in the order in which they are shown; an object in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FamilyValues(pub Vec<(String, FamilyValue)>);

/// Value of one metric family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum FamilyValue {
    /// Of a family without labels.
    Single(u64),
    /// Of each label.
    Labeled(BTreeMap<String, u64>),
}

impl From<&MemberInfo> for MemberSummary {
    fn from(member: &MemberInfo) -> Self {
        Self {
            id: hex(member.id()),
            name: member.name().to_owned(),
            addr: member.addr(),
            state: member.state.to_string(),
            incarnation: member.incarnation.to_string(),
            meta: Meta::from_bytes(member.meta()).0,
        }
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
            families: FamilyValues(FAMILIES.iter().filter_map(|family| shown_value(family, info)).collect()),
            coordinate: info.coordinate.map(|at| CoordinateSummary {
                position_us: at.vector,
                height_us: at.height,
                adjustment_us: at.adjustment,
                error: at.error,
            }),
            keys: info.keys.iter().map(ToString::to_string).collect(),
            metrics: None,
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
        Reading::Seconds(_) | Reading::Histogram(_) => return None,
    };
    Some((shown.key.to_owned(), value))
}

impl SecretText {
    /// The secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(..)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}

impl Serialize for FamilyValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for FamilyValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FamilyValuesVisitor)
    }
}

/// Reads an object, and keeps the order of its keys.
struct FamilyValuesVisitor;

impl<'de> Visitor<'de> for FamilyValuesVisitor {
    type Value = FamilyValues;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metric families by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<FamilyValues, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(FamilyValues(values))
    }
}
