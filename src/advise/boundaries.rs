//! Changes of the question that would change the answer: the nearest numbers of members and the nearest loss at which
//! another candidate is better.
//!
//! The closest competitors run at changed questions: the recommended detector with its settings adapted, and of each
//! other detector the one that its closed forms put first. Members are halved and doubled and the loss is doubled until
//! the answer changes; then the change is closed in on by halving the ratio of both ends.

use super::bench::{Arm, Bench};
use super::candidate::Candidate;
use super::confirm::Confirmed;
use super::question::Question;
use super::race::score;
use super::sample::Meets;
use super::space::{Site, candidates};
use super::units::{percent, shown_bytes, three_digits};
use crate::experiment::Error;

/// A change of the question that would change the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Boundary {
    /// The change: "with 12 members or fewer".
    pub change: String,
    /// The candidate that is better there, and by what.
    pub answer: String,
}

/// The share of the budget that boundaries may spend beyond search and confirmation.
const BOUNDARIES: f64 = 0.1;

/// The number of changed questions that the share is divided among.
const QUESTIONS: f64 = 15.0;

/// The most pairs of trials of a competitor at a changed question.
const MOST_TRIALS: f64 = 60.0;

/// Steps from the question away, and steps back to close in.
const OUT: u32 = 6;
const IN: u32 = 2;

/// The largest loss that is looked at.
const MOST_LOSS: f64 = 0.5;

/// The most members, as a multiple of those of the question.
const MOST_MORE: f64 = 4.0;

/// A number of the question that is changed.
#[derive(Clone, Copy)]
enum Axis {
    Fewer,
    More,
    Loss,
}

/// The answer at a changed question.
struct Answer {
    /// The part of the candidate that has to differ for the answer to be another one.
    id: String,
    /// The best candidate with its figures.
    best: String,
    /// The same of what is recommended.
    than: String,
}

/// The nearest boundaries, and how far was looked where none was found.
#[derive(Default)]
pub(super) struct Boundaries {
    pub found: Vec<Boundary>,
    pub unchanged: Vec<String>,
}

/// Looks for the nearest boundaries.
pub(super) fn find(bench: &mut Bench<'_>, confirmed: &Confirmed, seed: u64) -> Result<Boundaries, Error> {
    let mut all = Boundaries::default();
    let Some(first) = confirmed.finalists.first() else { return Ok(all) };
    let recommended = first.placed.candidate.clone();
    let end = bench.spent + BOUNDARIES * bench.budget;
    for (axis, left) in [(Axis::Fewer, 3.0), (Axis::More, 2.0), (Axis::Loss, 1.0)] {
        // What one direction does not need is left to the others.
        let end = bench.spent + (end - bench.spent) / left;
        Direction { recommended: &recommended, axis, seed, end }.look(bench, &mut all)?;
    }
    Ok(all)
}

/// A direction in which boundaries are looked for.
struct Direction<'a> {
    recommended: &'a Candidate,
    axis: Axis,
    seed: u64,
    /// The work of the whole answer at which nothing new is begun.
    end: f64,
}

impl Direction<'_> {
    /// Adds the nearest boundary, or how far there is none.
    fn look(&self, bench: &mut Bench<'_>, all: &mut Boundaries) -> Result<(), Error> {
        let axis = self.axis;
        let question = bench.site.question;
        let start = axis.start(question);
        let own = axis.id(self.recommended, bench.site);
        let (mut near, mut far) = (start, start);
        let mut changed: Option<(f64, Answer)> = None;
        for _ in 0..OUT {
            far = axis.step(far);
            if !axis.allows(far, question) || bench.is_stopped() || bench.spent >= self.end {
                break;
            }
            match self.answer(bench, far)? {
                Some(answer) if answer.id != own => {
                    changed = Some((far, answer));
                    break;
                }
                // Nothing can be said there, and not beyond.
                None => break,
                Some(_) => near = far,
            }
        }
        let Some((mut far, mut there)) = changed else {
            all.unchanged.push(axis.describe_unchanged((near != start).then_some(near)));
            return Ok(());
        };
        for _ in 0..IN {
            let middle = axis.between(near, far);
            if middle == near || middle == far || bench.spent >= self.end {
                break;
            }
            match self.answer(bench, middle)? {
                Some(answer) if answer.id != own => (far, there) = (middle, answer),
                _ => near = middle,
            }
        }
        let answer = format!("{} is better{}", there.best, there.than);
        all.found.push(Boundary { change: axis.describe(far), answer });
        Ok(())
    }

    /// The best of the competitors at a changed question; `None` if nothing could be compared with what is recommended.
    fn answer(&self, bench: &mut Bench<'_>, value: f64) -> Result<Option<Answer>, Error> {
        let Self { recommended, axis, seed, end } = *self;
        let question = axis.change(bench.site.question, value);
        let lab = bench.site.lab;
        let placement = question.network.place(question.members, question.seed, lab);
        let site = Site { question: &question, placement: &placement, lab };
        let mut arms: Vec<Arm> = Vec::new();
        let kept = site.with_helpers_for(recommended);
        for candidate in competitors(&site, recommended, &kept) {
            let placed = if candidate == *recommended {
                site.as_it_is(&candidate)
            } else {
                site.adapted_or_as_it_is(&candidate)
            };
            if let Ok(arm) = Arm::new(&site, placed, seed)
                && !arms.iter().any(|other| other.label == arm.label)
            {
                arms.push(arm);
            }
        }
        let share = BOUNDARIES * bench.budget / QUESTIONS;
        // What takes more than its share is not close. What is recommended may take all that there is for its direction:
        // among thousands one trial is more than a share.
        arms.retain(|arm| {
            let is_recommended = arm.placed.candidate.profile.kind == recommended.profile.kind;
            arm.cost(&site) <= if is_recommended { (end - bench.spent).max(share) } else { share }
        });
        let own = axis.id(recommended, bench.site);
        let is_own = |arm: &Arm| axis.id(&arm.placed.candidate, &site) == own;
        let has_rivals = matches!(axis, Axis::Loss) || !arms.iter().all(is_own);
        if !has_rivals || !arms.iter().any(is_own) {
            return Ok(None);
        }
        let mut changed = bench.at(&site, format!("the question {}", axis.describe(value)));
        // The first one tells what the others cost: with much loss far more than closed forms say.
        changed.run_all(&mut arms, 1)?;
        let per_trial: f64 = arms.iter().map(|arm| arm.cost(&site)).sum();
        let trials = (share / per_trial).clamp(1.0, MOST_TRIALS) as u32;
        changed.run_all(&mut arms, trials - 1)?;
        let spent = changed.spent;
        arms.retain(|arm| arm.sample.trials > 0 && arm.failed.is_none());
        arms.sort_by(|one, other| {
            let order = score(&changed, one).partial_cmp(&score(&changed, other));
            order.unwrap_or(std::cmp::Ordering::Equal).then_with(|| one.label.cmp(&other.label))
        });
        bench.spent = spent;
        let shown = |arm: &Arm| {
            let figures = arm.assess(&site, 1);
            let names = ["time to declare", "false deaths", "bytes", "bytes between regions"];
            // Too few trials for an interval say nothing.
            let failed = figures.meets.into_iter().zip(names).skip(1).find(|(meets, _)| *meets != Meets::Yes);
            let failed = failed.map(|(meets, name)| format!(", {name}: {}", meets.name())).unwrap_or_default();
            format!("{} ({}{failed})", arm.label, shown_bytes(figures.bytes.value))
        };
        let than = arms.iter().find(|arm| is_own(arm)).map(|arm| format!(" than {}", shown(arm))).unwrap_or_default();
        Ok(arms.first().map(|best| Answer { id: axis.id(&best.placed.candidate, &site), best: shown(best), than }))
    }
}

/// The recommended candidate, as it is and with its helpers adapted, and the best of each other detector by closed
/// forms.
fn competitors(site: &Site<'_>, recommended: &Candidate, adapted: &Candidate) -> Vec<Candidate> {
    let mut all = vec![recommended.clone(), adapted.clone()];
    let mut others = candidates(site).candidates;
    others.retain(|placed| placed.candidate.profile.kind != recommended.profile.kind);
    // Those that are known to meet the target of false deaths first, then by bytes.
    let cost = |placed: &super::space::Placed| Some((!placed.is_proven(site.question), placed.forecast?.bytes));
    others.retain(|placed| cost(placed).is_some());
    others.sort_by(|one, other| cost(one).partial_cmp(&cost(other)).unwrap_or(std::cmp::Ordering::Equal));
    let mut kinds: Vec<String> = Vec::new();
    for placed in others {
        let kind = placed.candidate.profile.kind.clone();
        // Other profiles of SWIM were beaten by the recommended one already.
        let is_close = !placed.candidate.is_swim(site.lab)
            || !recommended.is_swim(site.lab) && placed.candidate.profile.kind == "swim";
        if is_close && !kinds.contains(&kind) {
            kinds.push(kind);
            all.push(placed.candidate);
        }
    }
    all
}

impl Axis {
    fn start(self, question: &Question) -> f64 {
        match self {
            Self::Fewer | Self::More => f64::from(question.members),
            Self::Loss => question.loss,
        }
    }

    fn step(self, value: f64) -> f64 {
        match self {
            Self::Fewer => libm::floor(value / 2.0),
            Self::More => value * 2.0,
            Self::Loss => (value * 2.0).max(0.001),
        }
    }

    fn allows(self, value: f64, question: &Question) -> bool {
        match self {
            Self::Fewer => value >= 3.0,
            Self::More => value <= MOST_MORE * f64::from(question.members),
            Self::Loss => value <= MOST_LOSS,
        }
    }

    /// The geometric mean.
    fn between(self, near: f64, far: f64) -> f64 {
        let middle = libm::sqrt(near * far);
        match self {
            Self::Fewer | Self::More => libm::round(middle),
            Self::Loss => three_digits(middle).parse().unwrap_or(middle),
        }
    }

    fn change(self, question: &Question, value: f64) -> Question {
        let mut question = question.clone();
        match self {
            Self::Fewer | Self::More => question.members = value as u32,
            Self::Loss => question.loss = value,
        }
        question
    }

    fn describe(self, value: f64) -> String {
        match self {
            Self::Fewer => format!("with {value} members or fewer"),
            Self::More => format!("with {value} members or more"),
            Self::Loss => format!("at {} loss or more", percent(value)),
        }
    }

    /// A sentence about a direction in which nothing better was found up to a value; `None` if nothing was compared.
    fn describe_unchanged(self, up_to: Option<f64>) -> String {
        match (self, up_to) {
            (Self::Fewer, Some(members)) => format!("nothing down to {members} members"),
            (Self::More, Some(members)) => format!("nothing up to {members} members"),
            (Self::Loss, Some(loss)) => format!("nothing up to {} loss", percent(loss)),
            (Self::Fewer, None) => "fewer members were not compared".to_owned(),
            (Self::More, None) => "more members were not compared".to_owned(),
            (Self::Loss, None) => "more loss was not compared".to_owned(),
        }
    }

    /// The part of a candidate that makes it another answer: another detector, and with more loss other helpers or
    /// heartbeats, too.
    fn id(self, candidate: &Candidate, site: &Site<'_>) -> String {
        let kind = candidate.profile.kind.clone();
        match self {
            Self::Fewer | Self::More => kind,
            Self::Loss => {
                let helpers = candidate.number("indirect", site.lab).filter(|_| candidate.is_swim(site.lab));
                let missed = candidate
                    .seconds("timeout", site.lab)
                    .map(|timeout| libm::floor(timeout / candidate.period_s(site.lab)));
                format!("{kind} {:?}", helpers.or(missed))
            }
        }
    }
}
