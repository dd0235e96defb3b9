//! The answer: rows in order, the front, the recommendation with its reason, and the files that apply it.

use super::bench::{Arm, Bench};
use super::boundaries::Boundaries;
use super::confirm::Confirmed;
use super::files::{agent_toml, experiment_toml};
use super::sample::{Assessment, Meets};
use super::units::{shown_bytes, three_digits};
use super::{Advice, Ranked};

/// Puts the answer together; `None` if no candidate has a finished trial.
pub(super) fn advice(bench: &Bench<'_>, confirmed: Confirmed, boundaries: Boundaries) -> Option<Advice> {
    let site = bench.site;
    let Confirmed { finalists, others, left_out, tried, seed, trials, results } = confirmed;
    let comparisons = finalists.len() as u32;
    let row = |arm: &Arm, is_confirmed: bool| Ranked {
        candidate: arm.placed.candidate.clone(),
        figures: arm.assess(site, if is_confirmed { comparisons } else { 1 }),
        is_confirmed,
        is_swim: arm.placed.candidate.is_swim(site.lab),
        is_on_front: false,
    };
    let rows = finalists.iter().map(|arm| row(arm, true)).chain(others.iter().map(|arm| row(arm, false)));
    let mut ranked: Vec<Ranked> = rows.filter(|row| row.figures.crashes > 0).collect();
    mark_front(&mut ranked);
    let first = ranked.first()?;
    let reason = reason(&ranked, tried);
    let experiment_toml = experiment_toml(site, &first.candidate, "advice", seed, trials);
    let for_agents = ranked.iter().find(|row| row.is_swim);
    let agent_toml = for_agents.and_then(|row| Some((row.candidate.clone(), agent_toml(site, &row.candidate)?)));
    Some(Advice {
        question: site.question.clone(),
        ranked,
        tried,
        left_out,
        boundaries: boundaries.found,
        unchanged: boundaries.unchanged,
        confirmation: results,
        confirmed: comparisons,
        reason,
        spent: bench.spent,
        is_unfinished: bench.is_stopped(),
        experiment_toml,
        agent_toml,
    })
}

/// Marks the rows that no other one beats: none is at least as good in all of time to declare, time until all know,
/// false deaths and bytes, and better in one.
fn mark_front(ranked: &mut [Ranked]) {
    let costs = |figures: &Assessment| {
        [figures.declared_s.value, figures.informed_s.value, figures.false_deaths.high, figures.bytes.value]
    };
    let all: Vec<[f64; 4]> = ranked.iter().map(|row| costs(&row.figures)).collect();
    for (row, own) in ranked.iter_mut().zip(&all) {
        let beats = |other: &[f64; 4]| other.iter().zip(own).all(|(other, own)| other <= own) && other != own;
        row.is_on_front = !all.iter().any(beats);
    }
}

/// The reason for the first row, in two sentences.
fn reason(ranked: &[Ranked], tried: usize) -> String {
    let first = &ranked[0];
    let (figures, verdict) = (&first.figures, first.figures.verdict());
    let what = match verdict {
        Meets::Yes => "meets all targets in trials that the search has not seen",
        Meets::CannotTell => "misses no target, though trials cannot tell whether it meets all of them",
        Meets::No => "misses a target, as all others that were confirmed do, and is the nearest",
    };
    let is_other = |row: &&Ranked| row.candidate.profile.kind != first.candidate.profile.kind;
    let than = match ranked.iter().filter(is_other).find(|row| row.figures.verdict() <= verdict) {
        Some(next) => format!(
            "; the best other detector, {}, sends {}",
            next.candidate.detector(),
            shown_bytes(next.figures.bytes.value)
        ),
        None => ", and no other detector does as well".to_owned(),
    };
    format!(
        "Of {tried} candidates it {what}, with {} per member{than}. In {} crashes 19 of 20 were declared within {} s and all \
         members knew after {} s, the median.",
        shown_bytes(figures.bytes.value),
        figures.crashes,
        three_digits(figures.declared_s.value),
        three_digits(figures.informed_s.value),
    )
}
