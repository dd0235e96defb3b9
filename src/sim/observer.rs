//! Interface of a world to its observers: packets, events and faults. All measures are made from these.

use crate::protocol::{Event, MessageKind, Time};

/// A member's index in the world, from 0; joiners come after the initial members.
pub type MemberIndex = u32;

/// Observes a world. A pair of observers is an observer; `()` observes nothing.
pub trait Observer {
    /// A packet is handed to the network.
    fn sent(&mut self, _sent: &Sent) {}
    /// A packet reaches a running member, which handles it at this time.
    fn delivered(&mut self, _at: Time, _sent: &Sent) {}
    /// A member reports an event.
    fn event(&mut self, _at: Time, _member: MemberIndex, _event: &Event) {}
    /// A fault takes effect on a member, or ends.
    fn fault(&mut self, _fault_event: &FaultEvent) {}
    /// Whether it needs [`Observer::sent`] and [`Observer::delivered`], as by default. A world that runs on several
    /// threads does not call them otherwise, which is cheaper; it asks at its beginning. Other worlds call them all the
    /// same.
    fn watches_packets(&self) -> bool {
        true
    }
}

/// A packet as observers see it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Sent {
    /// Time at which it was sent.
    pub at: Time,
    /// The sender.
    pub from: MemberIndex,
    /// The receiver.
    pub to: MemberIndex,
    /// The kind of its message.
    pub kind: MessageKind,
    /// Whether it is a ping of the sender's own probe round, not one made for another member.
    pub direct_ping: bool,
    /// Its encoded size in bytes.
    pub bytes: u32,
    /// Whether and when it arrives.
    pub delivery: Delivery,
}

/// The network's decision about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delivery {
    /// It reaches its receiver's host at this time.
    Arrives(Time),
    /// It is lost at random.
    Lost,
    /// A partition drops it.
    Cut,
}

/// An effect of a fault on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultEvent {
    /// Time of the event.
    pub at: Time,
    /// The fault's number in the trial, from 0.
    pub fault: u32,
    /// The member.
    pub member: MemberIndex,
    /// The effect.
    pub effect: Effect,
}

/// The effect of a fault on a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// It stops for good, or until a restart.
    Crashed,
    /// It announces its departure and stops.
    Left,
    /// It starts, knowing only seeds.
    Joined,
    /// It starts again after a crash: same id, next generation, knowing only seeds.
    Restarted,
    /// It is slow, paused, cut off or lossy from now on.
    Disturbed,
    /// One such disturbance ends.
    Released,
    /// It sends application events.
    Broadcast,
    /// It changes its metadata.
    MetaChanged,
}

impl Observer for () {
    fn watches_packets(&self) -> bool {
        false
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn sent(&mut self, sent: &Sent) {
        self.0.sent(sent);
        self.1.sent(sent);
    }

    fn delivered(&mut self, at: Time, sent: &Sent) {
        self.0.delivered(at, sent);
        self.1.delivered(at, sent);
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        self.0.event(at, member, event);
        self.1.event(at, member, event);
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        self.0.fault(fault_event);
        self.1.fault(fault_event);
    }

    fn watches_packets(&self) -> bool {
        self.0.watches_packets() || self.1.watches_packets()
    }
}

impl<O: Observer + ?Sized> Observer for &mut O {
    fn sent(&mut self, sent: &Sent) {
        (**self).sent(sent);
    }

    fn delivered(&mut self, at: Time, sent: &Sent) {
        (**self).delivered(at, sent);
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        (**self).event(at, member, event);
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        (**self).fault(fault_event);
    }

    fn watches_packets(&self) -> bool {
        (**self).watches_packets()
    }
}
