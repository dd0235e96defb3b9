//! The trait of one member's failure detector, as a world drives it.

use super::app_request::AppRequest;
use super::prefetch::Prefetch;
use crate::protocol::{Address, Gauge, MessageKind, Outbox, Time};

/// The failure detector of one member, sans-I/O: the world hands in packets and the time, and takes messages and events
/// out of the outbox. The call contract is that of [`crate::protocol::Member`], the SWIM member.
///
/// One detector kind as a whole, which runs worlds of such members, is a
/// [`Detector`](crate::detectors::Detector).
pub trait FailureDetector: Prefetch<<Self as FailureDetector>::Message> {
    /// Message between members.
    type Message;

    /// Starts; the first period begins at `first_period`.
    fn start(&mut self, now: Time, first_period: Time, out: &mut Outbox<Self::Message>);
    /// Joins a running group through seeds. They serve for the join only: unlike an agent, which is given addresses and
    /// may outlive all members it knew there, a joiner of a world remembers each seed as the member that it is.
    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox<Self::Message>);
    /// Announces its departure.
    fn leave(&mut self, now: Time, out: &mut Outbox<Self::Message>);
    /// Handles a message.
    fn handle(&mut self, now: Time, from: Address, message: &Self::Message, out: &mut Outbox<Self::Message>);
    /// Runs the timers that are due.
    fn wake(&mut self, now: Time, out: &mut Outbox<Self::Message>);
    /// Does what its application asks for. Returns whether it was accepted; detectors without events and metadata
    /// accept nothing.
    fn serve(&mut self, _now: Time, _request: AppRequest, _out: &mut Outbox<Self::Message>) -> bool {
        false
    }
    /// Makes its sends block: a task that sends stops in the send. Detectors without a notion of tasks do nothing;
    /// their sends are queued.
    fn stall(&mut self) {}
    /// Lets its sends pass again.
    fn end_stall(&mut self, _now: Time) {}
    /// Time at which [`FailureDetector::wake`] is due.
    fn deadline(&self) -> Time;

    /// The kind of a message.
    fn kind(message: &Self::Message) -> MessageKind;
    /// The number of members that it believes to be alive, itself included.
    fn members(&self) -> u32;
    /// Fill levels of its bounded stores.
    fn gauge(&self) -> Gauge;
}
