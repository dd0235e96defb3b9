//! Packets of one agent to and from its sockets.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::net::UdpSocket;
use tokio::sync::oneshot;

use super::address::{Reach, to_address};
use super::arrival::Arrival;
use super::clock::Clock;
use super::delay_queue::{DelayQueue, Outgoing};
use super::distance::Distances;
use super::metrics::Metrics;
use super::packet_codec::SharedCodec;
use super::packet_hook::{PacketHook, PacketVerdict, SentPacket};
use super::reply_budget::ReplyBudget;
use super::streams::{Streams, frame_limit};
use super::traffic::DropReason;
use crate::protocol::{Address, Body, Member, MessageKind, Packet, Time, Transmit};
use crate::wire::FRAME_LIMIT;

thread_local! {
    /// Buffer for the largest datagram, shared by all agents of a thread.
    static RECEIVE_BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 1 << 16]);
    /// Buffer for encoding datagrams.
    static SEND_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Sends and receives the packets of one agent: datagrams on its UDP socket, the others over [`Streams`].
pub(super) struct PacketIo {
    udp: UdpSocket,
    reach: Reach,
    codec: SharedCodec,
    streams: Streams,
    /// The longest answer, in bytes, that is read from a stream.
    answer_limit: usize,
    /// The stream that waits for an answer to the packet being handled.
    open_stream: Option<OpenStream>,
    /// The IP address that the sender of the packet being handled has connected from, which cannot be forged. It has
    /// connected from another port than the one at which it listens.
    connected_from: Option<[u8; 16]>,
    budget: ReplyBudget,
    /// The sender of the packet being handled: its address may be forged, and what is sent because of it is bounded.
    sender: Sender,
    hook: Option<Arc<dyn PacketHook>>,
    delayed: DelayQueue,
    distances: Distances,
}

/// The standing of the sender of a packet, at the address that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    Member,
    /// It is dead or has left.
    Former,
    /// There is no record of it, or one with another address. Because of its packets no stream is begun, unless to the
    /// host that it has connected from.
    Unknown,
}

/// A stream whose peer waits for an answer.
struct OpenStream {
    peer: Address,
    reply: oneshot::Sender<Packet>,
}

impl PacketIo {
    pub(super) fn new(
        udp: UdpSocket,
        reach: Reach,
        codec: SharedCodec,
        streams: Streams,
        hook: Option<Arc<dyn PacketHook>>,
    ) -> Self {
        Self {
            udp,
            reach,
            codec,
            streams,
            answer_limit: FRAME_LIMIT,
            open_stream: None,
            connected_from: None,
            budget: ReplyBudget::new(),
            sender: Sender::Member,
            hook,
            delayed: DelayQueue::default(),
            distances: Distances::default(),
        }
    }

    /// Waits until the UDP socket can send: a runtime that has not polled it yet would refuse.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.udp.writable().await
    }

    /// Polls for datagrams. Unlike `UdpSocket::readable` it takes no place in the socket's list of waiters per wait.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.udp.poll_recv_ready(context)
    }

    /// Adapts the limits of packets on streams to the size of the member's group.
    pub(super) fn set_frame_limits(&mut self, member: &Member) {
        let limit = frame_limit(member.table().members());
        self.streams.set_incoming_limit(limit);
        // A joiner does not know yet how large the group is.
        self.answer_limit = if member.is_joining() { FRAME_LIMIT } else { limit };
    }

    /// Counts what is sent by these distances from now on.
    pub(super) fn set_distances(&mut self, distances: Distances) {
        self.distances = distances;
    }

    /// Reads one datagram. `Pending`: none waits. `Ready(None)`: it was not a packet; that is counted.
    pub(super) fn receive_datagram(&mut self, metrics: &mut Metrics) -> Poll<Option<Arrival>> {
        RECEIVE_BUFFER.with_borrow_mut(|buffer| {
            let (bytes, from) = match self.udp.try_recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                // An ICMP error for an earlier datagram, which takes the place of one received.
                Err(_) => return Poll::Ready(None),
            };
            let (decoded, ahead_us) = {
                let mut codec = self.codec.lock();
                (codec.decode(&mut buffer[..bytes]), codec.sender_ahead_us())
            };
            match decoded {
                // A table is sent over streams only: the source of a datagram may be forged, and its answer is large.
                Ok(packet) if packet.body.kind() == MessageKind::Sync => {
                    tracing::trace!(%from, bytes, "dropped a sync that came as a datagram");
                    metrics.count_drop(DropReason::Malformed);
                    Poll::Ready(None)
                }
                Ok(packet) => {
                    Poll::Ready(Some(Arrival { from: to_address(from), packet, bytes, ahead_us, reply: None }))
                }
                Err(error) => {
                    tracing::trace!(%from, bytes, %error, "dropped a datagram");
                    self.codec.rejections().refused(from, &error);
                    metrics.count_drop(error.drop_reason());
                    Poll::Ready(None)
                }
            }
        })
    }

    /// Begins to handle a packet: until [`PacketIo::end_handling`], the first packet sent to `peer` is the answer on
    /// the stream that the packet came over, if it came over one.
    pub(super) fn begin_handling(&mut self, peer: Address, sender: Sender, reply: Option<oneshot::Sender<Packet>>) {
        self.connected_from = reply.is_some().then_some(peer.ip);
        self.open_stream = reply.map(|reply| OpenStream { peer, reply });
        // Experiments measure the protocol as it is.
        self.sender = if self.hook.is_none() { sender } else { Sender::Member };
    }

    /// Ends to handle a packet. A stream that was not answered is closed.
    pub(super) fn end_handling(&mut self) {
        self.open_stream = None;
        self.connected_from = None;
        self.sender = Sender::Member;
    }

    /// Sends a packet, or holds it back for as long as the packet hook says.
    pub(super) fn send(&mut self, now: Time, transmit: Transmit, metrics: &mut Metrics) {
        let asks_for_table = matches!(&transmit.message.body, Body::Sync(sync) if sync.wants_reply);
        let answered = self.open_stream.take_if(|stream| stream.peer == transmit.to && !asks_for_table);
        if answered.is_none() && !transmit.stream {
            return self.send_datagram(now, transmit, metrics);
        }
        // A table that was asked for goes to the one who connected, or nowhere.
        if answered.is_none() && !asks_for_table && transmit.message.body.kind() == MessageKind::Sync {
            return metrics.count_drop(DropReason::StreamFailed);
        }
        let is_to_anybody = self.sender == Sender::Unknown && self.connected_from != Some(transmit.to.ip);
        if answered.is_none() && is_to_anybody {
            return metrics.count_drop(DropReason::ReplyLimit);
        }
        let packet =
            SentPacket { at: now, transmit: &transmit, bytes: transmit.bytes as usize, is_answer: answered.is_some() };
        let Some(at) = self.departure(&packet, metrics) else { return };
        let outgoing = match answered {
            Some(stream) => Outgoing::Answer(stream.reply, transmit.message),
            None => Outgoing::Request(transmit.to, transmit.message),
        };
        if at <= now { self.dispatch(outgoing, metrics) } else { self.delay(at, outgoing, metrics) }
    }

    fn send_datagram(&mut self, now: Time, mut transmit: Transmit, metrics: &mut Metrics) {
        if self.sender != Sender::Member && !self.budget.take(now, transmit.bytes as usize) {
            if transmit.message.body == Body::Gossip {
                return metrics.count_drop(DropReason::ReplyLimit);
            }
            // Without its updates, an answer is no longer than what it answers.
            transmit.message.updates.clear();
        }
        SEND_BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            if self.codec.lock().encode(&transmit.message, buffer).is_err() {
                return metrics.count_drop(DropReason::Unencodable);
            }
            let packet = SentPacket { at: now, transmit: &transmit, bytes: buffer.len(), is_answer: false };
            let Some(at) = self.departure(&packet, metrics) else { return };
            if at <= now {
                self.send_bytes(transmit.to, buffer, metrics);
            } else {
                self.delay(at, Outgoing::Datagram(transmit.to, buffer[..].into()), metrics);
            }
        });
    }

    /// Holds a packet back.
    fn delay(&mut self, at: Time, outgoing: Outgoing, metrics: &mut Metrics) {
        if !self.delayed.add(at, outgoing) {
            metrics.count_drop(DropReason::SendQueueFull);
        }
    }

    /// Counts a packet, and asks the hook when it leaves. `None`: it is lost.
    fn departure(&self, packet: &SentPacket<'_>, metrics: &mut Metrics) -> Option<Time> {
        metrics.sent[usize::from(packet.transmit.message.body.kind().code())].add(packet.bytes);
        metrics.sent_by_distance[self.distances.of(packet.transmit.to) as usize].add(packet.bytes);
        match self.hook.as_ref().map_or(PacketVerdict::At(packet.at), |hook| hook.sent(packet)) {
            PacketVerdict::At(at) => Some(at),
            PacketVerdict::Lost => None,
        }
    }

    /// The time at which [`PacketIo::send_due`] is to be called; [`Time::NEVER`] if no packet is held back.
    pub(super) fn due(&self) -> Time {
        self.delayed.next()
    }

    /// Whether packets are held back.
    pub(super) fn has_delayed(&self) -> bool {
        !self.delayed.is_empty()
    }

    /// Sends the packets that were held back and are due.
    pub(super) fn send_due(&mut self, clock: Clock, metrics: &mut Metrics) {
        while self.has_delayed()
            && let Some(outgoing) = self.delayed.pop_due(clock.now())
        {
            self.dispatch(outgoing, metrics);
        }
    }

    fn dispatch(&mut self, outgoing: Outgoing, metrics: &mut Metrics) {
        match outgoing {
            Outgoing::Datagram(to, bytes) => self.send_bytes(to, &bytes, metrics),
            Outgoing::Request(to, packet) => {
                let begun = match self.reach.socket_addr(to) {
                    Some(to) => self.streams.begin(to, packet, self.answer_limit),
                    None => Err(DropReason::Unreachable),
                };
                begun.unwrap_or_else(|reason| metrics.count_drop(reason));
            }
            // It fails if the stream has ended meanwhile, which the stream reports.
            Outgoing::Answer(reply, packet) => drop(reply.send(packet)),
        }
    }

    fn send_bytes(&mut self, to: Address, bytes: &[u8], metrics: &mut Metrics) {
        let Some(to) = self.reach.socket_addr(to) else { return metrics.count_drop(DropReason::Unreachable) };
        match self.udp.try_send_to(bytes, to) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => metrics.count_drop(DropReason::SendQueueFull),
            Err(_) => metrics.count_drop(DropReason::Unreachable),
        }
    }
}
