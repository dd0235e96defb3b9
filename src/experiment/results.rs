//! What an experiment leaves behind: one cell per combination of what was varied, one result per trial.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::measures::{FloorInputs, Measure, Measured, MeasuredValue};

/// All results of an experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The experiment's name.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// How many trials each cell was to have.
    pub trials: u32,
    /// The selector, by its label, that the others are compared to.
    pub baseline: Option<String>,
    /// Whether all trials of all cells are here.
    pub complete: bool,
    /// What the reader should know: clamped settings, warnings.
    pub notices: Vec<String>,
    /// What is behind the topologies' labels; may be empty.
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
    /// Whom its data are owed to.
    pub attribution: Option<String>,
}

/// What breaks in a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name, as in [`CellKey::scenario`].
    pub name: String,
    /// A label for each of its faults, in the order of [`Measured::strikes`].
    pub faults: Vec<String>,
}

/// What distinguishes a cell from the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CellKey {
    /// The topology's label.
    pub topology: String,
    /// The selector's label.
    pub selector: String,
    /// The profile's label.
    pub profile: String,
    /// How many members there are at the start.
    pub members: u32,
    /// The probability that the network loses a packet.
    pub loss: f64,
    /// The scenario's name.
    pub scenario: String,
    /// Protocol settings that were varied: key and value, in the same order in every cell.
    pub swept: Vec<(String, String)>,
}

/// The results of one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellResult {
    /// Which cell.
    pub key: CellKey,
    /// What the floors of its measures depend on; `None` where nobody is pinged.
    pub floors: Option<FloorInputs>,
    /// How long traffic was counted, in seconds.
    pub duration_s: f64,
    /// Its finished trials, in ascending order of their numbers.
    pub trials: Vec<TrialResult>,
}

/// One finished trial. As JSON it reads back to the very same bits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// Its number, from 0; the same number means the same luck in every cell.
    pub trial: u32,
    /// Its seed.
    pub seed: u64,
    /// What it measured.
    pub measured: Measured,
    /// A hash of all that happened in it; 0 on real sockets, where no two trials are the same.
    pub trace_hash: u64,
    /// How many events the world handled.
    pub events: u64,
    /// What the checkers object to.
    pub violations: Vec<String>,
}

/// How often a fault really struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Struck {
    /// Members that it struck, over all trials; each strike counts.
    pub members: u64,
    /// Trials in which it struck anybody.
    pub trials: u32,
}

impl Results {
    /// The cell that this one is compared to: the same in all but the selector. `None` for the baseline itself.
    pub fn baseline_of(&self, cell: &CellResult) -> Option<&CellResult> {
        let selector = self.baseline.as_ref().filter(|&baseline| *baseline != cell.key.selector)?;
        let key = CellKey { selector: selector.clone(), ..cell.key.clone() };
        self.cells.iter().find(|other| other.key == key)
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

impl CellKey {
    /// The value of a varied setting.
    pub fn swept_value(&self, key: &str) -> Option<&str> {
        self.swept.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
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
