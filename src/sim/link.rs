//! Link rules: what network faults do to packets between given pairs of members.

use std::fmt::Debug;

use super::observer::MemberIndex;
use crate::protocol::Time;

/// A rule in force on the network, asked about each packet between two members.
///
/// A rule sees both ends, so it can name pairs: a partial partition cuts off two groups from each other while both
/// reach all others.
///
/// ```
/// use swimlab::sim::{LinkPacket, LinkRule, LinkVerdict};
///
/// /// Cuts one link, in both directions.
/// #[derive(Debug)]
/// struct BrokenLink(u32, u32);
///
/// impl LinkRule for BrokenLink {
///     fn on_packet(&self, packet: &LinkPacket) -> LinkVerdict {
///         let ends = (packet.from, packet.to);
///         if ends == (self.0, self.1) || ends == (self.1, self.0) { LinkVerdict::Cut } else { LinkVerdict::Pass }
///     }
/// }
///
/// let rule = BrokenLink(3, 5);
/// assert_eq!(rule.on_packet(&LinkPacket::datagram(5, 3)), LinkVerdict::Cut);
/// assert_eq!(rule.on_packet(&LinkPacket::datagram(5, 4)), LinkVerdict::Pass);
/// ```
pub trait LinkRule: Debug + Send + Sync {
    /// Decides about one packet. Must depend on nothing but the packet, or runs are no longer reproducible.
    fn on_packet(&self, packet: &LinkPacket) -> LinkVerdict;
}

/// A packet that is handed to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkPacket {
    /// Time of sending.
    pub at: Time,
    /// The sender.
    pub from: MemberIndex,
    /// The receiver.
    pub to: MemberIndex,
    /// Transport.
    pub transport: Transport,
    /// Its encoded size in bytes.
    pub bytes: u32,
}

/// Transport of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// As a datagram.
    Datagram,
    /// Over a new stream.
    Stream,
    /// As the reply on the stream that carried the request.
    Answer {
        /// Time at which the request was sent.
        asked_at: Time,
    },
}

/// Effect of a rule on a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LinkVerdict {
    /// Nothing.
    Pass,
    /// Drops it. A stream fails if either direction is cut.
    Cut,
    /// Loses it with this probability. A stream loses segments at this rate, and time with each.
    Lose(f64),
}

/// A rule in force, as [`Network::add_rule`](super::Network::add_rule) numbered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleId(pub(super) u64);

impl LinkPacket {
    /// An empty datagram at time zero, to try a rule on. Change the public fields for other packets.
    pub const fn datagram(from: MemberIndex, to: MemberIndex) -> Self {
        Self { at: Time::ZERO, from, to, transport: Transport::Datagram, bytes: 0 }
    }

    /// The packet that goes the other way.
    pub(super) fn reversed(self) -> Self {
        Self { from: self.to, to: self.from, ..self }
    }
}
