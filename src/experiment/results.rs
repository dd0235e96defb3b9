//! The results of an experiment: the cells, and the measures of each of their trials.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::floors::FloorInputs;
use super::measures::{MEASURES, Measure, Measured, MeasuredValue};

/// All results of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Results {
    /// Name of the experiment.
    pub name: String,
    /// Seed of the experiment.
    pub seed: u64,
    /// Number of trials planned for each cell.
    pub trials: u32,
    /// Label of the selector that the others are compared with.
    pub baseline: Option<String>,
    /// The smallest difference from the baseline that tables mark, as a share of its mean.
    #[serde(default)]
    pub smallest_effect: f64,
    /// Whether the experiment has services, and so the measures of them.
    #[serde(default)]
    pub has_services: bool,
    /// Whether all trials of all cells are finished.
    pub complete: bool,
    /// Notices for the reader: values that were reduced, warnings.
    pub notices: Vec<String>,
    /// Descriptions of the topologies; may be empty.
    pub topologies: Vec<TopologyNote>,
    /// The faults of each scenario.
    pub scenarios: Vec<Scenario>,
    /// The cells, in the order of the experiment file.
    pub cells: Vec<CellResult>,
}

/// The description of a topology.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TopologyNote {
    /// The label, as in [`CellKey::topology`].
    pub label: String,
    /// One line about it.
    pub title: String,
    /// Source and license of its data.
    pub attribution: Option<String>,
}

/// A scenario and its faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Scenario {
    /// The name, as in [`CellKey::scenario`].
    pub name: String,
    /// The labels of its faults, in the order of [`Measured::strikes`].
    pub faults: Vec<String>,
}

/// Declares [`CellKey`] and what is made from the list of its dimensions. Each dimension ends with the placeholder of
/// its value in the help of command-line flags.
macro_rules! cell_key {
    ($($(#[$doc:meta])* $name:ident: $kind:ty, $placeholder:literal;)*) => {
        /// The values that distinguish a cell from the others: one for each dimension.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct CellKey {
            $($(#[$doc])* pub $name: $kind,)*
            /// Further keys that the experiment varies, with their values; the order is the same in all cells.
            pub swept: Vec<(String, String)>,
        }

        impl CellKey {
            /// The names of the dimensions that every cell has, in the order of the columns.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// The names of the dimensions, each with the placeholder of its value in the help of a command-line flag.
            pub const FLAGS: &[(&str, &str)] = &[$((stringify!($name), $placeholder)),*];

            /// All dimensions with their values: those of [`Self::NAMES`], then the swept keys.
            pub fn fields(&self) -> impl Iterator<Item = (&str, KeyValue<'_>)> {
                let fixed = [$((stringify!($name), KeyValue::from(&self.$name))),*];
                fixed.into_iter().chain(self.swept.iter().map(|(key, value)| (key.as_str(), KeyValue::from(value))))
            }
        }
    };
}

cell_key! {
    /// Label of the topology.
    topology: String, "LABEL";
    /// Label of the selector.
    selector: String, "LABEL";
    /// Label of the profile.
    profile: String, "LABEL";
    /// Number of members at the start.
    members: u32, "N";
    /// Probability that the network loses a packet.
    loss: f64, "P";
    /// Name of the scenario.
    scenario: String, "NAME";
}

/// The value of a dimension. `Display` writes it as tables and CSV files have it; in JSON, numbers stay numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum KeyValue<'a> {
    /// A label or name.
    Text(&'a str),
    /// A whole number.
    Count(u32),
    /// A real number.
    Real(f64),
}

impl<'a> From<&'a String> for KeyValue<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<&u32> for KeyValue<'_> {
    fn from(count: &u32) -> Self {
        Self::Count(*count)
    }
}

impl From<&f64> for KeyValue<'_> {
    fn from(number: &f64) -> Self {
        Self::Real(*number)
    }
}

impl fmt::Display for KeyValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => text.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Real(number) => number.fmt(f),
        }
    }
}

/// The results of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CellResult {
    /// The values that identify the cell.
    pub key: CellKey,
    /// The values that the floors of its measures depend on; `None` for detectors without pings.
    pub floors: Option<FloorInputs>,
    /// Length of the interval in which traffic was counted, in seconds.
    pub duration_s: f64,
    /// The finished trials in ascending order of their numbers.
    pub trials: Vec<TrialResult>,
}

/// One finished trial. Written as JSON and read back, it is equal to the last bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrialResult {
    /// The number, from 0. Trials of the same number have the same seed in every cell.
    pub trial: u32,
    /// The seed.
    pub seed: u64,
    /// The measures.
    pub measured: Measured,
    /// A hash of all events; 0 on real sockets, where no two trials are equal.
    pub trace_hash: u64,
    /// Number of events that the world processed.
    pub events: u64,
    /// Violations of the rules of the protocol that the checkers found.
    pub violations: Vec<String>,
}

/// Number of effects of a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FaultCount {
    /// Members that it affected, over all trials; a member counts each time.
    pub members: u64,
    /// Trials in which it affected a member.
    pub trials: u32,
}

impl Results {
    /// The measures that the experiment has, each with its index in [`MEASURES`].
    pub fn measures(&self) -> impl Iterator<Item = (usize, &'static Measure)> + use<> {
        let has_services = self.has_services;
        MEASURES.iter().enumerate().filter(move |(_, measure)| has_services || !measure.of_services)
    }

    /// The cell that `cell` is compared with: the one with the baseline as selector and otherwise the same key. `None`
    /// for the baseline itself.
    pub fn baseline_of(&self, cell: &CellResult) -> Option<&CellResult> {
        let selector = self.baseline.as_ref().filter(|&baseline| *baseline != cell.key.selector)?;
        self.cells.iter().find(|other| other.key.selector == *selector && other.key.same_setting(&cell.key))
    }

    /// The swept keys of all cells, in the order of their first appearance.
    pub fn swept_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in self.cells.iter().flat_map(|cell| &cell.key.swept) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys
    }

    /// The labels of the faults of a scenario.
    pub fn faults_of(&self, scenario: &str) -> &[String] {
        self.scenarios.iter().find(|other| other.name == scenario).map_or(&[], |scenario| &scenario.faults)
    }
}

/// The names and values of all dimensions: `topology lan, selector shuffle`.
impl fmt::Display for CellKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (name, value)) in self.fields().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {value}")?;
        }
        Ok(())
    }
}

impl CellKey {
    /// The value of a dimension or swept key.
    pub fn value(&self, key: &str) -> Option<KeyValue<'_>> {
        self.fields().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The value of a swept key.
    pub fn swept_value(&self, key: &str) -> Option<&str> {
        self.swept.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether two cells are equal apart from the selector.
    pub fn same_setting(&self, other: &Self) -> bool {
        *self == Self { selector: self.selector.clone(), ..other.clone() }
    }
}

impl CellResult {
    /// The least possible mean of a measure in this cell; `None` if theory gives none.
    pub fn floor(&self, measure: &Measure) -> Option<f64> {
        Some(measure.floor?(self.floors.as_ref()?))
    }

    /// The values of one measure in all trials; `measure` is its index in [`MEASURES`](super::MEASURES).
    pub fn readings(&self, measure: usize) -> Vec<MeasuredValue> {
        self.trials.iter().map(|trial| trial.measured.readings[measure]).collect()
    }

    /// The values of the measure of this name in all trials; `Absent` if there is no such measure.
    pub fn readings_of(&self, measure: &str) -> Vec<MeasuredValue> {
        self.trials.iter().map(|trial| trial.measured.reading(measure)).collect()
    }

    /// The values that `read` takes from the trials that both cells have, in pairs (baseline, this cell).
    pub fn pairs(
        &self,
        baseline: &Self,
        read: impl Fn(&Self, &TrialResult) -> MeasuredValue,
    ) -> Vec<(MeasuredValue, MeasuredValue)> {
        let of_trial = |number| baseline.trials.binary_search_by_key(&number, |trial| trial.trial).ok();
        let pair = |trial: &TrialResult| {
            let other = &baseline.trials[of_trial(trial.trial)?];
            Some((read(baseline, other), read(self, trial)))
        };
        self.trials.iter().filter_map(pair).collect()
    }

    /// For each fault of the scenario, how often it affected members.
    pub fn strikes(&self) -> Vec<FaultCount> {
        let faults = self.trials.iter().map(|trial| trial.measured.strikes.len()).max().unwrap_or(0);
        let mut counts = vec![FaultCount::default(); faults];
        for trial in &self.trials {
            for (sum, &strikes) in counts.iter_mut().zip(&trial.measured.strikes) {
                sum.members += u64::from(strikes);
                sum.trials += u32::from(strikes > 0);
            }
        }
        counts
    }

    /// The violations that the checkers found, with the number of trials in which each occurred.
    pub fn violations(&self) -> BTreeMap<&str, u32> {
        let mut counts = BTreeMap::new();
        for trial in &self.trials {
            let mut violations: Vec<&str> = trial.violations.iter().map(String::as_str).collect();
            violations.sort_unstable();
            violations.dedup();
            for violation in violations {
                *counts.entry(violation).or_default() += 1;
            }
        }
        counts
    }
}
