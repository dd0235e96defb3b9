//! Findings in words.

use std::fmt;

use super::measurements::ClockOffset;
use crate::agent::zone_names::label;
use crate::protocol::{Id, NodeInfo, Span};

/// The most members that a warning names.
const NAMES: usize = 5;

/// Something that only an operator can set right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// A member is alone in an area that was probably meant to be another one.
    LoneZone {
        /// The member's id.
        id: Id,
        /// The member's name.
        name: String,
        /// The area: the first part of its zone path that no other member shares.
        zone: String,
        /// An area with several members whose name differs by one letter.
        nearest: Option<String>,
    },
    /// Several members are each alone in an area that was probably meant to be another one.
    LoneZones {
        /// Their names, their areas and the nearest spellings, at most five.
        members: Vec<(String, String, Option<String>)>,
        /// The number of further ones.
        more: usize,
    },
    /// Members have neither zone nor place, while most others have.
    Unplaced {
        /// Their names, at most five.
        names: Vec<String>,
        /// The number of further ones.
        more: usize,
        /// The number of members that have a zone or a place.
        others: usize,
    },
    /// Members of the agent's own area are farther away than those of another one.
    OwnRoundTrips {
        /// The agent's area.
        zone: String,
        /// The median round trip to its members.
        rtt: Span,
        /// The nearer area.
        nearer: String,
        /// The median round trip to its members.
        nearer_rtt: Span,
    },
    /// A member is much farther from the agent, or much nearer to it, than the others of its area.
    OtherRoundTrip {
        /// The member's id.
        id: Id,
        /// The member's name.
        name: String,
        /// Its area.
        zone: String,
        /// The round trip to it.
        rtt: Span,
        /// The median round trip to the others of that area.
        others: Span,
    },
    /// Round trips differ much, and nobody has a zone or a place.
    NoLocations {
        /// Of ten members one is at most this far away.
        nearest: Span,
        /// Of ten members one is at least this far away.
        farthest: Span,
    },
    /// The selector pings in shuffled order, because the pings of others do not follow the schedule of this clock.
    FallenBack,
    /// The agent's clock differs from those of others.
    OwnClock(ClockOffset),
    /// The clocks of members differ from those of most others.
    OtherClocks {
        /// Their names, at most five.
        names: Vec<String>,
        /// The number of further ones.
        more: usize,
        /// The difference that they exceed.
        tolerance: Span,
    },
}

/// Subject of a warning: two warnings with the same one are the same, whatever their numbers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    LoneZone(Id),
    LoneZones,
    Unplaced,
    OwnRoundTrips,
    OtherRoundTrip(Id),
    NoLocations,
    FallenBack,
    OwnClock,
    OtherClocks,
}

impl Warning {
    pub(super) fn subject(&self) -> Subject {
        match *self {
            Self::LoneZone { id, .. } => Subject::LoneZone(id),
            Self::LoneZones { .. } => Subject::LoneZones,
            Self::Unplaced { .. } => Subject::Unplaced,
            Self::OwnRoundTrips { .. } => Subject::OwnRoundTrips,
            Self::OtherRoundTrip { id, .. } => Subject::OtherRoundTrip(id),
            Self::NoLocations { .. } => Subject::NoLocations,
            Self::FallenBack => Subject::FallenBack,
            Self::OwnClock(_) => Subject::OwnClock,
            Self::OtherClocks { .. } => Subject::OtherClocks,
        }
    }

    /// The warning about members that are alone in the first levels of their zone paths, each with the nearest spelling of
    /// another area: one line, however many they are. `None` without any.
    pub(super) fn lone_zones(lone: &[(&NodeInfo, usize, Option<String>)]) -> Option<Self> {
        let describe = |(node, levels, nearest): &(&NodeInfo, usize, Option<String>)| {
            (node.name.to_string(), label(node, *levels), nearest.clone())
        };
        match lone {
            [] => None,
            [one] => {
                let (name, zone, nearest) = describe(one);
                Some(Self::LoneZone { id: one.0.peer.id, name, zone, nearest })
            }
            several => {
                let members = several.iter().take(NAMES).map(describe).collect();
                Some(Self::LoneZones { members, more: several.len().saturating_sub(NAMES) })
            }
        }
    }
}

/// The names of the first members, and the number of the others.
pub(super) fn named<'a>(nodes: impl Iterator<Item = &'a NodeInfo>) -> (Vec<String>, usize) {
    let mut nodes = nodes;
    let names = nodes.by_ref().take(NAMES).map(|node| node.name.to_string()).collect();
    (names, nodes.count())
}

impl fmt::Display for Warning {
    /// Names are those that members have given themselves, escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LoneZone { name, zone, nearest: Some(nearest), .. } => write!(
                f,
                "no other member is in zone {} of {}; nearest spelling: {}",
                zone.escape_debug(),
                name.escape_debug(),
                nearest.escape_debug()
            ),
            Self::LoneZone { name, zone, nearest: None, .. } => write!(
                f,
                "no other member is in zone {} of {}, while all others share theirs",
                zone.escape_debug(),
                name.escape_debug()
            ),
            Self::LoneZones { members, more } => {
                f.write_str("members alone in their zones: ")?;
                for (n, (name, zone, nearest)) in members.iter().enumerate() {
                    let comma = if n == 0 { "" } else { ", " };
                    write!(f, "{comma}{} in {}", name.escape_debug(), zone.escape_debug())?;
                    if let Some(nearest) = nearest {
                        write!(f, " (nearest spelling: {})", nearest.escape_debug())?;
                    }
                }
                if *more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
            Self::Unplaced { names, more, others } => {
                write!(f, "{} without zone and place, while {others} others have one", List(names, *more))
            }
            Self::OwnRoundTrips { zone, rtt, nearer, nearer_rtt } => write!(
                f,
                "this member's zone {} is probably wrong: round trips to its members take {rtt}, to those of {} \
                 {nearer_rtt}",
                zone.escape_debug(),
                nearer.escape_debug()
            ),
            Self::OtherRoundTrip { name, zone, rtt, others, .. } => write!(
                f,
                "zone {} of {} is probably wrong: round trips to it take {rtt}, to the others there {others}",
                zone.escape_debug(),
                name.escape_debug()
            ),
            Self::NoLocations { nearest, farthest } => write!(
                f,
                "no member has a zone or a place, and round trips take from {nearest} to {farthest}: with --zone or \
                 --place on each member, most pings would stay near"
            ),
            Self::FallenBack => f.write_str(
                "this member pings in shuffled order, without neighborhoods: the pings of others do not follow the \
                 schedule. Their clocks differ from this one, or their selectors or periods do",
            ),
            Self::OwnClock(ClockOffset { ahead_us, peers }) => {
                let by = rounded(ahead_us.unsigned_abs());
                let side = if *ahead_us < 0 { "behind" } else { "ahead of" };
                write!(f, "this member's clock is {by} {side} those of {peers} other members")
            }
            Self::OtherClocks { names, more, tolerance } => {
                write!(
                    f,
                    "{} whose clocks differ from those of most members by more than {tolerance}",
                    List(names, *more)
                )
            }
        }
    }
}

/// Names, and the number of further ones.
struct List<'a>(&'a [String], usize);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, name) in self.0.iter().enumerate() {
            write!(f, "{}{}", if n == 0 { "" } else { ", " }, name.escape_debug())?;
        }
        if self.1 > 0 { write!(f, " and {} more", self.1) } else { Ok(()) }
    }
}

/// A span of at least 10 ms without what nobody needs to know.
fn rounded(us: u64) -> Span {
    Span::from_micros(if us < 10_000 { us } else { us / 10_000 * 10_000 })
}
