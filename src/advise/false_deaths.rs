//! Estimates of the rate of false deaths: one function for all methods, each with its name and its error.
//!
//! A false death is an episode in which a live member is held dead by at least one other. Trials count them as long as
//! they are frequent; for rare ones there are the closed forms. A further method, for rates that neither reaches, is a
//! further [`Method`] and a further line of [`estimate`].

use std::fmt;

use swimlab_selectors::Peer;

use super::closed_forms::DeathBound;
use super::poisson;
use super::provoked::Provoked;
use super::splitting::Split;
use super::units::{HOURS_PER_MONTH, three_digits};
use crate::protocol::{Event, EventKind, Time};
use crate::sim::{Effect, FaultEvent, IdIndex, MemberIndex, Observer, Setup};

/// An estimate of the number of false deaths in the whole group per month.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DeathRate {
    /// The lower bound of its 95 % interval; zero for upper bounds.
    pub low: f64,
    /// The upper bound of its 95 % interval.
    pub high: f64,
    /// The method.
    pub method: Method,
}

/// The method of an estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// Counted in trials; the interval is Garwood's for Poisson's law.
    Counted {
        /// Number of false deaths.
        deaths: u64,
        /// Hours that members have run in the trials.
        member_hours: f64,
    },
    /// None was seen in trials: the upper bound is 3 divided by the time observed, the rule of three.
    NoneSeen {
        /// Hours that members have run in the trials.
        member_hours: f64,
    },
    /// Suspicions were counted, and continued until some ended in a death; the interval is Student's over repetitions.
    Split {
        /// Number of suspicions in trials.
        suspicions: usize,
        /// Number of continuations.
        continued: usize,
    },
    /// None was seen. Suspicions were counted, and others provoked in trials of their own; the upper bound is that of
    /// their rate times the share that ended in a death.
    Provoked {
        /// Number of suspicions in trials.
        suspicions: u64,
        /// Number of suspicions that were provoked.
        provoked: u64,
        /// Number of those that ended in a death.
        deaths: u64,
    },
    /// None was seen, and a closed form is an upper bound.
    ClosedForm {
        /// The formula.
        formula: &'static str,
        /// Hours that members have run in the trials.
        member_hours: f64,
    },
}

/// The evidence of trials.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// Number of false deaths.
    pub deaths: u64,
    /// Hours that the whole group was observed.
    pub group_hours: f64,
    /// Number of members.
    pub members: u32,
    /// The rate by splitting.
    pub split: Option<Split>,
    /// The bound by suspicions that were provoked.
    pub provoked: Option<Provoked>,
}

/// The number of counted deaths that tells more than splitting does: its interval is within a factor of two.
pub(super) const ENOUGH_DEATHS: u64 = 10;

/// The estimate with the least upper bound that the evidence does not contradict; by splitting, where that was done and
/// few or no deaths were seen.
pub(super) fn estimate(evidence: Evidence, closed_form: Option<DeathBound>) -> DeathRate {
    let Evidence { deaths, group_hours, members, split, provoked } = evidence;
    if let Some(split) = split.filter(|_| deaths < ENOUGH_DEATHS) {
        let method = Method::Split { suspicions: split.episodes, continued: split.continued };
        return DeathRate { low: split.low * HOURS_PER_MONTH, high: split.high * HOURS_PER_MONTH, method };
    }
    let months = group_hours / HOURS_PER_MONTH;
    let member_hours = group_hours * f64::from(members);
    if deaths > 0 {
        let (low, high) = poisson::interval(deaths);
        return DeathRate { low: low / months, high: high / months, method: Method::Counted { deaths, member_hours } };
    }
    let none_seen =
        DeathRate { low: 0.0, high: 3.0 * HOURS_PER_MONTH / group_hours, method: Method::NoneSeen { member_hours } };
    let by_formula = closed_form.map(|DeathBound { per_month, formula }| DeathRate {
        low: 0.0,
        high: per_month,
        method: Method::ClosedForm { formula, member_hours },
    });
    let by_provocation = provoked.map(|Provoked { per_month, suspicions, provoked, deaths }| DeathRate {
        low: 0.0,
        high: per_month,
        method: Method::Provoked { suspicions, provoked, deaths },
    });
    let bounds = [Some(none_seen), by_formula, by_provocation].into_iter().flatten();
    bounds.min_by(|one, other| one.high.total_cmp(&other.high)).unwrap_or(none_seen)
}

impl fmt::Display for DeathRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (three_digits(self.low), three_digits(self.high));
        match self.method {
            Method::Counted { deaths, member_hours } => {
                write!(f, "{low} to {high}/month (counted: {deaths} in {} member hours)", hours(member_hours))
            }
            Method::NoneSeen { member_hours } => {
                write!(f, "below {high}/month (none seen in {} member hours: rule of three)", hours(member_hours))
            }
            Method::Split { suspicions, continued } => {
                write!(f, "{low} to {high}/month (splitting: {suspicions} suspicions, {continued} continuations)")
            }
            Method::Provoked { suspicions, provoked, deaths } => {
                write!(
                    f,
                    "at most {high}/month ({suspicions} suspicions; {deaths} of {provoked} provoked ones ended in a death)"
                )
            }
            Method::ClosedForm { member_hours, .. } => {
                write!(f, "at most {high}/month (closed form; none seen in {} member hours)", hours(member_hours))
            }
        }
    }
}

fn hours(hours: f64) -> String {
    three_digits(hours)
}

/// Counts false deaths after the warm-up: episodes in which a live member is held dead by at least one running other.
pub(super) struct DeathCounter {
    from: Time,
    ids: IdIndex,
    up: Vec<bool>,
    /// By member: those that hold it dead, in ascending order. Empty for nearly all, at nearly all times.
    held_dead_by: Vec<Vec<MemberIndex>>,
    pub deaths: u64,
}

impl DeathCounter {
    pub(super) fn new(setup: &Setup) -> Self {
        let members = setup.placement.members() as usize;
        Self {
            from: Time::ZERO + setup.warmup,
            ids: IdIndex::new(setup.placement.peers.iter().map(|peer: &Peer| peer.id)),
            up: (0..members).map(|member| member < setup.members as usize).collect(),
            held_dead_by: vec![Vec::new(); members],
            deaths: 0,
        }
    }
}

impl Observer for DeathCounter {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let Some(about) = self.ids.index(event.about).filter(|&about| about != member) else { return };
        let holders = &mut self.held_dead_by[about as usize];
        let place = holders.binary_search(&member);
        match (&event.kind, place) {
            (EventKind::Died, Err(place)) if self.up[about as usize] => {
                self.deaths += u64::from(holders.is_empty() && at >= self.from);
                holders.insert(place, member);
            }
            (EventKind::Joined, Ok(place)) => {
                holders.remove(place);
            }
            _ => {}
        }
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        let member = fault_event.member;
        match fault_event.effect {
            Effect::Crashed | Effect::Left => {
                self.up[member as usize] = false;
                // What it believed is gone with it.
                self.held_dead_by[member as usize].clear();
                self.held_dead_by.iter_mut().for_each(|holders| holders.retain(|holder| *holder != member));
            }
            Effect::Joined | Effect::Restarted => self.up[member as usize] = true,
            Effect::Disturbed | Effect::Released | Effect::Broadcast | Effect::MetaChanged => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Experiment, Lab, TomlSource, trial_seed};

    #[test]
    fn none_seen_in_too_short_a_time_says_nothing_about_a_month() {
        // 100 members for an hour: less than three an hour, so less than 2160 a month.
        let short = Evidence { deaths: 0, group_hours: 1.0, members: 100, split: None, provoked: None };
        let rate = estimate(short, None);
        assert_eq!(rate.high, 2160.0);
        assert_eq!(rate.to_string(), "below 2160/month (none seen in 100 member hours: rule of three)");
        let bound = DeathBound { per_month: 0.5, formula: "x" };
        assert_eq!(estimate(short, Some(bound)).high, 0.5);
        // The closed form is no bound of what was counted.
        let counted = estimate(Evidence { deaths: 3, ..short }, Some(bound));
        assert!((counted.low - 0.619 * 720.0).abs() < 1.0 && (counted.high - 8.767 * 720.0).abs() < 1.0, "{counted}");
        assert!(counted.to_string().ends_with("(counted: 3 in 100 member hours)"), "{counted}");
    }

    #[test]
    fn splitting_stands_in_for_few_deaths_and_not_for_many() {
        let split = Split { per_hour: 1e-3, low: 5e-4, high: 2e-3, episodes: 700, continued: 4_000 };
        let rate = |deaths| {
            estimate(Evidence { deaths, group_hours: 1.0, members: 100, split: Some(split), provoked: None }, None)
        };
        assert_eq!(rate(0).to_string(), "0.36 to 1.44/month (splitting: 700 suspicions, 4000 continuations)");
        assert!(matches!(rate(10).method, Method::Counted { deaths: 10, .. }));
    }

    /// Heartbeats to all: (n-1) q l^m false positives per member and period, of which each is an episode unless two
    /// fall together. Ten members, T = 1 s, m = 2, l = 5 %: 0.214 per second, 2,137 in 10,000 s; 5 % of them is two
    /// standard deviations.
    #[test]
    fn episodes_of_heartbeats_are_as_frequent_as_the_closed_form_says() {
        let text = "topology = 'lan'\nmembers = 10\nprofile = 'all-to-all:timeout=2.5s'\nloss = 0.05\nwarmup = '5s'\n\
                    duration = '2500s'";
        let experiment = Experiment::parse(&TomlSource::text("t.toml", text), &Lab::default()).unwrap();
        let count = |trial| {
            let setup = experiment.cells[0].setup(trial_seed(1, trial));
            let mut counter = DeathCounter::new(&setup);
            experiment.cells[0].watch(&setup, &mut counter);
            counter.deaths
        };
        let deaths = (0..4).map(count).sum::<u64>() as f64;
        let expected = 10_000.0 * 10.0 * 9.0 * 0.95 * 0.05 * 0.05;
        assert!((deaths / expected - 1.0).abs() < 0.07, "{deaths} instead of {expected}");
    }
}
