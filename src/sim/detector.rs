//! What a world drives: any failure detector, sans-I/O.

use super::observer::MemberIndex;
use crate::protocol::{Address, Gauge, Id, MessageKind, Outbox, Status, Time};

/// A failure detector of one member. The world hands packets in and takes out what it left in the outbox; the call
/// contract is that of [`crate::protocol::Member`].
pub trait FailureDetector {
    /// What members send each other.
    type Message;
    /// How many of its first bytes every call reads: as many are asked for ahead of time in worlds too large for the cache.
    const HOT_BYTES: usize;
    /// How many of its first bytes [`FailureDetector::wake`] reads.
    const WAKE_BYTES: usize = Self::HOT_BYTES;

    /// Begins: the first period starts at `first_period`.
    fn start(&mut self, now: Time, first_period: Time, out: &mut Outbox<Self::Message>);
    /// Joins a running group through seeds.
    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox<Self::Message>);
    /// Says goodbye.
    fn leave(&mut self, now: Time, out: &mut Outbox<Self::Message>);
    /// Takes a message.
    fn handle(&mut self, now: Time, from: Address, message: &Self::Message, out: &mut Outbox<Self::Message>);
    /// Does what is due.
    fn wake(&mut self, now: Time, out: &mut Outbox<Self::Message>);
    /// From now on its sends block, or no longer do: what calls one stands still in it. Detectors to which that means
    /// nothing go on, and what they send waits.
    fn stall(&mut self, _now: Time, _stalled: bool) {}
    /// When [`FailureDetector::wake`] is due.
    fn deadline(&self) -> Time;

    /// What a message is for.
    fn kind(message: &Self::Message) -> MessageKind;
    /// What this member believes of another; `None` if it knows nothing of it.
    fn believes(&self, id: Id) -> Option<Status>;
    /// How many members it believes to be alive, itself included.
    fn members(&self) -> u32;
    /// How full its bounded stores are.
    fn gauge(&self) -> Gauge;

    /// Has memory read ahead of time that [`FailureDetector::wake`], or handling this message of this member, will need soon: a
    /// hint for worlds too large for the cache.
    fn prefetch(&self, _message: Option<(MemberIndex, &Self::Message)>) {}
}
