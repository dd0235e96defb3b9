//! Duplicate detection for application events: each is reported once, however late its copies arrive.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};

use crate::protocol::message::{Id, Update, UpdateKind};
use crate::protocol::state_hash::StateHash;
use crate::protocol::time::{Span, Time};

/// Application events seen, and the number of the member's own.
///
/// For each life of a sender it knows which sequence numbers were seen: since senders count, this takes a few intervals
/// instead of a list of events. What no longer fits is refused as old, never taken for new: an event that one member
/// forgets is new to it, and with every other member that passes it on again it would never leave the group.
#[derive(Clone, Debug, Default)]
pub(super) struct UserEvents {
    own: u32,
    lives: BTreeMap<Life, Seen>,
    /// Latest events, own ones included, the newest last: for state syncs.
    recent: VecDeque<RecentEvent>,
    /// Bytes of their names and payloads.
    recent_bytes: usize,
    /// The number of events that came with a state sync first.
    pub(super) synced: u64,
    /// The number of events that had to be dropped before they were passed on as often as others.
    pub(super) dropped: u64,
}

/// An event, and the time at which it was sent or seen first.
#[derive(Clone, Debug)]
struct RecentEvent {
    at: Time,
    update: Update,
}

/// Life of a sender: its id and generation.
pub(super) type Life = (Id, u32);

/// Sequence numbers of one life that were seen.
#[derive(Clone, Debug)]
struct Seen {
    /// Disjoint intervals in ascending order, ends included, with gaps between them.
    intervals: Vec<(u32, u32)>,
    /// Time of the latest new event.
    at: Time,
}

impl UserEvents {
    /// The most lives of senders that are remembered.
    pub(super) const LIFE_LIMIT: usize = 4096;
    /// The most gaps between the seen events of one life. Beyond it the oldest gap is closed: its events count as seen.
    pub(super) const GAP_LIMIT: usize = 1024;
    /// The time for which a life is remembered after its latest event, whatever else happens: longer than a copy waits in
    /// any queue of a connected group.
    pub(super) const RETENTION: Span = Span::from_secs(600);

    /// The most events in a state sync.
    pub(super) const RECENT_LIMIT: usize = 256;
    /// The most bytes of the names and payloads of events in a state sync.
    pub(super) const RECENT_BYTES: usize = 1 << 16;
    /// The longest time for which an event is sent in state syncs: half as long as its sender's life is remembered.
    pub(super) const LONGEST_RECENT: Span = Span::from_secs(300);

    /// Keeps a new event for state syncs; beyond the limits, the oldest ones go.
    pub(super) fn keep(&mut self, now: Time, update: &Update) {
        self.recent.push_back(RecentEvent { at: now, update: update.clone() });
        self.recent_bytes += bytes_of(update);
        while self.recent.len() > Self::RECENT_LIMIT || self.recent_bytes > Self::RECENT_BYTES {
            let Some(oldest) = self.recent.pop_front() else { return };
            self.recent_bytes -= bytes_of(&oldest.update);
        }
    }

    /// The kept events of this time or later, the oldest first.
    pub(super) fn kept_since(&self, since: Time) -> impl Iterator<Item = &Update> {
        self.recent.iter().filter(move |event| event.at >= since).map(|event| &event.update)
    }

    /// Numbers the member's own events from `seq` on.
    pub(super) fn number_from(&mut self, seq: u32) {
        self.own = seq;
    }

    /// The sequence number of the member's latest own event, or the one that they are counted from.
    pub(super) fn last_own(&self) -> u32 {
        self.own
    }

    /// The sequence number of the member's next own event; `None` once all are used up.
    pub(super) fn next_own(&mut self) -> Option<u32> {
        self.own = self.own.checked_add(1)?;
        Some(self.own)
    }

    /// Whether an event was not seen before; from then on it was. An event of one life more than can be remembered is
    /// refused.
    pub(super) fn is_new(&mut self, now: Time, life: Life, seq: u32) -> bool {
        if !self.lives.contains_key(&life) && !self.make_room(now) {
            return false;
        }
        let seen = self.lives.entry(life).or_insert_with(|| Seen { intervals: Vec::new(), at: now });
        let is_new = seen.insert(seq);
        if is_new {
            seen.at = now;
        }
        is_new
    }

    /// Forgets the life that has been silent for longest, if all places are taken and it has been so for long enough.
    /// Returns whether there is a free place.
    fn make_room(&mut self, now: Time) -> bool {
        if self.lives.len() < Self::LIFE_LIMIT {
            return true;
        }
        let oldest = self.lives.iter().min_by_key(|(_, seen)| seen.at);
        let forgettable = oldest.filter(|(_, seen)| seen.at + Self::RETENTION <= now).map(|(life, _)| *life);
        forgettable.is_some_and(|life| self.lives.remove(&life).is_some())
    }
}

fn bytes_of(update: &Update) -> usize {
    match &update.kind {
        UpdateKind::User(event) => event.name.len() + event.payload.len(),
        _ => 0,
    }
}

impl Seen {
    /// Adds a sequence number; returns whether it was new.
    fn insert(&mut self, seq: u32) -> bool {
        let after = self.intervals.partition_point(|&(first, _)| first <= seq);
        let before = after.checked_sub(1);
        if before.is_some_and(|at| seq <= self.intervals[at].1) {
            return false;
        }
        let extends = before.filter(|&at| self.intervals[at].1 + 1 == seq);
        let touches = self.intervals.get(after).is_some_and(|&(first, _)| first - 1 == seq);
        match (extends, touches) {
            (Some(at), true) => {
                self.intervals[at].1 = self.intervals[after].1;
                self.intervals.remove(after);
            }
            (Some(at), false) => self.intervals[at].1 = seq,
            (None, true) => self.intervals[after].0 = seq,
            (None, false) => self.intervals.insert(after, (seq, seq)),
        }
        if self.intervals.len() > Self::INTERVAL_LIMIT {
            self.intervals[0].1 = self.intervals[1].1;
            self.intervals.remove(1);
        }
        true
    }

    const INTERVAL_LIMIT: usize = UserEvents::GAP_LIMIT + 1;
}

impl StateHash for UserEvents {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { own, lives, recent, recent_bytes: _, synced, dropped } = self;
        (own, dropped, synced, lives.len(), recent.len()).hash(hasher);
        for RecentEvent { update, at } in recent {
            update.hash(hasher);
            at.hash_state(reference, hasher);
        }
        for (life, Seen { intervals, at }) in lives {
            (life, intervals).hash(hasher);
            at.hash_state(reference, hasher);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::protocol::message::{Incarnation, UserEvent};

    proptest! {
        #[test]
        fn each_event_is_new_once_in_any_order(seqs in proptest::collection::vec(0u32..200, 0..400)) {
            let (mut events, mut seen) = (UserEvents::default(), BTreeSet::new());
            for seq in seqs {
                prop_assert_eq!(events.is_new(Time::ZERO, (1, 1), seq), seen.insert(seq));
                let intervals = &events.lives[&(1, 1)].intervals;
                prop_assert!(intervals.windows(2).all(|two| two[0].1 + 1 < two[1].0));
            }
        }
    }

    #[test]
    fn the_latest_events_are_kept_within_a_number_and_a_size() {
        let event = |seq, bytes: usize| {
            let event = UserEvent { seq, name: "e".into(), payload: vec![0; bytes].into() };
            Update { id: 1, incarnation: Incarnation::default(), kind: UpdateKind::User(event.into()) }
        };
        let mut events = UserEvents::default();
        for seq in 0..1000 {
            events.keep(Time::from_micros(seq.into()), &event(seq, 0));
        }
        let kept: Vec<_> = events.kept_since(Time::ZERO).cloned().collect();
        assert_eq!(kept, (1000 - UserEvents::RECENT_LIMIT as u32..1000).map(|seq| event(seq, 0)).collect::<Vec<_>>());
        assert_eq!(events.kept_since(Time::from_micros(998)).count(), 2);
        for seq in 0..1000 {
            events.keep(Time::ZERO, &event(seq, 511));
        }
        assert_eq!(events.kept_since(Time::ZERO).count(), UserEvents::RECENT_BYTES / 512);
        assert_eq!(events.recent_bytes, UserEvents::RECENT_BYTES);
    }

    #[test]
    fn what_is_forgotten_counts_as_seen() {
        let mut events = UserEvents::default();
        let gaps = UserEvents::GAP_LIMIT as u32;
        for n in 0..=gaps + 1 {
            assert!(events.is_new(Time::ZERO, (1, 1), 10 * n + 1));
        }
        assert!(!events.is_new(Time::ZERO, (1, 1), 5), "in the oldest gap, which was closed");
        assert!(events.is_new(Time::ZERO, (1, 1), 15));
    }

    #[test]
    fn one_life_more_is_refused_until_another_has_been_silent_for_long() {
        let mut events = UserEvents::default();
        let limit = UserEvents::LIFE_LIMIT as u64;
        for id in 0..limit {
            assert!(events.is_new(Time::ZERO, (id, 1), 1));
        }
        let late = Time::ZERO + UserEvents::RETENTION;
        assert!(!events.is_new(Time::ZERO, (limit, 1), 1));
        assert!(!events.is_new(late - Span::from_micros(1), (limit, 1), 1));
        assert!(events.is_new(Time::ZERO, (0, 1), 2));
        assert!(events.is_new(late, (limit, 1), 1), "in the place of life 1 or a later one");
        assert_eq!(events.lives.len(), UserEvents::LIFE_LIMIT);
    }

    #[test]
    fn the_first_and_the_last_number_are_numbers_like_others() {
        let mut events = UserEvents::default();
        for seq in [0, u32::MAX, u32::MAX - 1, 1] {
            assert!(events.is_new(Time::ZERO, (1, 1), seq));
            assert!(!events.is_new(Time::ZERO, (1, 1), seq));
        }
    }
}
