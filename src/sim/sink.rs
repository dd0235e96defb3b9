//! Receivers of everything that the events of a shard show to the rest of the world.

use super::checker::Checker;
use super::observer::{FaultEvent, MemberIndex, Observer, Sent};
use super::scheduled::EventKey;
use super::trace::Trace;
use crate::protocol::{Event, Time};

/// Receives what the events of a shard show to the rest of the world.
pub(super) trait Sink {
    /// All that follows, up to the next call, is caused by the event with this key.
    fn begin(&mut self, cause: EventKey);
    /// A packet is handed to the network.
    fn sent(&mut self, sent: &Sent);
    /// A member handles a packet at this time.
    fn delivered(&mut self, at: Time, sent: &Sent);
    /// A member reports an event.
    fn event(&mut self, at: Time, member: MemberIndex, event: Event);
}

/// Everything that sees a world's events in their total order. As a [`Sink`] it sees at once what happens: for a world
/// of one shard, and for faults.
pub(super) struct Observation<O> {
    pub trace: Trace,
    pub checker: Checker,
    pub observer: O,
}

impl<O: Observer> Observation<O> {
    /// A fault has an effect.
    pub(super) fn fault(&mut self, fault_event: &FaultEvent) {
        self.checker.fault(fault_event);
        self.observer.fault(fault_event);
    }
}

impl<O: Observer> Sink for Observation<O> {
    #[inline(always)]
    fn begin(&mut self, _: EventKey) {}

    #[inline(always)]
    fn sent(&mut self, sent: &Sent) {
        self.observer.sent(sent);
    }

    #[inline(always)]
    fn delivered(&mut self, at: Time, sent: &Sent) {
        self.trace.delivery(at, sent.from, sent.to, sent.kind, sent.bytes);
        self.observer.delivered(at, sent);
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: Event) {
        self.trace.event(at, member, &event);
        self.checker.event(at, member, &event);
        self.observer.event(at, member, &event);
    }
}
