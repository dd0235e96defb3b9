//! Facts about all cells that a document needs, gathered once: the work for one cell must not depend on their number.

use std::collections::{BTreeSet, HashMap};

use crate::experiment::{CellKey, CellResult, Results, Scenario, TopologyNote};

/// The results with the dimensions in which their cells differ, and with indices of what is looked up for each cell.
pub(super) struct Overview<'a> {
    pub results: &'a Results,
    /// The names of the dimensions that every cell has, then the swept keys.
    pub key_names: Vec<&'a str>,
    varied: BTreeSet<&'a str>,
    /// The cells of the baseline, by their settings.
    baselines: HashMap<String, &'a CellResult>,
    notes: HashMap<&'a str, &'a TopologyNote>,
    scenarios: HashMap<&'a str, &'a Scenario>,
}

impl<'a> Overview<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        let key_names: Vec<&str> = CellKey::NAMES.iter().copied().chain(results.swept_keys()).collect();
        let is_varied = |key: &&str| {
            let first = results.cells.first().map(|cell| cell.key.value(key));
            results.cells.iter().any(|cell| Some(cell.key.value(key)) != first)
        };
        let is_baseline = |cell: &&CellResult| results.baseline.as_ref() == Some(&cell.key.selector);
        let mut baselines = HashMap::new();
        for cell in results.cells.iter().filter(is_baseline) {
            baselines.entry(setting(&cell.key)).or_insert(cell);
        }
        Self {
            results,
            varied: key_names.iter().copied().filter(is_varied).collect(),
            key_names,
            baselines,
            notes: results.topologies.iter().map(|note| (note.label.as_str(), note)).collect(),
            scenarios: results.scenarios.iter().map(|scenario| (scenario.name.as_str(), scenario)).collect(),
        }
    }

    /// Whether the cells differ in a dimension.
    pub(super) fn is_varied(&self, key: &str) -> bool {
        self.varied.contains(key)
    }

    /// The cell that `cell` is compared with, as [`Results::baseline_of`] finds it by a search.
    pub(super) fn baseline_of(&self, cell: &CellResult) -> Option<&'a CellResult> {
        let is_other = self.results.baseline.as_ref().is_some_and(|baseline| *baseline != cell.key.selector);
        self.baselines.get(&setting(&cell.key)).copied().filter(|_| is_other)
    }

    /// The description of a topology.
    pub(super) fn topology(&self, label: &str) -> Option<&'a TopologyNote> {
        self.notes.get(label).copied()
    }

    /// The labels of the faults of a scenario.
    pub(super) fn faults_of(&self, scenario: &str) -> &'a [String] {
        self.scenarios.get(scenario).map_or(&[], |scenario| &scenario.faults)
    }
}

/// The values of all dimensions but the selector.
fn setting(key: &CellKey) -> String {
    let values = key.fields().filter(|(name, _)| *name != "selector");
    // No label contains this character.
    values.map(|(name, value)| format!("{name}\u{1f}{value}\u{1f}")).collect()
}

/// The groups of values with equal keys, in the order of their first appearance.
pub(super) fn groups<K: Clone + Eq + std::hash::Hash, T>(
    all: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> K,
) -> Vec<(K, Vec<T>)> {
    let mut places: HashMap<K, usize> = HashMap::new();
    let mut groups: Vec<(K, Vec<T>)> = Vec::new();
    for one in all {
        let key = key(&one);
        let place = *places.entry(key.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, group)) => group.push(one),
            None => groups.push((key, vec![one])),
        }
    }
    groups
}
