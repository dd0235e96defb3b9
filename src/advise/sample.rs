//! Figures of one candidate over its trials, and whether they meet the targets.

use statrs::distribution::{Beta, ContinuousCDF};

use super::bounds::IN_TIME;
use super::closed_forms::DeathBound;
use super::false_deaths::{DeathRate, Evidence, estimate};
use super::files::CRASHES;
use super::provoked::Provoked;
use super::question::Question;
use super::splitting::Split;
use crate::experiment::statistics::{Interval, Summary, summarize};
use crate::experiment::{Measure, MeasuredValue, TrialResult};

/// Measures of one candidate over its trials.
#[derive(Clone, Debug, Default)]
pub(super) struct Sample {
    /// For each crash, the time until it was declared; infinite if that was not observed.
    pub declared_s: Vec<f64>,
    /// For each crash, the time until all knew.
    pub informed: Vec<MeasuredValue>,
    /// For each trial without crashes, the bytes that a member sent per second.
    pub bytes: Vec<MeasuredValue>,
    /// For each of these, the share of bytes that left their region.
    pub cross_region: Vec<MeasuredValue>,
    /// For each of these, the messages that a member handled per second.
    pub messages: Vec<MeasuredValue>,
    pub deaths: u64,
    /// Suspicions of live members by other members' own probes, and the hours, of trials without crashes.
    pub suspicions: u64,
    pub calm_hours: f64,
    /// The rate of false deaths by splitting.
    pub split: Option<Split>,
    /// Its bound by suspicions that were provoked.
    pub provoked: Option<Provoked>,
    pub group_hours: f64,
    pub trials: u32,
    /// The trace hash of its first trial with crashes.
    pub first_trace: Option<u64>,
    /// Units of work: see [`UNITS_PER_SECOND`](super::UNITS_PER_SECOND).
    pub units: f64,
    /// Sentences by which the checkers object.
    pub violations: u64,
}

/// Whether a target is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Meets {
    /// The whole interval is within the target.
    Yes,
    /// The interval is on both sides of the target.
    CannotTell,
    /// The whole interval is beyond the target.
    No,
}

impl Meets {
    /// The word in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "meets",
            Self::CannotTell => "cannot tell",
            Self::No => "misses",
        }
    }

    fn of(low: f64, high: f64, target: f64) -> Self {
        match (high <= target, low > target) {
            (true, _) => Self::Yes,
            (_, true) => Self::No,
            _ => Self::CannotTell,
        }
    }
}

/// A value with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Estimate {
    /// The value; infinite if it was not reached.
    pub value: f64,
    /// The lower bound of its interval.
    pub low: f64,
    /// The upper bound; infinite if the trials are too few for one.
    pub high: f64,
}

/// The measured figures of a candidate, and whether they meet the targets.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Assessment {
    /// Seconds within which 19 of 20 crashes were declared.
    pub declared_s: Estimate,
    /// Seconds until all knew of a crash, the median.
    pub informed_s: Estimate,
    /// False deaths in the group per month.
    pub false_deaths: DeathRate,
    /// Bytes per second that a member sends, the mean.
    pub bytes: Estimate,
    /// The share of bytes that leaves its region; `None` without regions.
    pub cross_region: Option<Estimate>,
    /// Messages per second that a member handles, the mean.
    pub messages: f64,
    /// Number of crashes.
    pub crashes: u32,
    /// For each target whether it is met: time to declare, false deaths, bytes, share between regions.
    pub meets: [Meets; 4],
}

impl Sample {
    /// Adds a trial with crashes, which are its fault [`CRASHES`].
    pub(super) fn add_crashes(&mut self, trial: &TrialResult) {
        for victim in trial.measured.victims.iter().filter(|victim| victim.fault == CRASHES) {
            self.declared_s.push(victim.first_declaration_s.unwrap_or(f64::INFINITY));
            let informed = victim.informed_100_s;
            self.informed.push(informed.map_or(MeasuredValue::Censored(victim.observed_s), MeasuredValue::Value));
        }
    }

    /// Adds a trial without crashes, of `members` for `duration_s`, in which a packet is lost with the probability
    /// `loss`.
    pub(super) fn add_calm(&mut self, trial: &TrialResult, members: u32, duration_s: f64, loss: f64) {
        let member_seconds = f64::from(members) * duration_s;
        let read = |name| trial.measured.reading(name);
        let bytes = read("bytes_sent").value().unwrap_or(0.0);
        self.bytes.push(MeasuredValue::Value(bytes / member_seconds));
        self.cross_region.push(match read("cross_region_bytes") {
            MeasuredValue::Value(cross) if bytes > 0.0 => MeasuredValue::Value(cross / bytes),
            _ => MeasuredValue::Absent,
        });
        let sent = read("messages_sent").value().unwrap_or(0.0);
        self.messages.push(MeasuredValue::Value(sent * (1.0 - loss) / member_seconds));
        self.suspicions += read("false_suspicions").value().unwrap_or(0.0) as u64;
        self.calm_hours += duration_s / 3600.0;
    }

    /// Number of crashes.
    pub(super) fn crashes(&self) -> usize {
        self.declared_s.len()
    }

    /// The figures, with verdicts at a level of 5 % divided by `comparisons`.
    pub(super) fn assess(&self, question: &Question, closed_form: Option<DeathBound>, comparisons: u32) -> Assessment {
        let declared_s = self.declared(comparisons);
        let Self { deaths, group_hours, split, provoked, .. } = *self;
        let evidence = Evidence { deaths, group_hours, members: question.members, split, provoked };
        let false_deaths = estimate(evidence, closed_form);
        let bytes = mean("bytes_sent", &self.bytes);
        let cross_region = self.cross_region.iter().any(|reading| reading.value().is_some());
        let cross_region = cross_region.then(|| mean("cross_region_bytes", &self.cross_region));
        let within = question.declare_within.as_secs_f64();
        let target = |estimate: Estimate, target: Option<f64>| {
            target.map_or(Meets::Yes, |target| Meets::of(estimate.low, estimate.high, target))
        };
        let meets = [
            target(declared_s, Some(within)),
            Meets::of(false_deaths.low, false_deaths.high, question.false_deaths.per_month()),
            target(bytes, question.bytes),
            cross_region.map_or(Meets::Yes, |share| target(share, question.cross_region)),
        ];
        Assessment {
            declared_s,
            informed_s: median(&self.informed),
            false_deaths,
            bytes,
            cross_region,
            messages: mean("messages_sent", &self.messages).value,
            crashes: self.declared_s.len() as u32,
            meets,
        }
    }

    /// The time that a share of crashes is declared within such that `crashes` further ones are expected to meet it
    /// with certainty, at the level of this many comparisons: the share is that of the order statistic which bounds the
    /// 95th percentile there, and one standard error of both samples more.
    pub(super) fn declared_for(&self, crashes: usize, comparisons: u32) -> f64 {
        let mut sorted = self.declared_s.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let tail = 0.025 / f64::from(comparisons.max(1));
        let rank = first(crashes, |rank| share_below(rank, crashes).cdf(IN_TIME) <= tail);
        let n = sorted.len() as f64;
        let spread = IN_TIME * (1.0 - IN_TIME) * (1.0 / n + 1.0 / crashes as f64);
        let share = rank as f64 / crashes as f64 + libm::sqrt(spread);
        // Beyond the longest time that was seen, there is room in proportion to the error of a mean.
        let room = if share > 1.0 { 1.0 + 0.3 / libm::sqrt(n) } else { 1.0 };
        let at = (libm::ceil(share * n) as usize).clamp(1, sorted.len().max(1));
        sorted.get(at - 1).map_or(f64::INFINITY, |time| time * room)
    }

    /// The 95th percentile of the times to declare, with the interval that follows from Clopper and Pearson's of the
    /// share of crashes below it.
    fn declared(&self, comparisons: u32) -> Estimate {
        let mut sorted = self.declared_s.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        if n == 0 {
            return Estimate { value: f64::INFINITY, low: 0.0, high: f64::INFINITY };
        }
        let tail = 0.025 / f64::from(comparisons.max(1));
        let at = |rank: usize| sorted.get(rank.wrapping_sub(1)).copied();
        // Of the order statistics, the least that is above the percentile with this certainty, and the greatest below
        // it.
        let high = first(n, |rank| share_below(rank, n).cdf(IN_TIME) <= tail);
        let low = first(n, |rank| share_below(rank, n).cdf(IN_TIME) < 1.0 - tail) - 1;
        Estimate {
            value: at(libm::ceil(IN_TIME * n as f64) as usize).unwrap_or(f64::INFINITY),
            low: at(low).unwrap_or(0.0),
            high: at(high).unwrap_or(f64::INFINITY),
        }
    }
}

impl Assessment {
    /// Whether all targets are met, one at least is missed, or neither can be told.
    pub fn verdict(&self) -> Meets {
        self.meets.into_iter().max().unwrap_or(Meets::Yes)
    }
}

/// The distribution of the share of all crashes that are below the order statistic of this rank, from 1.
fn share_below(rank: usize, n: usize) -> Beta {
    Beta::new(rank as f64, (n + 1 - rank) as f64).expect("above zero")
}

/// The first of the ranks 1 to n of which something holds that holds for all later ones; n + 1 if there is none.
fn first(n: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (1, n + 1);
    while from < to {
        let middle = from.midpoint(to);
        if holds(middle) { to = middle } else { from = middle + 1 }
    }
    from
}

fn summary(measure: &str, readings: &[MeasuredValue]) -> Summary {
    summarize(Measure::named(measure).expect("a measure"), readings)
}

/// The mean with its interval.
fn mean(measure: &str, readings: &[MeasuredValue]) -> Estimate {
    let summary = summary(measure, readings);
    estimate_of(summary.mean, summary.ci95_mean)
}

/// The median with its interval.
fn median(readings: &[MeasuredValue]) -> Estimate {
    let summary = summary("informed_100_s", readings);
    estimate_of(summary.median, summary.ci95)
}

fn estimate_of(value: Option<f64>, interval: Interval) -> Estimate {
    Estimate {
        value: value.unwrap_or(f64::INFINITY),
        low: interval.low.unwrap_or(0.0),
        high: interval.high.unwrap_or(f64::INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(times: impl Iterator<Item = u32>) -> Estimate {
        Sample { declared_s: times.map(f64::from).collect(), ..Sample::default() }.declared(1)
    }

    #[test]
    fn a_percentile_has_an_interval_once_there_are_crashes_enough() {
        // 0.95^72 is the first power below 2.5 %.
        assert_eq!(declared(1..=71).high, f64::INFINITY);
        assert_eq!(declared(1..=72).high, 72.0);
        let thousand = declared(1..=1000);
        // Order statistics of the binomial law with n = 1000, p = 0.95: 950 - 1.96 x 6.9 and 950 + 1.96 x 6.9.
        assert!((thousand.value - 950.0).abs() < 1.0 && (thousand.low - 936.0).abs() <= 2.0, "{thousand:?}");
        assert!((thousand.high - 964.0).abs() <= 2.0, "{thousand:?}");
    }

    #[test]
    fn a_target_within_the_interval_cannot_be_told() {
        assert_eq!(Meets::of(1.0, 2.0, 2.0), Meets::Yes);
        assert_eq!(Meets::of(1.0, 2.0, 1.5), Meets::CannotTell);
        assert_eq!(Meets::of(1.0, 2.0, 0.9), Meets::No);
        assert!(Meets::Yes < Meets::CannotTell && Meets::CannotTell < Meets::No);
    }
}
