//! Decoding of packets. The bytes are not trusted: nothing here panics, and allocations are bounded by the length of
//! the input and by the limits of [`Limited`].

use std::sync::Arc;

use rmp_serde::Deserializer;
use rmp_serde::decode::{Error as RmpError, ReadRefReader};
use serde::Deserialize;
use swimlab_selectors::{Coordinate, Location, Peer, ZonePath};

use super::error::{DecodeError, Part};
use super::layout::{self, DIGEST_VERSION, DIRECT_VERSION, ENVELOPE, VERSION, tag};
use super::limits::Limited;
use super::{encode, valid};
use crate::protocol::{
    Body, DirectMessage, Id, Incarnation, MessageKind, NeighborHint, NodeInfo, Packet, PeerAddress, PeerView, PingReq,
    StateSync, Update, UpdateKind, UserEvent, WithCoordinate,
};

/// Decodes the one packet in `bytes`. Each packet has exactly one encoding.
///
/// # Errors
/// If the bytes are not the encoding of exactly one valid packet.
pub fn decode(bytes: &[u8]) -> Result<Packet, DecodeError> {
    let packet = read(bytes)?;
    // MessagePack has many forms for one value. A comparison with the canonical encoding admits only that.
    match encode::left_after(&packet, bytes) {
        Some(0) => Ok(packet),
        Some(left) => Err(DecodeError::Trailing(left)),
        None => Err(DecodeError::NotCanonical),
    }
}

fn read(bytes: &[u8]) -> Result<Packet, DecodeError> {
    let Some((&[version, kind, high, low], rest)) = bytes.split_first_chunk::<ENVELOPE>() else {
        return Err(DecodeError::Truncated(Part::Envelope));
    };
    let (kind, flags) = (kind & layout::KIND, kind & !layout::KIND);
    let version_of_kind = match kind {
        layout::DIRECT => DIRECT_VERSION,
        layout::SYNC_OF_PARTS => DIGEST_VERSION,
        kind if kind >= MessageKind::Digest.code() => DIGEST_VERSION,
        _ => VERSION,
    };
    match version {
        version if version == version_of_kind => {}
        VERSION | DIGEST_VERSION | DIRECT_VERSION => return Err(DecodeError::MessageKind(kind)),
        unknown => return Err(DecodeError::Version(unknown)),
    }
    let mut reader = Reader::new(rest);
    let (from, incarnation, peer_view) = reader.head(flags)?;
    let coordinate =
        if flags & layout::COORDINATE == 0 { None } else { Some(Box::new(reader.with_coordinate(flags)?)) };
    let body = reader.body(kind)?;
    let updates = reader.updates(usize::from(u16::from_be_bytes([high, low])))?;
    Ok(Packet { from, incarnation, peer_view, body, updates: updates.into(), coordinate })
}

/// Reads one MessagePack value after the other.
struct Reader<'a> {
    input: Deserializer<ReadRefReader<'a, [u8]>>,
    len: usize,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let mut input = Deserializer::from_read_ref(bytes);
        // The layout nests two deep. Skipping over deeper nonsense would cost stack.
        input.set_max_depth(4);
        Self { input, len: bytes.len() }
    }

    fn next<T: Deserialize<'a>>(&mut self, part: Part) -> Result<T, DecodeError> {
        T::deserialize(&mut self.input).map_err(|error| match error {
            // A slice has no other way to fail than to end.
            RmpError::InvalidMarkerRead(_) | RmpError::InvalidDataRead(_) => DecodeError::Truncated(part),
            _ => DecodeError::Malformed(part),
        })
    }

    fn head(&mut self, flags: u8) -> Result<(Id, Incarnation, PeerView), DecodeError> {
        if flags & (layout::COORDINATE | layout::HINT) == layout::HINT {
            return Err(DecodeError::Flags(flags));
        }
        let as_seen = match flags & !(layout::COORDINATE | layout::HINT) {
            0 => {
                let layout::Head { from, generation, refutations } = self.next(Part::Head)?;
                return Ok((from, Incarnation { generation, refutations }, PeerView::Unknown));
            }
            layout::SEEN_MEMBER => PeerView::Member,
            layout::SEEN_DEAD => PeerView::Dead,
            _ => return Err(DecodeError::Flags(flags)),
        };
        let head: layout::PeerViewHead = self.next(Part::Head)?;
        let own = Incarnation { generation: head.generation, refutations: head.refutations };
        let peer_view = Incarnation { generation: head.seen_generation, refutations: head.seen_refutations };
        Ok((head.from, own, as_seen(peer_view)))
    }

    fn with_coordinate(&mut self, flags: u8) -> Result<WithCoordinate, DecodeError> {
        let at = self.coordinate()?;
        if flags & layout::HINT == 0 {
            return Ok(WithCoordinate { at, hint: None });
        }
        let layout::NeighborHint { id, rtt_us } = self.next(Part::NeighborHint)?;
        Ok(WithCoordinate { at, hint: Some(NeighborHint { id, rtt_us }) })
    }

    fn coordinate(&mut self) -> Result<Coordinate, DecodeError> {
        let [a, b, c, d, e, f, g, h, height, adjustment, error]: layout::Coordinate = self.next(Part::Coordinate)?;
        let at = Coordinate { vector: [a, b, c, d, e, f, g, h], height, adjustment, error };
        valid::coordinate(&at)?;
        Ok(at)
    }

    fn body(&mut self, number: u8) -> Result<Body, DecodeError> {
        let kind = match number {
            layout::SYNC_OF_PARTS => return Ok(Body::Sync(Box::new(self.sync_of_parts()?))),
            layout::DIRECT => MessageKind::Direct,
            _ => *MessageKind::ALL.get(usize::from(number)).ok_or(DecodeError::MessageKind(number))?,
        };
        Ok(match kind {
            MessageKind::Ping => Body::Ping { seq: self.next::<layout::Seq>(Part::Body)? },
            MessageKind::Ack => Body::Ack { seq: self.next::<layout::Seq>(Part::Body)? },
            MessageKind::IndirectAck => {
                let layout::ProbeReply { seq, target } = self.next(Part::Body)?;
                Body::IndirectAck { seq, target }
            }
            MessageKind::Nack => {
                let layout::ProbeReply { seq, target } = self.next(Part::Body)?;
                Body::Nack { seq, target }
            }
            MessageKind::PingReq => Body::PingReq(Box::new(self.ping_req()?)),
            MessageKind::Gossip => Body::Gossip,
            MessageKind::Sync => Body::Sync(Box::new(self.sync()?)),
            MessageKind::Digest => {
                let layout::DigestRecord { wants_reply, digest } = self.next(Part::Body)?;
                Body::Digest { wants_reply, digest }
            }
            MessageKind::Direct => {
                let layout::DirectRecord { channel, payload } = self.next(Part::Body)?;
                Limited::DirectPayload.check(payload.0.len())?;
                Body::Direct(Arc::new(DirectMessage { channel, payload: payload.0.into() }))
            }
            MessageKind::Other(_) => return Err(DecodeError::MessageKind(number)),
        })
    }

    fn ping_req(&mut self) -> Result<PingReq, DecodeError> {
        let layout::PingReqHeader { seq, nack_after_us, targets } = self.next(Part::Body)?;
        Limited::Targets.check(targets as usize)?;
        let targets = (0..targets).map(|_| self.target()).collect::<Result<_, _>>()?;
        Ok(PingReq { seq, nack_after_us, targets })
    }

    fn target(&mut self) -> Result<PeerAddress, DecodeError> {
        let layout::TargetRecord { id, address } = self.next(Part::Target)?;
        let address = address.into();
        valid::address(address)?;
        Ok(PeerAddress { id, address })
    }

    fn sync(&mut self) -> Result<StateSync, DecodeError> {
        let layout::SyncHeader { wants_reply, joining, records } = self.next(Part::Body)?;
        Limited::Records.check(records as usize)?;
        Ok(StateSync::whole(wants_reply, joining, self.updates(records as usize)?))
    }

    fn sync_of_parts(&mut self) -> Result<StateSync, DecodeError> {
        let layout::PartialSyncHeader { wants_reply, joining, parts: count, records } = self.next(Part::Body)?;
        Limited::Parts.check(count as usize)?;
        Limited::Records.check(records as usize)?;
        let mut parts = Vec::with_capacity((count as usize).min(self.len));
        for _ in 0..count {
            parts.push(self.next(Part::Body)?);
        }
        Ok(StateSync { parts, ..StateSync::whole(wants_reply, joining, self.updates(records as usize)?) })
    }

    fn updates(&mut self, count: usize) -> Result<Vec<Update>, DecodeError> {
        /// The shortest update: an array's header and four small integers.
        const SHORTEST: usize = 5;
        let mut updates = Vec::with_capacity(count.min(self.len / SHORTEST));
        for _ in 0..count {
            updates.push(self.update()?);
        }
        Ok(updates)
    }

    fn update(&mut self) -> Result<Update, DecodeError> {
        let header: layout::UpdateHeader = self.next(Part::Update)?;
        let kind = match header.tag {
            tag::ALIVE => UpdateKind::Alive(Arc::new(self.node(header.id)?)),
            tag::SUSPECT => UpdateKind::Suspect { by: self.next(Part::Update)? },
            tag::DEAD => UpdateKind::Dead,
            tag::LEFT => UpdateKind::Left,
            tag::USER => UpdateKind::User(Arc::new(self.user_event()?)),
            unknown => return Err(DecodeError::UpdateKind(unknown)),
        };
        Ok(Update { id: header.id, incarnation: header.incarnation(), kind })
    }

    fn node(&mut self, id: Id) -> Result<NodeInfo, DecodeError> {
        let layout::NodeInfo { address, location, zone, site, name, meta } = self.next(Part::Update)?;
        let address = address.into();
        valid::address(address)?;
        valid::node_texts(name, meta.0)?;
        let location = location.map(|location| match location {
            layout::Location::Given { globe: false, first, second } => Location::Plane { x: first.0, y: second.0 },
            layout::Location::Given { globe: true, first, second } => Location::Globe { lat: first.0, lon: second.0 },
            layout::Location::Learned([a, b, c, d, e, f]) => {
                Location::Learned { at: [[a, b], [c, d], [e, f]].map(i16::from_be_bytes) }
            }
        });
        location.as_ref().map_or(Ok(()), valid::location)?;
        // A gap between known levels does not survive this, and is refused as not canonical.
        let depth = zone.iter().flatten().count();
        let levels = zone.map(Option::unwrap_or_default);
        let peer = Peer { id, location, zone: ZonePath::from_levels(&levels[..depth]), site };
        Ok(NodeInfo { peer, address, name: name.into(), meta: meta.0.into() })
    }

    fn user_event(&mut self) -> Result<UserEvent, DecodeError> {
        let layout::EventRecord { seq, name, payload } = self.next(Part::Update)?;
        valid::event_texts(name, payload.0)?;
        Ok(UserEvent { seq, name: name.into(), payload: payload.0.into() })
    }
}
