//! The queue of updates to be passed on: the least-sent first, the newest first among equals (SWIM 2002, section 4.1), and
//! updates about members before application events.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;
use swimlab_selectors::{Slot, prefetch};

use super::message::{Id, Sizer, Update, UpdateKind, Updates};
use super::renumbering::Renumbering;
use super::sorted_map::SortedMap;
use super::state_hash::StateHash;
use super::time::Time;

/// Queue of updates to be passed on. An empty queue holds no memory.
#[derive(Clone, Debug, Default)]
pub struct Broadcasts(Option<Box<Queue>>);

#[derive(Clone, Debug, Default)]
struct Queue {
    /// In the order in which updates are sent.
    updates: SortedMap<Rank, QueuedUpdate>,
    /// The number of updates pushed so far. A rank subtracts it, so that later updates sort first.
    pushed: u64,
    /// The number of application events among the updates.
    user_events: usize,
    /// The number of urgent updates.
    urgent: usize,
}

/// Position in the queue: [`USER_EVENT`] for an application event, then the number of transmissions in 15 bits, then a
/// number that is lower the newer the update.
type Rank = u64;

const ORDER_BITS: u32 = 48;

/// Bit that sorts application events behind all updates about members: they take the space that those leave, so that no
/// flood of them delays a suspicion or a refutation.
const USER_EVENT: Rank = 1 << 63;

#[derive(Clone, Debug, Hash)]
struct QueuedUpdate {
    update: Update,
    /// The slot of the member it is about; `None` for an application event, which never becomes outdated.
    slot: Option<Slot>,
    bytes: u32,
    source: Option<Id>,
    /// Whether messages are sent for its sake; other updates wait for messages that are sent anyway.
    is_urgent: bool,
}

impl Broadcasts {
    /// Whether no update is queued.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The number of queued updates, outdated ones that have not surfaced yet included.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.updates.len())
    }

    /// The number of queued application events.
    pub fn user_events(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.user_events)
    }

    /// Whether updates are queued for whose sake messages are to be sent.
    pub fn has_urgent(&self) -> bool {
        self.0.as_ref().is_some_and(|queue| queue.urgent > 0)
    }

    /// The queued updates in the order in which they are sent, each with the number of its transmissions so far; outdated
    /// ones that have not surfaced yet included.
    pub fn iter(&self) -> impl Iterator<Item = (&Update, u32)> {
        let queued = self.0.iter().flat_map(|queue| queue.updates.iter());
        queued.map(|(rank, item)| (&item.update, transmissions(rank)))
    }

    /// Queues an update about the occupant of a slot, or an application event. It is not sent back to its source.
    ///
    /// Beyond [`USER_EVENT_LIMIT`] application events, the one that has been sent most often is dropped; returns whether
    /// that happened. Updates about members have no limit of their own: there is one current update about each.
    pub fn push(&mut self, update: Update, slot: Option<Slot>, sizer: &dyn Sizer, source: Option<Id>) -> bool {
        self.insert(QueuedUpdate { bytes: sizer.update(&update), update, slot, source, is_urgent: true })
    }

    /// [`Broadcasts::push`] for an update that waits for messages that are sent anyway.
    pub fn push_quietly(&mut self, update: Update, slot: Option<Slot>, sizer: &dyn Sizer, source: Option<Id>) -> bool {
        self.insert(QueuedUpdate { bytes: sizer.update(&update), update, slot, source, is_urgent: false })
    }

    fn insert(&mut self, item: QueuedUpdate) -> bool {
        let this = self.0.get_or_insert_default();
        this.pushed += 1;
        let (is_user_event, is_urgent) = (item.is_user_event(), item.is_urgent);
        let class = if is_user_event { USER_EVENT } else { 0 };
        this.updates.insert(class | ((1 << ORDER_BITS) - this.pushed), item);
        this.user_events += usize::from(is_user_event);
        this.urgent += usize::from(is_urgent);
        let is_over = this.user_events > USER_EVENT_LIMIT;
        if is_over {
            // Application events are the last in the queue.
            let last = this.updates.iter().next_back().map(|(rank, _)| rank);
            last.map(|rank| this.remove(rank));
        }
        is_over
    }

    /// Drops outdated updates. [`Broadcasts::fill`] drops those that surface; this is for a queue that has grown.
    pub fn prune(&mut self, is_current: impl Fn(Slot, &Update) -> bool) {
        self.retain(|item| item.slot.is_none_or(|slot| is_current(slot, &item.update)));
    }

    /// Gives the members of updates their new slots.
    pub(super) fn renumber(&mut self, renumbering: &Renumbering) {
        self.retain(|item| match item.slot {
            None => true,
            Some(old) => {
                item.slot = renumbering.slot(old);
                // The others are about members that were forgotten.
                item.slot.is_some()
            }
        });
    }

    fn retain(&mut self, keep: impl FnMut(&mut QueuedUpdate) -> bool) {
        if let Some(this) = &mut self.0 {
            this.updates.retain(keep);
            this.urgent = this.updates.iter().filter(|(_, item)| item.is_urgent).count();
            if this.updates.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Adds queued updates to the `updates` of a packet to `receiver`, within the limits, and drops those that have
    /// been sent often enough or are no longer current. Returns the bytes added.
    pub fn fill(
        &mut self,
        receiver: Id,
        limits: FillLimits,
        is_current: impl Fn(Slot, &Update) -> bool,
        updates: &mut Updates,
    ) -> u32 {
        let Some(this) = &mut self.0 else { return 0 };
        let (mut chosen, mut outdated) = (SmallVec::<[Rank; 8]>::new(), SmallVec::<[Rank; 8]>::new());
        let (mut used, mut misfits) = (0, 0);
        for (key, item) in this.updates.iter() {
            // A few large updates must not hide small ones behind them, nor make this a walk over the whole queue.
            if chosen.len() >= limits.updates || misfits >= MISFIT_LIMIT {
                break;
            }
            if !item.slot.is_none_or(|slot| is_current(slot, &item.update)) {
                outdated.push(key);
            } else if item.source != Some(receiver) && used + item.bytes <= limits.bytes {
                used += item.bytes;
                chosen.push(key);
            } else {
                misfits += 1;
            }
        }
        for key in outdated {
            this.remove(key);
        }
        for key in chosen {
            let item = this.remove(key).expect("a rank just seen");
            updates.push(item.update.clone());
            if transmissions(key) + 1 < limits.transmissions {
                this.user_events += usize::from(item.is_user_event());
                this.urgent += usize::from(item.is_urgent);
                this.updates.insert(key + (1 << ORDER_BITS), item);
            }
        }
        if this.updates.is_empty() {
            self.0 = None;
        }
        used
    }

    /// Prefetches the queue's memory.
    pub(super) fn prefetch(&self) {
        if let Some(queue) = &self.0 {
            prefetch(&**queue);
        }
    }
}

impl Queue {
    fn remove(&mut self, rank: Rank) -> Option<QueuedUpdate> {
        let item = self.updates.remove(rank)?;
        self.user_events -= usize::from(item.is_user_event());
        self.urgent -= usize::from(item.is_urgent);
        Some(item)
    }
}

impl StateHash for Broadcasts {
    fn hash_state<H: Hasher>(&self, _: Time, hasher: &mut H) {
        self.len().hash(hasher);
        let Some(queue) = &self.0 else { return };
        let Queue { updates, pushed, user_events: _, urgent: _ } = &**queue;
        pushed.hash(hasher);
        updates.iter().for_each(|entry| entry.hash(hasher));
    }
}

/// The number of transmissions in a rank.
fn transmissions(rank: Rank) -> u32 {
    ((rank & !USER_EVENT) >> ORDER_BITS) as u32
}

impl QueuedUpdate {
    fn is_user_event(&self) -> bool {
        matches!(self.update.kind, UpdateKind::User(_))
    }
}

/// The most application events queued at once.
pub const USER_EVENT_LIMIT: usize = 4096;

/// Limits of [`Broadcasts::fill`].
#[derive(Clone, Copy, Debug)]
pub struct FillLimits {
    /// Bytes left in the packet.
    pub bytes: u32,
    /// The most updates added.
    pub updates: usize,
    /// The number of times that an update is sent before it is dropped.
    pub transmissions: u32,
}

/// The number of updates that do not fit after which the search for more ends.
pub(super) const MISFIT_LIMIT: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::message::{Incarnation, Packet, UserEvent};

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

    fn event(seq: u32) -> Update {
        let event = UserEvent { seq, name: "e".into(), payload: [].into() };
        Update { id: 1, incarnation: Incarnation::default(), kind: UpdateKind::User(event.into()) }
    }

    fn fill(queue: &mut Broadcasts, receiver: Id, bytes: u32, transmissions: u32) -> Vec<Id> {
        let mut updates = Updates::new();
        let limits = FillLimits { bytes, updates: usize::MAX, transmissions };
        queue.fill(receiver, limits, |_, _| true, &mut updates);
        updates.iter().map(|update| update.id).collect()
    }

    #[test]
    fn the_least_sent_update_goes_first_and_the_newest_among_equals() {
        let mut queue = Broadcasts::default();
        for id in 1..=3 {
            queue.push(dead(id), Some(0), &Tens, None);
        }
        assert_eq!(fill(&mut queue, 99, 20, 9), [3, 2]);
        assert_eq!(fill(&mut queue, 99, 20, 9), [1, 3]);
        queue.push(dead(4), Some(0), &Tens, None);
        assert_eq!(fill(&mut queue, 99, 40, 9), [4, 2, 1, 3]);
    }

    #[test]
    fn an_update_is_sent_as_often_as_the_limit_says() {
        let mut queue = Broadcasts::default();
        queue.push(dead(1), Some(0), &Tens, None);
        let sent = (0..10).filter(|_| !fill(&mut queue, 99, 100, 4).is_empty()).count();
        assert_eq!(sent, 4);
        assert!(queue.is_empty());
    }

    #[test]
    fn an_outdated_update_is_dropped_unsent() {
        let mut queue = Broadcasts::default();
        queue.push(Update { kind: UpdateKind::Suspect { by: 2 }, ..dead(1) }, Some(0), &Tens, None);
        queue.push(dead(1), Some(0), &Tens, None);
        let mut updates = Updates::new();
        let limits = FillLimits { bytes: 100, updates: usize::MAX, transmissions: 4 };
        queue.fill(99, limits, |_, update| update.kind == UpdateKind::Dead, &mut updates);
        assert_eq!((updates.as_slice(), queue.len()), ([dead(1)].as_slice(), 1));
        queue.prune(|_, _| false);
        assert!(queue.is_empty());
    }

    #[test]
    fn application_events_take_the_space_that_updates_about_members_leave() {
        let mut queue = Broadcasts::default();
        queue.push(dead(7), Some(0), &Tens, None);
        for seq in 1..=5 {
            queue.push(event(seq), None, &Tens, None);
        }
        // The update has been sent twice, and still goes before events that were never sent.
        for _ in 0..3 {
            assert_eq!(fill(&mut queue, 99, 20, 9)[0], 7);
        }
        assert_eq!(queue.user_events(), 5);
    }

    #[test]
    fn beyond_their_limit_the_most_sent_application_event_is_dropped_and_no_update_about_a_member() {
        let mut queue = Broadcasts::default();
        assert!(!queue.push(event(0), None, &Tens, None));
        fill(&mut queue, 99, 10, 9);
        queue.push(dead(7), Some(0), &Tens, None);
        for seq in 1..USER_EVENT_LIMIT as u32 {
            assert!(!queue.push(event(seq), None, &Tens, None));
        }
        assert!(queue.push(event(9999), None, &Tens, None));
        assert_eq!((queue.user_events(), queue.len()), (USER_EVENT_LIMIT, USER_EVENT_LIMIT + 1));
        let mut left = Updates::new();
        let all = FillLimits { bytes: u32::MAX, updates: usize::MAX, transmissions: 1 };
        queue.fill(99, all, |_, _| true, &mut left);
        assert!(!left.contains(&event(0)) && left.contains(&event(1)) && left.contains(&dead(7)));
        assert_eq!(queue.user_events(), 0);
    }

    #[test]
    fn the_search_for_updates_that_fit_ends_after_a_few_that_do_not() {
        for (misfits, sent) in [(MISFIT_LIMIT - 1, vec![7]), (MISFIT_LIMIT, vec![])] {
            let mut queue = Broadcasts::default();
            queue.push(dead(7), Some(0), &Tens, None);
            (0..misfits).for_each(|_| _ = queue.push(dead(8), Some(0), &Tens, Some(99)));
            assert_eq!(fill(&mut queue, 99, 100, 9), sent);
        }
    }

    #[test]
    fn an_update_does_not_go_back_to_its_source() {
        let mut queue = Broadcasts::default();
        queue.push(dead(1), Some(0), &Tens, Some(7));
        assert!(fill(&mut queue, 7, 100, 4).is_empty());
        assert_eq!(fill(&mut queue, 8, 100, 4), [1]);
    }
}
