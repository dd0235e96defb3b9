//! From packets to bytes.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use swimlab_selectors::{Coordinate, Location, Peer};

use super::layout::{self, Bytes, Real, tag};
use super::{Invalid, VERSION, encoded_len, valid};
use crate::protocol::{Body, Card, Located, News, Packet, PingReq, Seen, Sync, Tip, Update};

/// Appends a packet's bytes to `out`. A packet that no reader would accept is refused, and `out` is left as it was.
pub fn encode(packet: &Packet, out: &mut Vec<u8>) -> Result<(), Invalid> {
    valid::packet(packet)?;
    append(packet, out);
    Ok(())
}

/// Appends the bytes of a packet that was checked.
pub(super) fn append(packet: &Packet, out: &mut Vec<u8>) {
    out.reserve(encoded_len(packet) as usize);
    write(packet, out).expect("a vector takes every byte");
}

/// How many bytes follow the packet in `bytes`; `None` when `bytes` do not begin with exactly what [`encode`] writes.
pub(super) fn left_after(packet: &Packet, bytes: &[u8]) -> Option<usize> {
    let mut expected = Expected(bytes);
    write(packet, &mut expected).ok()?;
    Some(expected.0.len())
}

fn write(packet: &Packet, sink: &mut impl Write) -> io::Result<()> {
    let coordinate = match packet.coordinate.as_deref() {
        None => 0,
        Some(Located { tip: None, .. }) => layout::COORDINATE,
        Some(Located { tip: Some(_), .. }) => layout::COORDINATE | layout::TIP,
    };
    let flags = seen_flag(packet.seen) | coordinate;
    let [high, low] = (packet.updates.len() as u16).to_be_bytes();
    sink.write_all(&[VERSION, packet.body.kind() as u8 | flags, high, low])?;
    head(packet, sink)?;
    if let Some(Located { at, tip }) = packet.coordinate.as_deref() {
        put(sink, &numbers(at))?;
        if let Some(Tip { id, rtt_us }) = *tip {
            put(sink, &layout::Tip { id, rtt_us })?;
        }
    }
    match &packet.body {
        Body::Ping { seq } | Body::Ack { seq } => put::<layout::Seq>(sink, seq)?,
        Body::Relayed { seq, target } | Body::Nack { seq, target } => {
            put(sink, &layout::Verdict { seq: *seq, target: *target })?;
        }
        Body::PingReq(request) => ping_req(request, sink)?,
        Body::Gossip => (),
        Body::Sync(table) => sync(table, sink)?,
    }
    packet.updates.iter().try_for_each(|news| update(news, sink))
}

fn seen_flag(seen: Seen) -> u8 {
    match seen {
        Seen::Unknown => 0,
        Seen::Member(_) => layout::SEEN_MEMBER,
        Seen::Dead(_) => layout::SEEN_DEAD,
    }
}

fn head(packet: &Packet, sink: &mut impl Write) -> io::Result<()> {
    let (from, own) = (packet.from, packet.incarnation);
    match packet.seen {
        Seen::Unknown => put(sink, &layout::Head { from, generation: own.generation, refutations: own.refutations }),
        Seen::Member(seen) | Seen::Dead(seen) => put(
            sink,
            &layout::SeenHead {
                from,
                generation: own.generation,
                refutations: own.refutations,
                seen_generation: seen.generation,
                seen_refutations: seen.refutations,
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
    put(sink, &layout::Request { seq: *seq, nack_after_us: *nack_after_us, targets: targets.len() as u32 })?;
    targets.iter().try_for_each(|target| put(sink, &layout::Aim::from(target)))
}

fn sync(table: &Sync, sink: &mut impl Write) -> io::Result<()> {
    let Sync { wants_reply, joining, records } = table;
    put(sink, &layout::Table { wants_reply: *wants_reply, joining: *joining, records: records.len() as u32 })?;
    records.iter().try_for_each(|record| update(record, sink))
}

fn update(update: &Update, sink: &mut impl Write) -> io::Result<()> {
    let tag = match update.news {
        News::Alive(_) => tag::ALIVE,
        News::Suspect { .. } => tag::SUSPECT,
        News::Dead => tag::DEAD,
        News::Left => tag::LEFT,
        News::User(_) => tag::USER,
    };
    let (generation, refutations) = (update.incarnation.generation, update.incarnation.refutations);
    put(sink, &layout::Line { tag, id: update.id, generation, refutations })?;
    match &update.news {
        News::Alive(of) => put(sink, &card(of)),
        News::Suspect { by } => put(sink, by),
        News::User(event) => put(sink, &layout::Occasion::from(&**event)),
        News::Dead | News::Left => Ok(()),
    }
}

fn card(card: &Card) -> layout::Card<'_> {
    let Card { peer: Peer { id: _, location, zone, site }, address, name, meta } = card;
    let mut levels = [None; 3];
    levels.iter_mut().zip(zone.levels()).for_each(|(to, level)| *to = Some(*level));
    layout::Card {
        address: address.into(),
        location: location.as_ref().map(|location| match *location {
            Location::Plane { x, y } => layout::Location::Told { globe: false, first: Real(x), second: Real(y) },
            Location::Globe { lat, lon } => layout::Location::Told { globe: true, first: Real(lat), second: Real(lon) },
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

/// A sink that takes only the bytes that it expects.
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
