//! Episodes in which a live member is suspected.
//!
//! An *episode* begins when a live member is suspected and ends when nobody suspects it any more, or with the first
//! declaration of its death. Its *age* is the longest time for which any one member has suspected it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::protocol::{Event, EventKind, Span, Time};
use crate::sim::{IdIndex, MemberIndex, Observer, Setup};

/// The course of an episode.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Course {
    pub suspect: MemberIndex,
    pub begun: Time,
    /// Each time that a member suspects it: who, since when and until when; [`Time::NEVER`] while it does.
    pub spells: Vec<(MemberIndex, Time, Time)>,
    /// The time of the first declaration of its death.
    pub died: Option<Time>,
}

/// The age of an episode: that of its oldest suspicion, in microseconds, or a death.
pub(super) type Age = u64;
pub(super) const DEATH: Age = Age::MAX;

impl Course {
    pub(super) fn age(&self) -> Age {
        let oldest = self.spells.iter().map(|(_, since, until)| until.since(*since).as_micros()).max();
        if self.died.is_some() { DEATH } else { oldest.unwrap_or(0) }
    }

    /// The time at which somebody had suspected it for so long.
    pub(super) fn reached(&self, age: Span) -> Option<Time> {
        let old = self.spells.iter().filter(|(_, since, until)| until.since(*since) >= age);
        old.map(|(_, since, _)| *since + age).min()
    }
}

/// Follows suspicions, and tells the episodes that begin in a window.
pub(super) struct Follower {
    ids: IdIndex,
    window: Range<Time>,
    /// The one member whose suspicions are followed; those of all without it.
    pub only: Option<MemberIndex>,
    running: BTreeMap<MemberIndex, Course>,
    over: Vec<Course>,
    now: Time,
}

impl Follower {
    pub(super) fn new(setup: &Setup, window: Range<Time>) -> Self {
        let ids = IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id));
        Self { ids, window, only: None, running: BTreeMap::new(), over: Vec::new(), now: Time::ZERO }
    }

    /// Whether an episode of the window is not over.
    pub(super) fn is_open(&self) -> bool {
        self.running.values().any(|course| self.window.contains(&course.begun))
    }

    /// The episodes of the window; suspicions that last end here.
    pub(super) fn courses(&self) -> impl Iterator<Item = Course> {
        let running = self.running.values().map(|course| {
            let mut course = course.clone();
            course.spells.iter_mut().for_each(|(.., until)| *until = (*until).min(self.now));
            course
        });
        self.over.iter().cloned().chain(running).filter(|course| self.window.contains(&course.begun))
    }

    /// Whether a member's suspicion begins an episode: after a death they are its aftermath.
    fn begins(&self, suspect: MemberIndex) -> bool {
        let is_dead = |course: &Course| course.suspect == suspect && course.died.is_some();
        self.only.is_none_or(|only| only == suspect) && !self.over.iter().any(is_dead)
    }
}

impl Observer for Follower {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        self.now = at;
        let Some(suspect) = self.ids.index(event.about).filter(|&about| about != member) else { return };
        if event.kind == EventKind::Suspected && self.begins(suspect) {
            let course = || Course { suspect, begun: at, spells: Vec::new(), died: None };
            self.running.entry(suspect).or_insert_with(course);
        }
        let Some(course) = self.running.get_mut(&suspect) else { return };
        let lasting = course.spells.iter_mut().find(|(by, _, until)| *by == member && *until == Time::NEVER);
        match (&event.kind, lasting) {
            (EventKind::Suspected, None) => course.spells.push((member, at, Time::NEVER)),
            (EventKind::Suspected | EventKind::Confirmed, _) => {}
            (_, Some((.., until))) => *until = at,
            (_, None) => {}
        }
        if event.kind == EventKind::Died {
            course.died = Some(at);
        }
        if course.died.is_some() || course.spells.iter().all(|(.., until)| *until < Time::NEVER) {
            let course = self.running.remove(&suspect).expect("it runs");
            self.over.push(course);
        }
    }
}
