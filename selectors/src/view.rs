//! The input of a selector: the member's [`View`] of the group, the [`Context`] of a call, and what a selector may
//! observe between two calls ([`Observation`]).

use crate::coordinate::Coordinate;
use crate::peer::{Peer, Slot};
use crate::rng::Rng;

/// One member's view of the group, as slots `0..slots()`.
///
/// A slot keeps its peer for as long as the peer is known. The slot of the member itself and those of dead, departed or
/// forgotten peers stay in the range and are not pingable. A joiner takes the slot of a forgotten peer, or a new one at
/// the end.
pub trait View {
    /// Slot of the member itself.
    fn me(&self) -> Slot;
    /// Number of slots, pingable or not.
    fn slots(&self) -> u32;
    /// Number of slots when the selector's index was last built over the roster.
    ///
    /// Later peers have slots from this number on, or the slot of a forgotten peer; [`Observation::Joined`] names them.
    fn indexed(&self) -> u32;
    /// Peer in a slot; for a dead or forgotten one, the last known values.
    fn peer(&self, slot: Slot) -> &Peer;
    /// Whether a slot holds another member that is alive or suspected.
    fn pingable(&self, slot: Slot) -> bool;
    /// Whether a slot holds another member that is suspected.
    fn suspect(&self, slot: Slot) -> bool;
    /// Number of pingable slots.
    fn pingable_count(&self) -> u32;
}

/// Context passed to every selector call.
pub struct Context<'a> {
    /// The member's view of the group.
    pub view: &'a dyn View,
    /// Number of the member's current protocol period, from 0.
    pub period: u64,
    /// Number of the current period since an epoch that all members share, by the member's own clock.
    ///
    /// Members agree on it without messages, up to the skew of their clocks.
    pub shared_period: u64,
    /// Whether updates are waiting to be piggybacked.
    pub has_updates: bool,
    /// Random stream of the selector. The only permitted source of randomness.
    pub rng: &'a mut Rng,
}

/// Something that a selector may observe between two picks.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Observation {
    /// The peer in this slot became pingable: it joined or returned.
    Joined(Slot),
    /// The peer in this slot is no longer pingable: it died, left or was forgotten.
    Left(Slot),
    /// The peer in this slot, or the member itself, has a new location or zone.
    Moved(Slot),
    /// A ping of this slot was acknowledged.
    Rtt {
        /// The pinged peer.
        slot: Slot,
        /// Round-trip time in microseconds.
        rtt_us: u32,
    },
    /// A message carried its sender's network coordinate.
    ///
    /// A coordinate on an ack is observed before the round-trip time of its ping.
    Coordinate {
        /// The sender.
        slot: Slot,
        /// The sender's coordinate, unchecked.
        coordinate: Coordinate,
    },
    /// A ping of this peer that carried no updates has arrived: its sender had none. Only if the selector wants pings
    /// ([`Selector::wants_pings`](crate::Selector::wants_pings)).
    Pinged(Slot),
    /// An ack recommended a peer that is probably near.
    NeighborHint {
        /// The recommended peer.
        slot: Slot,
        /// Estimated round-trip time to it, in microseconds.
        rtt_us: u32,
    },
}
