//! Entries of the event queue.

use std::cmp::Ordering;

use super::hosts::Place;
use super::observer::MemberIndex;
use crate::protocol::Time;

/// A delivery or wake-up that is due at a member. Small, as the queue moves many: the packet of a delivery lies in a
/// slab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScheduledEvent {
    pub key: EventKey,
    /// The host of the member concerned.
    pub target: Place,
    /// The slot of a delivery's packet; [`ScheduledEvent::WAKE`] for a wake-up.
    pub load: u32,
}

/// The total order of events: the time, then for packets the sender and the sender's count, for wake-ups the member,
/// after all packets of the same microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EventKey {
    at: Time,
    order: u64,
}

impl ScheduledEvent {
    /// The load of a wake-up.
    pub(super) const WAKE: u32 = u32::MAX;

    /// The delivery of the packet with this sender and the sender's count.
    pub(super) fn delivery(at: Time, sender: MemberIndex, count: u32, target: Place, load: u32) -> Self {
        Self { key: EventKey::delivery(at, sender, count), target, load }
    }

    /// A wake-up of this member.
    pub(super) fn wake(at: Time, member: MemberIndex, target: Place) -> Self {
        Self { key: EventKey::new(at, MemberIndex::MAX, member), target, load: Self::WAKE }
    }

    /// The same event at another time.
    pub(super) fn moved_to(self, at: Time) -> Self {
        Self { key: EventKey { at, ..self.key }, ..self }
    }

    /// Time at which it is due.
    pub(super) fn at(&self) -> Time {
        self.key.at
    }
}

impl EventKey {
    /// The key of the delivery of the packet with this sender and the sender's count.
    pub(super) fn delivery(at: Time, sender: MemberIndex, count: u32) -> Self {
        Self::new(at, sender, count)
    }

    /// Time at which the event is due.
    pub(super) fn at(self) -> Time {
        self.at
    }

    /// A number in the same order, which is compared without a branch.
    pub(super) fn ordinal(self) -> u128 {
        u128::from(self.at.as_micros()) << 64 | u128::from(self.order)
    }

    fn new(at: Time, sender: MemberIndex, count: u32) -> Self {
        Self { at, order: u64::from(sender) << 32 | u64::from(count) }
    }
}

impl Ord for ScheduledEvent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for ScheduledEvent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
