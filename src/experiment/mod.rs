//! Experiments: a file names alternatives, every combination is run in many trials, and each trial is measured.
//!
//! A [`Lab`] holds the registries of all selectors, topologies, faults and other parts that a file can name; users
//! register parts of their own in it. An [`Experiment`] is a file with all names resolved: its lists multiplied to
//! cells, ready to run. [`Experiment::run`] returns [`Results`], which [`crate::report`] writes as tables, files and
//! pictures.
//!
//! ```
//! use swimlab::experiment::statistics::summarize;
//! use swimlab::experiment::{Experiment, Lab, Measure, Options, TomlSource};
//!
//! let file = "
//!     topology = 'lan'
//!     members = 8
//!     selector = ['uniform', 'shuffle']
//!     trials = 6
//!     warmup = '2s'
//!     duration = '30s'
//!     fault = [{ kind = 'crash' }]
//! ";
//! let experiment = Experiment::parse(&TomlSource::text("small.toml", file), &Lab::default())?;
//! let results = experiment.run(Options::default())?.results;
//!
//! let measure = Measure::named("first_declaration_s").expect("a measure");
//! for cell in &results.cells {
//!     let summary = summarize(measure, &cell.readings_of(measure.name));
//!     println!("{}: crash declared after {:?} s in the median", cell.key.selector, summary.median);
//! }
//! # assert_eq!(results.cells.len(), 2);
//! # Ok::<(), swimlab::experiment::Error>(())
//! ```
//!
//! # From a file to results
//!
//! | step | type | |
//! |---|---|---|
//! | text | [`TomlSource`] | the file, whose values know their lines so that errors name them |
//! | names resolved, lists multiplied | [`Experiment`], [`Cell`] | one cell per combination: topology, detector, faults, [`Environment`] |
//! | worlds | [`Setup`](crate::sim::Setup) | one per trial, from the cell and the trial's seed ([`trial_seed`]) |
//! | events | [`Observer`](crate::sim::Observer) | packets, events and faults of the world, seen by a [`Recorder`] |
//! | measures | [`Measured`], [`TrialResult`] | one value for each of [`MEASURES`], and the times of each victim |
//! | statistics | [`statistics`] | quantiles, intervals, comparisons with the baseline |
//! | results | [`Results`], [`Folder`] | all cells with their trials; a folder that keeps every trial as it finishes |
//!
//! A trial depends on the cell, the experiment's seed and the trial's number only, so that results are the same to the
//! last bit on any number of threads, and trials of the same number in two cells can be compared as pairs. With the
//! feature `agent`, `Experiment::run_real` runs the same trials on real sockets.
//!
//! The keys of a file are described in `docs/experiments.md`, the measures in `docs/measures.md` of the repository.
//!
//! # Papers
//!
//! - Chen, Toueg, Aguilera: [On the Quality of Service of Failure Detectors](https://doi.org/10.1109/12.980014), IEEE
//!   Transactions on Computers 51, 2002. What to measure of a failure detector: detection time and mistakes.
//! - Das, Gupta, Motivala: [SWIM](https://doi.org/10.1109/DSN.2002.1028914), DSN 2002. First detection, dissemination
//!   and load, as the measures define them.
//! - Efron: [Better Bootstrap Confidence Intervals](https://doi.org/10.2307/2289144), Journal of the American
//!   Statistical Association 82, 1987. The intervals of means.

mod agent_config;
mod agent_settings;
mod cell;
mod challenge;
mod discovery;
mod environment;
mod error;
mod file;
mod files;
mod floors;
mod free_memory;
#[cfg(test)]
mod limit_table;
mod limits;
mod link;
mod locality_notes;
mod manifest;
mod measures;
mod memory_estimate;
mod ping_map;
mod product;
mod protocols;
#[cfg(feature = "agent")]
mod real;
mod recorder;
mod results;
mod runner;
mod saved_results;
mod seed;
mod share;
pub mod statistics;
mod store;
#[cfg(test)]
mod tests;
mod threads;
mod toml_source;

use std::collections::BTreeMap;
use std::sync::Arc;

use swimlab_selectors::{BuildContext, DynSelector, Helpers, Registry, helpers, selectors};

pub use agent_config::{AgentChoices, AgentConfig};
pub use agent_settings::AgentSetting;
pub use cell::{Cell, CellDetector};
pub use challenge::{Bar, Challenge, Direction, Limit, Statistic};
pub use discovery::{DiscoveryConfig, InstanceChoice, Instances, discovery_keys};
pub use environment::Environment;
pub use error::{BadInput, Error};
#[cfg(feature = "lab")]
pub(crate) use files::write_whole;
pub use floors::FloorInputs;
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use limits::{MOST_MEMBERS, MOST_TRIALS};
pub use link::{LinkedExperiment, LinkedText, LinkedTrial, TrialLink};
pub use manifest::{InputRecord, Manifest};
pub use measures::{Divisor, MEASURES, Measure, Measured, MeasuredValue, TableColumn, Unit, Victim, VictimKind};
pub use ping_map::{DistanceClass, MapNode, PingMap};
#[cfg(feature = "agent")]
pub use real::{Lateness, RealRun};
pub use recorder::Recorder;
pub use results::{CellKey, CellResult, FaultCount, KeyValue, Results, Scenario, TopologyNote, TrialResult};
pub use runner::{Failure, Finished, Options, Progress};
pub use saved_results::SavedResults;
pub use seed::trial_seed;
pub use share::{SMALLEST_EFFECT, parse_share};
pub use store::Folder;
pub use threads::on_threads;
pub use toml_source::TomlSource;

use crate::detectors::{Detector, detectors};
use crate::protocol::{Config, profiles};
use crate::sim::{Fault, faults};
use crate::topology::{InputFile, Topology, TopologyContext, topologies};
use file::File;
use toml_source::NamedSpec;

/// The page's snippets are doctests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/experiments.md")]
struct Page;

/// The registries of everything that an experiment file can name.
///
/// The default has all built-in parts. A part that is registered in addition can be named in files like a built-in one:
///
/// ```
/// use swimlab::experiment::{Experiment, Lab, TomlSource};
/// use swimlab::topology::TopologyContext;
/// use swimlab_selectors::Spec;
///
/// let mut lab = Lab::default();
/// let about = "Three availability zones of AWS.";
/// lab.topologies.register("three-zones", about, vec![], |_, context: &TopologyContext| {
///     let built_in = swimlab::topology::topologies();
///     let spec = Spec::parse("aws:zones=3").map_err(|error| error.to_string())?;
///     built_in.build(&spec, context).map_err(|error| error.to_string())
/// });
/// let file = "topology = 'three-zones'\nselector = 'shuffle'\nmembers = 9";
/// let experiment = Experiment::parse(&TomlSource::text("zones.toml", file), &lab)?;
/// assert_eq!(experiment.cells[0].key.topology, "three-zones");
/// # Ok::<(), swimlab::experiment::BadInput>(())
/// ```
#[non_exhaustive]
pub struct Lab {
    /// Selectors of the members that are pinged and gossiped with.
    pub selectors: Registry<DynSelector, BuildContext>,
    /// Selectors of the helpers that are asked for indirect pings.
    pub helpers: Registry<Arc<dyn Helpers>, BuildContext>,
    /// Topologies: locations of members and delays of packets.
    pub topologies: Registry<Topology, TopologyContext>,
    /// Profiles: named configurations of the protocol.
    pub profiles: Registry<Config>,
    /// Detectors that are not SWIM. A file names them under `profile`.
    pub detectors: Registry<Arc<dyn Detector>>,
    /// Faults.
    pub faults: Registry<Fault>,
}

impl Default for Lab {
    /// The built-in parts.
    fn default() -> Self {
        Self {
            selectors: selectors(),
            helpers: helpers(),
            topologies: topologies(),
            profiles: profiles(),
            detectors: detectors(),
            faults: faults(),
        }
    }
}

/// An experiment with all names resolved, ready to run.
///
/// Its fields can be changed before it is run, the number of trials for instance:
///
/// ```
/// use swimlab::experiment::{Experiment, Lab, Options, TomlSource};
///
/// let file = "topology = 'lan'\nselector = ['uniform', 'shuffle']\nmembers = 8\nduration = '10s'";
/// let mut experiment = Experiment::parse(&TomlSource::text("small.toml", file), &Lab::default())?;
/// experiment.trials = 2;
/// let finished = experiment.run(Options::default())?;
/// assert!(finished.results.complete && finished.failures.is_empty());
/// assert_eq!(finished.results.cells[1].trials.len(), 2);
/// # Ok::<(), swimlab::experiment::Error>(())
/// ```
#[derive(Clone)]
pub struct Experiment {
    /// The name; results go to a folder of this name by default.
    pub name: String,
    /// The seed from which the seeds of all trials are derived.
    pub seed: u64,
    /// Number of trials of each cell.
    pub trials: u32,
    /// Label of the selector that the others are compared with.
    pub baseline: Option<String>,
    /// The smallest difference from the baseline that tables mark, as a share of its mean. Trials do not depend on it.
    pub smallest_effect: f64,
    /// The combinations, topologies outermost, selectors innermost.
    pub cells: Vec<Cell>,
    /// Notices to show with the results: values that were reduced, periods that are too short.
    pub notices: Vec<String>,
    /// The scenarios with the labels of their faults.
    pub scenarios: Vec<Scenario>,
    /// The bars of a challenge. Trials do not depend on it.
    pub challenge: Option<Challenge>,
    /// The text that it was parsed from.
    pub source: TomlSource,
    /// The files that its topologies were read from.
    pub inputs: Vec<InputFile>,
    /// Keys and values that the trials depend on, besides the seed.
    description: BTreeMap<String, String>,
    /// Digests of the sites and delays of each topology.
    placements: BTreeMap<String, String>,
}

impl Experiment {
    /// Parses an experiment file and looks up its names in `lab`.
    ///
    /// # Errors
    /// Names the line that is wrong, and the nearest valid names.
    pub fn parse(source: &TomlSource, lab: &Lab) -> Result<Self, BadInput> {
        Self::of_file(File::parse(source)?, source, lab)
    }

    /// Parses an experiment file with these selectors, by their labels, in place of its own, and without its baseline.
    ///
    /// ```
    /// use swimlab::experiment::{Experiment, Lab, TomlSource};
    ///
    /// let source = TomlSource::text("mine.toml", "topology = 'lan'\nselector = 'shuffle'\nmembers = 9");
    /// let experiment = Experiment::parse_with_selectors(&source, &Lab::default(), &["uniform", "auto"])?;
    /// let selectors: Vec<&str> = experiment.cells.iter().map(|cell| cell.key.selector.as_str()).collect();
    /// assert_eq!(selectors, ["uniform", "auto"]);
    /// # Ok::<(), swimlab::experiment::BadInput>(())
    /// ```
    ///
    /// # Errors
    /// As [`Self::parse`], and if a label is invalid.
    pub fn parse_with_selectors(source: &TomlSource, lab: &Lab, selectors: &[&str]) -> Result<Self, BadInput> {
        let mut file = File::parse(source)?;
        let named = |label: &&str| NamedSpec::of_label(label).map_err(|error| source.whole(error.to_string()));
        file.selectors = selectors.iter().map(named).collect::<Result<_, _>>()?;
        file.baseline = None;
        Self::of_file(file, source, lab)
    }

    fn of_file(file: File, source: &TomlSource, lab: &Lab) -> Result<Self, BadInput> {
        let product = product::multiply(&file, source, lab)?;
        for selector in file.challenge.iter().flat_map(|table| &table.selectors) {
            lab.selectors.check(&selector.spec).map_err(|error| selector.registry_error(source, &error))?;
        }
        let scenarios = file.scenarios.iter().map(|scenario| Scenario {
            name: scenario.name.clone(),
            faults: scenario.faults.iter().map(|fault| fault.spec.to_string()).collect(),
        });
        Ok(Self {
            name: file.name.unwrap_or_else(|| source.stem()),
            seed: file.seed,
            trials: file.trials,
            baseline: product.baseline,
            smallest_effect: file.smallest_effect,
            cells: product.cells,
            notices: product.notices,
            scenarios: scenarios.collect(),
            challenge: file.challenge.map(|table| table.challenge),
            source: source.clone(),
            inputs: product.inputs,
            description: product.description,
            placements: product.placements,
        })
    }

    /// Everything that the results depend on: version, seed, the values of the file, and the files that it names.
    pub fn manifest(&self) -> Manifest {
        Manifest::of(self)
    }
}
