//! Prefetching: has memory that upcoming events will touch read ahead of time.
//!
//! With many members each event would otherwise miss the cache several times. The queue announces events at three
//! distances to a [`Lookahead`]; in a world that is the [`Prefetcher`], which reads ahead hosts, packets and what a
//! detector asks for by [`FailureDetector::HOT_BYTES`] and [`FailureDetector::prefetch`].

use std::mem::offset_of;

use swimlab_selectors::prefetch_first;

use super::detector::FailureDetector;
use super::host::Host;
use super::hosts::{Hosts, Place};
use super::in_flight::Slab;
use super::ring::{COARSE_SHIFT, Rest, Ring};
use super::scheduled::ScheduledEvent;
use crate::protocol::Time;

/// Receives announcements of the queue about upcoming events.
pub(super) trait Lookahead {
    /// Whether events are to be announced at all.
    fn is_enabled(&self) -> bool {
        false
    }
    /// Decides when a wake-up of this host, queued for `at`, is really due: then, later, or never ([`Time::NEVER`]).
    fn reschedule(&mut self, _host: Place, at: Time) -> Time {
        at
    }
    /// Announces an event that is some tens of milliseconds ahead; a wake-up may soon be rescheduled.
    fn approaching(&mut self, _event: &ScheduledEvent) {}
    /// Announces an event that is some milliseconds, or about twenty other events, ahead.
    fn soon(&mut self, _event: &ScheduledEvent) {}
    /// Announces an event that is only a few other events ahead.
    fn next(&mut self, _event: &ScheduledEvent) {}
}

/// The number of events between an announcement of [`Lookahead::approaching`] and the event's rescheduling.
pub(super) const APPROACH: usize = 16;

/// The number of buckets beyond the current one that are announced as coming soon.
const LOOKAHEAD_BUCKETS: u64 = 4;

/// Worlds up to this size fit into the cache.
const CACHED: usize = 4096;

/// The queue's position in announcing the events of its ring.
#[derive(Debug, Default)]
pub(super) struct Announcer {
    /// The first bucket that has not been announced as coming soon.
    looked_ahead: u64,
    /// Events to announce while the current bucket is being emptied.
    soon: Rest,
    next: Rest,
}

impl Announcer {
    /// Whether an event added to this bucket now is too late to be announced.
    #[inline(always)]
    pub(super) fn is_past(&self, bucket: u64) -> bool {
        bucket < self.looked_ahead
    }

    /// Prepares to announce the events after bucket `now` while that one is being emptied.
    pub(super) fn look_ahead(&mut self, ring: &Ring, now: u64, lookahead: &mut impl Lookahead) {
        let ring_end = ((now >> COARSE_SHIFT) + 2) << COARSE_SHIFT;
        self.next = Rest::of(ring.next_occupied(now + 1, ring_end).unwrap_or(now));
        let until = (now + 1 + LOOKAHEAD_BUCKETS).min(ring_end);
        let mut from = self.looked_ahead.max(now + 1);
        while from < until
            && let Some(bucket) = ring.next_occupied(from, until).filter(|&bucket| bucket < until)
        {
            // One, nearly always.
            ring.all(&mut self.soon).iter().for_each(|event| lookahead.soon(event));
            self.soon = Rest::of(bucket);
            from = bucket + 1;
        }
        self.looked_ahead = self.looked_ahead.max(until);
    }

    /// Announces one event at each distance: as many as are taken. Memory requested all at once would keep the
    /// processor waiting, and then be idle while that works.
    #[inline(always)]
    pub(super) fn announce_one(&mut self, ring: &Ring, lookahead: &mut impl Lookahead) {
        if let Some(event) = ring.one(&mut self.soon) {
            lookahead.soon(event);
        }
        if let Some(event) = ring.one(&mut self.next) {
            lookahead.next(event);
        }
    }

    /// Announces the rest.
    pub(super) fn announce_rest(&mut self, ring: &Ring, lookahead: &mut impl Lookahead) {
        ring.all(&mut self.soon).iter().for_each(|event| lookahead.soon(event));
        ring.all(&mut self.next).iter().for_each(|event| lookahead.next(event));
    }
}

/// Prefetches the hosts, detectors and packets of announced events.
pub(super) struct Prefetcher<'a, D: FailureDetector> {
    pub hosts: &'a mut Hosts<D, D::Message>,
    pub packets: &'a Slab<D::Message>,
}

impl<D: FailureDetector> Lookahead for Prefetcher<'_, D> {
    fn is_enabled(&self) -> bool {
        self.hosts.len() > CACHED
    }

    fn reschedule(&mut self, host: Place, at: Time) -> Time {
        self.hosts[host].reschedule(at)
    }

    fn approaching(&mut self, event: &ScheduledEvent) {
        prefetch_first(offset_of!(Host<D, D::Message>, detector), &self.hosts[event.target]);
    }

    fn soon(&mut self, event: &ScheduledEvent) {
        let host = &self.hosts[event.target];
        if event.load == ScheduledEvent::WAKE {
            prefetch_first(offset_of!(Host<D, D::Message>, detector) + D::WAKE_BYTES, host);
        } else {
            prefetch_first(offset_of!(Host<D, D::Message>, detector) + D::HOT_BYTES, host);
            self.packets.prefetch(event.load);
        }
    }

    fn next(&mut self, event: &ScheduledEvent) {
        if let Some(detector) = &self.hosts[event.target].detector {
            let packet = (event.load != ScheduledEvent::WAKE).then(|| self.packets.get(event.load));
            detector.prefetch(packet.map(|(header, message)| (header.from, message)));
        }
    }
}
