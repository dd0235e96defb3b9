//! The queue of news that waits to be passed on: least-sent first, newest first among equals.

use smallvec::SmallVec;
use swimlab_selectors::{Slot, prefetch};

use super::message::{Id, Sizer, Update, Updates};
use super::sorted_map::SortedMap;

/// UpdateKind that waits. Empty, it holds no memory.
#[derive(Debug, Default)]
pub struct Broadcasts(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// By times sent, then newest first: the order in which news goes out.
    queue: SortedMap<Key, Item>,
    /// Counts down, so that later news sorts first.
    pushed: u64,
}

/// Times sent in the upper 16 bits, then a number that is lower the newer the news.
type Key = u64;

const ORDER_BITS: u32 = 48;

#[derive(Debug)]
struct Item {
    update: Update,
    /// The slot of whom it is about; `None` for an application's event, which is never overtaken.
    slot: Option<Slot>,
    bytes: u32,
    source: Option<Id>,
}

impl Broadcasts {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many pieces of news wait, overtaken ones that have not come up yet included.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.queue.len())
    }

    /// Queues news about the occupant of a slot, or an application's event. It is not sent back to its source.
    pub fn push(&mut self, update: Update, slot: Option<Slot>, sizer: &dyn Sizer, source: Option<Id>) {
        let this = self.0.get_or_insert_default();
        this.pushed += 1;
        let bytes = sizer.update(&update);
        this.queue.insert((1 << ORDER_BITS) - this.pushed, Item { update, slot, bytes, source });
    }

    /// Drops what newer news has overtaken. [`Broadcasts::fill`] does so by the way; this is for a queue that has grown.
    pub fn prune(&mut self, is_current: impl Fn(Slot, &Update) -> bool) {
        if let Some(this) = &mut self.0 {
            this.queue.retain(|item| item.slot.is_none_or(|slot| is_current(slot, &item.update)));
            if this.queue.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Adds to `updates` what fits into `room` bytes for a packet to `receiver`, at most `most` pieces, and drops what
    /// has then been sent `limit` times, or is not current any more. Returns the bytes added.
    pub fn fill(
        &mut self,
        receiver: Id,
        Room { bytes: room, most, limit }: Room,
        is_current: impl Fn(Slot, &Update) -> bool,
        updates: &mut Updates,
    ) -> u32 {
        let Some(this) = &mut self.0 else { return 0 };
        let (mut chosen, mut overtaken) = (SmallVec::<[Key; 8]>::new(), SmallVec::<[Key; 8]>::new());
        let (mut used, mut misfits) = (0, 0);
        for (key, item) in this.queue.iter() {
            // A few large pieces must not hide the small ones behind them, nor make this a walk over the whole queue.
            if chosen.len() >= most || misfits >= MISFITS {
                break;
            }
            if !item.slot.is_none_or(|slot| is_current(slot, &item.update)) {
                overtaken.push(key);
            } else if item.source != Some(receiver) && used + item.bytes <= room {
                used += item.bytes;
                chosen.push(key);
            } else {
                misfits += 1;
            }
        }
        for key in overtaken {
            this.queue.remove(key);
        }
        for key in chosen {
            let item = this.queue.remove(key).expect("a key just seen");
            updates.push(item.update.clone());
            if (key >> ORDER_BITS) + 1 < u64::from(limit) {
                this.queue.insert(key + (1 << ORDER_BITS), item);
            }
        }
        if this.queue.is_empty() {
            self.0 = None;
        }
        used
    }

    /// See [`super::Member::prefetch`].
    pub(super) fn prefetch(&self) {
        if let Some(waiting) = &self.0 {
            prefetch(&**waiting);
        }
    }
}

/// EventKind a packet has room for.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Bytes left.
    pub bytes: u32,
    /// The most pieces of news.
    pub most: usize,
    /// How often a piece is sent in all.
    pub limit: u32,
}

/// How many pieces that do not fit are passed over before the search for more ends.
const MISFITS: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{Incarnation, Packet, UpdateKind};

    /// Every update takes ten bytes.
    struct Tens;

    impl Sizer for Tens {
        fn bare(&self, _: &Packet) -> u32 {
            0
        }
        fn update(&self, _: &Update) -> u32 {
            10
        }
    }

    fn dead(id: Id) -> Update {
        Update { id, incarnation: Incarnation::default(), kind: UpdateKind::Dead }
    }

    fn fill(queue: &mut Broadcasts, receiver: Id, bytes: u32, limit: u32) -> Vec<Id> {
        let mut updates = Updates::new();
        queue.fill(receiver, Room { bytes, most: usize::MAX, limit }, |_, _| true, &mut updates);
        updates.iter().map(|update| update.id).collect()
    }

    #[test]
    fn the_least_sent_news_goes_first_and_the_newest_among_equals() {
        let mut queue = Broadcasts::default();
        (1..=3).for_each(|id| queue.push(dead(id), Some(0), &Tens, None));
        assert_eq!(fill(&mut queue, 99, 20, 9), [3, 2]);
        assert_eq!(fill(&mut queue, 99, 20, 9), [1, 3]);
        queue.push(dead(4), Some(0), &Tens, None);
        assert_eq!(fill(&mut queue, 99, 40, 9), [4, 2, 1, 3]);
    }

    #[test]
    fn news_is_sent_so_many_times_and_no_more() {
        let mut queue = Broadcasts::default();
        queue.push(dead(1), Some(0), &Tens, None);
        let sent = (0..10).filter(|_| !fill(&mut queue, 99, 100, 4).is_empty()).count();
        assert_eq!(sent, 4);
        assert!(queue.is_empty());
    }

    #[test]
    fn overtaken_news_is_dropped_unsent() {
        let mut queue = Broadcasts::default();
        queue.push(Update { kind: UpdateKind::Suspect { by: 2 }, ..dead(1) }, Some(0), &Tens, None);
        queue.push(dead(1), Some(0), &Tens, None);
        let mut updates = Updates::new();
        let room = Room { bytes: 100, most: usize::MAX, limit: 4 };
        queue.fill(99, room, |_, update| update.kind == UpdateKind::Dead, &mut updates);
        assert_eq!((updates.as_slice(), queue.len()), ([dead(1)].as_slice(), 1));
        queue.prune(|_, _| false);
        assert!(queue.is_empty());
    }

    #[test]
    fn news_does_not_go_back_to_its_source() {
        let mut queue = Broadcasts::default();
        queue.push(dead(1), Some(0), &Tens, Some(7));
        assert!(fill(&mut queue, 7, 100, 4).is_empty());
        assert_eq!(fill(&mut queue, 8, 100, 4), [1]);
    }
}
