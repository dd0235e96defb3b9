//! Episodes in which a live member is suspected.
//!
//! An *episode* begins when a live member is suspected and ends when nobody suspects it any more, or with the first
//! declaration of its death. Its *age* is the longest time for which any one member has suspected it.

use std::collections::{BTreeMap, BTreeSet};
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

/// An episode that is not over.
struct Running {
    course: Course,
    /// Those that suspect it, each with the index of its spell.
    lasting: BTreeMap<MemberIndex, usize>,
}

/// Follows suspicions, and tells the episodes that begin in a window.
pub(super) struct Follower {
    ids: IdIndex,
    window: Range<Time>,
    /// The one member whose suspicions are followed; those of all without it.
    pub only: Option<MemberIndex>,
    running: BTreeMap<MemberIndex, Running>,
    over: Vec<Course>,
    /// Those whose episode has ended in a death.
    dead: BTreeSet<MemberIndex>,
    now: Time,
}

impl Follower {
    pub(super) fn new(setup: &Setup, window: Range<Time>) -> Self {
        let ids = IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id));
        Self {
            ids,
            window,
            only: None,
            running: BTreeMap::new(),
            over: Vec::new(),
            dead: BTreeSet::new(),
            now: Time::ZERO,
        }
    }

    /// Whether an episode of the window is not over.
    pub(super) fn is_open(&self) -> bool {
        self.running.values().any(|running| self.window.contains(&running.course.begun))
    }

    /// The episodes of the window; suspicions that last end here.
    pub(super) fn courses(&self) -> impl Iterator<Item = Course> {
        let running = self.running.values().map(|running| {
            let mut course = running.course.clone();
            course.spells.iter_mut().for_each(|(.., until)| *until = (*until).min(self.now));
            course
        });
        self.over.iter().cloned().chain(running).filter(|course| self.window.contains(&course.begun))
    }

    /// Whether a member's suspicion begins an episode: after a death they are its aftermath.
    fn begins(&self, suspect: MemberIndex) -> bool {
        self.only.is_none_or(|only| only == suspect) && !self.dead.contains(&suspect)
    }
}

impl Observer for Follower {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        self.now = at;
        let Some(suspect) = self.ids.index(event.about).filter(|&about| about != member) else { return };
        if event.kind == EventKind::Suspected && self.begins(suspect) {
            let course = || Course { suspect, begun: at, spells: Vec::new(), died: None };
            self.running.entry(suspect).or_insert_with(|| Running { course: course(), lasting: BTreeMap::new() });
        }
        let Some(Running { course, lasting }) = self.running.get_mut(&suspect) else { return };
        match event.kind {
            EventKind::Suspected => {
                lasting.entry(member).or_insert_with(|| {
                    course.spells.push((member, at, Time::NEVER));
                    course.spells.len() - 1
                });
            }
            EventKind::Confirmed => {}
            _ => {
                let ended = lasting.remove(&member);
                ended.into_iter().for_each(|spell| course.spells[spell].2 = at);
            }
        }
        if event.kind == EventKind::Died {
            course.died = Some(at);
            self.dead.insert(suspect);
        }
        if course.died.is_some() || lasting.is_empty() {
            let Running { course, .. } = self.running.remove(&suspect).expect("it runs");
            self.over.push(course);
        }
    }
}
