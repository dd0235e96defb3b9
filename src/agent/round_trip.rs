//! Round-trip times between members: measured, or estimated from network coordinates.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use swimlab_selectors::Coordinate;

use super::checks::Measurements;
use super::exit::Closed;
use crate::protocol::{Id, Member, NodeInfo};

/// Round-trip time between two members.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoundTrip {
    /// The round-trip time.
    pub rtt: Duration,
    /// The source of the figure.
    pub source: RoundTripSource,
}

/// Source of a round-trip time.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RoundTripSource {
    /// The agent's own direct pings: the shortest, raised by an eighth of the difference by each longer one.
    Measured,
    /// The network coordinates of both members.
    Coordinates {
        /// The larger one of the two members' own estimates of their relative error: 0.1 is a tenth.
        error: f64,
    },
}

/// Reason why the round-trip time between two members is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoundTripError {
    /// The agent has ended.
    Closed,
    /// No member is known by this name.
    Unknown(String),
    /// Both names are that of this member.
    Same(String),
    /// No direct ping to this member was answered yet, and there are no coordinates, as the agent's selector learns none.
    NotMeasured(String),
    /// Neither member is the agent itself, and its selector learns no coordinates.
    NoCoordinates,
    /// No coordinate of this member has come yet.
    NoCoordinateOf(String),
}

/// Finds the round-trip time between two members of a member's table; without `from`, between itself and another one.
pub(super) fn find(
    member: &Member,
    measurements: &Measurements,
    from: Option<&str>,
    to: &str,
) -> Result<RoundTrip, RoundTripError> {
    let me = &**member.node();
    let named = |name: &str| {
        let mut nodes = member.table().entries().map(|(.., node)| &**node);
        nodes.find(|node| *node.name == *name).ok_or_else(|| RoundTripError::Unknown(name.to_owned()))
    };
    let (from, to) = (from.map_or(Ok(me), named)?, named(to)?);
    let id = |node: &NodeInfo| node.peer.id;
    if id(from) == id(to) {
        return Err(RoundTripError::Same(to.name.to_string()));
    }
    let other = [(from, to), (to, from)].into_iter().find(|(one, _)| id(one) == id(me)).map(|(_, other)| other);
    if let Some(rtt_us) = other.and_then(|other| measurements.of(id(other))?.rtt_us) {
        return Ok(RoundTrip { rtt: Duration::from_micros(rtt_us.into()), source: RoundTripSource::Measured });
    }
    let Some(own) = member.coordinate() else {
        return Err(
            other.map_or(RoundTripError::NoCoordinates, |other| RoundTripError::NotMeasured(other.name.to_string()))
        );
    };
    let coordinate = |node: &NodeInfo| -> Result<Coordinate, RoundTripError> {
        if id(node) == id(me) {
            return Ok(own);
        }
        let found = measurements.of(id(node)).and_then(|measured| measured.coordinate);
        found.ok_or_else(|| RoundTripError::NoCoordinateOf(node.name.to_string()))
    };
    Ok(estimate(coordinate(from)?, coordinate(to)?))
}

/// The round-trip time from a member to another one of its table, if it is known: measured, or else estimated.
pub(super) fn to(member: &Member, measurements: &Measurements, id: Id) -> Option<RoundTrip> {
    let measured = measurements.of(id)?;
    if let Some(rtt_us) = measured.rtt_us {
        return Some(RoundTrip { rtt: Duration::from_micros(rtt_us.into()), source: RoundTripSource::Measured });
    }
    Some(estimate(member.coordinate()?, measured.coordinate?))
}

fn estimate(a: Coordinate, b: Coordinate) -> RoundTrip {
    let source = RoundTripSource::Coordinates { error: f64::from(a.error.max(b.error)) };
    RoundTrip { rtt: Duration::from_micros(a.rtt_us(&b).into()), source }
}

impl Error for RoundTripError {}

impl fmt::Display for RoundTripError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => Closed.fmt(f),
            Self::Unknown(name) => write!(f, "no member is known by the name {name:?}"),
            Self::Same(name) => write!(f, "{name:?} is one member: a round trip takes two"),
            Self::NotMeasured(name) => write!(
                f,
                "no ping from this member to {name:?} was answered yet; each period it pings another member: try again \
                 later, or `swimlab reachability` now"
            ),
            Self::NoCoordinates => f.write_str(
                "an agent measures round trips of its own only: ask that of one of the two members. Those between \
                 others are known with a selector that learns network coordinates, as neighborhood:metric=vivaldi",
            ),
            Self::NoCoordinateOf(name) => {
                write!(f, "no network coordinate of {name:?} has come yet: it is on its pings and its answers to pings")
            }
        }
    }
}
