//! Rates of rare false deaths, by multilevel splitting.
//!
//! A live member is declared dead only if a suspicion of it lasts until its timeout, and most end long before. Trials
//! give the rate of [episodes](super::suspicions). Then the oldest fifth of them are continued from the moment at which
//! they reached that age, each several times and with other losses and delays; of these again the oldest fifth, or fewer
//! if only they got older; and so on until a fifth of the continuations ends in a death:
//!
//! > rate of false deaths = rate of episodes x product of the shares that were continued
//!
//! A continuation is the same trial in which the network and the members draw anew from that moment on
//! ([`World::redraw`](crate::sim::World::redraw)). What they have drawn before, the order of a traversal for one, stays:
//! the estimate is unbiased for that, as trials begin with all choices at random, but it varies more. Ages are levels
//! chosen by the same episodes that are counted, which biases the product by some 1/[`EPISODES`] for the first and less
//! for the others. The error comes from independent repetitions.
//!
//! Cérou, Guyader: Adaptive Multilevel Splitting for Rare Event Analysis, Stochastic Analysis and Applications 25
//! (2007).

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};
use swimlab_selectors::rng::mix;

use super::suspicions::{Age, Course, DEATH, Follower};
use crate::experiment::{Cell, trial_seed};
use crate::protocol::{Span, Time};

/// Episodes that trials are run for, in a repetition.
const EPISODES: usize = 120;

/// The most and the least continuations of a level. In a small group a suspicion often outlasts a level only if one
/// certain packet is lost, or two.
const MOST_CONTINUED: usize = 2000;
const LEAST_CONTINUED: usize = 24;

/// Levels that an estimate takes, about: 0.2^8 is 3e-6.
const LEVELS: usize = 8;

/// The least number of episodes that trials must show in a repetition.
const LEAST_EPISODES: usize = 20;

/// The share of episodes that are continued.
const KEPT: f64 = 0.2;

/// Independent repetitions.
const REPETITIONS: u64 = 6;

/// The most levels: 0.2^40 is 1e-28.
const MOST_LEVELS: usize = 40;

/// The length of the trials in which episodes are counted, in periods, besides the warm-up. A continuation runs its
/// past again, so that it is short.
const WINDOW: u64 = 20;

/// Trials that are run between two looks at how many episodes there are.
const BATCH: u64 = 16;

/// A rate that splitting found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    /// False deaths in the whole group per hour, and the bounds of the 95 % interval by Student's law over the
    /// repetitions.
    pub per_hour: f64,
    pub low: f64,
    pub high: f64,
    /// Episodes in trials, of all repetitions.
    pub episodes: usize,
    /// Continuations.
    pub continued: usize,
}

/// The rate of false deaths in the group of a calm cell, by about `most_events` events of worlds, which `spent` counts.
/// `None` if its members are not SWIM members, if there are too few suspicions in half of the events, if the rest does
/// not suffice to continue them, if none of the continuations ends in a death, or once `stop` is set.
pub(super) fn split(cell: &Cell, seed: u64, most_events: u64, stop: &AtomicBool, spent: &mut u64) -> Option<Split> {
    let splitting = Splitting::of(cell, stop)?;
    let mut total = Split { per_hour: 0.0, low: 0.0, high: 0.0, episodes: 0, continued: 0 };
    let mut rates = Vec::new();
    for repetition in 0..REPETITIONS {
        let left = most_events.saturating_sub(*spent) / (REPETITIONS - repetition);
        rates.push(splitting.repetition(mix(seed.wrapping_add(repetition)), left, &mut total, spent)?);
    }
    let count = rates.len() as f64;
    total.per_hour = rates.iter().sum::<f64>() / count;
    let variance =
        rates.iter().map(|rate| (rate - total.per_hour) * (rate - total.per_hour)).sum::<f64>() / (count - 1.0);
    let factor = StudentsT::new(0.0, 1.0, count - 1.0).expect("more than one").inverse_cdf(0.975);
    let half = factor * (variance / count).sqrt();
    (total.low, total.high) = ((total.per_hour - half).max(0.0), total.per_hour + half);
    (total.per_hour > 0.0).then_some(total)
}

struct Splitting<'a> {
    cell: &'a Cell,
    /// The window in which episodes begin.
    from: Time,
    until: Time,
    /// Time for which an episode is followed after that or after its level.
    patience: Span,
    step: Span,
    /// Levels are multiples of this many microseconds. At the very moment at which an episode ends, what ends it has been
    /// sent, and no continuation from there on gets older.
    level_step: Age,
    stop: &'a AtomicBool,
}

/// An episode, with what it takes to run it again.
#[derive(Clone, Debug)]
struct Episode {
    seed: u64,
    redraws: Vec<(Time, u64)>,
    course: Course,
}

impl<'a> Splitting<'a> {
    fn of(cell: &'a Cell, stop: &'a AtomicBool) -> Option<Self> {
        let config = cell.config()?;
        let longest = config.suspicion.timeout(config.period, cell.key.members, 0);
        let from = Time::ZERO + cell.warmup;
        Some(Self {
            cell,
            from,
            until: from + config.period * WINDOW,
            patience: longest * 4 + config.period * 20,
            step: config.period.scale(0.5),
            level_step: config.period.scale(0.1).as_micros(),
            stop,
        })
    }

    /// One estimate of the rate; `None` if there is none.
    fn repetition(&self, seed: u64, most_events: u64, total: &mut Split, spent: &mut u64) -> Option<f64> {
        let begun = *spent;
        let (mut episodes, trials) = self.episodes(seed, most_events / 2, spent)?;
        total.episodes += episodes.len();
        // A continuation takes about as long as a trial.
        let per_level =
            (most_events.saturating_sub(*spent - begun)) * trials / ((*spent - begun).max(1) * LEVELS as u64);
        let width = MOST_CONTINUED.min(per_level as usize);
        if width < LEAST_CONTINUED {
            return None;
        }
        let hours = trials as f64 * self.until.since(self.from).as_secs_f64() / 3600.0;
        let mut rate = episodes.len() as f64 / hours;
        let mut level = 0;
        for stage in 1..=MOST_LEVELS {
            let mut ages: Vec<Age> = episodes.iter().map(|episode| episode.course.age()).collect();
            ages.sort_unstable();
            let fifth = ages.len() - 1 - (KEPT * ages.len() as f64) as usize;
            if ages[fifth] == DEATH {
                let deaths = ages.iter().filter(|&&age| age == DEATH).count();
                return Some(rate * deaths as f64 / ages.len() as f64);
            }
            level = (ages[fifth] - ages[fifth] % self.level_step).max(level + self.level_step);
            episodes.retain(|episode| episode.course.age() >= level);
            if episodes.is_empty() {
                // No continuation got older.
                return Some(0.0);
            }
            rate *= episodes.len() as f64 / ages.len() as f64;
            let continued = |n: usize| {
                let parent = &episodes[n % episodes.len()];
                let fresh = mix(seed ^ mix((stage * MOST_CONTINUED + n) as u64));
                self.continued(parent, Span::from_micros(level), fresh)
            };
            let next: Option<Vec<_>> = (0..width).into_par_iter().map(continued).collect();
            let (next, events): (Vec<_>, Vec<u64>) = next?.into_iter().unzip();
            total.continued += next.len();
            *spent += events.iter().sum::<u64>();
            episodes = next;
        }
        Some(0.0)
    }

    /// Episodes of trials, and the number of trials.
    fn episodes(&self, seed: u64, most_events: u64, spent: &mut u64) -> Option<(Vec<Episode>, u64)> {
        let (mut episodes, mut trials, mut events) = (Vec::new(), 0, 0);
        while episodes.len() < EPISODES && (events < most_events || trials == 0) {
            let run = |trial: u64| self.trial(trial_seed(seed, trial as u32));
            let found: Option<Vec<_>> = (trials..trials + BATCH).into_par_iter().map(run).collect();
            for (more, spent) in found? {
                episodes.extend(more);
                events += spent;
            }
            trials += BATCH;
        }
        *spent += events;
        (episodes.len() >= LEAST_EPISODES).then_some((episodes, trials))
    }

    /// The episodes of one trial, and its events; `None` once it shall stop.
    fn trial(&self, seed: u64) -> Option<(Vec<Episode>, u64)> {
        let setup = self.cell.setup(seed);
        let mut world = self.cell.swim_world(&setup, Follower::new(&setup, self.from..self.until))?;
        let end = self.until + self.patience;
        while world.time() < self.until || (world.time() < end && world.observer().is_open()) {
            self.goes_on()?;
            world.advance(world.time() + self.step);
        }
        let courses = world.observer().courses();
        let episode = |course| Episode { seed, redraws: Vec::new(), course };
        Some((courses.map(episode).collect(), world.finish().events))
    }

    /// The episode, run again with other draws from the moment on at which it reached an age, and the events of that.
    fn continued(&self, parent: &Episode, age: Span, fresh: u64) -> Option<(Episode, u64)> {
        let Some(at) = parent.course.reached(age) else {
            // It was dead before.
            return Some((parent.clone(), 0));
        };
        let mut redraws = parent.redraws.clone();
        redraws.push((at, fresh));
        let setup = self.cell.setup(parent.seed);
        let (suspect, begun) = (parent.course.suspect, parent.course.begun);
        let mut follower = Follower::new(&setup, begun..begun + Span::from_micros(1));
        follower.only = Some(suspect);
        let mut world = self.cell.swim_world(&setup, follower)?;
        for &(at, seed) in &redraws {
            while world.time() < at {
                self.goes_on()?;
                world.advance((world.time() + self.step).min(at));
            }
            world.redraw(seed);
        }
        while world.time() < at + self.patience && world.observer().is_open() {
            self.goes_on()?;
            world.advance(world.time() + self.step);
        }
        let course = world.observer().courses().next().expect("its past is the same");
        Some((Episode { seed: parent.seed, redraws, course }, world.finish().events))
    }

    fn goes_on(&self) -> Option<()> {
        (!self.stop.load(Ordering::Relaxed)).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::false_deaths::DeathCounter;
    use super::*;
    use crate::experiment::{Experiment, Lab, TomlSource};

    fn calm(loss: f64) -> Experiment {
        calm_with("swim", "shuffle", loss)
    }

    fn calm_with(profile: &str, selector: &str, loss: f64) -> Experiment {
        let text = format!(
            "topology = 'lan'\nmembers = 8\nprofile = '{profile}'\nloss = {loss}\nselector = '{selector}'
            warmup = '10s'\nduration = '1200s'"
        );
        Experiment::parse(&TomlSource::text("calm.toml", text), &Lab::default()).unwrap()
    }

    fn found(experiment: &Experiment, seed: u64) -> Split {
        let (stop, mut spent) = (AtomicBool::new(false), 0);
        split(&experiment.cells[0], seed, 40_000_000, &stop, &mut spent).expect("enough suspicions")
    }

    /// False deaths in the group per hour, counted in trials of 20 minutes, and their number.
    fn counted(experiment: &Experiment, trials: u32) -> (f64, u64) {
        let deaths = (0..trials).into_par_iter().map(|trial| {
            let setup = experiment.cells[0].setup(trial_seed(1, trial));
            let mut counter = DeathCounter::new(&setup);
            experiment.cells[0].watch(&setup, &mut counter);
            counter.deaths
        });
        let deaths: u64 = deaths.sum();
        (deaths as f64 * 3.0 / f64::from(trials), deaths)
    }

    /// Eight members, at 15 % loss in 33 hours and at 10 % in 133: thousands and hundreds of deaths. A factor of e^0.4
    /// is three standard errors of the estimates.
    #[test]
    fn rates_are_those_that_are_counted() {
        for (loss, trials) in [(0.15, 100), (0.1, 400)] {
            let experiment = calm(loss);
            let (rate, deaths) = counted(&experiment, trials);
            let split = found(&experiment, 3);
            println!("loss {loss}: counted {rate} per hour ({deaths}), {split:?}");
            assert!(deaths >= 100, "{deaths}");
            assert!(libm::log(split.per_hour / rate).abs() < 0.4, "{split:?} instead of {rate}");
            assert!(split.low <= split.per_hour && split.per_hour <= split.high);
        }
    }

    /// At 2 % loss there is one false death in some fifty hours of the group. With suspicions of 8 s instead of 4, and
    /// updates that are told twice as often, there is one in some three hundred years.
    /// `cargo test --release --lib advise::splitting -- --ignored --nocapture`.
    #[test]
    #[ignore = "minutes"]
    fn rates_below_a_millionth_per_member_and_hour_have_a_standard_error_below_half_of_it() {
        for (profile, most) in [("swim", 0.01), ("swim:suspicion_mult=8,retransmit_mult=8", 1e-6)] {
            let experiment = calm_with(profile, "uniform", 0.02);
            let (stop, mut spent) = (AtomicBool::new(false), 0);
            let split = split(&experiment.cells[0], 1, 4_000_000_000, &stop, &mut spent).expect("enough suspicions");
            let per_member = split.per_hour / 8.0;
            let standard_error = (split.high - split.per_hour) / 2.571 / split.per_hour;
            println!("{profile}: {per_member:.2e} per member and hour, standard error {standard_error:.2} of it,");
            println!("{spent} events, {split:?}");
            assert!(per_member < most, "not rare");
            assert!(standard_error < 0.5);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_estimate_and_another_one_another() {
        let experiment = calm(0.1);
        assert_eq!(found(&experiment, 1), found(&experiment, 1));
        assert_ne!(found(&experiment, 1), found(&experiment, 2));
    }

    #[test]
    fn without_suspicions_or_work_or_after_a_stop_there_is_no_estimate() {
        let nothing = |loss, work, stop| {
            let experiment = calm(loss);
            split(&experiment.cells[0], 1, work, &AtomicBool::new(stop), &mut 0)
        };
        assert_eq!(nothing(0.0, 1_000_000, false), None);
        assert_eq!(nothing(0.1, 10_000, false), None);
        assert_eq!(nothing(0.1, 40_000_000, true), None);
    }
}
