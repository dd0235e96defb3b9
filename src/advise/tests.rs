//! The answer against a brute-force grid.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use swimlab_selectors::Spec;

use super::bench::{Arm, Bench};
use super::budget::FINALISTS;
use super::candidate::Candidate;
use super::sample::Meets;
use super::space::Site;
use super::{Advice, Question, QuestionText, advise};
use crate::experiment::{Experiment, Lab, Options};

fn question(flags: &[(&str, &str)]) -> Question {
    let mut text = QuestionText::default();
    flags.iter().for_each(|(key, value)| text.set_flag(key, *value));
    text.parse(Path::new(""), &Lab::default()).unwrap()
}

/// The best point of a grid that meets all targets: bytes per member and second, and its label. The grid spends about
/// `times` the budget of the question. A point that seems to meet the targets must do so again with fresh seeds.
fn best_of_grid(question: &Question, times: f64, detail: Detail) -> Option<(f64, String)> {
    let (lab, stop) = (Lab::default(), AtomicBool::new(false));
    let placement = question.network.place(question.members, question.seed, &lab);
    let site = Site { question, placement: &placement, lab: &lab };
    let ignore = |_: super::SearchProgress<'_>| ();
    let mut bench = Bench::new(&site, &stop, &ignore);
    let arm = |candidate: &Candidate, seed| Arm::new(&site, site.as_it_is(candidate), seed).ok();
    let mut arms: Vec<Arm> = detail.points(&site).iter().filter_map(|candidate| arm(candidate, 11)).collect();
    let cost: f64 = arms.iter().map(|arm| arm.cost(&site)).sum();
    let trials = ((times * bench.budget / cost) as u32).clamp(12, 400);
    bench.run_all(&mut arms, trials).unwrap();
    arms.retain(|arm| arm.assess(&site, 1).verdict() != Meets::No);
    arms.sort_by(|one, other| {
        let bytes = |arm: &Arm| arm.assess(&site, 1).bytes.value;
        bytes(one).total_cmp(&bytes(other))
    });
    for found in arms {
        let mut fresh = vec![arm(&found.placed.candidate, 12)?];
        bench.run_all(&mut fresh, 400).unwrap();
        let figures = fresh[0].assess(&site, FINALISTS as u32);
        if figures.verdict() == Meets::Yes {
            return Some((figures.bytes.value, found.label));
        }
    }
    None
}

/// The fineness of a grid.
#[derive(Clone, Copy)]
enum Detail {
    Coarse,
    Fine,
}

impl Detail {
    /// The points: structures of SWIM and heartbeats, each with periods around what its closed form says.
    fn points(self, site: &Site<'_>) -> Vec<Candidate> {
        let (mults, helpers, directs, periods): (&[f64], &[u32], &[u32], &[f64]) = match self {
            Self::Coarse => (&[2.0, 3.0], &[4, 6], &[1], &[0.9, 1.0, 1.1]),
            Self::Fine => (
                &[2.0, 2.5, 3.0, 4.0],
                &[3, 4, 5, 6, 7, 8],
                &[1, 2],
                &[0.85, 0.89, 0.92, 0.95, 0.98, 1.01, 1.04, 1.07, 1.1, 1.14, 1.18],
            ),
        };
        let mut structures = Vec::new();
        for preset in [None, Some("lan")] {
            for selector in site.selectors() {
                for (mult, helpers, direct) in mults.iter().flat_map(|mult| {
                    helpers.iter().flat_map(move |k| directs.iter().map(move |direct| (mult, k, direct)))
                }) {
                    let swim =
                        Candidate { preset, selector: Some(selector.clone()), ..Candidate::of(Spec::of("swim")) };
                    let swim = swim.with("suspicion_mult", *mult).with("indirect", *helpers).with("direct", *direct);
                    structures.push(swim);
                }
            }
        }
        for name in ["all-to-all", "majority"] {
            for missed in 1..8 {
                let of = Candidate::of(Spec::of(name)).with_seconds("period", 1.0);
                structures.push(of.with_seconds("timeout", f64::from(missed) + 0.5));
            }
        }
        let adapted = structures.iter().filter_map(|structure| site.adapted(structure));
        adapted
            .flat_map(|(candidate, _)| periods.iter().map(move |factor| candidate.scaled(*factor, site.lab)))
            .collect()
    }
}

fn answered(question: &Question) -> Advice {
    advise(question, &Lab::default(), &AtomicBool::new(false), &|_| ()).map_err(|_| "no answer").unwrap()
}

/// The answer must meet its targets, and send at most 5 % more bytes than the grid's best. A few seconds of work
/// confirm with too few crashes to be certain: in the coarse case it must miss no target, and send at most 15 % more.
fn is_as_good_as_a_grid(flags: &[(&str, &str)], times: f64, detail: Detail) {
    let question = question(flags);
    let advice = answered(&question);
    let (ours, label) = (advice.recommended().figures, advice.recommended().candidate.label());
    let grid = best_of_grid(&question, times, detail);
    println!("{label}: {:?} {:.1} B/s; grid: {grid:?}", ours.meets, ours.bytes.value);
    let (least, most) = match detail {
        Detail::Coarse => (Meets::CannotTell, 1.15),
        Detail::Fine => (Meets::Yes, 1.05),
    };
    assert!(ours.verdict() <= least, "{label}: {:?}", ours.meets);
    if let Some((bytes, best)) = grid {
        assert!(ours.bytes.value <= most * bytes, "{label} with {} B/s, {best} with {bytes} B/s", ours.bytes.value);
    }
}

#[test]
fn its_experiment_repeats_the_trials_of_the_confirmation_to_the_last_bit() {
    let question = question(&[
        ("members", "10"),
        ("topology", "lan"),
        ("declare_within", "6s"),
        ("false_deaths", "1/month"),
        ("have", "memberlist-lan"),
        ("budget", "1s"),
    ]);
    let advice = answered(&question);
    let label = advice.recommended().candidate.label();
    let text = question.network.source("advice", advice.experiment_toml.clone());
    let repeated = Experiment::parse(&text, &Lab::default()).unwrap().run(Options::default()).unwrap().results;
    let confirmed: Vec<_> =
        advice.confirmation.cells.iter().filter(|cell| cell.key.selector == label).map(|cell| &cell.trials).collect();
    assert!(confirmed.iter().all(|trials| !trials.is_empty()));
    assert_eq!(repeated.cells.iter().map(|cell| &cell.trials).collect::<Vec<_>>(), confirmed);
    // Of the finalists that meet all targets it sends the least.
    let meeting = advice.ranked.iter().filter(|row| row.is_confirmed && row.figures.verdict() == Meets::Yes);
    let bytes: Vec<f64> = meeting.map(|row| row.figures.bytes.value).collect();
    assert!(
        bytes.is_sorted() && (bytes.is_empty() || advice.recommended().figures.bytes.value == bytes[0]),
        "{bytes:?}"
    );
    // Each direction is named, with a change or with how far there is none.
    assert_eq!(advice.boundaries.len() + advice.unchanged.len(), 3, "{:?} {:?}", advice.boundaries, advice.unchanged);
    assert!(advice.unchanged.iter().all(|phrase| advice.record().contains(&format!("- {phrase}\n"))));
    // The report compares it with what runs today.
    assert_eq!(advice.confirmation.baseline.as_deref(), Some("memberlist-lan"));
}

#[test]
fn a_candidate_that_does_the_same_as_another_is_tried_once() {
    let question = question(&[
        ("members", "40"),
        ("topology", "zones"),
        ("declare_within", "10s"),
        ("false_deaths", "1/day"),
        ("budget", "1s"),
    ]);
    let advice = answered(&question);
    // Between zones `auto` asks regional helpers without being told.
    let same: Vec<_> = advice.left_out.iter().filter(|(_, why)| why.starts_with("does the same as ")).collect();
    let is_named = |(label, why): &&(String, String)| {
        label.contains("helpers=regional") && label.replace(" helpers=regional", "") == why["does the same as ".len()..]
    };
    assert!(same.iter().copied().any(|pair| is_named(&pair)), "{:?}", advice.left_out);
    assert!(advice.ranked.iter().all(|row| same.iter().all(|(label, _)| row.candidate.label() != *label)));
}

/// A coarse grid and a small budget; the held-out questions are in the next test.
#[test]
fn a_coarse_grid_finds_nothing_better() {
    let flags = [
        ("members", "10"),
        ("topology", "lan"),
        ("declare_within", "6s"),
        ("false_deaths", "1/month"),
        ("loss", "1%"),
        ("budget", "3s"),
    ];
    is_as_good_as_a_grid(&flags, 3.0, Detail::Coarse);
}

/// Questions that no constant of the search was chosen by. Some ten minutes on one core:
/// `cargo test --release --lib advise::tests::a_grid -- --ignored --nocapture`.
#[test]
#[ignore = "ten minutes"]
fn a_grid_of_ten_times_the_cost_finds_nothing_better_by_more_than_5_percent() {
    let common = [("budget", "10s"), ("seed", "5")];
    let rack =
        [("members", "17"), ("topology", "lan"), ("declare_within", "3s"), ("false_deaths", "1/week"), ("loss", "2%")];
    let clouds = [
        ("members", "48"),
        ("topology", "zones"),
        ("declare_within", "15s"),
        ("false_deaths", "2/month"),
        ("loss", "0.5%"),
        ("cross_region", "60%"),
    ];
    for flags in [rack.as_slice(), clouds.as_slice()] {
        is_as_good_as_a_grid(&[flags, common.as_slice()].concat(), 10.0, Detail::Fine);
    }
}
