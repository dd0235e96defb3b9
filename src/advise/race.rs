//! The race: successive halving (Jamieson and Talwalkar 2016) on common random numbers, then steps to neighbors.
//!
//! All candidates run the same trials, half of them drop out, the others run as many again, until a handful is left;
//! their neighbors in the space are then tried the same way. F-race (Birattari 2002) drops candidates by a test after
//! each trial and spends most on those that hardly differ, which matter least here; halving has a known cost, which a
//! budget needs. Candidates of the same seed meet the same placement and the same crashes.
//!
//! Bytes and time to declare trade against each other by the period alone: their product stays the same. So candidates
//! are compared at equal times to declare, by bytes times measured time over the target, and only those that are left
//! get the period at which they just meet it. Of two that meet the targets the one with fewer bytes is better.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::bench::{Arm, Bench};
use super::budget::{FINALISTS, fresh_trials};
use super::candidate::Candidate;
use super::sample::Meets;
use super::space::{Site, Space};
use crate::experiment::Error;

/// The share of the budget that the search may spend.
const SEARCH: f64 = 0.45;

/// The share of the search that each step spends.
const STEP: f64 = 0.2;

/// The number of candidates that halving stops at.
const LEFT: usize = 6;

/// The number of candidates whose neighbors are tried, and the most rounds of it.
const LEADERS: usize = 3;
const ROUNDS: usize = 4;

/// The most pairs of trials in the first step.
const MOST_FIRST: u32 = 8;

/// The number of candidates whose period is fitted, the number of times, and the share of the budget for it.
const FITTED: usize = FINALISTS + 1;
const FITS: u32 = 2;
const FIT: f64 = 0.08;

/// The number of crashes that a period is fitted to.
const FITTED_TO: u32 = 300;

/// Candidates with the same seeds, the best first.
pub(super) struct Raced {
    /// Those that were left, each with the period at which it just meets the time to declare.
    pub best: Vec<Arm>,
    /// The best one of each other detector, and what dropped out early.
    pub others: Vec<Arm>,
    /// Each with the reason.
    pub left_out: Vec<(String, String)>,
    /// The number of candidates that were tried.
    pub tried: usize,
}

/// The order of candidates: missed targets, unknown ones, then bytes at equal times to declare.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Score(f64, f64);

/// Searches the space with this seed.
pub(super) fn race(bench: &mut Bench<'_>, space: Space, seed: u64) -> Result<Raced, Error> {
    let mut race = Race { seed, seen: BTreeSet::new(), traces: BTreeMap::new(), left_out: space.left_out, tried: 0 };
    let end = SEARCH * bench.budget;
    let mut arms: Vec<Arm> = Vec::new();
    for placed in space.candidates {
        race.enter(bench, &mut arms, placed);
    }
    race.drop_costly(bench, &mut arms, end);
    bench.begin(format!("{} candidates", arms.len()));
    let per_trial: f64 = arms.iter().map(|arm| arm.cost(bench.site)).sum();
    let first = ((STEP * end / per_trial) as u32).clamp(1, MOST_FIRST);
    bench.run_all(&mut arms, 1)?;
    race.drop_same(&mut arms);
    bench.run_all(&mut arms, first - 1)?;
    race.rank(bench, &mut arms);

    let mut others = Vec::new();
    while arms.len() > LEFT && bench.spent < end && !bench.is_stopped() {
        let half = (arms.len() / 2).max(LEFT);
        others.extend(arms.drain(half..));
        bench.begin(format!("the best {}", arms.len()));
        let per_trial: f64 = arms.iter().map(|arm| arm.cost(bench.site)).sum();
        let most = arms[0].sample.trials;
        let more = ((STEP * end / per_trial) as u32).clamp(1, most);
        bench.run_all(&mut arms, more)?;
        race.rank(bench, &mut arms);
    }
    others.extend(arms.drain(LEFT.min(arms.len())..));

    for round in 1..=ROUNDS {
        if bench.spent >= end || bench.is_stopped() {
            break;
        }
        let leaders: Vec<Candidate> = arms.iter().take(LEADERS).map(|arm| arm.placed.candidate.clone()).collect();
        let trials = arms[0].sample.trials;
        let mut fresh = Vec::new();
        for neighbor in leaders.iter().flat_map(|leader| bench.site.neighbors(leader)).collect::<Vec<_>>() {
            if let Ok(placed) = bench.site.placed(neighbor) {
                race.enter(bench, &mut fresh, placed);
            }
        }
        if fresh.is_empty() {
            break;
        }
        bench.begin(format!("round {round}: {} neighbors of the best", fresh.len()));
        let per_trial: f64 = fresh.iter().map(|arm| arm.cost(bench.site)).sum();
        let affordable = ((end - bench.spent) / per_trial).max(1.0) as u32;
        bench.run_all(&mut fresh, 1)?;
        race.drop_same(&mut fresh);
        bench.run_all(&mut fresh, trials.min(affordable) - 1)?;
        arms.extend(fresh);
        race.rank(bench, &mut arms);
        others.extend(arms.drain(LEFT.min(arms.len())..));
    }
    let (fitted, rest) = distinct(bench.site, arms);
    others.extend(rest);
    let best = race.fit(bench, fitted)?;
    race.rank(bench, &mut others);
    Ok(Raced { best, others, left_out: race.left_out, tried: race.tried })
}

/// The first few arms that differ in more than their times, which are about to be fitted, and all others.
fn distinct(site: &Site<'_>, arms: Vec<Arm>) -> (Vec<Arm>, Vec<Arm>) {
    let (mut structures, mut found) = (BTreeSet::new(), 0);
    arms.into_iter().partition(|arm| {
        let is_new = structures.insert(arm.placed.candidate.structure(site.lab));
        found += usize::from(is_new);
        is_new && found <= FITTED
    })
}

struct Race {
    seed: u64,
    /// The labels of all candidates.
    seen: BTreeSet<String>,
    /// The candidates by the traces of their first trials.
    traces: BTreeMap<u64, String>,
    left_out: Vec<(String, String)>,
    tried: usize,
}

impl Race {
    /// Adds a candidate that was not there yet.
    fn enter(&mut self, bench: &Bench<'_>, arms: &mut Vec<Arm>, placed: super::space::Placed) {
        let label = placed.candidate.label();
        if !self.seen.insert(label.clone()) {
            return;
        }
        match Arm::new(bench.site, placed, self.seed) {
            Ok(arm) => {
                self.tried += 1;
                arms.push(arm);
            }
            Err(why) => self.left_out.push((label, why)),
        }
    }

    /// Leaves out those whose first trial was that of another one to the last bit: on this network it may make no
    /// difference which helpers are named, as a selector chooses the same by itself.
    fn drop_same(&mut self, arms: &mut Vec<Arm>) {
        arms.retain(|arm| {
            let Some(trace) = arm.sample.first_trace else { return true };
            match self.traces.entry(trace) {
                Entry::Vacant(vacant) => {
                    vacant.insert(arm.label.clone());
                    true
                }
                Entry::Occupied(same) => {
                    let why = format!("does the same as {}", same.get());
                    self.left_out.push((arm.label.clone(), why));
                    false
                }
            }
        });
    }

    /// Leaves out what the budget cannot pay: one pair of trials of each may take half of the search. Those that closed
    /// forms put first are kept: they are known to keep false deaths below the target, and send little.
    fn drop_costly(&mut self, bench: &Bench<'_>, arms: &mut Vec<Arm>, end: f64) {
        let place = |arm: &Arm| {
            let bytes = arm.placed.forecast.map_or(f64::INFINITY, |forecast| forecast.bytes);
            (!arm.placed.is_proven(bench.site.question), bytes)
        };
        arms.sort_by(|one, other| place(one).partial_cmp(&place(other)).unwrap_or(std::cmp::Ordering::Equal));
        let (all, mut sum) = (arms.len(), 0.0);
        let mut kept: Vec<Arm> = Vec::new();
        for arm in arms.drain(..) {
            let cost = arm.cost(bench.site);
            if sum + cost <= end / 2.0 || kept.len() < LEFT {
                sum += cost;
                kept.push(arm);
                continue;
            }
            let share = 100.0 * cost / bench.budget;
            let why = format!(
                "a trial of it takes {share:.1} % of the budget, which does not suffice for all {all} candidates"
            );
            self.left_out.push((arm.label, why));
            self.tried -= 1;
        }
        *arms = kept;
    }

    /// Sorts the best first, and drops those whose trials failed.
    fn rank(&mut self, bench: &mut Bench<'_>, arms: &mut Vec<Arm>) {
        let (ended, mut scored): (Vec<Arm>, Vec<Arm>) = arms.drain(..).partition(|arm| arm.failed.is_some());
        self.left_out.extend(ended.into_iter().map(|arm| (arm.label, arm.failed.unwrap_or_default())));
        scored.sort_by(|one, other| {
            let order = score(bench, one).partial_cmp(&score(bench, other));
            order.unwrap_or(std::cmp::Ordering::Equal).then_with(|| one.label.cmp(&other.label))
        });
        *arms = scored;
        if let Some(best) = arms.first() {
            bench.best.clone_from(&best.label);
        }
    }

    /// Gives each candidate the period at which it just meets the time to declare, by trials of its own.
    fn fit(&mut self, bench: &mut Bench<'_>, mut arms: Vec<Arm>) -> Result<Vec<Arm>, Error> {
        bench.begin("periods that just meet the target".to_owned());
        let per_trial = super::files::crashes(bench.site.question.members);
        for _ in 0..FITS {
            let site = bench.site;
            let target = site.question.declare_within.as_secs_f64();
            let finalists = &arms[..FINALISTS.min(arms.len())];
            let cost: f64 = finalists.iter().map(|arm| arm.cost(site)).sum();
            let are_proven = finalists.iter().all(|arm| arm.placed.is_proven(site.question));
            let crashes = fresh_trials(bench.budget, cost, are_proven) * per_trial;
            let affordable = (FIT * bench.budget / f64::from(FITS) / cost) as u32;
            let wanted = FITTED_TO.div_ceil(per_trial).min(affordable).max(1);
            for arm in &mut arms {
                let measured = arm.sample.declared_for(crashes as usize, FINALISTS as u32);
                // A detector of which nothing was declared has no period that would do.
                if !measured.is_finite() {
                    continue;
                }
                let scaled = arm.placed.candidate.scaled(target / measured, site.lab);
                if let Ok(fitted) = Arm::new(site, site.as_it_is(&scaled), self.seed)
                    && fitted.label != arm.label
                {
                    *arm = fitted;
                }
            }
            let more: Vec<(usize, u32)> =
                arms.iter().enumerate().map(|(at, arm)| (at, wanted.saturating_sub(arm.sample.trials))).collect();
            bench.run(&mut arms, &more)?;
        }
        self.rank(bench, &mut arms);
        // Rounding may have made two of them one.
        let mut labels = BTreeSet::new();
        arms.retain(|arm| labels.insert(arm.label.clone()));
        Ok(arms)
    }
}

/// The score of an arm; less is better.
pub(super) fn score(bench: &Bench<'_>, arm: &Arm) -> Score {
    let question = bench.site.question;
    let figures = arm.assess(bench.site, 1);
    let target = question.declare_within.as_secs_f64();
    let stretch = figures.declared_s.value / target;
    let bytes = figures.bytes.value * stretch;
    if !stretch.is_finite() {
        return Score(f64::INFINITY, bytes);
    }
    let beyond = |value: f64, target: Option<f64>| target.map_or(0.0, |target| libm::log(value / target).max(0.0));
    let deaths = match figures.meets[1] {
        Meets::Yes => 0.0,
        // What cannot be told is better than what is missed, and worse than what is met.
        Meets::CannotTell => 0.01,
        Meets::No => 1.0 + beyond(figures.false_deaths.low, Some(question.false_deaths.per_month())),
    };
    let cross = figures.cross_region.map_or(0.0, |share| beyond(share.value, question.cross_region));
    Score(deaths + cross + beyond(bytes, question.bytes), bytes)
}
