//! The least possible times of detection, by the protocol's timing alone.

use serde::{Deserialize, Serialize};

use crate::protocol::{Config, LifeguardVariant, Span};
use crate::sim::{
    Broadcast, Churn, Crash, Fault, FaultKind, FlipFlop, Join, Leave, Loss, Metadata, PartialPartition, Partition,
    Phases, Restart,
};

/// The values that the floors depend on.
///
/// With random phases a member is pinged p times per period T on average, so at best every T/p, and a crash falls in the
/// middle of such an interval on average. With synchronous phases all pings are sent at the starts of the periods: a
/// crash waits for the next start, whatever p. A suspicion takes one more period, a declaration the suspicion timeout on
/// top of that.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FloorInputs {
    /// T, the protocol period in seconds.
    pub period_s: f64,
    /// The least possible time from a crash to the first direct ping of the victim, in seconds: of the mean with random
    /// phases, of each trial with synchronous ones.
    pub first_ping_s: f64,
    /// S, the shortest suspicion timeout in seconds.
    pub suspicion_s: f64,
}

/// The values of a cell, besides its configuration, that the floors depend on.
#[derive(Clone, Copy)]
pub(super) struct FloorContext<'a> {
    pub members: u32,
    pub phases: Phases,
    pub loss: f64,
    pub warmup: Span,
    pub faults: &'a [Fault],
}

impl FloorInputs {
    /// The values of this configuration in a cell.
    pub(super) fn of(config: &Config, context: FloorContext<'_>) -> Self {
        let first_ping_s = match context.phases {
            // A member sends no more pings than it has peers.
            Phases::Random => {
                let pings = config.direct.min(context.members.saturating_sub(1)).max(1);
                config.period.as_secs_f64() / (2.0 * f64::from(pings))
            }
            Phases::Synchronous => context.wait_for_start(config).as_secs_f64(),
        };
        Self {
            period_s: config.period.as_secs_f64(),
            first_ping_s,
            suspicion_s: config.suspicion.timeout(config.period, context.members, u32::MAX).as_secs_f64(),
        }
    }

    pub(super) fn first_ping_s(&self) -> f64 {
        self.first_ping_s
    }

    pub(super) fn first_suspicion_s(&self) -> f64 {
        self.first_ping_s() + self.period_s
    }

    pub(super) fn first_declaration_s(&self) -> f64 {
        self.first_suspicion_s() + self.suspicion_s
    }
}

impl FloorContext<'_> {
    /// The least time from a crash to a start of periods that were synchronous at the beginning. Zero if they may not be
    /// any more.
    fn wait_for_start(&self, config: &Config) -> Span {
        let period = config.period;
        let shifted = self.shifted_from(config);
        let crashes = self.faults.iter().filter(|fault| crashes(&*fault.kind)).flat_map(|fault| self.times_of(fault));
        // Faults come before the packets of the same moment, so a crash at a start is pinged at once.
        let wait = |at: Span| if shifted.is_some_and(|from| from < at) { Span::ZERO } else { to_next(period, at) };
        crashes.map(wait).min().unwrap_or_default()
    }

    /// The time from which members may start their periods at other times than the others.
    fn shifted_from(&self, config: &Config) -> Option<Span> {
        let is_off = |at: &Span| to_next(config.period, *at) > Span::ZERO;
        let shifted = |fault: &Fault| {
            let kind = &*fault.kind;
            let mut times = self.times_of(fault);
            match kind.downcast_ref::<Restart>() {
                Some(restart) => times.map(|at| at + restart.down).filter(is_off).min(),
                None if kind.is::<Join>() || kind.is::<Churn>() => times.filter(is_off).min(),
                None if keeps_periods(kind) => None,
                // Members that are slow or paused start periods late; of other kinds nothing is known.
                None => times.next(),
            }
        };
        // Memberlist's health score ends a stretched period when the late answer comes.
        let ends_early =
            config.prober.local_health().is_some_and(|health| health.pacing == LifeguardVariant::Memberlist);
        let is_calm = self.loss == 0.0 && self.faults.iter().all(|fault| fault.kind.only_stops());
        let from_the_start = (ends_early && !is_calm).then_some(Span::ZERO);
        self.faults.iter().filter_map(shifted).chain(from_the_start).min()
    }

    /// The times of a fault's activations since the members' start.
    fn times_of(&self, fault: &Fault) -> impl Iterator<Item = Span> + use<> {
        let (first, every) = (self.warmup + fault.at, fault.every);
        (0..u64::from(fault.times)).map(move |n| first + every * n)
    }
}

fn crashes(kind: &dyn FaultKind) -> bool {
    kind.is::<Crash>() || kind.is::<Restart>() || kind.is::<Churn>()
}

/// Whether a fault neither starts members nor delays what running ones do.
fn keeps_periods(kind: &dyn FaultKind) -> bool {
    let network = kind.is::<Loss>() || kind.is::<Partition>() || kind.is::<PartialPartition>() || kind.is::<FlipFlop>();
    let application = kind.is::<Broadcast>() || kind.is::<Metadata>();
    kind.is::<Crash>() || kind.is::<Leave>() || network || application
}

/// The time from `at` to the next whole multiple of `period`.
fn to_next(period: Span, at: Span) -> Span {
    let since = Span::from_micros(at.as_micros() % period.as_micros().max(1));
    if since == Span::ZERO { Span::ZERO } else { period - since }
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::Spec;

    use super::*;
    use crate::experiment::{CellResult, Experiment, Lab, MEASURES, Options, TomlSource};
    use crate::sim::faults;

    fn floor_of(phases: Phases, profile: &str, labels: &[&str]) -> f64 {
        let faults: Vec<Fault> =
            labels.iter().map(|label| faults().build(&Spec::parse(label).unwrap(), &()).unwrap()).collect();
        let warmup = Span::from_millis(2_300);
        let context = FloorContext { members: 10, phases, loss: 0.0, warmup, faults: &faults };
        let config = crate::protocol::profiles().build(&Spec::parse(profile).unwrap(), &()).unwrap();
        FloorInputs::of(&config, context).first_ping_s
    }

    #[test]
    fn with_synchronous_phases_a_crash_waits_for_the_start_of_the_next_period() {
        let floor = |labels: &[&str]| floor_of(Phases::Synchronous, "swim", labels);
        assert_eq!(floor(&["crash"]), 0.7);
        assert_eq!(floor(&["crash:at=1600ms"]), 0.1);
        assert_eq!(floor(&["crash:at=1700ms"]), 0.0, "at a start");
        assert_eq!(floor(&["crash", "crash:at=400ms"]), 0.3, "the least");
        assert_eq!(floor(&["crash:times=2,every=5500ms"]), 0.2);
        assert_eq!(floor(&["leave:at=200ms", "loss:at=100ms", "crash:at=1s"]), 0.7, "periods stay as they are");
        assert_eq!(floor_of(Phases::Synchronous, "swim:direct=2", &["crash"]), 0.7, "all pings of a period at once");
        assert_eq!(floor_of(Phases::Random, "swim:direct=2", &["crash"]), 0.25);
        assert_eq!(floor_of(Phases::Random, "swim:direct=16", &["crash"]), 1.0 / 18.0, "nine peers");
    }

    #[test]
    fn there_is_no_wait_once_members_start_their_periods_at_other_times() {
        let floor = |labels: &[&str]| floor_of(Phases::Synchronous, "swim", labels);
        assert_eq!(floor(&["pause:at=1s,lasts=500ms", "crash:at=5s"]), 0.0);
        assert_eq!(floor(&["join:at=1s", "crash:at=5s"]), 0.0);
        assert_eq!(floor(&["join:at=700ms", "crash:at=5s"]), 0.7, "it joins at the start of a period");
        assert_eq!(floor(&["join:at=5500ms", "crash:at=5s"]), 0.7, "it knows nobody before its second period");
        assert_eq!(floor(&["restart:down=5s"]), 0.7);
        assert_eq!(floor(&["restart:down=5s", "crash:at=10s"]), 0.0);
        assert_eq!(floor(&["churn:times=3,every=1s"]), 0.0);
        assert_eq!(floor_of(Phases::Synchronous, "memberlist-lan", &["loss", "crash:at=5s"]), 0.0);
        assert_eq!(floor_of(Phases::Synchronous, "memberlist-lan", &["crash:at=5s"]), 0.7);
    }

    /// Issue 16, part 7: half a period is not the floor if all members ping at once.
    #[test]
    fn with_synchronous_phases_no_trial_is_below_its_floors_and_some_are_at_them() {
        // Two thirds of the trials have a first ping in the next period.
        let text = "topology = 'lan'\nmembers = [3, 30]\nselector = ['uniform', 'shuffle', 'auto']\nprofile = ['swim', \
                    'swim:direct=2', 'lifeguard', 'memberlist-lan']\nphases = 'synchronous'\ntrials = 12\nwarmup = \
                    '2300ms'\nduration = '30s'\n[[scenario]]\nname = 'early'\nfault = [{ kind = 'crash', at = '800ms' \
                    }]\n[[scenario]]\nname = 'late'\nfault = [{ kind = 'crash', at = '1600ms' }]\n[[scenario]]\nname \
                    = 'at a start'\nfault = [{ kind = 'crash', at = '1700ms' }]\n";
        let experiment = Experiment::parse(&TomlSource::text("floors.toml", text), &Lab::default()).unwrap();
        let cells: Vec<CellResult> = experiment.run(Options::default()).unwrap().results.cells;
        for cell in &cells {
            for (column, measure) in MEASURES.iter().enumerate() {
                let Some(floor) = cell.floor(measure) else { continue };
                let values: Vec<f64> = cell.readings(column).into_iter().filter_map(|value| value.value()).collect();
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                assert!(least >= floor - 1e-9, "{}: {} of {least} below {floor}", cell.key, measure.name);
                // Declarations by suspicions that other members confirm, and retries over streams, come a little later.
                let is_exact = measure.name == "first_ping_s" || measure.name == "first_suspicion_s";
                let near = floor + if is_exact { 1e-9 } else { 0.5 };
                let is_suspicion_longer = cell.key.profile != "swim" && !is_exact;
                assert!(is_suspicion_longer || least <= near, "{}: {} of {least} over {floor}", cell.key, measure.name);
            }
        }
        assert_eq!(cells.len(), 72);
    }
}
