//! The host a member runs on: its alarm, its random stream, and the packets queued while it is impaired.

use std::collections::VecDeque;

use super::detector::FailureDetector;
use super::environment::{Impairment, QueuePolicy};
use super::in_flight::InFlight;
use super::observer::MemberIndex;
use crate::protocol::{Time, Transmit};
use swimlab_selectors::rng::{Purpose, Rng, stream};

/// The host of a member with detector `D`, whose members exchange messages of type `T`.
///
/// Fields that the world reads for every event come first, in a cache line of their own: a wake-up without effect, as
/// at the probe timeout of an answered ping, touches nothing else. The detector follows at once: in large worlds the
/// lookup of a page's address costs as much as reading it.
#[repr(C, align(64))]
pub(super) struct Host<D, T> {
    /// Time at which the detector asked to be woken.
    pub deadline: Time,
    /// The time of its wake-up in the queue.
    pub scheduled: Time,
    /// Random stream for the delay and loss of its packets.
    pub rng: Rng,
    /// Number of packets that it has sent.
    pub sent: u32,
    /// The member's current or last generation.
    pub generation: u32,
    /// The member's index.
    pub member: MemberIndex,
    /// The impairments in force, and the packets still queued from them.
    pub stalled: Option<Box<Stalled<T>>>,
    /// The member's detector; `None` before it joins and while it is down.
    pub detector: Option<D>,
}

/// Packets of a slow or paused host, and those that it has not yet processed afterwards.
pub(super) struct Stalled<T> {
    pub slow: u32,
    pub blocked: u32,
    pub paused: u32,
    pub queue_policy: QueuePolicy,
    pub sends: Vec<Transmit<T>>,
    pub received: VecDeque<InFlight<T>>,
    /// Time at which it can process the next packet, once no impairment is left.
    pub next: Time,
}

impl<D, T> Host<D, T> {
    pub(super) fn new(seed: u64, member: MemberIndex) -> Self {
        let rng = stream(seed, Purpose::Network, u64::from(member));
        let (deadline, scheduled) = (Time::NEVER, Time::NEVER);
        Self { deadline, scheduled, rng, sent: 0, generation: 0, member, stalled: None, detector: None }
    }

    /// Takes the numbers of its random streams from this seed.
    pub(super) fn redraw(&mut self, seed: u64)
    where
        D: FailureDetector,
    {
        self.rng = stream(seed, Purpose::Network, u64::from(self.member));
        if let Some(detector) = &mut self.detector {
            detector.redraw(seed);
        }
    }

    /// Decides when the wake-up queued for `at` is really due; [`Time::NEVER`] if not at all. The probe timeout of an
    /// answered ping, for one, is not.
    pub(super) fn reschedule(&mut self, at: Time) -> Time {
        if self.scheduled != at {
            return Time::NEVER; // Superseded by an earlier one.
        }
        if self.deadline > at {
            self.scheduled = self.deadline;
        }
        self.scheduled
    }

    /// Sets the deadline. Returns the time for which a wake-up has to be queued, unless an earlier one is.
    #[inline]
    pub(super) fn alarm(&mut self, now: Time, deadline: Time) -> Option<Time> {
        self.deadline = deadline;
        let at = deadline.max(now);
        let is_earlier = at < self.scheduled;
        is_earlier.then(|| {
            self.scheduled = at;
            at
        })
    }

    /// Adds an impairment.
    pub(super) fn impair(&mut self, impairment: Impairment, queue_policy: QueuePolicy) {
        let stalled = self.stalled.get_or_insert_with(|| {
            let (sends, received, next) = (Vec::new(), VecDeque::new(), Time::ZERO);
            Box::new(Stalled { slow: 0, blocked: 0, paused: 0, queue_policy, sends, received, next })
        });
        stalled.queue_policy = stalled.queue_policy.max(queue_policy);
        *stalled.count(impairment) += 1;
    }

    /// The time of the next wake-up, given the detector's deadline.
    #[inline]
    pub(super) fn due(&self, deadline: Time) -> Time {
        match &self.stalled {
            Some(stalled) if !stalled.is_impaired() => deadline.min(stalled.next),
            _ => deadline,
        }
    }
}

impl<T> Stalled<T> {
    /// Whether an impairment is in force; if not, the host is processing its backlog.
    pub(super) fn is_impaired(&self) -> bool {
        self.slow + self.blocked + self.paused > 0
    }

    pub(super) fn has_room(&self, waiting: usize) -> bool {
        waiting < self.queue_policy.limit as usize
    }

    pub(super) fn count(&mut self, impairment: Impairment) -> &mut u32 {
        match impairment {
            Impairment::Slow => &mut self.slow,
            Impairment::Blocked => &mut self.blocked,
            Impairment::Paused => &mut self.paused,
        }
    }
}
