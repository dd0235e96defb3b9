//! The results of an experiment: one cell per combination of what was varied, one result per trial.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::measures::{FloorInputs, Measure, Measured, MeasuredValue};

/// All results of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The experiment's name.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// Number of trials planned for each cell.
    pub trials: u32,
    /// The selector, by its label, that the others are compared to.
    pub baseline: Option<String>,
    /// Whether all trials of all cells are here.
    pub complete: bool,
    /// Notices for the reader: settings that were cut, warnings.
    pub notices: Vec<String>,
    /// Descriptions of the topologies; may be empty.
    pub topologies: Vec<TopologyNote>,
    /// The faults of each scenario.
    pub scenarios: Vec<Scenario>,
    /// The cells, in the order of the experiment file.
    pub cells: Vec<CellResult>,
}

/// What a topology's label stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopologyNote {
    /// The label, as in [`CellKey::topology`].
    pub label: String,
    /// A line about it.
    pub title: String,
    /// The source of its data and its license.
    pub attribution: Option<String>,
}

/// A scenario and its faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name, as in [`CellKey::scenario`].
    pub name: String,
    /// A label for each of its faults, in the order of [`Measured::strikes`].
    pub faults: Vec<String>,
}

/// Declares [`CellKey`] together with all that is made from the list of its dimensions.
macro_rules! cell_key {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// What distinguishes a cell from the others: its dimensions.
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct CellKey {
            $($(#[$doc])* pub $name: $kind,)*
            /// Further keys that the experiment varies, with their values, in the same order in every cell.
            pub swept: Vec<(String, String)>,
        }

        impl CellKey {
            /// The names of the dimensions that every cell has, in the order of the columns.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// All dimensions with their values: those of [`Self::NAMES`], then the swept keys.
            pub fn fields(&self) -> impl Iterator<Item = (&str, KeyValue<'_>)> {
                let fixed = [$((stringify!($name), KeyValue::from(&self.$name))),*];
                fixed.into_iter().chain(self.swept.iter().map(|(key, value)| (key.as_str(), KeyValue::from(value))))
            }
        }

        /// The dimensions as an object in JSON has them. What is not known may be a swept key.
        #[derive(Deserialize)]
        pub(super) struct JsonKey {
            $($name: $kind,)*
            #[serde(flatten)]
            others: BTreeMap<String, serde_json::Value>,
        }

        impl JsonKey {
            /// The key; `is_swept` tells swept keys from the object's other texts.
            pub fn into_key(self, is_swept: impl Fn(&str) -> bool) -> CellKey {
                let text = |(key, value): (String, _)| match value {
                    serde_json::Value::String(text) if is_swept(&key) => Some((key, text)),
                    _ => None,
                };
                CellKey { $($name: self.$name,)* swept: self.others.into_iter().filter_map(text).collect() }
            }
        }
    };
}

cell_key! {
    /// The topology's label.
    topology: String,
    /// The selector's label.
    selector: String,
    /// The profile's label.
    profile: String,
    /// Number of members at the start.
    members: u32,
    /// The probability that the network loses a packet.
    loss: f64,
    /// The scenario's name.
    scenario: String,
}

/// The value of a cell's dimension. Displayed, it is what tables and CSV files have; in JSON, numbers are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum KeyValue<'a> {
    /// A label or a name.
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
pub struct CellResult {
    /// The cell.
    pub key: CellKey,
    /// What the floors of its measures depend on; `None` for detectors without pings.
    pub floors: Option<FloorInputs>,
    /// The time in which traffic was counted, in seconds.
    pub duration_s: f64,
    /// Its finished trials, in ascending order of their numbers.
    pub trials: Vec<TrialResult>,
}

/// One finished trial. As JSON it reads back to the very same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// Its number, from 0; the same number means the same seed in every cell.
    pub trial: u32,
    /// Its seed.
    pub seed: u64,
    /// The measures.
    pub measured: Measured,
    /// A hash of all its events; 0 on real sockets, where no two trials are the same.
    pub trace_hash: u64,
    /// Number of events that the world handled.
    pub events: u64,
    /// Rules of the protocol that the checkers found broken.
    pub violations: Vec<String>,
}

/// How often a fault was activated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Struck {
    /// Members that it struck, over all trials; each strike counts.
    pub members: u64,
    /// Trials in which it struck a member.
    pub trials: u32,
}

impl Results {
    /// The cell that this one is compared to: the same in all but the selector. `None` for the baseline itself.
    pub fn baseline_of(&self, cell: &CellResult) -> Option<&CellResult> {
        let selector = self.baseline.as_ref().filter(|&baseline| *baseline != cell.key.selector)?;
        self.cells.iter().find(|other| other.key.selector == *selector && other.key.same_setting(&cell.key))
    }

    /// The keys of all settings that were varied, in the order of their first appearance.
    pub fn swept_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in self.cells.iter().flat_map(|cell| &cell.key.swept) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        keys
    }

    /// The labels of a scenario's faults.
    pub fn faults_of(&self, scenario: &str) -> &[String] {
        self.scenarios.iter().find(|other| other.name == scenario).map_or(&[], |scenario| &scenario.faults)
    }
}

/// Names and values of the dimensions: `topology lan, selector shuffle`.
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
    /// The value of a dimension, a swept key among them.
    pub fn value(&self, key: &str) -> Option<KeyValue<'_>> {
        self.fields().find(|(name, _)| *name == key).map(|(_, value)| value)
    }

    /// The value of a swept key.
    pub fn swept_value(&self, key: &str) -> Option<&str> {
        self.swept.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether two cells differ in nothing but the selector.
    pub fn same_setting(&self, other: &Self) -> bool {
        *self == Self { selector: self.selector.clone(), ..other.clone() }
    }
}

impl CellResult {
    /// The least possible mean of a measure in this cell; `None` where theory gives none.
    pub fn floor(&self, measure: &Measure) -> Option<f64> {
        Some(measure.floor?(self.floors.as_ref()?))
    }

    /// One measure of all trials, by its column in [`super::measures::MEASURES`].
    pub fn readings(&self, measure: usize) -> Vec<MeasuredValue> {
        self.trials.iter().map(|trial| trial.measured.readings[measure]).collect()
    }

    /// What two cells read of those trials that both have: (baseline, this cell).
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

    /// For each fault of the scenario, how many members it struck in all trials, and in how many trials it struck any.
    pub fn strikes(&self) -> Vec<Struck> {
        let faults = self.trials.iter().map(|trial| trial.measured.strikes.len()).max().unwrap_or(0);
        let mut struck = vec![Struck::default(); faults];
        for trial in &self.trials {
            for (sum, &strikes) in struck.iter_mut().zip(&trial.measured.strikes) {
                sum.members += u64::from(strikes);
                sum.trials += u32::from(strikes > 0);
            }
        }
        struck
    }

    /// What the checkers object to, and in how many trials.
    pub fn violations(&self) -> BTreeMap<&str, u32> {
        let mut counts = BTreeMap::new();
        for trial in &self.trials {
            let mut sentences: Vec<&str> = trial.violations.iter().map(String::as_str).collect();
            sentences.sort_unstable();
            sentences.dedup();
            for sentence in sentences {
                *counts.entry(sentence).or_default() += 1;
            }
        }
        counts
    }
}
