//! What an experiment leaves behind: one cell per combination of what was varied, one result per trial.

use serde::{Deserialize, Serialize};

use super::measures::Measured;

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
    /// What the floors of its measures depend on.
    pub floors: FloorInputs,
    /// How long traffic was counted, in seconds.
    pub duration_s: f64,
    /// Its finished trials, in ascending order of their numbers.
    pub trials: Vec<TrialResult>,
}

/// What the floors depend on, see [`super::statistics::floor`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloorInputs {
    /// T, the protocol period in seconds.
    pub period_s: f64,
    /// p, the direct pings of a member per period.
    pub direct: u32,
    /// S, the shortest suspicion in seconds.
    pub suspicion_s: f64,
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
    /// A hash of all that happened in it.
    pub trace_hash: u64,
    /// How many events the world handled.
    pub events: u64,
    /// What the checkers object to.
    pub violations: Vec<String>,
}
