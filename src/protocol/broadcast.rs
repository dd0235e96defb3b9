//! The queue of news that waits to be passed on: least-sent first, newest first among equals.

use std::collections::BTreeMap;

use super::message::{Id, News, Sizer, Update};

/// News that waits. Empty, it holds no memory.
#[derive(Debug, Default)]
pub struct Broadcasts(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    /// By (times sent, newest first): the order in which news goes out.
    queue: BTreeMap<(u32, u64), Item>,
    /// Where the news about each subject stands.
    keys: BTreeMap<Subject, (u32, u64)>,
    /// Counts down, so that later news sorts first.
    next: u64,
}

/// One member has at most one piece of membership news waiting; its application's events wait beside that.
type Subject = (Id, u64);

#[derive(Debug)]
struct Item {
    update: Update,
    bytes: u32,
    source: Option<Id>,
}

impl Broadcasts {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many pieces of news wait.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.queue.len())
    }

    /// Queues news, in place of older news on the same subject. It is not sent back to its source.
    pub fn push(&mut self, update: Update, sizer: &dyn Sizer, source: Option<Id>) {
        let subject = subject(&update);
        let this = self.0.get_or_insert_default();
        if let Some(key) = this.keys.remove(&subject) {
            this.queue.remove(&key);
        }
        this.next += 1;
        let key = (0, u64::MAX - this.next);
        let bytes = sizer.update(&update);
        this.queue.insert(key, Item { update, bytes, source });
        this.keys.insert(subject, key);
    }

    /// Adds to `updates` what fits into `room` bytes for a packet to `receiver`, at most `most` pieces, and drops what
    /// has then been sent `limit` times. Returns the bytes added.
    pub fn fill(&mut self, receiver: Id, room: u32, most: usize, limit: u32, updates: &mut Vec<Update>) -> u32 {
        let Some(this) = &mut self.0 else { return 0 };
        let mut chosen = Vec::new();
        let (mut used, mut misfits) = (0, 0);
        for (&key, item) in &this.queue {
            // A few large pieces must not hide the small ones behind them, nor make this a walk over the whole queue.
            if chosen.len() >= most || misfits >= MISFITS {
                break;
            }
            if item.source == Some(receiver) || item.update.id == receiver && item.update.news.status().is_none() {
                misfits += 1;
            } else if used + item.bytes <= room {
                used += item.bytes;
                chosen.push(key);
            } else {
                misfits += 1;
            }
        }
        for (times, order) in chosen {
            let item = this.queue.remove(&(times, order)).expect("a key just seen");
            updates.push(item.update.clone());
            let subject = subject(&item.update);
            if times + 1 < limit {
                this.queue.insert((times + 1, order), item);
                this.keys.insert(subject, (times + 1, order));
            } else {
                this.keys.remove(&subject);
            }
        }
        if this.queue.is_empty() {
            self.0 = None;
        }
        used
    }
}

/// How many pieces that do not fit are passed over before the search for more ends.
const MISFITS: u32 = 8;

fn subject(update: &Update) -> Subject {
    match &update.news {
        News::User(event) => (update.id, u64::from(event.seq) + 1),
        _ => (update.id, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{Incarnation, Packet};

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
        Update { id, incarnation: Incarnation::default(), news: News::Dead }
    }

    fn fill(queue: &mut Broadcasts, receiver: Id, room: u32, limit: u32) -> Vec<Id> {
        let mut updates = Vec::new();
        queue.fill(receiver, room, usize::MAX, limit, &mut updates);
        updates.iter().map(|update| update.id).collect()
    }

    #[test]
    fn the_least_sent_news_goes_first_and_the_newest_among_equals() {
        let mut queue = Broadcasts::default();
        (1..=3).for_each(|id| queue.push(dead(id), &Tens, None));
        assert_eq!(fill(&mut queue, 99, 20, 9), [3, 2]);
        assert_eq!(fill(&mut queue, 99, 20, 9), [1, 3]);
        queue.push(dead(4), &Tens, None);
        assert_eq!(fill(&mut queue, 99, 40, 9), [4, 2, 1, 3]);
    }

    #[test]
    fn news_is_sent_so_many_times_and_no_more() {
        let mut queue = Broadcasts::default();
        queue.push(dead(1), &Tens, None);
        let sent = (0..10).filter(|_| !fill(&mut queue, 99, 100, 4).is_empty()).count();
        assert_eq!(sent, 4);
        assert!(queue.is_empty());
    }

    #[test]
    fn newer_news_on_a_member_replaces_the_older() {
        let mut queue = Broadcasts::default();
        queue.push(Update { news: News::Suspect { by: 2 }, ..dead(1) }, &Tens, None);
        queue.push(dead(1), &Tens, None);
        assert_eq!(queue.len(), 1);
        let mut updates = Vec::new();
        queue.fill(99, 100, usize::MAX, 4, &mut updates);
        assert_eq!(updates, [dead(1)]);
    }

    #[test]
    fn news_does_not_go_back_to_its_source() {
        let mut queue = Broadcasts::default();
        queue.push(dead(1), &Tens, Some(7));
        assert_eq!(fill(&mut queue, 7, 100, 4), []);
        assert_eq!(fill(&mut queue, 8, 100, 4), [1]);
    }
}
