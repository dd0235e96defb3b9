//! Breadth-first search over all schedules.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rayon::prelude::*;
use swimlab::protocol::Span;

use crate::fair::{FairRun, run_fairly};
use crate::fingerprint::{BuildIdentity, Fingerprint};
use crate::model::Model;
use crate::state::State;
use crate::step::Step;
use crate::walker::{Node, NodeId, Walker};

/// Limits of a search that are no part of the model.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most states that are remembered, of 40 bytes each; at most 2^32 - 1.
    pub states: usize,
    /// The most states at the end of the search from which the network is fair; evenly chosen if there are more.
    pub fair_runs: usize,
    /// The most states of a frontier that are kept as they are, of about 2 KB each. The others are rebuilt from their
    /// schedules. Where schedules are long and branch little, a frontier is small and its states have little of their way
    /// in common, so that rebuilding them takes long; in a large frontier, neighbors share nearly all of it.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { states: 50_000_000, fair_runs: 2000, kept: 200_000 }
    }
}

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Report {
    /// Different states found, the start included.
    pub states: usize,
    /// Steps tried.
    pub transitions: u64,
    /// Steps by which a member's record of another one became that of a dead or departed member.
    pub deaths: u64,
    /// Steps by which a dead or departed member returned.
    pub returns: u64,
    /// The number of steps up to which every schedule was tried.
    pub depth: u32,
    /// The reason why that is less than the bound.
    pub stopped: Option<Stop>,
    /// The number of states from which the network was fair.
    pub fair_runs: usize,
    /// The number of those at whose end the group was split, with a profile that does not promise its reunion.
    pub splits: usize,
    /// The longest time to agreement in one of those runs.
    pub longest_agreement: Span,
    /// The shortest schedule that violates a property.
    pub violation: Option<Violation>,
    /// Time that the search took.
    pub elapsed: Duration,
}

/// Reason for a search to end early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It was interrupted.
    Interrupted,
    /// There are more states than may be remembered.
    States,
}

/// A violated property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The property, as a sentence.
    pub what: String,
    /// The schedule, one line per step.
    pub schedule: Vec<String>,
}

/// The number of states that are expanded between two looks at the interrupt.
const BATCH: usize = 1 << 15;

/// The number of successive states that one thread expands.
const CHUNK: usize = 512;

/// The number of fair runs that one thread makes in succession.
const FAIR_CHUNK: usize = 64;

/// A state that a step leads to.
struct Found {
    fingerprint: Fingerprint,
    node: Node,
    violation: Option<String>,
    /// The state itself, if there was room for it when the batch began.
    state: Option<State>,
}

/// State of a search.
struct Search<'a> {
    model: &'a Model,
    limits: Limits,
    interrupted: &'a AtomicBool,
    nodes: Vec<Node>,
    seen: HashSet<Fingerprint, BuildIdentity>,
    /// The first states of the frontier, or as many of them as may be kept. The others are rebuilt.
    kept: Vec<State>,
    counts: Counts,
}

/// Numbers of steps tried.
#[derive(Clone, Copy, Default)]
struct Counts {
    transitions: u64,
    deaths: u64,
    returns: u64,
}

/// Explores a model. `progress` is called after each batch of states; `interrupted` ends the search when it becomes true.
///
/// # Panics
/// If the model's start is not reached.
pub fn explore(model: &Model, limits: Limits, interrupted: &AtomicBool, progress: &mut dyn FnMut(&Report)) -> Report {
    let begun = Instant::now();
    let start = State::start(model);
    let mut search = Search {
        model,
        limits,
        interrupted,
        nodes: vec![Node { parent: 0, step: Step::Hold }],
        seen: HashSet::from_iter([start.fingerprint()]),
        kept: vec![start],
        counts: Counts::default(),
    };
    let mut report = Report {
        states: 1,
        transitions: 0,
        deaths: 0,
        returns: 0,
        depth: 0,
        stopped: None,
        fair_runs: 0,
        splits: 0,
        longest_agreement: Span::ZERO,
        violation: None,
        elapsed: Duration::ZERO,
    };
    let mut frontier = 0..1;
    while report.depth < model.bounds.depth && !frontier.is_empty() {
        let outcome = search.expand(frontier.clone(), |search| {
            search.count(&mut report);
            report.elapsed = begun.elapsed();
            progress(&report);
        });
        match outcome {
            Ok(()) => {}
            Err(End::Stop(stop)) => report.stopped = Some(stop),
            Err(End::Violation(violation)) => report.violation = Some(violation),
        }
        search.count(&mut report);
        if report.stopped.is_some() || report.violation.is_some() {
            break;
        }
        report.depth += 1;
        frontier = frontier.end..search.nodes.len();
    }
    if report.violation.is_none() && report.stopped.is_none() {
        search.run_fairly(frontier, &mut report);
    }
    report.elapsed = begun.elapsed();
    report
}

/// End of a search before its depth is reached.
enum End {
    Stop(Stop),
    Violation(Violation),
}

impl Search<'_> {
    fn count(&self, report: &mut Report) {
        report.states = self.nodes.len();
        (report.transitions, report.deaths, report.returns) =
            (self.counts.transitions, self.counts.deaths, self.counts.returns);
    }

    /// Finds the successors of these states. They are numbered in the order of their predecessors and steps, so that the
    /// result does not depend on the number of threads.
    fn expand(&mut self, frontier: Range<usize>, mut progress: impl FnMut(&Self)) -> Result<(), End> {
        let ids: Vec<NodeId> = frontier.clone().map(|id| id as NodeId).collect();
        let kept = std::mem::take(&mut self.kept);
        for batch in ids.chunks(BATCH) {
            let (model, nodes) = (self.model, &self.nodes);
            let expansion = Expansion { model, seen: &self.seen, has_room: self.kept.len() < self.limits.kept };
            let found: Vec<(Counts, Vec<Found>)> = batch
                .par_chunks(CHUNK)
                .map(|chunk| {
                    let mut walker = Walker::new(model, nodes);
                    let (mut counts, mut found) = (Counts::default(), Vec::new());
                    for &id in chunk {
                        let state = kept.get(id as usize - frontier.start).unwrap_or_else(|| walker.state(id));
                        expansion.add_successors(state, id, &mut counts, &mut found);
                    }
                    (counts, found)
                })
                .collect();
            for (counts, found) in found {
                self.counts.transitions += counts.transitions;
                self.counts.deaths += counts.deaths;
                self.counts.returns += counts.returns;
                for Found { fingerprint, node, violation, state } in found {
                    if let Some(what) = violation {
                        self.nodes.push(node);
                        let id = (self.nodes.len() - 1) as NodeId;
                        return Err(End::Violation(self.violation(what, id)));
                    }
                    if self.seen.insert(fingerprint) {
                        self.nodes.push(node);
                        self.kept.extend(state);
                    }
                }
            }
            progress(self);
            if self.interrupted.load(Ordering::Relaxed) {
                return Err(End::Stop(Stop::Interrupted));
            }
            if self.nodes.len() > self.limits.states {
                return Err(End::Stop(Stop::States));
            }
        }
        Ok(())
    }

    /// Runs states on with a fair network, and checks that members agree at the end.
    fn run_fairly(&self, frontier: Range<usize>, report: &mut Report) {
        let runs = frontier.len().min(self.limits.fair_runs);
        let ids: Vec<NodeId> =
            (0..runs).map(|run| (frontier.start + run * frontier.len() / runs.max(1)) as NodeId).collect();
        let outcomes: Vec<Option<FairRun>> = ids
            .par_chunks(FAIR_CHUNK)
            .flat_map_iter(|chunk| {
                let mut walker = Walker::new(self.model, &self.nodes);
                let mut run = |&id: &NodeId| {
                    let is_interrupted = self.interrupted.load(Ordering::Relaxed);
                    (!is_interrupted).then(|| {
                        let kept = self.kept.get(id as usize - frontier.start);
                        run_fairly(kept.unwrap_or_else(|| walker.state(id)), self.model)
                    })
                };
                chunk.iter().map(&mut run).collect::<Vec<_>>()
            })
            .collect();
        for (id, outcome) in ids.into_iter().zip(outcomes) {
            match outcome {
                None => report.stopped = Some(Stop::Interrupted),
                Some(FairRun::Agreement(after)) => {
                    report.fair_runs += 1;
                    report.longest_agreement = report.longest_agreement.max(after);
                }
                Some(FairRun::Split) => {
                    report.fair_runs += 1;
                    report.splits += 1;
                }
                Some(FairRun::Violation(what)) => {
                    report.fair_runs += 1;
                    report.violation.get_or_insert_with(|| self.shortest_unfair(what, id));
                }
            }
        }
    }

    /// The violation of a fair run from this state, or from the first one on the way to it from which there is one.
    fn shortest_unfair(&self, what: String, id: NodeId) -> Violation {
        let mut walker = Walker::new(self.model, &self.nodes);
        let earlier = std::iter::once(0).chain(Walker::way(&self.nodes, id)).find_map(|id| {
            match run_fairly(walker.state(id), self.model) {
                FairRun::Agreement(_) | FairRun::Split => None,
                FairRun::Violation(what) => Some((what, id)),
            }
        });
        let (what, id) = earlier.unwrap_or((what, id));
        self.violation(what, id)
    }

    /// A violation with the schedule that leads to this state.
    fn violation(&self, what: String, id: NodeId) -> Violation {
        let mut walker = Walker::new(self.model, &self.nodes);
        let mut parent = 0;
        let mut schedule = Vec::new();
        for (number, id) in (1..).zip(Walker::way(&self.nodes, id)) {
            let text = walker.state(parent).describe(self.nodes[id as usize].step);
            schedule.push(format!("{number:>3}  {:>9.3} s  {text}", walker.state(id).clock()));
            parent = id;
        }
        Violation { what, schedule }
    }
}

/// Data that threads share while they expand a batch.
struct Expansion<'a> {
    model: &'a Model,
    /// States that were found before the batch began.
    seen: &'a HashSet<Fingerprint, BuildIdentity>,
    /// Whether there is room for the states themselves.
    has_room: bool,
}

impl Expansion<'_> {
    /// Adds the states that follow this one and were not seen before, and counts the steps.
    fn add_successors(&self, state: &State, id: NodeId, counts: &mut Counts, found: &mut Vec<Found>) {
        for step in state.steps(self.model) {
            let (next, touched) = state.after(step, self.model);
            let earlier = &state.hosts[touched].version;
            counts.transitions += 1;
            for (_, change) in next.changes(touched, earlier) {
                counts.deaths += u64::from(change.is_death());
                counts.returns += u64::from(change.is_return());
            }
            let violation = next.violation(touched, earlier);
            let fingerprint = next.fingerprint();
            if violation.is_some() || !self.seen.contains(&fingerprint) {
                let state = self.has_room.then_some(next);
                found.push(Found { fingerprint, node: Node { parent: id, step }, violation, state });
            }
        }
    }
}
