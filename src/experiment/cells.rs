//! The product of an experiment file's lists: one cell for each combination, ready to run.

use std::collections::BTreeMap;
use std::sync::Arc;

use swimlab_selectors::registry::{Registry, Spec, Value, did_you_mean, nearest};
use swimlab_selectors::rng::mix;
use swimlab_selectors::{Helpers, Strategy, Surroundings};

use super::error::BadInput;
use super::file::{File, MOST_MEMBERS, Scenario};
use super::page::{Named, Source};
use super::results::{CellKey, FloorInputs};
use super::{Lab, trial_seed};
use crate::protocol::{Settings, Span};
use crate::sim::{Fault, Phases, Start, Target, check_targets, joiners_needed};
use crate::topology::{Base, Placement, Topology};

/// The most combinations that one file may ask for.
const MOST_CELLS: usize = 10_000;

/// One combination of what an experiment varies.
#[derive(Clone)]
pub struct Cell {
    /// What distinguishes it from the others.
    pub key: CellKey,
    /// Where members are.
    pub topology: Topology,
    /// Who is pinged.
    pub strategy: Strategy,
    /// Who helps.
    pub helpers: Arc<dyn Helpers>,
    /// How.
    pub settings: Settings,
    /// How members begin.
    pub start: Start,
    /// How their periods lie to each other.
    pub phases: Phases,
    /// Before any fault.
    pub warmup: Span,
    /// After the warm-up.
    pub duration: Span,
    /// What breaks.
    pub faults: Vec<Fault>,
}

impl Cell {
    /// What the floors of its measures depend on.
    pub fn floors(&self) -> FloorInputs {
        FloorInputs {
            period_s: self.settings.period.as_secs_f64(),
            direct: self.settings.direct,
            suspicion_s: self.settings.suspicion.timeout(&self.settings, self.key.members, u32::MAX).as_secs_f64(),
        }
    }
}

/// What comes of a file once all its names are looked up.
pub(super) struct Product {
    pub cells: Vec<Cell>,
    pub baseline: Option<String>,
    pub notices: Vec<String>,
    pub description: BTreeMap<String, String>,
}

/// Looks up all that the file names and multiplies its lists: topologies outermost, selectors innermost.
pub(super) fn multiply(file: &File, source: &Source, lab: &Lab) -> Result<Product, BadInput> {
    let mut product = Builder { file, source, lab, notices: Vec::new() };
    let baseline = file.baseline.as_ref().map(|baseline| product.baseline(baseline)).transpose()?;
    let protocols = product.protocols()?;
    let scenarios: Vec<Vec<Fault>> =
        file.scenarios.iter().map(|scenario| product.faults(scenario)).collect::<Result<_, _>>()?;
    let base = Base { dir: source.dir.clone() };
    let mut cells = Vec::new();
    let mut description = file.describe();
    let factors = [
        file.topologies.len(),
        scenarios.len(),
        file.members.len(),
        file.loss.len(),
        protocols.len(),
        file.selectors.len(),
    ];
    let count = factors.iter().fold(1_usize, |count, factor| count.saturating_mul(*factor));
    if count > MOST_CELLS {
        return Err(source.whole(format!("its lists multiply to {count} cells; {MOST_CELLS} are the most")));
    }
    for named in &file.topologies {
        let topology = lab.topologies.build(&named.spec, &base).map_err(|error| named.complain(source, &error))?;
        let grounds: Vec<Ground> =
            file.members.iter().map(|&members| product.ground(named, &topology, members)).collect::<Result<_, _>>()?;
        description.insert(format!("delays of topology {}", named.spec), fingerprint(&topology));
        for (scenario, faults) in file.scenarios.iter().zip(&scenarios) {
            for ground in &grounds {
                product.check_faults(scenario, faults, ground, &named.spec)?;
                let joiners = joiners_needed(faults, ground.members);
                for &loss in &file.loss {
                    for protocol in &protocols {
                        let settings = product.fit(protocol, ground, joiners, &named.spec);
                        for strategy in &ground.strategies {
                            cells.push(Cell {
                                key: CellKey {
                                    topology: named.spec.to_string(),
                                    selector: strategy.label().to_owned(),
                                    profile: protocol.profile.clone(),
                                    members: ground.members,
                                    loss,
                                    scenario: scenario.name.clone(),
                                    swept: protocol.swept.clone(),
                                },
                                topology: topology.clone(),
                                strategy: strategy.clone(),
                                helpers: Arc::clone(&protocol.helpers),
                                settings: settings.clone(),
                                start: protocol.start,
                                phases: protocol.phases,
                                warmup: file.warmup,
                                duration: file.duration,
                                faults: faults.clone(),
                            });
                        }
                    }
                }
            }
        }
    }
    Ok(Product { cells, baseline, notices: product.notices, description })
}

/// One combination of everything that concerns a member, besides its selector.
#[derive(Clone)]
struct Protocol {
    profile: String,
    swept: Vec<(String, String)>,
    settings: Settings,
    helpers: Arc<dyn Helpers>,
    start: Start,
    phases: Phases,
}

/// A topology with so many members, and the selectors that were built for it.
struct Ground {
    members: u32,
    placement: Placement,
    strategies: Vec<Strategy>,
}

struct Builder<'a> {
    file: &'a File,
    source: &'a Source,
    lab: &'a Lab,
    notices: Vec<String>,
}

impl Builder<'_> {
    /// The baseline's label: a selector's, or the kind of one selector only.
    fn baseline(&self, baseline: &Named) -> Result<String, BadInput> {
        let wanted = baseline.spec.to_string();
        let labels: Vec<String> = self.file.selectors.iter().map(|selector| selector.spec.to_string()).collect();
        let of_kind = self.file.selectors.iter().filter(|selector| selector.spec.kind == wanted);
        let mut of_kind = of_kind.map(|selector| selector.spec.to_string());
        match (labels.contains(&wanted), of_kind.next(), of_kind.next()) {
            (true, ..) => Ok(wanted),
            (false, Some(label), None) => Ok(label),
            _ => {
                let near = did_you_mean(&nearest(&wanted, labels.iter().map(String::as_str)));
                Err(baseline.refuse(self.source, format!("baseline \"{wanted}\" is none of the selectors{near}")))
            }
        }
    }

    /// The product of what concerns a member: profiles, settings, helpers, starts and phases.
    fn protocols(&self) -> Result<Vec<Protocol>, BadInput> {
        let file = self.file;
        let alternatives = file.overrides.iter().map(|over| over.values.len());
        let more = [file.profiles.len(), file.helpers.len(), file.start.len(), file.phases.len()];
        let count = alternatives.chain(more).fold(1_usize, usize::saturating_mul);
        if count > MOST_CELLS {
            return Err(self.source.whole(format!("its lists multiply to {count} cells; {MOST_CELLS} are the most")));
        }
        // The unwritten parts first, then one factor after the other: later factors vary faster.
        let mut drafts: Vec<(Named, String, Vec<(String, String)>)> =
            file.profiles.iter().map(|named| (named.clone(), named.spec.to_string(), Vec::new())).collect();
        for over in &file.overrides {
            let vary = |(named, profile, swept): &(Named, String, Vec<(String, String)>)| {
                let draft = |(value, at): &(Value, usize)| {
                    let mut swept = swept.clone();
                    if over.values.len() > 1 {
                        swept.push((over.key.clone(), value.to_string()));
                    }
                    (named.clone().with(&over.key, value.clone(), *at), profile.clone(), swept)
                };
                over.values.iter().map(draft).collect::<Vec<_>>()
            };
            drafts = drafts.iter().flat_map(vary).collect();
        }
        let helpers: Vec<Arc<dyn Helpers>> = file
            .helpers
            .iter()
            .map(|named| self.built(&self.lab.helpers, named, &Surroundings::default()))
            .collect::<Result<_, _>>()?;
        let mut protocols = Vec::new();
        for (named, profile, swept) in drafts {
            let settings = self.built(&self.lab.profiles, &named, &())?;
            for (written, helpers) in file.helpers.iter().zip(&helpers) {
                for &start in &file.start {
                    for &phases in &file.phases {
                        let mut swept = swept.clone();
                        let mut column = |many: bool, key: &str, value: String| {
                            if many {
                                swept.push((key.to_owned(), value));
                            }
                        };
                        column(file.helpers.len() > 1, "helpers", written.spec.to_string());
                        column(file.start.len() > 1, "start", start_word(start).to_owned());
                        column(file.phases.len() > 1, "phases", phases_word(phases).to_owned());
                        let (profile, settings, helpers) = (profile.clone(), settings.clone(), Arc::clone(helpers));
                        protocols.push(Protocol { profile, swept, settings, helpers, start, phases });
                    }
                }
            }
        }
        Ok(protocols)
    }

    fn faults(&self, scenario: &Scenario) -> Result<Vec<Fault>, BadInput> {
        let build = |named: &Named| {
            let fault = self.built(&self.lab.faults, named, &())?;
            if fault.at >= self.file.duration {
                let why =
                    format!("{} strikes at {}, when all is over ({})", named.spec.kind, fault.at, self.file.duration);
                return Err(named.refuse(self.source, format!("{why}; at counts from the end of the warm-up")));
            }
            Ok(fault)
        };
        scenario.faults.iter().map(build).collect()
    }

    /// What there is on a topology for so many members.
    fn ground(&mut self, named: &Named, topology: &Topology, members: u32) -> Result<Ground, BadInput> {
        let placement = topology.place(members, 0, trial_seed(self.file.seed, 0));
        let surroundings = placement.surroundings();
        let mut strategies = Vec::with_capacity(self.file.selectors.len());
        for selector in &self.file.selectors {
            let spec = self.clamp_radius(&selector.spec, members);
            let strategy = self.lab.selectors.build(&spec, &surroundings).map_err(|error| {
                let bad = selector.complain(self.source, &error);
                BadInput { message: format!("{} (on topology {})", bad.message, named.spec), ..bad }
            })?;
            strategies.push(strategy.relabel(selector.spec.to_string()));
        }
        Ok(Ground { members, placement, strategies })
    }

    /// No neighbourhood is larger than the group: r counts the others.
    fn clamp_radius(&mut self, spec: &Spec, members: u32) -> Spec {
        let others = members.saturating_sub(1);
        match spec.values.get("radius") {
            Some(Value::Number(radius)) if *radius > f64::from(others) => {
                self.note(format!(
                    "{spec}: members = {members} leave {others} neighbours; radius {radius} is cut to that"
                ));
                spec.clone().with("radius", others)
            }
            _ => spec.clone(),
        }
    }

    /// Cuts p and k to what a group of this size can serve, and compares the period to the topology's delays.
    fn fit(&mut self, protocol: &Protocol, ground: &Ground, joiners: u32, topology: &Spec) -> Settings {
        let mut settings = protocol.settings.clone();
        let n = ground.members.saturating_add(joiners);
        let (targets, helpers) = (n.saturating_sub(1).max(1), n.saturating_sub(2));
        if settings.direct > targets {
            self.note(format!(
                "direct = {}: members = {n} leave {targets} to ping; it is cut to that",
                settings.direct
            ));
            settings.direct = targets;
        }
        if settings.indirect > helpers {
            let k = settings.indirect;
            self.note(format!("indirect = {k}: members = {n} leave {helpers} to help; it is cut to that"));
            settings.indirect = helpers;
        }
        let rtt = Span::from_micros(u64::from(ground.placement.longest_rtt_us()));
        if settings.period < rtt * 3 {
            self.note(format!(
                "period = {}: shorter than three times {rtt}, the longest round trip of {topology}: a direct ping and one \
                 through a helper do not fit into it",
                settings.period
            ));
        }
        settings
    }

    /// Whether there is what the faults aim at, and the world can hold those who join.
    fn check_faults(
        &self,
        scenario: &Scenario,
        faults: &[Fault],
        ground: &Ground,
        topology: &Spec,
    ) -> Result<(), BadInput> {
        let members = ground.members;
        for (named, fault) in scenario.faults.iter().zip(faults) {
            let refuse = |why: &str| Err(named.refuse(self.source, format!("{}: {why}", named.spec.kind)));
            if let Err(why) = check_targets(&ground.placement, members, std::slice::from_ref(fault)) {
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

    fn built<T, C>(&self, registry: &Registry<T, C>, named: &Named, context: &C) -> Result<T, BadInput> {
        registry.build(&named.spec, context).map_err(|error| named.complain(self.source, &error))
    }

    /// Each notice once.
    fn note(&mut self, notice: String) {
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }
}

/// Tells topologies of one name apart: their data may come from files that change.
fn fingerprint(topology: &Topology) -> String {
    let members = 64;
    let placement = topology.place(members, 0, 0);
    let pairs = (0..members).flat_map(|from| (0..members).map(move |to| (from, to)));
    let hash = pairs.fold(0, |hash, (from, to)| mix(hash ^ u64::from(placement.one_way_us(from, to))));
    format!("{hash:016x}")
}

fn start_word(start: Start) -> &'static str {
    match start {
        Start::Joined => "joined",
        Start::Joining => "joining",
    }
}

fn phases_word(phases: Phases) -> &'static str {
    match phases {
        Phases::Random => "random",
        Phases::Synchronous => "synchronous",
    }
}
