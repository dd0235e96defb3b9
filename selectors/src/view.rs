//! EventKind a member shows its selector.

use crate::coordinate::Coordinate;
use crate::peer::{Peer, Slot};
use crate::rng::Rng;

/// One member's view of the group, as slots `0..slots()`.
///
/// Slots are stable for as long as the view lives. A slot whose peer is dead, gone or oneself stays in the range and is
/// not pingable; a joiner takes a free slot or a new one at the end.
pub trait View {
    /// The member's own slot.
    fn me(&self) -> Slot;
    /// Slots in use, pingable or not.
    fn slots(&self) -> u32;
    /// Slots `0..surveyed()` held these peers when the roster was surveyed; what came later stands behind them
    /// or has taken the slot of a forgotten member (then [`Observation::Joined`] names it).
    fn indexed(&self) -> u32;
    /// The peer in a slot; of a dead or forgotten one, what was last known.
    fn peer(&self, slot: Slot) -> &Peer;
    /// Neither oneself nor dead, left or vacant. Suspects are pingable.
    fn pingable(&self, slot: Slot) -> bool;
    /// Pingable, but suspected.
    fn suspect(&self, slot: Slot) -> bool;
    /// How many slots are pingable.
    fn pingable_count(&self) -> u32;
}

/// EventKind a selector gets to make a choice with.
pub struct Context<'a> {
    /// The member's view.
    pub view: &'a dyn View,
    /// Counts the member's protocol periods from 0.
    pub period: u64,
    /// The number of the protocol period since an epoch that all members share, by the member's own clock: what members
    /// can agree on without a message. As good as the clocks are.
    pub shared_period: u64,
    /// Whether there is news that waits to be spread.
    pub has_updates: bool,
    /// The strategy's own random stream.
    pub rng: &'a mut Rng,
}

/// EventKind a selector may observe between two choices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Observation {
    /// The peer in this slot became pingable: it joined, or came back.
    Joined(Slot),
    /// The peer in this slot is pingable no longer: it died, left or was forgotten.
    Left(Slot),
    /// The peer in this slot, or oneself, has said anew where it is: its place or its zone has changed.
    Moved(Slot),
    /// A ping to this slot took so many microseconds there and back.
    Rtt(Slot, u32),
    /// A peer told its network coordinate. One that comes with the answer to a ping is observed before the round trip.
    Coordinate(Slot, Coordinate),
    /// A peer that was pinged says who may be near, and how many microseconds away.
    NeighborHint(Slot, u32),
}
