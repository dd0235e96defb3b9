//! Encoding of packets.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use swimlab_selectors::{Coordinate, Location, Peer};

use super::error::Invalid;
use super::layout::{self, Bytes, DIGEST_VERSION, DIRECT_VERSION, Real, VERSION, tag};
use super::size::encoded_len;
use super::valid;
use crate::protocol::{
    Body, DirectMessage, MessageKind, NeighborHint, NodeInfo, Packet, PeerView, PingReq, StateSync, Update, UpdateKind,
    WithCoordinate,
};

/// Appends the encoding of a packet to `out`.
///
/// # Errors
/// If no receiver would accept the packet; `out` is unchanged then.
pub fn encode(packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
    valid::packet(packet)?;
    append(packet, out);
    Ok(())
}

/// Appends the encoding of a packet that has been checked.
pub(super) fn append(packet: &Packet, out: &mut Vec<u8>) {
    out.reserve(encoded_len(packet) as usize);
    write(packet, out).expect("a vector takes every byte");
}

/// The number of bytes after the packet in `bytes`; `None` if `bytes` do not begin with exactly what [`encode`] writes.
pub(super) fn left_after(packet: &Packet, bytes: &[u8]) -> Option<usize> {
    let mut expected = Expected(bytes);
    write(packet, &mut expected).ok()?;
    Some(expected.0.len())
}

fn write(packet: &Packet, sink: &mut impl Write) -> io::Result<()> {
    let coordinate = match packet.coordinate.as_deref() {
        None => 0,
        Some(WithCoordinate { hint: None, .. }) => layout::COORDINATE,
        Some(WithCoordinate { hint: Some(_), .. }) => layout::COORDINATE | layout::HINT,
    };
    let flags = seen_flag(packet.peer_view) | coordinate;
    let [high, low] = (packet.updates.len() as u16).to_be_bytes();
    let (version, kind) = match &packet.body {
        Body::Sync(sync) if !sync.parts.is_empty() => (DIGEST_VERSION, layout::SYNC_OF_PARTS),
        Body::Digest { .. } => (DIGEST_VERSION, MessageKind::Digest.code()),
        Body::Direct(_) => (DIRECT_VERSION, layout::DIRECT),
        body => (VERSION, body.kind().code()),
    };
    sink.write_all(&[version, kind | flags, high, low])?;
    head(packet, sink)?;
    if let Some(WithCoordinate { at, hint }) = packet.coordinate.as_deref() {
        put(sink, &numbers(at))?;
        if let Some(NeighborHint { id, rtt_us }) = *hint {
            put(sink, &layout::NeighborHint { id, rtt_us })?;
        }
    }
    match &packet.body {
        Body::Ping { seq } | Body::Ack { seq } => put::<layout::Seq>(sink, seq)?,
        Body::IndirectAck { seq, target } | Body::Nack { seq, target } => {
            put(sink, &layout::ProbeReply { seq: *seq, target: *target })?;
        }
        Body::PingReq(request) => ping_req(request, sink)?,
        Body::Gossip => (),
        Body::Sync(table) => sync(table, sink)?,
        &Body::Digest { wants_reply, digest } => put(sink, &layout::DigestRecord { wants_reply, digest })?,
        Body::Direct(message) => {
            let DirectMessage { channel, ref payload } = **message;
            put(sink, &layout::DirectRecord { channel, payload: Bytes(payload) })?;
        }
    }
    packet.updates.iter().try_for_each(|of| update(of, sink))
}

fn seen_flag(peer_view: PeerView) -> u8 {
    match peer_view {
        PeerView::Unknown => 0,
        PeerView::Member(_) => layout::SEEN_MEMBER,
        PeerView::Dead(_) => layout::SEEN_DEAD,
    }
}

fn head(packet: &Packet, sink: &mut impl Write) -> io::Result<()> {
    let (from, own) = (packet.from, packet.incarnation);
    match packet.peer_view {
        PeerView::Unknown => {
            put(sink, &layout::Head { from, generation: own.generation, refutations: own.refutations })
        }
        PeerView::Member(peer_view) | PeerView::Dead(peer_view) => put(
            sink,
            &layout::PeerViewHead {
                from,
                generation: own.generation,
                refutations: own.refutations,
                seen_generation: peer_view.generation,
                seen_refutations: peer_view.refutations,
            },
        ),
    }
}

fn numbers(at: &Coordinate) -> layout::Coordinate {
    let [a, b, c, d, e, f, g, h] = at.vector;
    [a, b, c, d, e, f, g, h, at.height, at.adjustment, at.error]
}

fn ping_req(request: &PingReq, sink: &mut impl Write) -> io::Result<()> {
    let PingReq { seq, nack_after_us, targets } = request;
    put(sink, &layout::PingReqHeader { seq: *seq, nack_after_us: *nack_after_us, targets: targets.len() as u32 })?;
    targets.iter().try_for_each(|target| put(sink, &layout::TargetRecord::from(target)))
}

fn sync(table: &StateSync, sink: &mut impl Write) -> io::Result<()> {
    let &StateSync { wants_reply, joining, ref records, ref parts } = table;
    let count = records.len() as u32;
    if parts.is_empty() {
        put(sink, &layout::SyncHeader { wants_reply, joining, records: count })?;
    } else {
        put(sink, &layout::PartialSyncHeader { wants_reply, joining, parts: parts.len() as u32, records: count })?;
        parts.iter().try_for_each(|digest| put(sink, digest))?;
    }
    records.iter().try_for_each(|record| update(record, sink))
}

fn update(update: &Update, sink: &mut impl Write) -> io::Result<()> {
    let tag = match update.kind {
        UpdateKind::Alive(_) => tag::ALIVE,
        UpdateKind::Suspect { .. } => tag::SUSPECT,
        UpdateKind::Dead => tag::DEAD,
        UpdateKind::Left => tag::LEFT,
        UpdateKind::User(_) => tag::USER,
    };
    let (generation, refutations) = (update.incarnation.generation, update.incarnation.refutations);
    put(sink, &layout::UpdateHeader { tag, id: update.id, generation, refutations })?;
    match &update.kind {
        UpdateKind::Alive(of) => put(sink, &node(of)),
        UpdateKind::Suspect { by } => put(sink, by),
        UpdateKind::User(event) => put(sink, &layout::EventRecord::from(&**event)),
        UpdateKind::Dead | UpdateKind::Left => Ok(()),
    }
}

fn node(node: &NodeInfo) -> layout::NodeInfo<'_> {
    let NodeInfo { peer: Peer { id: _, location, zone, site }, address, name, meta } = node;
    let mut levels = [None; 3];
    levels.iter_mut().zip(zone.levels()).for_each(|(to, level)| *to = Some(*level));
    layout::NodeInfo {
        address: address.into(),
        location: location.as_ref().map(|location| match *location {
            Location::Plane { x, y } => layout::Location::Given { globe: false, first: Real(x), second: Real(y) },
            Location::Globe { lat, lon } => {
                layout::Location::Given { globe: true, first: Real(lat), second: Real(lon) }
            }
            Location::Learned { at } => at.into(),
        }),
        zone: levels,
        site: *site,
        name,
        meta: Bytes(meta),
    }
}

fn put<T: Serialize>(sink: &mut impl Write, value: &T) -> io::Result<()> {
    rmp_serde::encode::write(sink, value).map_err(|_| ErrorKind::InvalidData.into())
}

/// A sink that accepts only the expected bytes.
struct Expected<'a>(&'a [u8]);

impl Write for Expected<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.strip_prefix(bytes).ok_or(ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
