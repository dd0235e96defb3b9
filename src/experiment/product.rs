//! The product of an experiment file's lists: one cell for each combination, ready to run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swimlab_selectors::rng::mix;
use swimlab_selectors::{DynSelector, Helpers, Registry, Spec, SpecError, Value, did_you_mean, nearest_names};

use super::Lab;
use super::cell::{Cell, CellDetector, NO_SELECTOR};
use super::error::BadInput;
use super::file::{File, ScenarioSpec};
use super::floors::{FloorContext, FloorInputs};
use super::limits::{MOST_CELLS, MOST_FAULTS, MOST_MEMBERS};
use super::locality_notes::{self, Case};
use super::memory_estimate::check_placement;
use super::protocols::{self, DetectorChoice, Protocols};
use super::results::CellKey;
use super::seed::trial_seed;
use super::toml_source::{NamedSpec, TomlSource};
use crate::protocol::{Config, Span};
use crate::sim::{Churn, Crash, Fault, Restart, Target, check_targets, joiners_needed};
use crate::topology::{InputFile, Placement, Topology, TopologyContext};

/// An experiment file with all names resolved.
pub(super) struct Resolved {
    pub cells: Vec<Cell>,
    pub baseline: Option<String>,
    pub notices: Vec<String>,
    pub inputs: Vec<InputFile>,
    pub description: BTreeMap<String, String>,
    /// Digests of sites and delays, by topology.
    pub placements: BTreeMap<String, String>,
}

/// Looks up the names in a file and multiplies its lists, topologies outermost and selectors innermost.
pub(super) fn multiply(file: &File, source: &TomlSource, lab: &Lab) -> Result<Resolved, BadInput> {
    if file.cells() > MOST_CELLS {
        let why = format!("its lists multiply to {} cells; {MOST_CELLS} are the most", file.cells());
        return Err(source.whole(why));
    }
    if file.faults() > MOST_FAULTS {
        let why = format!("its cells have {} faults together; {MOST_FAULTS} are the most", file.faults());
        return Err(source.whole(why));
    }
    let protocols = protocols::multiply(file, source, lab)?;
    let mut builder = ProductBuilder {
        file,
        protocols: &protocols,
        source,
        lab,
        notices: Vec::new(),
        noted: BTreeSet::new(),
        examined: BTreeSet::new(),
    };
    let baseline = file.baseline.as_ref().map(|baseline| builder.baseline(baseline)).transpose()?;
    let scenarios: Vec<Vec<Fault>> =
        file.scenarios.iter().map(|scenario| builder.faults(scenario)).collect::<Result<_, _>>()?;
    let mut cells = Vec::new();
    let description = file.describe();
    let mut placements: BTreeMap<String, String> = BTreeMap::new();
    let mut inputs: Vec<InputFile> = Vec::new();
    let context =
        TopologyContext { dir: source.dir.clone(), copies: source.copies.clone(), contents: source.contents.clone() };
    for (named, sizes) in &file.topologies {
        let topology = builder.built(&lab.topologies, named, &context)?;
        for notice in topology.notices() {
            builder.note(notice.clone());
        }
        for input in topology.inputs() {
            match inputs.iter().find(|other| other.name == input.name) {
                None => inputs.push(input.clone()),
                Some(other) if other == input => {}
                Some(_) => return Err(named.error(source, format!("{} changed while it was read", input.name))),
            }
        }
        let placed: Vec<PlacedTopology> =
            sizes.iter().map(|&members| builder.place(named, &topology, members)).collect::<Result<_, _>>()?;
        let digest = placed.iter().fold(0, |digest, placed| mix(digest ^ fingerprint(&placed.placement)));
        placements.entry(named.spec.to_string()).or_default().push_str(&format!("{digest:016x}"));
        for (scenario, faults) in file.scenarios.iter().zip(&scenarios) {
            for placed in &placed {
                builder.check_faults(scenario, faults, placed, &named.spec)?;
                let joiners = joiners_needed(faults, placed.members);
                file.discovery.check(source, placed.members, placed.members.saturating_add(joiners))?;
                for &loss in &file.loss {
                    for protocol in &protocols.all {
                        let cell = |selector: &str, detector| Cell {
                            key: CellKey {
                                topology: named.spec.to_string(),
                                selector: selector.to_owned(),
                                profile: protocol.profile.clone(),
                                members: placed.members,
                                loss,
                                scenario: scenario.name.clone(),
                                swept: protocol.swept.clone(),
                            },
                            topology: topology.clone(),
                            detector,
                            environment: protocol.environment,
                            discovery: protocol.discovery,
                            warmup: file.warmup,
                            duration: file.duration,
                            faults: faults.clone(),
                        };
                        match &protocol.detector {
                            DetectorChoice::Other(detector) => {
                                cells.push(cell(NO_SELECTOR, CellDetector::Other(Arc::clone(detector))))
                            }
                            DetectorChoice::Swim { config, selectors, helpers } => {
                                let config = builder.fit(config, placed, joiners, &named.spec);
                                let phases = protocol.environment.phases;
                                let (members, warmup) = (placed.members, file.warmup);
                                builder.note_floor(&config, FloorContext { members, phases, loss, warmup, faults });
                                builder.note_locality(&config, placed, selectors, &named.spec);
                                let helpers = &placed.helpers[*helpers];
                                cells.extend(selectors.iter().map(|&selector| {
                                    let strategy = &placed.strategies[selector];
                                    let (strategy, helpers, config) =
                                        (strategy.clone(), Arc::clone(helpers), config.clone());
                                    let label = strategy.label().to_owned();
                                    cell(&label, CellDetector::Swim { strategy, helpers, config })
                                }));
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(Resolved { cells, baseline, notices: builder.notices, inputs, description, placements })
}

/// A topology with a number of members, and the selectors and helpers built for it.
struct PlacedTopology {
    members: u32,
    placement: Placement,
    /// The longest round trip between any two members.
    longest_rtt: Span,
    /// In the order of [`Protocols::selectors`].
    strategies: Vec<DynSelector>,
    /// In the order of [`Protocols::helpers`].
    helpers: Vec<Arc<dyn Helpers>>,
}

struct ProductBuilder<'a> {
    file: &'a File,
    protocols: &'a Protocols,
    source: &'a TomlSource,
    lab: &'a Lab,
    notices: Vec<String>,
    /// All of `notices`.
    noted: BTreeSet<String>,
    /// Topologies, numbers of members, selectors and periods of warm-up that [`locality_notes`] has looked at.
    examined: BTreeSet<(String, u32, usize, u64)>,
}

impl ProductBuilder<'_> {
    /// The baseline's label, which may be given as its kind if only one selector is of that kind.
    fn baseline(&self, baseline: &NamedSpec) -> Result<String, BadInput> {
        let wanted = baseline.spec.to_string();
        let labels: Vec<String> = self.file.selectors.iter().map(|selector| selector.spec.to_string()).collect();
        let of_kind = self.file.selectors.iter().filter(|selector| selector.spec.kind == wanted);
        let mut of_kind = of_kind.map(|selector| selector.spec.to_string());
        match (labels.contains(&wanted), of_kind.next(), of_kind.next()) {
            (true, ..) => Ok(wanted),
            (false, Some(label), None) => Ok(label),
            _ => {
                let near = did_you_mean(&nearest_names(&wanted, labels.iter().map(String::as_str)));
                Err(baseline.error(self.source, format!("baseline \"{wanted}\" is none of the selectors{near}")))
            }
        }
    }

    fn faults(&self, scenario: &ScenarioSpec) -> Result<Vec<Fault>, BadInput> {
        let build = |named: &NamedSpec| {
            let fault = self.built(&self.lab.faults, named, &())?;
            if fault.at >= self.file.duration {
                let why =
                    format!("{} strikes at {}, when all is over ({})", named.spec.kind, fault.at, self.file.duration);
                return Err(named.error(self.source, format!("{why}; at counts from the end of the warm-up")));
            }
            Ok(fault)
        };
        scenario.faults.iter().map(build).collect()
    }

    /// Places `members` members on a topology and builds the selectors and helpers for them.
    fn place(&mut self, named: &NamedSpec, topology: &Topology, members: u32) -> Result<PlacedTopology, BadInput> {
        check_placement(members).map_err(|why| named.error(self.source, why))?;
        let placement = topology.place(members, 0, trial_seed(self.file.seed, 0));
        let context = placement.context();
        let complain = |blamed: &NamedSpec, error: &SpecError| {
            let bad = blamed.registry_error(self.source, error);
            match error {
                // Fine in itself, and perhaps elsewhere.
                SpecError::Refused { .. } => {
                    BadInput { message: format!("{} (on topology {})", bad.message, named.spec), ..bad }
                }
                _ => bad,
            }
        };
        let mut notices = Vec::new();
        let mut strategies = Vec::with_capacity(self.protocols.selectors.len());
        for selector in &self.protocols.selectors {
            let (spec, notice) = clamp_radius(&selector.spec, members);
            let strategy = self.lab.selectors.build(&spec, &context).map_err(|error| complain(selector, &error))?;
            strategies.push(strategy.relabel(selector.spec.to_string()));
            notices.extend(notice);
        }
        let build =
            |named: &NamedSpec| self.lab.helpers.build(&named.spec, &context).map_err(|error| complain(named, &error));
        let helpers = self.protocols.helpers.iter().map(build).collect::<Result<_, _>>()?;
        notices.into_iter().for_each(|notice| self.note(notice));
        let longest_rtt = Span::from_micros(u64::from(placement.longest_rtt_us()));
        Ok(PlacedTopology { members, placement, longest_rtt, strategies, helpers })
    }

    /// The configuration with `direct` and `indirect` reduced to what the group's size allows. Notes that, and a period
    /// too short for the topology's delays.
    fn fit(&mut self, config: &Config, placed: &PlacedTopology, joiners: u32, topology: &Spec) -> Config {
        let mut config = config.clone();
        let n = placed.members.saturating_add(joiners);
        let (targets, helpers) = (n.saturating_sub(1).max(1), n.saturating_sub(2));
        if config.direct > targets {
            self.note(format!("direct = {}: members = {n} leave {targets} to ping; it is cut to that", config.direct));
            config.direct = targets;
        }
        if config.indirect > helpers {
            let k = config.indirect;
            self.note(format!("indirect = {k}: members = {n} leave {helpers} to help; it is cut to that"));
            config.indirect = helpers;
        }
        let rtt = placed.longest_rtt;
        if config.period < rtt * 3 {
            self.note(format!(
                "period = {}: shorter than three times {rtt}, the longest round trip of {topology}: a direct ping and one \
                 through a helper do not fit into it",
                config.period
            ));
        }
        config
    }

    /// Notes that no crash can be declared within the trial.
    fn note_floor(&mut self, config: &Config, context: FloorContext<'_>) {
        let crashes =
            |fault: &&Fault| fault.kind.is::<Crash>() || fault.kind.is::<Restart>() || fault.kind.is::<Churn>();
        let Some(first) = context.faults.iter().filter(crashes).map(|fault| fault.at).min() else { return };
        let floor = Span::from_secs_f64(FloorInputs::of(config, context).first_declaration_s());
        let members = context.members;
        let left = self.file.duration - first;
        if floor > left {
            self.note(format!(
                "duration = {}: a trial ends {left} after its first fault, but with members = {members} and period = {} a \
                 crash is declared after {floor} at the soonest, in the mean: first_declaration_s and the times that \
                 informed members take are not reached",
                self.file.duration, config.period
            ));
        }
    }

    /// Notes selectors whose locality cannot act.
    fn note_locality(&mut self, config: &Config, placed: &PlacedTopology, selectors: &[usize], topology: &Spec) {
        let periods = self.file.warmup.as_micros() / config.period.as_micros().max(1);
        let topology = topology.to_string();
        for &selector in selectors {
            // Looked at once for each topology, number of members and length of the warm-up in periods.
            if !self.examined.insert((topology.clone(), placed.members, selector, periods)) {
                continue;
            }
            let metric = match self.protocols.selectors[selector].spec.values.get("metric") {
                Some(Value::Text(metric)) => Some(metric.as_str()),
                _ => None,
            };
            let notes = locality_notes::notes(&Case {
                selector: &placed.strategies[selector],
                metric,
                topology: &topology,
                placement: &placed.placement,
                members: placed.members,
                warmup: periods,
            });
            notes.into_iter().for_each(|note| self.note(note));
        }
    }

    /// Checks that the targets of the faults exist, and that the world is not too large with its joiners.
    fn check_faults(
        &self,
        scenario: &ScenarioSpec,
        faults: &[Fault],
        placed: &PlacedTopology,
        topology: &Spec,
    ) -> Result<(), BadInput> {
        let members = placed.members;
        for (named, fault) in scenario.faults.iter().zip(faults) {
            let refuse = |why: &str| Err(named.error(self.source, format!("{}: {why}", named.spec.kind)));
            if let Err(why) = check_targets(&placed.placement, members, std::slice::from_ref(fault)) {
                let why = why.strip_prefix("fault 1: ").unwrap_or(&why);
                return refuse(&format!("{why} (topology {topology})"));
            }
            match fault.target {
                Target::Random(count) if count > members && fault.joiners(members) == 0 => {
                    return refuse(&format!("count = {count} is more than the {members} members there are"));
                }
                _ => {}
            }
        }
        let all = members.saturating_add(joiners_needed(faults, members));
        if all > MOST_MEMBERS {
            let why =
                format!("scenario {}: {all} members, joiners included, are more than {MOST_MEMBERS}", scenario.name);
            return Err(self.source.whole(why));
        }
        Ok(())
    }

    fn built<T, C>(&self, registry: &Registry<T, C>, named: &NamedSpec, context: &C) -> Result<T, BadInput> {
        registry.build(&named.spec, context).map_err(|error| named.registry_error(self.source, &error))
    }

    /// Adds a notice unless it is there already.
    fn note(&mut self, notice: String) {
        if self.noted.insert(notice.clone()) {
            self.notices.push(notice);
        }
    }
}

/// Reduces the radius of a neighborhood to the number of other members; returns a notice if it did.
fn clamp_radius(spec: &Spec, members: u32) -> (Spec, Option<String>) {
    let others = members.saturating_sub(1);
    match spec.values.get("radius") {
        Some(Value::Number(radius)) if *radius > f64::from(others) => {
            let notice =
                format!("{spec}: members = {members} leave {others} neighbors; radius {radius} is cut to that");
            (spec.clone().with("radius", others), Some(notice))
        }
        _ => (spec.clone(), None),
    }
}

/// A digest of a placement: names, locations and areas of up to 256 members, and the delays between them. Data that a
/// user's own kind of topology gets from anywhere may change while its label stays.
fn fingerprint(placement: &Placement) -> u64 {
    const MOST: u32 = 256;
    let all = placement.members();
    let stride = all.div_ceil(MOST).max(1) as usize;
    let members: Vec<u32> = (0..all).step_by(stride).collect();
    let places = members.iter().fold(u64::from(all), |hash, &member| {
        let peer = &placement.peers[member as usize];
        let name = placement.site_name(placement.site_of(member));
        let text = format!("{name} {:?} {:?}", peer.location, peer.zone);
        text.bytes().fold(hash, |hash, byte| mix(hash ^ u64::from(byte)))
    });
    let pairs = members.iter().flat_map(|&from| members.iter().map(move |&to| (from, to)));
    pairs.fold(places, |hash, (from, to)| mix(hash ^ u64::from(placement.one_way_us(from, to))))
}
