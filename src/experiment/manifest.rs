//! Everything that the trials of a results folder depend on, and the differences between two such records.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use swimlab_selectors::rng::mix;

use super::Experiment;
use super::files::digest;
use super::results::CellKey;
use crate::topology::InputFile;

/// Folder of the copies of input files, in a results folder.
pub(super) const INPUTS: &str = "inputs";

/// Everything that trials depend on: the trials of two runs with equal manifests can be combined.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The version of swimlab that wrote it; with the revision if it is a release build from a checkout.
    pub swimlab: String,
    /// The seed of the experiment.
    pub seed: u64,
    /// The keys of the experiment file with their values.
    pub experiment: BTreeMap<String, String>,
    /// The files that the experiment reads, by their names in the experiment file.
    pub inputs: BTreeMap<String, InputRecord>,
    /// Digests of the sites and delays of each topology, as members are placed on it. They tell a program's own kind of
    /// topology whose data changed.
    pub topologies: BTreeMap<String, String>,
    /// A digest of the configurations of all cells, which tells cells that a program changed after it had parsed the
    /// file.
    pub settings: String,
    /// The cells, in the order in which `trials.jsonl` counts them.
    pub cells: Vec<CellKey>,
}

/// A file that an experiment reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InputRecord {
    /// The path of its copy, relative to the results folder.
    pub copy: String,
    /// Number of its bytes.
    pub bytes: u64,
    /// A digest of its bytes.
    pub digest: String,
}

impl Manifest {
    pub(super) fn of(experiment: &Experiment) -> Self {
        let copies = copy_names(&experiment.inputs);
        let record = |(file, copy): (&InputFile, String)| {
            let record = InputRecord { copy, bytes: file.bytes.len() as u64, digest: digest(&file.bytes) };
            (file.name.clone(), record)
        };
        Self {
            swimlab: env!("SWIMLAB_VERSION").to_owned(),
            seed: experiment.seed,
            experiment: experiment.description.clone(),
            inputs: experiment.inputs.iter().zip(copies).map(record).collect(),
            topologies: experiment.placements.clone(),
            settings: settings(experiment),
            cells: experiment.cells.iter().map(|cell| cell.key.clone()).collect(),
        }
    }

    /// The differences from the manifest of this run, in words.
    pub fn differences(&self, here: &Self) -> Vec<String> {
        let sentence = |(what, there, here): (String, String, String)| format!("{what}: {there} there, {here} here");
        self.differing(here).into_iter().map(sentence).collect()
    }

    /// The differences: the key or file, its value in this manifest and its value in the other one.
    pub fn differing(&self, other: &Self) -> Vec<(String, String, String)> {
        let mut differing = Vec::new();
        let mut compare = |what: &str, one: String, other: String| {
            if one != other {
                differing.push((what.to_owned(), one, other));
            }
        };
        compare("the version of swimlab", self.swimlab.clone(), other.swimlab.clone());
        compare("seed", self.seed.to_string(), other.seed.to_string());
        let not_given = || "not given".to_owned();
        for file in keys(&self.inputs, &other.inputs) {
            let content = |manifest: &Self| {
                let record = manifest.inputs.get(file);
                record.map_or_else(not_given, |record| format!("{} bytes with digest {}", record.bytes, record.digest))
            };
            compare(&format!("the content of {file}"), content(self), content(other));
        }
        for key in keys(&self.experiment, &other.experiment) {
            let value = |manifest: &Self| manifest.experiment.get(key).cloned().unwrap_or_else(not_given);
            compare(key, value(self), value(other));
        }
        // These follow from the above, unless a program has topologies of its own or changed the cells.
        if differing.is_empty() {
            for topology in keys(&self.topologies, &other.topologies) {
                let digest = |manifest: &Self| {
                    let digest = manifest.topologies.get(topology);
                    digest.map_or_else(not_given, |digest| format!("digest {digest}"))
                };
                let [one, another] = [self, other].map(digest);
                if one != another {
                    differing.push((format!("sites and delays of topology {topology}"), one, another));
                }
            }
        }
        if differing.is_empty() {
            let cell = |manifest: &Self, at: usize| manifest.cells.get(at).map_or_else(not_given, CellKey::to_string);
            let most = self.cells.len().max(other.cells.len());
            if let Some(at) = (0..most).find(|&at| self.cells.get(at) != other.cells.get(at)) {
                differing.push((format!("cell {at}"), cell(self, at), cell(other, at)));
            } else if self.settings != other.settings {
                let digest = |manifest: &Self| format!("digest {}", manifest.settings);
                differing.push(("the configurations of the cells".to_owned(), digest(self), digest(other)));
            }
        }
        differing
    }
}

/// The keys of two maps, each once.
fn keys<'a, T>(one: &'a BTreeMap<String, T>, other: &'a BTreeMap<String, T>) -> BTreeSet<&'a String> {
    one.keys().chain(other.keys()).collect()
}

/// The paths of the copies of these files in a results folder: their names without the folders, with a number where
/// two would be equal.
pub(super) fn copy_names(files: &[InputFile]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(files.len());
    for file in files {
        let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
        let free = (1..).map(|n| if n == 1 { format!("{INPUTS}/{name}") } else { format!("{INPUTS}/{n}-{name}") });
        names.extend(free.into_iter().find(|free| !names.contains(free)));
    }
    names
}

/// A digest of what cells depend on besides their keys and their topologies.
fn settings(experiment: &Experiment) -> String {
    let hash = experiment.cells.iter().fold(0, |hash, cell| {
        let text = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            cell.environment,
            cell.warmup,
            cell.duration,
            cell.faults,
            cell.config(),
            cell.period()
        );
        let services = cell.discovery.map(|discovery| format!(" {discovery:?}")).unwrap_or_default();
        let text = text + &services;
        mix(hash ^ text.bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte))))
    });
    format!("{hash:016x}")
}
