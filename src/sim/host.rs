//! What a member runs on: its alarm, its luck, and what holds it back.

use std::collections::VecDeque;

use super::detector::FailureDetector;
use super::fault_injector::{Impairment, QueuePolicy};
use super::in_flight::InFlight;
use super::observer::MemberIndex;
use crate::protocol::{Time, Transmit};
use swimlab_selectors::rng::{Purpose, Rng, stream};

/// A member's host. What the world keeps of it comes first, in a cache line of its own: a wake-up that comes to nothing,
/// as at the probe timeout of an answered ping, touches nothing else. The machine follows at once: in large worlds finding
/// out where a page of memory lies costs as much as reading it.
#[repr(C, align(64))]
pub struct Host<M: FailureDetector> {
    /// When the machine asked to be woken.
    pub deadline: Time,
    /// When its wake-up comes up in the queue.
    pub scheduled: Time,
    /// The luck of its packets.
    pub luck: Rng,
    /// How many packets it has sent.
    pub sent: u32,
    /// Which life it is in.
    pub generation: u32,
    /// What keeps it from running freely.
    pub hold: Option<Box<Stalled<M::Message>>>,
    /// The member's detector; `None` before it joins and while it is down.
    pub detector: Option<M>,
}

/// What is held back on a slow or paused host, and what it has not caught up with afterwards.
pub struct Stalled<T> {
    pub slow: u32,
    pub blocked: u32,
    pub paused: u32,
    pub queue_policy: QueuePolicy,
    pub sends: Vec<Transmit<T>>,
    pub received: VecDeque<InFlight<T>>,
    /// When it can take the next packet, once it is let go.
    pub next: Time,
}

impl<M: FailureDetector> Host<M> {
    pub fn new(seed: u64, member: MemberIndex) -> Self {
        let luck = stream(seed, Purpose::Network, u64::from(member));
        Self { deadline: Time::NEVER, scheduled: Time::NEVER, luck, sent: 0, generation: 0, hold: None, detector: None }
    }

    /// The wake-up of this time comes near: when is it really due? The timeout of a ping that was answered is not.
    pub fn reschedule(&mut self, at: Time) -> Time {
        if self.scheduled != at {
            return Time::NEVER; // Overtaken by an earlier one.
        }
        if self.deadline > at {
            self.scheduled = self.deadline;
        }
        self.scheduled
    }

    /// It is to be woken at `deadline`. Tells for when that has to be queued, unless it will be woken before.
    #[inline]
    pub fn alarm(&mut self, now: Time, deadline: Time) -> Option<Time> {
        self.deadline = deadline;
        let at = deadline.max(now);
        let is_earlier = at < self.scheduled;
        is_earlier.then(|| {
            self.scheduled = at;
            at
        })
    }

    /// Holds it back, for one reason more.
    pub fn hold(&mut self, how: Impairment, queue_policy: QueuePolicy) {
        let hold = self.hold.get_or_insert_with(|| {
            let (sends, received, next) = (Vec::new(), VecDeque::new(), Time::ZERO);
            Box::new(Stalled { slow: 0, blocked: 0, paused: 0, queue_policy, sends, received, next })
        });
        hold.queue_policy = hold.queue_policy.max(queue_policy);
        *hold.count(how) += 1;
    }

    /// When the world has to look at it next, as it stands.
    pub fn due(&self) -> Option<Time> {
        let deadline = self.detector.as_ref()?.deadline();
        Some(match &self.hold {
            Some(hold) if !hold.is_on() => deadline.min(hold.next),
            _ => deadline,
        })
    }
}

impl<T> Stalled<T> {
    /// Whether it is still in force; if not, its host is catching up.
    pub fn is_on(&self) -> bool {
        self.slow + self.blocked + self.paused > 0
    }

    pub fn has_room(&self, waiting: usize) -> bool {
        waiting < self.queue_policy.limit as usize
    }

    pub fn count(&mut self, how: Impairment) -> &mut u32 {
        match how {
            Impairment::Slow => &mut self.slow,
            Impairment::Blocked => &mut self.blocked,
            Impairment::Paused => &mut self.paused,
        }
    }
}
