//! The record of what the events of a shard show to the rest of the world, and the merge of several such records into
//! the order in which one thread would have shown it.

use super::observer::{MemberIndex, Observer, Sent};
use super::scheduled::EventKey;
use super::sink::{Observation, Sink};
use crate::protocol::{Event, MessageKind, Time};

/// The record of one shard and one window.
#[derive(Default)]
pub(super) struct ShardLog {
    /// Whether packets are recorded whole, as for an observer that watches them.
    whole_packets: bool,
    /// The event that is being processed.
    cause: Option<EventKey>,
    /// In the order of processing, which is that of their causes.
    entries: Vec<Entry>,
    /// The packets and events of those entries that have one, in the same order.
    packets: Vec<Sent>,
    events: Vec<(MemberIndex, Event)>,
}

/// One thing that happened. Small: there is one for every delivery.
#[derive(Clone, Copy)]
struct Entry {
    cause: EventKey,
    what: What,
}

#[derive(Clone, Copy)]
enum What {
    /// A delivery as the trace needs it, for observers that watch no packets.
    Delivery { from: MemberIndex, to: MemberIndex, bytes: u32, kind: MessageKind },
    /// A delivery, with the next packet.
    Delivered,
    /// A packet handed to the network: the next one.
    Sent,
    /// The next event.
    Event,
}

impl ShardLog {
    /// An empty record, with whole packets for an observer that watches them.
    pub(super) fn new(whole_packets: bool) -> Self {
        Self { whole_packets, ..Self::default() }
    }

    #[inline(always)]
    fn add(&mut self, what: What) {
        let cause = self.cause.expect("all is caused by an event");
        self.entries.push(Entry { cause, what });
    }
}

impl Sink for ShardLog {
    #[inline(always)]
    fn begin(&mut self, cause: EventKey) {
        self.cause = Some(cause);
    }

    #[inline(always)]
    fn sent(&mut self, sent: &Sent) {
        if self.whole_packets {
            self.packets.push(*sent);
            self.add(What::Sent);
        }
    }

    #[inline(always)]
    fn delivered(&mut self, _at: Time, sent: &Sent) {
        if self.whole_packets {
            self.packets.push(*sent);
            self.add(What::Delivered);
        } else {
            let &Sent { from, to, bytes, kind, .. } = sent;
            self.add(What::Delivery { from, to, bytes, kind });
        }
    }

    #[cold]
    fn event(&mut self, _at: Time, member: MemberIndex, event: Event) {
        self.events.push((member, event));
        self.add(What::Event);
    }
}

impl<O: Observer> Observation<O> {
    /// Shows what all shards have recorded of one window, in the total order of the causes, and empties the records.
    pub(super) fn merge(&mut self, logs: &mut [ShardLog]) {
        let mut readers: Vec<Reader> = logs.iter_mut().map(Reader::new).collect();
        // No two shards share a cause: a packet has one receiver. So the record with the least cause can be read up to
        // the least cause of all others.
        while let Some(least) = (0..readers.len()).min_by_key(|&reader| readers[reader].next)
            && readers[least].next != END
        {
            let others = readers.iter().enumerate().filter(|&(reader, _)| reader != least);
            let limit = others.map(|(_, reader)| reader.next).min().unwrap_or(END);
            readers[least].show_until(limit, self);
        }
        drop(readers);
        for log in logs {
            log.entries.clear();
        }
    }
}

/// A position in one record.
struct Reader<'a> {
    entries: std::slice::Iter<'a, Entry>,
    packets: std::vec::Drain<'a, Sent>,
    events: std::vec::Drain<'a, (MemberIndex, Event)>,
    /// The cause of the next entry, or [`END`].
    next: u128,
}

/// Later than any cause.
const END: u128 = u128::MAX;

impl<'a> Reader<'a> {
    fn new(log: &'a mut ShardLog) -> Self {
        let entries = log.entries.iter();
        let next = next(&entries);
        Self { entries, packets: log.packets.drain(..), events: log.events.drain(..), next }
    }

    /// Shows all entries with causes before `limit`.
    #[inline(always)]
    fn show_until<O: Observer>(&mut self, limit: u128, observation: &mut Observation<O>) {
        while self.next < limit {
            let Some(Entry { cause, what }) = self.entries.next() else { return };
            self.next = next(&self.entries);
            let at = cause.at();
            match *what {
                What::Delivery { from, to, bytes, kind } => observation.trace.delivery(at, from, to, kind, bytes),
                What::Delivered => observation.delivered(at, &self.packets.next().expect("one for each entry")),
                What::Sent => observation.sent(&self.packets.next().expect("one for each entry")),
                What::Event => {
                    let (member, event) = self.events.next().expect("one for each entry");
                    observation.event(at, member, event);
                }
            }
        }
    }
}

#[inline(always)]
fn next(entries: &std::slice::Iter<Entry>) -> u128 {
    entries.as_slice().first().map_or(END, |entry| entry.cause.ordinal())
}
