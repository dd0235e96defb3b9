//! The recording of one trial: all its packets, events and faults as rows of 32-bit words, in the order of time.
//!
//! Times are microseconds since the trial's start, members their indices in the world, and [`NONE`] stands for no member
//! and no packet.
//!
//! | rows | words |
//! |---|---|
//! | packets | sent, end, sender, receiver, kind and flags, bytes |
//! | events | time, member, kind, member it is about, generation, refutations, source, packet |
//! | faults | time, number of the fault, member, effect |
//!
//! A packet's end is the time of its arrival, [`LOST`] or [`CUT`]. Its kind is in the lowest 8 bits; bit 8 tells a ping of
//! the sender's own round, bit 9 that a running member handled the packet. An event's source is the member whose message
//! brought it, [`NONE`] if it is the member's own finding; its packet is the row of that message.

use std::collections::BTreeMap;

use swimlab::protocol::{Event, EventSource, Id, MessageKind, Time};
use swimlab::sim::{Delivery, Effect, FaultEvent, IdIndex, MemberIndex, Observer, Sent, Setup};

/// No member, or no packet.
pub const NONE: u32 = u32::MAX;
/// The end of a packet that is lost at random.
pub const LOST: u32 = u32::MAX;
/// The end of a packet that a partition drops.
pub const CUT: u32 = u32::MAX - 1;

/// Words of a packet's row.
pub const PACKET_WORDS: usize = 6;
/// Words of an event's row.
pub const EVENT_WORDS: usize = 8;
/// Words of a fault's row.
pub const FAULT_WORDS: usize = 4;

/// The most packets of a recording; later ones are counted only.
pub const MOST_PACKETS: usize = 4_000_000;

const DIRECT: u32 = 1 << 8;
const HANDLED: u32 = 1 << 9;

/// The recording of one trial.
pub struct Recording {
    ids: IdIndex,
    /// The rows of packets.
    pub packets: Vec<u32>,
    /// The rows of events.
    pub events: Vec<u32>,
    /// The rows of faults.
    pub faults: Vec<u32>,
    /// The number of packets that have no row.
    pub unrecorded: u64,
    /// Names of the kinds of messages that occur.
    pub message_kinds: BTreeMap<u32, &'static str>,
    /// Names of the kinds of events that occur.
    pub event_kinds: BTreeMap<u32, &'static str>,
    /// Rows of packets under way, by the packet.
    under_way: BTreeMap<PacketKey, Vec<u32>>,
    /// The row of the packet that its receiver is handling.
    handled: u32,
}

/// Arrival, sender, receiver and kind of a packet.
type PacketKey = (Time, MemberIndex, MemberIndex, MessageKind);

impl Recording {
    /// An empty recording of the trial with this setup.
    pub fn new(setup: &Setup) -> Self {
        Self {
            ids: IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id)),
            packets: Vec::new(),
            events: Vec::new(),
            faults: Vec::new(),
            unrecorded: 0,
            message_kinds: BTreeMap::new(),
            event_kinds: BTreeMap::new(),
            under_way: BTreeMap::new(),
            handled: NONE,
        }
    }

    fn index(&self, id: Id) -> u32 {
        self.ids.index(id).unwrap_or(NONE)
    }
}

impl Observer for Recording {
    fn sent(&mut self, sent: &Sent) {
        let row = self.packets.len() / PACKET_WORDS;
        if row == MOST_PACKETS {
            self.unrecorded += 1;
            return;
        }
        let kind = u32::from(sent.kind.code());
        self.message_kinds.entry(kind).or_insert(sent.kind.name());
        let end = match sent.delivery {
            Delivery::Arrives(at) => {
                let key = (at, sent.from, sent.to, sent.kind);
                self.under_way.entry(key).or_default().push(row as u32);
                micros(at)
            }
            Delivery::Cut => CUT,
            _ => LOST,
        };
        let flags = if sent.direct_ping { DIRECT } else { 0 };
        self.packets.extend([micros(sent.at), end, sent.from, sent.to, kind | flags, sent.bytes]);
    }

    fn delivered(&mut self, _at: Time, sent: &Sent) {
        self.handled = NONE;
        // A member that was paused handles it later than it arrived.
        let Delivery::Arrives(arrived) = sent.delivery else { return };
        let key = (arrived, sent.from, sent.to, sent.kind);
        let Some(rows) = self.under_way.get_mut(&key) else { return };
        self.handled = rows.remove(0);
        if rows.is_empty() {
            self.under_way.remove(&key);
        }
        self.packets[self.handled as usize * PACKET_WORDS + 4] |= HANDLED;
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let kind = u32::from(event.kind.code());
        self.event_kinds.entry(kind).or_insert(event.kind.name());
        let (source, packet) = match event.source {
            EventSource::Heard(id) => (self.index(id), self.handled),
            _ => (NONE, NONE),
        };
        let incarnation = event.incarnation;
        let about = self.index(event.about);
        let row = [micros(at), member, kind, about, incarnation.generation, incarnation.refutations, source, packet];
        self.events.extend(row);
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        let FaultEvent { at, fault, member, effect, .. } = *fault_event;
        self.faults.extend([micros(at), fault, member, code(effect)]);
    }
}

/// Names of the effects of faults, by their codes.
pub const EFFECTS: [&str; 9] =
    ["disturbed", "crashed", "left", "joined", "restarted", "released", "broadcast", "metadata-changed", "other"];

fn code(effect: Effect) -> u32 {
    match effect {
        Effect::Disturbed => 0,
        Effect::Crashed => 1,
        Effect::Left => 2,
        Effect::Joined => 3,
        Effect::Restarted => 4,
        Effect::Released => 5,
        Effect::Broadcast => 6,
        Effect::MetaChanged => 7,
        _ => 8,
    }
}

/// Microseconds as a word; the last value that is a time for later ones.
fn micros(at: Time) -> u32 {
    u32::try_from(at.as_micros()).unwrap_or(u32::MAX).min(CUT - 1)
}
