//! Members, and what an agent finds out about them, as they are written in JSON.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::event::MemberInfo;
use crate::agent::join::SeedContact;
use crate::agent::reachability::Reached;
use crate::agent::round_trip::{RoundTrip, RoundTripSource};
use crate::protocol::Id;

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

impl From<SeedContact> for ContactSummary {
    fn from(contact: SeedContact) -> Self {
        let error = contact.failure.map(|failure| failure.to_string());
        Self { seed: contact.seed, addr: contact.addr, error }
    }
}

/// A time in milliseconds, to the microsecond.
pub(super) fn millis(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e3
}

pub(super) fn hex(id: Id) -> String {
    format!("{id:016x}")
}
