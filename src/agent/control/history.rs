//! Memory of an agent's events, for [`Request::Overview`](super::Request::Overview).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::overview_messages::EventSummary;
use crate::agent::event::{AgentEvent, MemberChange, MemberInfo};
use crate::agent::event_hub::Events;
use crate::protocol::Id;

/// The most events that are remembered.
pub(super) const MAX_EVENTS: usize = 64;

/// The most members of which it is remembered since when they have their state.
pub(super) const MAX_MEMBERS: usize = 1 << 16;

/// Events of an agent since its control socket serves it.
#[derive(Debug)]
pub(super) struct History(Mutex<Remembered>);

#[derive(Debug)]
struct Remembered {
    begun: Instant,
    members: BTreeMap<Id, Past>,
    /// The oldest first.
    events: VecDeque<Remark>,
    /// The number of all events so far.
    count: u64,
}

/// The past of one member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past {
    /// Start of its current state, or the time at which it was first seen if that is later.
    pub since: Instant,
    /// The suspicions that the agent has reported of it.
    pub suspicions: u64,
}

#[derive(Debug)]
struct Remark {
    at: Instant,
    /// Its age is filled in when it is read.
    summary: EventSummary,
}

impl History {
    pub(super) fn new() -> Self {
        let (members, events) = (BTreeMap::new(), VecDeque::new());
        Self(Mutex::new(Remembered { begun: Instant::now(), members, events, count: 0 }))
    }

    /// Remembers events until the agent's end.
    pub(super) async fn follow(&self, mut events: Events) {
        while let Some(event) = events.next().await {
            self.remembered().note(Instant::now(), &event);
        }
    }

    /// The pasts of these members in their order, and the latest events, the newest first. Forgets other members.
    pub(super) fn read<'a>(
        &self,
        me: Id,
        members: impl Iterator<Item = &'a MemberInfo> + Clone,
    ) -> (Vec<Option<Past>>, Vec<EventSummary>) {
        let now = Instant::now();
        let mut remembered = self.remembered();
        let begun = remembered.begun;
        let pasts: Vec<_> = members
            .clone()
            .map(|member| remembered.past(if member.id() == me { begun } else { now }, member.id()).copied())
            .collect();
        if remembered.members.len() > pasts.len() {
            let known: BTreeSet<Id> = members.map(MemberInfo::id).collect();
            remembered.members.retain(|id, _| known.contains(id));
        }
        let events = remembered.events.iter().rev().map(|remark| EventSummary {
            ago_s: now.duration_since(remark.at).as_secs_f64(),
            ..remark.summary.clone()
        });
        (pasts, events.collect())
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn note(&mut self, now: Instant, event: &AgentEvent) {
        if let AgentEvent::Member(change, member) = event
            && let Some(past) = self.past(now, member.id())
        {
            past.suspicions += u64::from(*change == MemberChange::Suspected);
            if *change != MemberChange::Updated {
                past.since = now;
            }
        }
        self.count += 1;
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Remark { at: now, summary: summary(self.count, event) });
    }

    /// The past of a member, which begins now if nothing is remembered; `None` if there is no room for it.
    fn past(&mut self, now: Instant, id: Id) -> Option<&mut Past> {
        let has_room = self.members.len() < MAX_MEMBERS || self.members.contains_key(&id);
        has_room.then(|| self.members.entry(id).or_insert(Past { since: now, suspicions: 0 }))
    }
}

/// The summary of an event of this number, at the moment at which it is reported.
fn summary(number: u64, event: &AgentEvent) -> EventSummary {
    let (kind, name, addr, detail) = match event {
        AgentEvent::Member(change, member) => {
            (change.name(), member.name().to_owned(), Some(member.addr()), member.incarnation.to_string())
        }
        AgentEvent::User { from_name, event, .. } => ("user", from_name.to_string(), None, event.name.to_string()),
        AgentEvent::Query(query) => ("query", query.from_name().to_owned(), None, query.name().to_owned()),
        AgentEvent::Displaced => ("displaced", String::new(), None, String::new()),
        AgentEvent::Missed(count) => ("missed", String::new(), None, count.to_string()),
    };
    EventSummary { number, ago_s: 0.0, event: kind.to_owned(), name, addr, detail }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use swimlab_selectors::Peer;

    use super::*;
    use crate::protocol::{Address, Incarnation, NodeInfo, Status};

    fn member(id: Id) -> MemberInfo {
        let address = Address { ip: [0; 16], port: 7946 };
        let node = NodeInfo { name: format!("m{id}").into(), ..NodeInfo::new(Peer::new(id), address) };
        MemberInfo { node: Arc::new(node), state: Status::Alive, incarnation: Incarnation::default() }
    }

    fn note(history: &History, now: Instant, change: MemberChange, id: Id) {
        history.remembered().note(now, &AgentEvent::Member(change, member(id)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_lasts_since_the_change_to_it_and_suspicions_are_counted() {
        let history = History::new();
        let begun = Instant::now();
        let at = |second| begun + Duration::from_secs(second);
        note(&history, at(1), MemberChange::Joined, 1);
        note(&history, at(2), MemberChange::Suspected, 1);
        note(&history, at(3), MemberChange::Refuted, 1);
        note(&history, at(4), MemberChange::Updated, 1);
        tokio::time::advance(Duration::from_secs(5)).await;
        let members = [member(0), member(1), member(2)];
        let (pasts, events) = history.read(0, members.iter());
        let shown: Vec<_> = pasts.iter().flatten().map(|past| (past.since - begun, past.suspicions)).collect();
        let seconds = Duration::from_secs;
        assert_eq!(shown, [(seconds(0), 0), (seconds(3), 1), (seconds(5), 0)]);
        let shown: Vec<_> = events.iter().map(|event| (event.number, &*event.event, event.ago_s.round())).collect();
        assert_eq!(shown, [(4, "updated", 1.0), (3, "refuted", 2.0), (2, "suspected", 3.0), (1, "joined", 4.0)]);
    }

    #[tokio::test]
    async fn the_latest_events_are_remembered() {
        let history = History::new();
        (0..=MAX_EVENTS as u64).for_each(|id| note(&history, Instant::now(), MemberChange::Joined, id));
        let (_, events) = history.read(0, std::iter::empty());
        assert_eq!((events.len(), events[0].number), (MAX_EVENTS, MAX_EVENTS as u64 + 1));
        assert_eq!(events.last().map(|event| &*event.name), Some("m1"));
    }

    #[tokio::test]
    async fn members_beyond_the_limit_have_no_past_until_others_are_gone() {
        let history = History::new();
        let most = MAX_MEMBERS as u64;
        (1..=most + 1).for_each(|id| note(&history, Instant::now(), MemberChange::Suspected, id));
        let (first, last) = (member(1), member(most + 1));
        let suspicions =
            |pasts: &[Option<Past>]| pasts.iter().map(|past| Some(past.as_ref()?.suspicions)).collect::<Vec<_>>();
        let (pasts, _) = history.read(0, [&first, &last].into_iter());
        assert_eq!(suspicions(&pasts), [Some(1), None]);
        let (pasts, _) = history.read(0, [&first, &last].into_iter());
        assert_eq!(suspicions(&pasts), [Some(1), Some(0)]);
    }
}
