//! Target of faults: a world, whether its clock is virtual or the system's.

use super::app_request::AppRequest;
use super::network::Network;
use super::observer::{Effect, MemberIndex};
use crate::protocol::{Span, Time};
use crate::topology::Placement;

/// A world as the faults see it. The simulator's [`World`](super::World) and the experiments on real sockets implement
/// it.
pub trait FaultEnvironment {
    /// Placement of the members, joiners included.
    fn placement(&self) -> &Placement;
    /// The current time.
    fn now(&self) -> Time;
    /// Whether a member runs.
    fn is_up(&self, member: MemberIndex) -> bool;
    /// A member's current or last generation.
    fn generation(&self, member: MemberIndex) -> u32;
    /// The network between the members.
    fn network(&mut self) -> &mut Network;
    /// Tells observers and checkers that fault number `fault` has this effect on a member.
    fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect);
    /// Stops a member at once.
    fn crash(&mut self, member: MemberIndex);
    /// Lets a member announce its departure, and stops it.
    fn leave(&mut self, member: MemberIndex);
    /// Starts a joiner, or a stopped member in its next generation; it joins through seeds that are up.
    fn start(&mut self, member: MemberIndex, generation: u32);
    /// Hands a member this number of equal requests of its application, until it refuses one.
    fn serve(&mut self, member: MemberIndex, times: u32, request: AppRequest);
    /// Impairs a member from now on. Impairments add up; each is ended by one call of
    /// [`FaultEnvironment::restore`].
    fn impair(&mut self, member: MemberIndex, impairment: Impairment, queue_policy: QueuePolicy);
    /// Ends one impairment of this kind.
    fn restore(&mut self, member: MemberIndex, impairment: Impairment);

    /// All members that are up, in ascending order.
    fn up(&self) -> Vec<MemberIndex> {
        (0..self.placement().members()).filter(|&member| self.is_up(member)).collect()
    }
}

/// Impairment of a member's host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Impairment {
    /// Timers run; packets in both directions are queued.
    Slow,
    /// As [`Impairment::Slow`], and the task that sends a packet blocks in the send.
    Blocked,
    /// Timers stop too, as under SIGSTOP.
    Paused,
}

/// Queuing of packets while a member is impaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuePolicy {
    /// The most packets queued in each direction; further ones are dropped.
    pub limit: u32,
    /// Time that the member takes for each queued packet afterwards.
    pub per_packet: Span,
}

impl QueuePolicy {
    /// At most `limit` packets in each direction, each of which takes `per_packet` afterwards.
    pub const fn new(limit: u32, per_packet: Span) -> Self {
        Self { limit, per_packet }
    }

    /// The larger of two policies, in both respects.
    pub(super) fn max(self, other: Self) -> Self {
        Self { limit: self.limit.max(other.limit), per_packet: self.per_packet.max(other.per_packet) }
    }
}
