//! Sizes of encoded packets, computed without encoding: the simulator needs one for every packet.

use swimlab_selectors::Location;

use super::layout::{self, ENVELOPE, Real, SocketBytes};
use crate::protocol::{
    Address, Body, Incarnation, NodeInfo, Packet, PeerAddress, PeerView, Sizer, Update, UpdateKind, UserEvent,
    WithCoordinate,
};

/// The sizes of [`encode`](super::encode)d packets, to the byte. The prefix on a stream is not counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainSizer;

/// The length of [`encode`](super::encode)'s output.
pub fn encoded_len(packet: &Packet) -> u32 {
    PlainSizer.bare(packet) + packet.updates.iter().map(update).sum::<u32>()
}

impl Sizer for PlainSizer {
    #[inline]
    fn bare(&self, packet: &Packet) -> u32 {
        ENVELOPE as u32 + head(packet) + packet.coordinate.as_deref().map_or(0, with_coordinate) + body(&packet.body)
    }

    #[inline]
    fn update(&self, update: &Update) -> u32 {
        self::update(update)
    }
}

/// The header of an array of at most fifteen elements, a small integer, a flag, nil: each a single byte.
const ONE: u32 = 1;
const COORDINATE: u32 = ONE + size_of::<layout::Coordinate>() as u32 / 4 * 5;

fn head(packet: &Packet) -> u32 {
    let peer_view = match packet.peer_view {
        PeerView::Unknown => 0,
        PeerView::Member(peer_view) | PeerView::Dead(peer_view) => incarnation(peer_view),
    };
    ONE + uint64_len(packet.from) + incarnation(packet.incarnation) + peer_view
}

fn with_coordinate(extension: &WithCoordinate) -> u32 {
    COORDINATE + extension.hint.map_or(0, |hint| ONE + uint64_len(hint.id) + uint32_len(hint.rtt_us))
}

fn body(body: &Body) -> u32 {
    match body {
        Body::Ping { seq } | Body::Ack { seq } => uint32_len(*seq),
        Body::IndirectAck { seq, target } | Body::Nack { seq, target } => ONE + uint32_len(*seq) + uint64_len(*target),
        Body::Gossip => 0,
        Body::PingReq(request) => {
            let numbers =
                uint32_len(request.seq) + uint32_len(request.nack_after_us) + uint32_len(request.targets.len() as u32);
            let target = |target: &PeerAddress| ONE + uint64_len(target.id) + address(&target.address);
            ONE + numbers + request.targets.iter().map(target).sum::<u32>()
        }
        Body::Sync(table) => {
            let (flags, records) = (2 * ONE, table.records.len() as u32);
            let parts = match table.parts.len() as u32 {
                0 => 0,
                count => uint32_len(count) + table.parts.iter().copied().map(uint32_len).sum::<u32>(),
            };
            ONE + flags + parts + uint32_len(records) + table.records.iter().map(update).sum::<u32>()
        }
        Body::Digest { digest, .. } => 2 * ONE + uint64_len(*digest),
        Body::Direct(message) => ONE + uint32_len(message.channel.into()) + bytes(&message.payload),
    }
}

fn update(update: &Update) -> u32 {
    let tag = ONE;
    let header = ONE + tag + uint64_len(update.id) + incarnation(update.incarnation);
    header
        + match &update.kind {
            UpdateKind::Alive(of) => node(of),
            UpdateKind::Suspect { by } => uint64_len(*by),
            UpdateKind::Dead | UpdateKind::Left => 0,
            UpdateKind::User(event) => user_event(event),
        }
}

fn node(node: &NodeInfo) -> u32 {
    let levels = node.peer.zone.levels();
    let unknown = (3 - levels.len() as u32) * ONE;
    let zone = ONE + unknown + levels.iter().map(|level| uint32_len(*level)).sum::<u32>();
    let site = node.peer.site.map_or(ONE, uint32_len);
    ONE + address(&node.address) + location(node.peer.location) + zone + site + text(&node.name) + bytes(&node.meta)
}

fn user_event(event: &UserEvent) -> u32 {
    ONE + uint32_len(event.seq) + text(&event.name) + bytes(&event.payload)
}

fn location(location: Option<Location>) -> u32 {
    let (first, second) = match location {
        None => return ONE,
        Some(Location::Plane { x, y }) => (x, y),
        Some(Location::Globe { lat, lon }) => (lat, lon),
        Some(Location::Learned { at }) => return 2 + size_of_val(&at) as u32,
    };
    let real = |number: f64| if Real(number).is_single() { 5 } else { 9 };
    let globe = ONE;
    ONE + globe + real(first) + real(second)
}

fn incarnation(incarnation: Incarnation) -> u32 {
    // Fast path: nearly always.
    if (incarnation.generation | incarnation.refutations) < 0x80 {
        return 2;
    }
    uint32_len(incarnation.generation) + uint32_len(incarnation.refutations)
}

/// A byte string of 6 or 18 bytes.
fn address(address: &Address) -> u32 {
    2 + if SocketBytes::is_mapped(address) { 6 } else { 18 }
}

fn text(text: &str) -> u32 {
    let len = text.len() as u32;
    len + match len {
        ..32 => 1,
        32..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 5,
    }
}

fn bytes(bytes: &[u8]) -> u32 {
    let len = bytes.len() as u32;
    len + match len {
        ..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 5,
    }
}

/// An integer of up to 64 bits: MessagePack takes the shortest of its forms.
#[inline]
fn uint64_len(value: u64) -> u32 {
    match u32::try_from(value) {
        Ok(value) => uint32_len(value),
        Err(_) => 9,
    }
}

/// The size of an integer of up to 32 bits.
#[inline]
pub(crate) fn uint32_len(value: u32) -> u32 {
    match value {
        ..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        _ => 5,
    }
}
