#![doc = include_str!("../../docs/experiments.md")]

mod agent_config;
mod cells;
mod environment;
mod error;
mod file;
pub mod measures;
mod memory_estimate;
mod ping_map;
mod protocols;
#[cfg(feature = "agent")]
pub mod real;
mod recorder;
pub mod results;
mod runner;
mod saved_results;
pub mod statistics;
mod store;
#[cfg(test)]
mod tests;
mod toml_source;
mod trial;

use std::collections::BTreeMap;
use std::sync::Arc;

use swimlab_selectors::{BuildContext, DynSelector, Helpers, Metric, Registry, helpers, metrics, selectors};

pub use agent_config::AgentConfig;
pub use cells::{Cell, CellDetector};
pub use environment::Environment;
pub use error::{BadInput, Error};
pub use file::{MOST_MEMBERS, MOST_TRIALS};
pub use ping_map::{Class, MOST_NODES, Node, PingMap};
pub use runner::{Failure, Finished, Options, Progress};
pub use saved_results::SavedResults;
pub use store::{Folder, Manifest};
pub use toml_source::TomlSource;
pub use trial::trial_seed;

use crate::detectors::{Detector, detectors};
use crate::protocol::{Config, profiles};
use crate::sim::{Fault, faults};
use crate::topology::{Topology, TopologyContext, topologies};
use file::File;

/// The registries of everything that an experiment file can name. Users register parts of their own.
pub struct Lab {
    /// Selectors: which members are pinged and gossiped with.
    pub selectors: Registry<DynSelector, BuildContext>,
    /// Helpers: which members are asked for indirect pings.
    pub helpers: Registry<Arc<dyn Helpers>, BuildContext>,
    /// Metrics: how near a peer is. For listing only: selectors look metrics up themselves.
    pub metrics: Registry<Arc<dyn Metric>, BuildContext>,
    /// Topologies: where members are, and how long packets take.
    pub topologies: Registry<Topology, TopologyContext>,
    /// Profiles: named settings of the protocol.
    pub profiles: Registry<Config>,
    /// Detectors that are not SWIM. A file names them where it names profiles.
    pub detectors: Registry<Arc<dyn Detector>>,
    /// Faults: what breaks.
    pub faults: Registry<Fault>,
}

impl Default for Lab {
    /// The parts that swimlab has of its own.
    fn default() -> Self {
        Self {
            selectors: selectors(),
            helpers: helpers(),
            metrics: metrics(),
            topologies: topologies(),
            profiles: profiles(),
            detectors: detectors(),
            faults: faults(),
        }
    }
}

/// An experiment with all names resolved, ready to run.
#[derive(Clone)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// The seed from which every trial's seed follows.
    pub seed: u64,
    /// Number of trials of each cell.
    pub trials: u32,
    /// The selector that the others are compared to.
    pub baseline: Option<String>,
    /// The combinations, topologies outermost, selectors innermost.
    pub cells: Vec<Cell>,
    /// Notices that belong beside the results: settings that were cut, periods that are too short.
    pub notices: Vec<String>,
    /// The faults of each scenario, as labels.
    pub scenarios: Vec<results::Scenario>,
    /// The text that it was read from.
    pub source: TomlSource,
    /// Keys and values on which the trials depend, besides the seed.
    description: BTreeMap<String, String>,
}

impl Experiment {
    /// Reads an experiment file.
    ///
    /// # Errors
    /// Names the line that is wrong, and the nearest valid names.
    pub fn parse(source: &TomlSource, lab: &Lab) -> Result<Self, BadInput> {
        let file = File::parse(source)?;
        let product = cells::multiply(&file, source, lab)?;
        let scenarios = file.scenarios.iter().map(|scenario| results::Scenario {
            name: scenario.name.clone(),
            faults: scenario.faults.iter().map(|fault| fault.spec.to_string()).collect(),
        });
        Ok(Self {
            name: file.name.unwrap_or_else(|| source.stem()),
            seed: file.seed,
            trials: file.trials,
            baseline: product.baseline,
            cells: product.cells,
            notices: product.notices,
            scenarios: scenarios.collect(),
            source: source.clone(),
            description: product.description,
        })
    }

    /// Version, seed and settings on which the results of a run depend.
    pub fn manifest(&self) -> Manifest {
        let swimlab = env!("CARGO_PKG_VERSION").to_owned();
        Manifest { swimlab, seed: self.seed, experiment: self.description.clone() }
    }
}
