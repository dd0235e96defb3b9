//! What a world tells those who watch it: packets, events, strikes of faults. All measures are made from these.

use crate::protocol::{Event, MessageKind, Time};

/// A member's number in the world, from 0; joiners come after the first members.
pub type MemberIndex = u32;

/// Watches a world. Two observers make one as a pair; `()` watches nothing.
pub trait Observer {
    /// A packet was handed to the network.
    fn sent(&mut self, _sent: &Sent) {}
    /// A packet reached a member that runs, which will handle it at this time.
    fn delivered(&mut self, _at: Time, _sent: &Sent) {}
    /// A member noticed something.
    fn event(&mut self, _at: Time, _member: MemberIndex, _event: &Event) {}
    /// A fault struck a member, or let go of it.
    fn fault(&mut self, _strike: &FaultEvent) {}
}

/// A packet on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// When it was sent.
    pub at: Time,
    /// Who sent it.
    pub from: MemberIndex,
    /// Whom to.
    pub to: MemberIndex,
    /// What it is for.
    pub kind: MessageKind,
    /// A ping of the sender's own probe round, not one made for another member.
    pub direct_ping: bool,
    /// Its size, as encoded.
    pub bytes: u32,
    /// Whether it arrives.
    pub delivery: Delivery,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It reaches its receiver's host at this time.
    Arrives(Time),
    /// The network loses it, by chance.
    Lost,
    /// A partition or a one-way fault swallows it.
    Cut,
    /// Nobody has ever lived at its address.
    Nowhere,
}

/// A fault strikes a member, or lets go of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultEvent {
    /// When.
    pub at: Time,
    /// Which of the trial's faults, from 0.
    pub fault: u32,
    /// Whom.
    pub member: MemberIndex,
    /// What it does.
    pub effect: Effect,
}

/// What a fault does to a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It stops for good, or until a restart.
    Crashed,
    /// It says goodbye and stops.
    Left,
    /// It begins, knowing only seeds.
    Joined,
    /// It begins again after a crash: same id, next generation, knowing only seeds.
    Restarted,
    /// It is slow, paused, cut off or lossy from now on.
    Disturbed,
    /// That is over.
    Released,
}

impl Observer for () {}

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
}
