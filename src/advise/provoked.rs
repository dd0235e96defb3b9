//! A bound of the rate of false deaths where suspicions themselves are rare: their number, and what becomes of suspicions
//! that are provoked.
//!
//! > false deaths <= suspicions by a member's own probes x share of provoked suspicions that end in a death
//!
//! Calm trials count the first; its upper bound is above zero even if none was seen. For the second, members in trials of
//! their own hear nothing from one of their pings to the next, so that they suspect whom they have pinged. All that follows
//! is as after a probe that failed by losses. A first run of the same trial, without faults, tells when they ping, and its
//! suspicions are counted, too.
//!
//! So it is as if all probes failed with the same probability. Where certain paths alone are too slow for a probe, their
//! suspicions are seen in calm trials, and are not rare. A member that is provoked also misses other news for a period,
//! and does not answer: the share is rather too high than too low.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use statrs::distribution::{Beta, ContinuousCDF, Gamma};
use swimlab_selectors::rng::{Purpose, shuffle, stream};

use super::poisson;
use super::suspicions::{Course, Follower};
use super::units::HOURS_PER_MONTH;
use crate::experiment::{Cell, trial_seed};
use crate::protocol::{Event, EventKind, EventSource, Span, Time};
use crate::sim::{Direction, Fault, MemberIndex, Observer, Partition, Sent, Setup, Target};

/// The most times in a trial at which members begin to hear nothing, and the periods from one to the next.
const PROVOCATIONS: usize = 40;
const EVERY: u64 = 3;

/// At each of these times one of this many members begins, and one at least.
const MEMBERS_PER_DEAF: u32 = 50;

/// The probability by which the bound may be too low, as the upper end of an interval of 95 %.
const TAIL: f64 = 0.025;

/// Suspicions are provoked four times as often as suffices if none of them ends in a death.
const ROOM: f64 = 4.0;

/// Points at which a distribution is looked at, and halvings of an interval that leave less than a millionth of it.
const POINTS: u32 = 400;
const HALVINGS: u32 = 20;

/// Trials that are run before the first look at how many suspicions there are and what a trial costs, and the most between
/// two further ones.
const FIRST_BATCH: u32 = 2;
const BATCH: u32 = 16;

/// A bound of a rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Provoked {
    /// The upper bound of false deaths in the whole group per month.
    pub per_month: f64,
    /// Suspicions by members' own probes that were counted in calm trials.
    pub suspicions: u64,
    /// Suspicions that were provoked, and those that ended in a death.
    pub provoked: u64,
    pub deaths: u64,
}

/// The bound for a calm cell, of which trials of `hours` had this many suspicions so far. Provokes as many as a bound of
/// `target` deaths a month takes if few end in a death, or as `most_events` events of worlds suffice for, which `spent`
/// counts. `None` if its members are not SWIM members, if nothing was provoked, or once `stop` is set.
pub(super) fn bound(
    cell: &Cell,
    seed: u64,
    (mut suspicions, mut hours): (u64, f64),
    target: f64,
    most_events: u64,
    stop: &AtomicBool,
    spent: &mut u64,
) -> Option<Provoked> {
    let config = cell.config()?;
    let wanted = ROOM * -libm::log(TAIL) * poisson::upper(suspicions, TAIL) * HOURS_PER_MONTH / hours / target;
    let patience = config.suspicion.timeout(config.period, cell.key.members, 0) * 4 + config.period * 20;
    let (mut provoked, mut deaths, mut trials, mut events) = (0, 0, 0, 0);
    let mut batch = FIRST_BATCH;
    while (provoked as f64) < wanted && batch > 0 {
        let run = |trial: u32| provoke(cell, trial_seed(seed, trial), patience, stop);
        let found: Option<Vec<_>> = (trials..trials + batch).into_par_iter().map(run).collect();
        for trial in found? {
            provoked += trial.courses.len() as u64;
            deaths += trial.courses.iter().filter(|course| course.died.is_some()).count() as u64;
            suspicions += trial.suspicions;
            hours += trial.calm.as_secs_f64() / 3600.0;
            events += trial.events;
        }
        trials += batch;
        let affordable = most_events.saturating_sub(events).saturating_mul(trials.into()) / events.max(1);
        batch = affordable.min(BATCH.into()) as u32;
    }
    *spent += events;
    let per_month = product_upper(suspicions, deaths, provoked)? * HOURS_PER_MONTH / hours;
    Some(Provoked { per_month, suspicions, provoked, deaths })
}

/// The upper bound of the mean number of suspicions times the share of them that ends in a death, after this many
/// suspicions, and `deaths` of `all` others; `None` without any of these.
///
/// Both have a distribution of confidence whose quantiles are the upper bounds of Garwood, and of Clopper and Pearson:
/// those of Gamma and Beta. The bound is a quantile of their product. With the quantiles of each multiplied instead, it
/// would be far above what 95 % need.
fn product_upper(suspicions: u64, deaths: u64, all: u64) -> Option<f64> {
    if deaths == all {
        return (all > 0).then(|| poisson::upper(suspicions, TAIL));
    }
    let mean = Gamma::new(suspicions as f64 + 1.0, 1.0).ok()?;
    let share = Beta::new(deaths as f64 + 1.0, (all - deaths) as f64).ok()?;
    let shares: Vec<f64> =
        (0..POINTS).map(|point| share.inverse_cdf((f64::from(point) + 0.5) / f64::from(POINTS))).collect();
    let below = |bound: f64| shares.iter().map(|share| mean.cdf(bound / share)).sum::<f64>() / f64::from(POINTS);
    let (mut low, mut high) = (0.0, poisson::upper(suspicions, TAIL / 2.0) * share.inverse_cdf(1.0 - TAIL / 2.0));
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if below(middle) < 1.0 - TAIL { low = middle } else { high = middle }
    }
    Some(high)
}

/// One trial.
struct Trial {
    /// The courses of the suspicions that were provoked.
    courses: Vec<Course>,
    /// Suspicions by members' own probes in the run without faults, and its length.
    suspicions: u64,
    calm: Span,
    events: u64,
}

/// Runs one trial; `None` once it shall stop.
fn provoke(cell: &Cell, seed: u64, patience: Span, stop: &AtomicBool) -> Option<Trial> {
    if stop.load(Ordering::Relaxed) {
        return None;
    }
    let mut setup = cell.setup(seed);
    let from = Time::ZERO + setup.warmup;
    let mut probes = Probes::chosen(&setup);
    let until = probes.of.last()?.begins + setup.period * EVERY;
    setup.duration = until.since(from);
    let mut events = cell.watch(&setup, &mut probes).events;

    setup.faults = probes.of.iter().filter_map(|probe| probe.deafness(from)).collect();
    setup.duration = until.since(from) + patience;
    let mut world = cell.swim_world(&setup, Follower::new(&setup, from..until))?;
    while world.time() < until || (world.time() < until + patience && world.observer().is_open()) {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        world.advance(world.time() + setup.period);
    }
    let courses = world.observer().courses().filter(|course| probes.have_provoked(course)).collect();
    events += world.finish().events;
    Some(Trial { courses, suspicions: probes.suspicions, calm: until.since(from), events })
}

/// A probe of a member, whose answers it shall not hear.
struct Probe {
    by: MemberIndex,
    /// The time after which it is its first one.
    begins: Time,
    /// Half a period: several pings within it belong to one probe.
    half: Span,
    /// The times of its first ping, and of that of the next probe.
    from: Time,
    until: Time,
}

impl Probe {
    fn new(by: MemberIndex, begins: Time, period: Span) -> Self {
        Self { by, begins, half: period.scale(0.5), from: Time::NEVER, until: Time::NEVER }
    }

    fn pinged(&mut self, at: Time) {
        if self.from == Time::NEVER && at >= self.begins {
            self.from = at;
        } else if self.until == Time::NEVER && at >= self.from + self.half {
            self.until = at;
        }
    }

    /// The fault by which it hears nothing; `None` if it did not ping twice.
    fn deafness(&self, warmed_up: Time) -> Option<Fault> {
        if self.until == Time::NEVER {
            return None;
        }
        let mut fault = Fault::new(Partition { direction: Direction::In, lasts: self.until.since(self.from) });
        fault.at = self.from.since(warmed_up);
        fault.target = Target::Members(vec![self.by]);
        Some(fault)
    }
}

/// Probes, as they become known in a trial without faults.
struct Probes {
    of: Vec<Probe>,
    /// By member: the index of its probe.
    by_member: Vec<Option<usize>>,
    /// Suspicions by members' own probes after the warm-up.
    suspicions: u64,
    warmed_up: Time,
}

impl Probes {
    /// Those of some members, from their first probe on after a time.
    fn chosen(setup: &Setup) -> Self {
        let mut members: Vec<MemberIndex> = (0..setup.members).collect();
        shuffle(&mut members, &mut stream(setup.seed, Purpose::Other(0), 0));
        let at_once = (setup.members / MEMBERS_PER_DEAF).max(1) as usize;
        let groups = (0..).zip(members.chunks_exact(at_once).take(PROVOCATIONS));
        let begins = |n: u64| Time::ZERO + setup.warmup + setup.period * (n * EVERY);
        let of = groups.flat_map(|(n, group)| group.iter().map(move |&by| Probe::new(by, begins(n), setup.period)));
        let of: Vec<Probe> = of.collect();
        let mut by_member = vec![None; setup.members as usize];
        of.iter().enumerate().for_each(|(at, probe)| by_member[probe.by as usize] = Some(at));
        Self { of, by_member, suspicions: 0, warmed_up: Time::ZERO + setup.warmup }
    }

    /// Whether one of them was the first to suspect, at its end, a member that heard others meanwhile.
    fn have_provoked(&self, course: &Course) -> bool {
        let Some(&(by, ..)) = course.spells.first() else { return false };
        let is_deaf = |probe: &&Probe| (probe.from..=probe.until).contains(&course.begun);
        let mut deaf = self.of.iter().filter(is_deaf);
        deaf.clone().any(|probe| probe.by == by) && deaf.all(|probe| probe.by != course.suspect)
    }
}

impl Observer for Probes {
    fn sent(&mut self, sent: &Sent) {
        if sent.direct_ping
            && let Some(probe) = self.by_member[sent.from as usize]
        {
            self.of[probe].pinged(sent.at);
        }
    }

    fn event(&mut self, at: Time, _: MemberIndex, event: &Event) {
        let is_own = event.kind == EventKind::Suspected && event.source == EventSource::Own;
        self.suspicions += u64::from(is_own && at >= self.warmed_up);
    }
}

#[cfg(test)]
mod tests {
    use super::super::false_deaths::DeathCounter;
    use super::*;
    use swimlab_selectors::rng::unit;

    use crate::experiment::{Experiment, Lab, TomlSource};

    fn calm(members: u32, loss: f64, suspicion: u32) -> Experiment {
        let text = format!(
            "topology = 'lan'\nmembers = {members}\nloss = {loss}\nselector = 'shuffle'\n\
             profile = 'swim:suspicion_mult={suspicion}'\nwarmup = '10s'\nduration = '1200s'"
        );
        Experiment::parse(&TomlSource::text("calm.toml", text), &Lab::default()).unwrap()
    }

    fn bounded(experiment: &Experiment, seen: (u64, f64), target: f64, work: u64) -> Option<Provoked> {
        bound(&experiment.cells[0], 1, seen, target, work, &AtomicBool::new(false), &mut 0)
    }

    #[test]
    fn without_losses_no_provoked_suspicion_ends_in_a_death_and_as_many_are_provoked_as_the_target_takes() {
        // None in ten hours: at most 3.69 in that time, 266 a month. One in 100 of them may end in a death.
        let found = bounded(&calm(150, 0.0, 8), (0, 10.0), 2.66, u64::MAX).unwrap();
        assert!(found.deaths == 0 && found.provoked >= 4 * 369, "{found:?}");
        assert!(found.suspicions == 0 && found.per_month > 0.0 && found.per_month <= 2.66 / 4.0, "{found:?}");
        // Each member that hears nothing suspects one other, unless that is suspected already, or hears nothing itself.
        let most = u64::from(FIRST_BATCH + BATCH) * PROVOCATIONS as u64 * 150 / u64::from(MEMBERS_PER_DEAF);
        assert!(found.provoked <= most && found.provoked as f64 > 0.9 * most as f64, "{found:?}");
    }

    #[test]
    fn little_work_is_exceeded_by_the_first_trials_at_most() {
        let experiment = calm(150, 0.0, 8);
        let spent = |work: u64| {
            let mut spent = 0;
            bound(&experiment.cells[0], 1, (0, 10.0), 0.001, work, &AtomicBool::new(false), &mut spent).unwrap();
            spent
        };
        let first = spent(0);
        assert_eq!(spent(first), first);
        let five = spent(5 * first / 2);
        assert!(five as f64 <= 1.1 * 2.5 * first as f64 && five > 2 * first, "{five}, the first {first}");
    }

    /// Twelve members at 15 % loss for 20 hours: the bound is above what is counted, and by less than a factor of three.
    #[test]
    fn the_bound_is_above_what_is_counted() {
        let experiment = calm(12, 0.15, 4);
        let run = |trial: u32| {
            let setup = experiment.cells[0].setup(trial_seed(1, trial));
            let mut counter = DeathCounter::new(&setup);
            experiment.cells[0].watch(&setup, &mut counter);
            let measured = experiment.cells[0].run(1, trial).measured;
            (counter.deaths, measured.reading("false_suspicions").value().unwrap() as u64)
        };
        let seen: Vec<(u64, u64)> = (0..60).into_par_iter().map(run).collect();
        let deaths: u64 = seen.iter().map(|(deaths, _)| deaths).sum();
        let suspicions: u64 = seen.iter().map(|(_, suspicions)| suspicions).sum();
        let per_month = deaths as f64 / 20.0 * HOURS_PER_MONTH;
        let found = bounded(&experiment, (suspicions, 20.0), 0.0, 20_000_000).unwrap();
        println!("counted {deaths} of {suspicions}, {per_month} a month; {found:?}");
        assert!(deaths >= 100, "{deaths}");
        assert!(found.per_month > per_month && found.per_month < 3.0 * per_month, "{found:?}, counted {per_month}");
    }

    #[test]
    fn of_certain_suspicions_the_bound_is_that_of_the_share_and_of_certain_deaths_that_of_suspicions() {
        // 1 - 0.025^(1/100) = 3.62 %, of a million suspicions.
        let share = product_upper(1_000_000, 0, 100).unwrap() / 1e6;
        assert!((share - 0.0362).abs() < 2e-4, "{share}");
        // Garwood's upper bound after seven: 14.42.
        let suspicions = product_upper(7, 999_999, 1_000_000).unwrap();
        assert!((suspicions - 14.42).abs() < 0.02, "{suspicions}");
        assert_eq!(product_upper(7, 3, 3), Some(poisson::upper(7, 0.025)));
        assert_eq!(product_upper(7, 0, 0), None);
    }

    /// For means and shares of several sizes the bound is below the truth in at most 2.5 % of 4,000 draws: with three
    /// standard errors, in 3.3 %.
    #[test]
    fn the_bound_is_too_low_as_seldom_as_it_says() {
        let mut rng = stream(1, Purpose::Statistics, 0);
        // Of the events of a process of this rate, the number in one unit of time.
        let mut poisson = |mean: f64| {
            let (mut events, mut at) = (0, -libm::log(1.0 - unit(&mut rng)) / mean);
            while at < 1.0 {
                (events, at) = (events + 1, at - libm::log(1.0 - unit(&mut rng)) / mean);
            }
            events
        };
        for (mean, share) in [(0.5, 5e-4), (3.0, 2e-4), (10.0, 5e-5), (30.0, 1e-3)] {
            let mut bounds = std::collections::BTreeMap::new();
            let all = 10_000_u32;
            let too_low = (0..4_000).filter(|_| {
                // Rare deaths are Poisson distributed.
                let seen = (poisson(mean), poisson(share * f64::from(all)));
                let bound = bounds.entry(seen).or_insert_with(|| product_upper(seen.0, seen.1, all.into()).unwrap());
                *bound < mean * share
            });
            let rate = too_low.count() as f64 / 4_000.0;
            println!("{mean} {share}: {rate}");
            assert!(rate <= 0.033, "{mean} {share}: {rate}");
        }
    }

    #[test]
    fn there_is_no_bound_after_a_stop_or_for_detectors_that_do_not_suspect() {
        let stopped = AtomicBool::new(true);
        assert_eq!(bound(&calm(12, 0.0, 4).cells[0], 1, (0, 10.0), 1.0, u64::MAX, &stopped, &mut 0), None);
        let text = "topology = 'lan'\nmembers = 5\nprofile = 'all-to-all'\n";
        let other = Experiment::parse(&TomlSource::text("other.toml", text), &Lab::default()).unwrap();
        assert_eq!(bounded(&other, (0, 10.0), 1.0, u64::MAX), None);
    }
}
