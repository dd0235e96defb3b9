//! A part of a world's members: their hosts, the events that are due at them, and the packets on the way to them.
//!
//! A world that runs on one thread has one shard. In a larger one each thread processes the events of its own shard; what
//! all shards read, the [`Fabric`], does not change meanwhile, and a packet for a member of another shard becomes
//! [`Mail`].

use swimlab_selectors::prefetch;

use super::detector::FailureDetector;
use super::hosts::{HostDirectory, Hosts, Place};
use super::in_flight::{PacketHeader, Slab};
use super::link::{LinkPacket, Transport};
use super::network::{Network, address_of, index_of, packet_rng};
use super::observer::{Delivery, MemberIndex, Sent};
use super::prefetch::{Lookahead, Prefetcher};
use super::queue::Queue;
use super::scheduled::{EventKey, ScheduledEvent};
use super::setup::{NetworkDraws, Setup};
use super::sink::Sink;
use crate::protocol::{Outbox, Time, Transmit};

/// The things that all shards of a world read. They change only while no shard processes events.
pub(super) struct Fabric {
    pub setup: Setup,
    pub network: Network,
    /// The seed of packets that draw by themselves.
    pub packet_seed: u64,
    pub directory: HostDirectory,
}

/// A part of a world's members. Aligned, so that no two threads write to the same cache line or to two that are fetched
/// together.
#[repr(align(128))]
pub(super) struct Shard<D: FailureDetector> {
    number: usize,
    pub hosts: Hosts<D, D::Message>,
    queue: Queue,
    packets: Slab<D::Message>,
    pub outbox: Outbox<D::Message>,
    /// The stream request that is being handled.
    request: Option<Request>,
    /// By shard: packets for its members that it has not been given yet.
    pub outgoing: Vec<Vec<Mail<D::Message>>>,
    /// Empty lists for more of them, to be reused while they are in the cache.
    pub empty_lists: Vec<Vec<Mail<D::Message>>>,
    /// The number of deliveries, periods and timers that fired.
    pub events: u64,
    pub now: Time,
}

/// A packet from one shard to a member of another.
pub(super) struct Mail<T> {
    key: EventKey,
    to: MemberIndex,
    header: PacketHeader,
    message: T,
}

/// The number of packets between one that is taken in and one whose receiver and slot are read ahead. The packet itself
/// is read ahead twice as early: another core has written it.
const MAIL_LOOKAHEAD: usize = 6;

/// A request over a stream, on which one reply can be sent.
#[derive(Clone, Copy)]
struct Request {
    from: MemberIndex,
    sent_at: Time,
}

impl<D: FailureDetector> Shard<D> {
    /// The shards of a world with these members, in the order of their hosts.
    pub(super) fn all(members: &[Vec<MemberIndex>], seed: u64) -> Vec<Self> {
        let shards = members.len();
        let shard = |(number, members): (usize, &Vec<MemberIndex>)| Self {
            number,
            hosts: Hosts::new(members, seed),
            queue: Queue::default(),
            packets: Slab::default(),
            outbox: Outbox::default(),
            request: None,
            outgoing: (0..shards).map(|_| Vec::new()).collect(),
            empty_lists: Vec::new(),
            events: 0,
            now: Time::ZERO,
        };
        members.iter().enumerate().map(shard).collect()
    }

    /// Whether no event is due any more.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Processes all events before `limit`.
    pub(super) fn run_until(&mut self, limit: Time, fabric: &Fabric, sink: &mut impl Sink) {
        while let Some(event) = {
            let (hosts, packets) = (&mut self.hosts, &self.packets);
            self.queue.pop_before(limit, &mut Prefetcher { hosts, packets })
        } {
            self.now = event.at();
            sink.begin(event.key);
            match event.load {
                ScheduledEvent::WAKE => self.wake(event.target, fabric, sink),
                load => self.deliver(event.target, load, fabric, sink),
            }
        }
    }

    /// Takes in packets from other shards, and leaves the list empty.
    pub(super) fn receive(&mut self, mail: &mut Vec<Mail<D::Message>>, directory: &HostDirectory) {
        let mut mail = mail.drain(..);
        while let Some(Mail { key, to, header, message }) = mail.next() {
            if let Some(later) = mail.as_slice().get(2 * MAIL_LOOKAHEAD) {
                prefetch(later);
            }
            if let Some(later) = mail.as_slice().get(MAIL_LOOKAHEAD) {
                directory.prefetch_place(later.to);
                self.packets.prefetch_free(MAIL_LOOKAHEAD);
            }
            let target = directory.place(to);
            let load = self.packets.insert(header, message);
            self.schedule(ScheduledEvent { key, target, load });
        }
    }

    fn wake(&mut self, place: Place, fabric: &Fabric, sink: &mut impl Sink) {
        let now = self.now;
        let host = &mut self.hosts[place];
        if host.scheduled != now {
            return; // Superseded by an earlier one.
        }
        host.scheduled = Time::NEVER;
        if host.deadline > now {
            if let Some(at) = host.alarm(now, host.deadline) {
                self.queue.push(ScheduledEvent::wake(at, host.member, place));
            }
            return;
        }
        if host.stalled.as_ref().is_some_and(|stalled| stalled.paused > 0) {
            return;
        }
        if host.stalled.is_some() {
            self.catch_up(place, fabric, sink);
        }
        let Some(detector) = &mut self.hosts[place].detector else { return };
        if detector.deadline() <= now {
            self.events += 1;
            detector.wake(now, &mut self.outbox);
        }
        self.flush(place, fabric, sink);
    }

    /// A packet has reached a host.
    fn deliver(&mut self, place: Place, load: u32, fabric: &Fabric, sink: &mut impl Sink) {
        let host = &mut self.hosts[place];
        if let Some(stalled) = &mut host.stalled
            && host.detector.is_some()
        {
            let packet = self.packets.take(load);
            if stalled.has_room(stalled.received.len()) {
                stalled.received.push_back(packet);
            }
            return;
        }
        self.hand_over(place, load, fabric, sink);
    }

    /// Processes the packets queued on a host that is no longer impaired, one after the other.
    pub(super) fn catch_up(&mut self, place: Place, fabric: &Fabric, sink: &mut impl Sink) {
        loop {
            let host = &mut self.hosts[place];
            let Some(stalled) = host.stalled.as_mut().filter(|s| !s.is_impaired() && s.next <= self.now) else {
                return;
            };
            let Some(packet) = stalled.received.pop_front() else {
                host.stalled = None;
                return;
            };
            stalled.next = self.now + stalled.queue_policy.per_packet;
            let load = self.packets.insert(packet.header, packet.message);
            self.hand_over(place, load, fabric, sink);
        }
    }

    /// Lets a member handle a packet.
    fn hand_over(&mut self, place: Place, load: u32, fabric: &Fabric, sink: &mut impl Sink) {
        let host = &mut self.hosts[place];
        let to = host.member;
        if let Some(detector) = &mut host.detector {
            let (&PacketHeader { sent_at, arrives_at, from, bytes, direct_ping, is_request }, message) =
                self.packets.get(load);
            let (kind, delivery) = (D::kind(message), Delivery::Arrives(arrives_at));
            self.events += 1;
            sink.delivered(self.now, &Sent { at: sent_at, from, to, kind, direct_ping, bytes, delivery });
            detector.handle(self.now, address_of(from), message, &mut self.outbox);
            self.packets.clear(load);
            if is_request {
                return self.flush_reply(place, Request { from, sent_at }, fabric, sink);
            }
            self.flush(place, fabric, sink);
        } else {
            self.packets.clear(load);
        }
    }

    /// Takes out the outbox of a member that has handled a request over a stream.
    #[cold]
    fn flush_reply(&mut self, place: Place, request: Request, fabric: &Fabric, sink: &mut impl Sink) {
        self.request = Some(request);
        self.flush(place, fabric, sink);
        self.request = None;
    }

    /// Takes out a member's outbox, and sets its alarm.
    pub(super) fn flush(&mut self, place: Place, fabric: &Fabric, sink: &mut impl Sink) {
        if !self.outbox.events.is_empty() {
            self.note_events(self.hosts[place].member, sink);
        }
        self.send_all(place, fabric, sink);
        let host = &mut self.hosts[place];
        if let Some(detector) = &host.detector
            && let due = host.due(detector.deadline())
            && let Some(at) = host.alarm(self.now, due)
        {
            self.queue.push(ScheduledEvent::wake(at, host.member, place));
        }
    }

    fn note_events(&mut self, member: MemberIndex, sink: &mut impl Sink) {
        for event in self.outbox.events.drain(..) {
            sink.event(self.now, member, event);
        }
    }

    /// Sends the packets in the outbox.
    #[inline(always)]
    pub(super) fn send_all(&mut self, place: Place, fabric: &Fabric, sink: &mut impl Sink) {
        // Nearly always there is one: popping it is cheaper than draining.
        if self.outbox.transmits.len() > 1 {
            self.outbox.transmits.reverse();
        }
        let members = fabric.directory.hosts();
        while let Some(next) = self.outbox.transmits.last() {
            let host = &mut self.hosts[place];
            let from = host.member;
            if let Some(stalled) = host.stalled.as_mut().filter(|stalled| stalled.is_impaired()) {
                let transmit = self.outbox.transmits.pop().expect("one was there");
                if stalled.has_room(stalled.sends.len()) {
                    stalled.sends.push(transmit);
                }
                continue;
            }
            host.sent = host.sent.wrapping_add(1);
            let (at, count) = (self.now, host.sent);
            let &Transmit { to, bytes, stream, direct_ping, ref message } = next;
            // A packet to an address that belongs to no member is dropped without a trace.
            let Some(to) = index_of(to, members) else {
                self.outbox.transmits.pop();
                continue;
            };
            let shard = fabric.directory.shard(to);
            // The reply to a request goes over the request's stream, whatever it is; there is one reply.
            let transport = match self.request.take_if(|request| request.from == to) {
                Some(request) => Transport::Answer { asked_at: request.sent_at },
                None if stream => Transport::Stream,
                None => Transport::Datagram,
            };
            let kind = D::kind(message);
            let packet = LinkPacket { at, from, to, transport, bytes };
            let mut own;
            let rng = match fabric.setup.network_draws {
                NetworkDraws::BySender => &mut host.rng,
                NetworkDraws::ByPacket => {
                    own = packet_rng(fabric.packet_seed, &packet, kind);
                    &mut own
                }
            };
            let delivery = fabric.network.delivery(&packet, rng);
            sink.sent(&Sent { at, from, to, kind, direct_ping, bytes, delivery });
            let Delivery::Arrives(arrives_at) = delivery else {
                self.outbox.transmits.pop();
                continue;
            };
            let is_request = transport == Transport::Stream;
            let header = PacketHeader { sent_at: at, arrives_at, from, bytes, direct_ping, is_request };
            // Packets are large: each is moved once, from where it was made to where it stays.
            if shard == self.number {
                let message = self.outbox.transmits.pop().expect("one was there").message;
                let load = self.packets.insert(header, message);
                let target = fabric.directory.place(to);
                self.schedule(ScheduledEvent::delivery(arrives_at, from, count, target, load));
            } else {
                let key = EventKey::delivery(arrives_at, from, count);
                let message = self.outbox.transmits.pop().expect("one was there").message;
                self.outgoing[shard].push(Mail { key, to, header, message });
            }
        }
    }

    /// Adds the delivery of a packet to the queue.
    #[inline(always)]
    fn schedule(&mut self, event: ScheduledEvent) {
        if self.queue.push(event) {
            Prefetcher { hosts: &mut self.hosts, packets: &self.packets }.soon(&event);
        }
    }
}
