//! The confirmation: trials of the few best candidates with seeds that the search has not seen.
//!
//! The best of many candidates looks better in the trials by which it was chosen than it is. So the figures of
//! finalists are those of fresh trials alone. Of those that meet the targets the one with the fewest bytes is recommended;
//! verdicts on times to declare are at a level of 5 % divided by the number of finalists (Bonferroni), so that choosing
//! among several of them finds no more wrong ones than looking at one.

use std::cmp::Ordering;

use super::bench::{Arm, Bench};
use super::budget::{FINALISTS, RARE_DEATHS, fresh_trials};
use super::candidate::Candidate;
use super::race::{Raced, score};
use super::sample::{Assessment, Meets};
use super::space::Site;
use crate::experiment::{CellResult, Error, Results, SMALLEST_EFFECT, TopologyNote};

/// The share of the budget for the best of the other detectors, the most trials of each, and the number of other
/// profiles of SWIM that are shown.
const OTHERS: f64 = 0.06;
const MOST_OTHERS: f64 = 200.0;
const PROFILES: usize = 3;

/// The share of the time to declare that is aimed at where a period is not fitted.
const ROOM: f64 = 0.97;

/// The most rows of a search that was stopped.
const MOST_FOUND: usize = 10;

/// Finalists with fresh trials.
pub(super) struct Confirmed {
    /// The recommended one first.
    pub finalists: Vec<Arm>,
    /// The best of each other detector, with fewer fresh trials.
    pub others: Vec<Arm>,
    pub left_out: Vec<(String, String)>,
    pub tried: usize,
    pub seed: u64,
    pub trials: u32,
    pub results: Results,
}

/// Runs fresh trials of the best candidates, and of what runs today.
pub(super) fn confirm(bench: &mut Bench<'_>, raced: Raced, seed: u64) -> Result<Confirmed, Error> {
    let site = bench.site;
    let Raced { best, others, mut left_out, tried } = raced;
    let have = site.question.have.clone().map(Candidate::of);
    let chosen = best.iter().chain(&others).take(FINALISTS).map(|arm| arm.placed.candidate.clone());
    let mut chosen: Vec<Candidate> = chosen.collect();
    // The best one that agents can run is among them in any case.
    if !chosen.iter().any(|candidate| candidate.is_swim(site.lab)) {
        let swim = best.iter().chain(&others).find(|arm| arm.placed.candidate.is_swim(site.lab));
        chosen.extend(swim.map(|arm| adapted(site, arm)));
    }
    chosen.extend(have.filter(|have| !chosen.contains(have)));
    let mut finalists = Vec::new();
    for candidate in chosen {
        let label = candidate.label();
        match Arm::new(site, site.as_it_is(&candidate), seed) {
            Ok(arm) => finalists.push(Arm { kept: Some(Default::default()), ..arm }),
            Err(why) => left_out.push((label, why)),
        }
    }
    bench.begin(format!("fresh trials of {} finalists", finalists.len()));
    let cost = |arm: &Arm| {
        let same = best.iter().chain(&others).find(|other| other.label == arm.label);
        same.unwrap_or(arm).cost(site)
    };
    let per_trial: f64 = finalists.iter().map(cost).sum();
    let are_proven = finalists.iter().take(FINALISTS).all(|arm| arm.placed.is_proven(site.question));
    let trials = fresh_trials(bench.budget, per_trial, are_proven);
    bench.run_all(&mut finalists, trials)?;
    let (ended, mut finalists): (Vec<Arm>, Vec<Arm>) = finalists.into_iter().partition(|arm| arm.failed.is_some());
    left_out.extend(ended.into_iter().map(|arm| (arm.label, arm.failed.unwrap_or_default())));
    // Where only rare false deaths leave it open whether a finalist meets its targets, splitting may tell, or suspicions
    // that are provoked if there are too few others to begin with.
    let is_open = |arm: &Arm| {
        let [declared, deaths, bytes, cross_region] = arm.assess(site, finalists.len() as u32).meets;
        deaths == Meets::CannotTell && [declared, bytes, cross_region] == [Meets::Yes; 3]
    };
    if let Some(open) = finalists.iter().position(is_open) {
        bench.begin(format!("rare false deaths of {}", finalists[open].label));
        let (open, end) = (&mut finalists[open], bench.spent + RARE_DEATHS * bench.budget);
        bench.split(open, seed, RARE_DEATHS * bench.budget);
        if open.sample.split.is_none() {
            bench.provoke(open, seed, end - bench.spent);
        }
    }
    let comparisons = finalists.len() as u32;
    finalists.sort_by(|one, other| {
        let [one, other] = [one, other].map(|arm| arm.assess(site, comparisons));
        one.verdict().cmp(&other.verdict()).then_with(|| match one.verdict() {
            Meets::Yes => one.bytes.value.total_cmp(&other.bytes.value),
            // The fewer targets are open the better; among equals in the order of the search.
            Meets::CannotTell => open_targets(&one).cmp(&open_targets(&other)),
            Meets::No => Ordering::Equal,
        })
    });
    if finalists.iter().all(|arm| arm.sample.crashes() == 0) {
        // Stopped during the search: its own figures are all that there is.
        let found = best.into_iter().chain(others).filter(|arm| arm.sample.crashes() > 0).take(MOST_FOUND);
        let (finalists, others) = (Vec::new(), found.collect());
        return Ok(Confirmed { finalists, others, left_out, tried, seed, trials, results: Results::default() });
    }
    let results = results(bench, &mut finalists, seed, trials);
    let others = best_of_each(bench, best.into_iter().chain(others), &finalists, seed)?;
    Ok(Confirmed { finalists, others, left_out, tried, seed, trials, results })
}

/// The number of targets of which it cannot be told whether they are met.
fn open_targets(figures: &Assessment) -> usize {
    figures.meets.iter().filter(|meets| **meets == Meets::CannotTell).count()
}

/// The candidate with a period at which it meets the time to declare by what the search has measured, with some room.
fn adapted(site: &Site<'_>, arm: &Arm) -> Candidate {
    let measured = arm.assess(site, 1).declared_s.value;
    let target = ROOM * site.question.declare_within.as_secs_f64();
    match measured.is_finite() {
        true => arm.placed.candidate.scaled(target / measured, site.lab),
        false => arm.placed.candidate.clone(),
    }
}

/// The best one of each detector that no finalist is, and of a few profiles of SWIM, with fresh trials of their own:
/// fewer, as they are no finalists. Their periods are adapted by what the search has measured.
fn best_of_each(
    bench: &mut Bench<'_>,
    arms: impl Iterator<Item = Arm>,
    finalists: &[Arm],
    seed: u64,
) -> Result<Vec<Arm>, Error> {
    let site = bench.site;
    let kind = |arm: &Arm| arm.placed.candidate.profile.kind.clone();
    let mut kinds: Vec<String> = finalists.iter().map(kind).collect();
    let (mut best, mut profiles, mut cost) = (Vec::new(), 0, 0.0);
    for arm in arms.filter(|arm| arm.sample.trials > 0) {
        let is_swim = arm.placed.candidate.is_swim(site.lab);
        if kinds.contains(&kind(&arm)) || is_swim && profiles == PROFILES {
            continue;
        }
        kinds.push(kind(&arm));
        profiles += usize::from(is_swim);
        cost += arm.cost(site);
        best.extend(Arm::new(site, site.as_it_is(&adapted(site, &arm)), seed));
    }
    bench.begin(format!("{} other detectors", best.len()));
    let trials = (OTHERS * bench.budget / cost).clamp(1.0, MOST_OTHERS) as u32;
    bench.run_all(&mut best, trials)?;
    best.retain(|arm| arm.failed.is_none());
    best.sort_by(|one, other| {
        let order = score(bench, one).partial_cmp(&score(bench, other));
        order.unwrap_or(std::cmp::Ordering::Equal).then_with(|| one.label.cmp(&other.label))
    });
    Ok(best)
}

/// The results of the fresh trials as those of one experiment, in which each finalist is a row.
fn results(bench: &Bench<'_>, finalists: &mut [Arm], seed: u64, trials: u32) -> Results {
    let Some(first) = finalists.first() else { return Results::default() };
    let (scenarios, topology) = (first.experiment.scenarios.clone(), &first.experiment.cells[0]);
    let topologies = vec![TopologyNote {
        label: topology.key.topology.clone(),
        title: topology.topology.title().to_owned(),
        attribution: topology.topology.attribution().map(str::to_owned),
    }];
    // The report compares the recommended one with what runs today, or else with the second.
    let mut others = finalists[1..].iter();
    let is_todays = |arm: &&Arm| bench.site.question.have.as_ref() == Some(&arm.placed.candidate.profile);
    let baseline = others.clone().find(is_todays).or_else(|| others.next()).map(|arm| arm.label.clone());
    let mut cells = Vec::new();
    for scenario in 0..scenarios.len() {
        for arm in finalists.iter_mut() {
            let cell = &arm.experiment.cells[scenario];
            let mut key = cell.key.clone();
            // Reports compare selectors of one setting; here each candidate is one.
            (key.selector, key.profile) = (arm.label.clone(), "advice".to_owned());
            let trials = arm.kept.as_mut().map(|kept| std::mem::take(&mut kept[scenario])).unwrap_or_default();
            cells.push(CellResult { key, floors: cell.floors(), duration_s: cell.duration.as_secs_f64(), trials });
        }
    }
    Results {
        name: "advice".to_owned(),
        seed,
        trials,
        baseline,
        smallest_effect: SMALLEST_EFFECT,
        has_services: false,
        complete: !bench.is_stopped(),
        notices: Vec::new(),
        topologies,
        scenarios,
        cells,
    }
}
