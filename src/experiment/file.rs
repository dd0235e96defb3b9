//! The experiment file: its keys, their types, ranges and defaults. `product` looks up the names in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use swimlab_selectors::{Value, ValueRange, did_you_mean, nearest_names};

use super::challenge::ChallengeTable;
use super::discovery::DiscoveryLists;
use super::environment::{self, EnvironmentLists};
use super::error::BadInput;
use super::limits::{LONGEST_S, MOST_CELLS, MOST_FAULTS, MOST_MEMBERS, MOST_TRIALS};
use super::share::{SMALLEST_EFFECT, parse_share};
use super::toml_source::{NamedSpec, TomlSource, TomlTable, TomlValue, distinct};
use crate::protocol::{Preset, Span, preset, presets};

/// All keys of an experiment file.
pub(super) static KEYS: LazyLock<Vec<&str>> =
    LazyLock::new(|| KEYS_BEFORE.into_iter().chain(environment::names()).chain(KEYS_AFTER).collect());

const KEYS_BEFORE: [&str; 15] = [
    "name",
    "seed",
    "trials",
    "members",
    "topology",
    "selector",
    "helpers",
    "profile",
    PRESET,
    "prober",
    "suspicion",
    "dissemination",
    "loss",
    "baseline",
    "smallest_effect",
];

const KEYS_AFTER: [&str; 7] = ["warmup", "duration", "protocol", "discovery", "fault", "scenario", "challenge"];

/// The keys without a default, each with an example.
const NEEDED: [(&str, &str); 3] = [("topology", "topology = \"lan\""), SELECTOR, ("members", "members = 100")];

/// Profiles may have a default selector, and detectors that are not SWIM have none.
pub(super) const SELECTOR: (&str, &str) = ("selector", "selector = [\"uniform\", \"shuffle\"]");

/// The key of presets. Each of several is a variant of the profile.
pub(super) const PRESET: &str = "preset";

/// The strategies of a profile that have keys outside `[protocol]`.
const PARTS: [&str; 3] = ["prober", "suspicion", "dissemination"];

/// The values of an experiment file. Lists keep the order of the file, and have at least one value and no equal ones.
pub(super) struct File {
    pub name: Option<String>,
    pub seed: u64,
    pub trials: u32,
    pub members: Vec<u32>,
    /// Each with its own numbers of members if it has any, otherwise with `members`.
    pub topologies: Vec<(NamedSpec, Vec<u32>)>,
    /// Empty for the profiles' defaults.
    pub selectors: Vec<NamedSpec>,
    /// Empty for the profiles' defaults.
    pub helpers: Vec<NamedSpec>,
    pub profiles: Vec<NamedSpec>,
    /// The values from `[protocol]` and from the keys of [`PARTS`], in the order of the file.
    pub overrides: Vec<Override>,
    pub loss: Vec<f64>,
    pub baseline: Option<NamedSpec>,
    pub smallest_effect: f64,
    pub environments: EnvironmentLists,
    pub discovery: DiscoveryLists,
    pub warmup: Span,
    pub duration: Span,
    pub scenarios: Vec<ScenarioSpec>,
    pub challenge: Option<ChallengeTable>,
}

/// A key of the protocol with its alternative values and their positions.
pub(super) struct Override {
    pub key: String,
    pub values: Vec<(Value, usize)>,
    /// Whether it comes from a preset, and yields to a value that the profile itself gives.
    pub is_preset: bool,
}

impl Override {
    /// The profile with a value of this key.
    pub(super) fn over(&self, profile: NamedSpec, value: &Value, at: usize) -> NamedSpec {
        let yields = self.is_preset && profile.spec.values.contains_key(&self.key);
        if yields { profile } else { profile.with(&self.key, value.clone(), at) }
    }
}

/// One of the alternative lists of faults.
pub(super) struct ScenarioSpec {
    pub name: String,
    pub faults: Vec<NamedSpec>,
}

impl File {
    pub(super) fn parse(source: &TomlSource) -> Result<Self, BadInput> {
        let mut file = source.table(&KEYS)?;
        let may_lack = |key: &str| key == SELECTOR.0 && file.has("profile");
        let missing: Vec<_> = NEEDED.iter().filter(|(key, _)| !file.has(key) && !may_lack(key)).collect();
        if !missing.is_empty() {
            let keys: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();
            let examples: Vec<&str> = missing.iter().map(|(_, example)| *example).collect();
            let why = format!("missing: {}; for example {}", keys.join(", "), examples.join("; "));
            return Err(file.error(why));
        }
        let [topologies, selectors, members] = NEEDED.map(|(key, _)| file.list(key).map(Option::unwrap_or_default));
        let members = distinct(members?, |value| value.count(1, MOST_MEMBERS))?;
        Ok(Self {
            name: file.take("name").map(name).transpose()?,
            seed: file.take("seed").map_or(Ok(1), |value| value.seed())?,
            trials: file.take("trials").map_or(Ok(100), |value| value.count(1, MOST_TRIALS))?,
            topologies: sized(source, all_named(source, topologies?)?, &members)?,
            members,
            selectors: all_named(source, selectors?)?,
            helpers: all_named(source, file.list("helpers")?.unwrap_or_default())?,
            profiles: match file.list("profile")? {
                Some(profiles) => all_named(source, profiles)?,
                None => vec![NamedSpec::unwritten("swim")],
            },
            loss: numbers(&mut file, "loss", 0.0)?,
            baseline: file.take("baseline").map(TomlValue::named).transpose()?,
            smallest_effect: file.take("smallest_effect").map_or(Ok(SMALLEST_EFFECT), share)?,
            environments: EnvironmentLists::take(&mut file)?,
            discovery: DiscoveryLists::take(source, &mut file)?,
            warmup: file.take("warmup").map_or(Ok(Span::from_secs(20)), |value| value.span(0.0, LONGEST_S))?,
            duration: file.take("duration").map_or(Ok(Span::from_secs(60)), |value| value.span(1e-3, LONGEST_S))?,
            overrides: overrides(&mut file, None)?,
            scenarios: scenarios(&mut file)?,
            challenge: ChallengeTable::take(&mut file)?,
        })
    }
}

impl File {
    /// The number of cells that its lists multiply to.
    pub(super) fn cells(&self) -> usize {
        let lists = [
            self.topologies.iter().map(|(_, sizes)| sizes.len()).sum(),
            self.selectors.len(),
            self.scenarios.len(),
            self.loss.len(),
            self.profiles.len(),
            self.helpers.len(),
            self.discovery.product.len(),
        ];
        lists
            .into_iter()
            .map(|values| values.max(1))
            .chain(self.environments.lengths())
            .chain(self.overrides.iter().map(|over| over.values.len()))
            .fold(1, usize::saturating_mul)
    }

    /// The number of faults of all cells together.
    pub(super) fn faults(&self) -> usize {
        let per_scenario = self.cells() / self.scenarios.len().max(1);
        let faults: usize = self.scenarios.iter().map(|scenario| scenario.faults.len()).sum();
        per_scenario.saturating_mul(faults)
    }

    /// The values that trials depend on besides the seed, by key.
    pub(super) fn describe(&self) -> BTreeMap<String, String> {
        let labels = |all: &[NamedSpec]| join(all.iter().map(|named| named.spec.to_string()));
        let topology = |(named, sizes): &(NamedSpec, Vec<u32>)| match sizes {
            sizes if *sizes == self.members => named.spec.to_string(),
            sizes => named.spec.clone().with("members", sizes[0]).to_string(),
        };
        let mut description = BTreeMap::from([
            ("members".to_owned(), join(&self.members)),
            ("topology".to_owned(), join(self.topologies.iter().map(topology))),
            ("selector".to_owned(), labels(&self.selectors)),
            ("helpers".to_owned(), labels(&self.helpers)),
            ("profile".to_owned(), labels(&self.profiles)),
            ("loss".to_owned(), join(&self.loss)),
            ("warmup".to_owned(), self.warmup.to_string()),
            ("duration".to_owned(), self.duration.to_string()),
        ]);
        description.extend(self.environments.described().map(|(name, values)| (name.to_owned(), join(values))));
        description.extend(self.discovery.described().map(|(name, values)| (name.to_owned(), values)));
        for over in &self.overrides {
            description.insert(over.key.clone(), join(over.values.iter().map(|(value, _)| value)));
        }
        // The order of the cells follows from the orders of these.
        description.insert("scenario".to_owned(), join(self.scenarios.iter().map(|scenario| &scenario.name)));
        let varied = self.overrides.iter().filter(|over| over.values.len() > 1).map(|over| &over.key);
        description.insert("varied keys".to_owned(), join(varied));
        for scenario in &self.scenarios {
            description.insert(format!("scenario {}", scenario.name), labels(&scenario.faults));
        }
        description
    }
}

fn join<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

/// The experiment's name, which must be usable as that of a folder.
fn name(value: TomlValue<'_>) -> Result<String, BadInput> {
    let name = value.text()?;
    let fits = !name.is_empty() && name.len() <= 100 && !name.starts_with('.');
    if fits && name.chars().all(|c| c.is_alphanumeric() || "-_. +".contains(c)) {
        return Ok(name.to_owned());
    }
    let allowed = "up to 100 letters, digits, spaces, dots, dashes, underscores and plus signs, no dot in front";
    Err(value.error(format!("name must be {allowed}, not \"{name}\"")))
}

/// Reads specs; two with the same label are an error.
fn all_named(source: &TomlSource, values: Vec<TomlValue<'_>>) -> Result<Vec<NamedSpec>, BadInput> {
    let mut labels = BTreeSet::new();
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        let (key, at) = (value.key.clone(), value.at);
        for named in value.alternatives()? {
            let label = named.spec.to_string();
            if !labels.insert(label.clone()) {
                return Err(source.error(at, format!("{key} lists this twice: {label}")));
            }
            all.push(named);
        }
        if all.len() > MOST_CELLS {
            return Err(source.error(at, format!("{key} lists more than {MOST_CELLS} combinations")));
        }
    }
    Ok(all)
}

/// Pairs each topology with its numbers of members: those of the file, unless it has one of its own.
fn sized(source: &TomlSource, all: Vec<NamedSpec>, members: &[u32]) -> Result<Vec<(NamedSpec, Vec<u32>)>, BadInput> {
    let most = all.len().saturating_mul(members.len());
    if most > MOST_CELLS {
        return Err(source.whole(format!("its lists multiply to {most} cells or more; {MOST_CELLS} are the most")));
    }
    let mut sized: Vec<(NamedSpec, Vec<u32>)> = Vec::with_capacity(all.len());
    for named in all {
        let (named, own) = named.without("members");
        let sizes = match own {
            None => members.to_vec(),
            Some((value, at)) => match (ValueRange::Count { from: 1, to: MOST_MEMBERS }).admit(&value) {
                Ok(Value::Number(n)) => vec![n as u32],
                refused => {
                    let why = refused.err().unwrap_or_default();
                    return Err(source.error(at, format!("{}: members {why}", named.spec)));
                }
            },
        };
        let twice = |(other, others): &&(NamedSpec, Vec<u32>)| {
            other.spec == named.spec && sizes.iter().any(|size| others.contains(size))
        };
        if sized.iter().find(twice).is_some() {
            return Err(named.error(source, format!("topology lists {} twice with as many members", named.spec)));
        }
        sized.push((named, sizes));
    }
    Ok(sized)
}

/// A number from 0 to 1, or a text with a percentage.
fn share(value: TomlValue<'_>) -> Result<f64, BadInput> {
    let text = value.plain()?.to_string();
    parse_share(&text).map_err(|why| value.error(format!("{} {why}", value.key)))
}

fn numbers(file: &mut TomlTable<'_>, key: &str, default: f64) -> Result<Vec<f64>, BadInput> {
    file.list(key)?.map_or_else(|| Ok(vec![default]), |values| distinct(values, |value| value.real(0.0, 1.0)))
}

/// The overrides of the profile: the keys of [`PARTS`] and `[protocol]`, then the preset's values where these set none,
/// or the key [`PRESET`] with the names of several. `chosen` replaces the file's presets.
pub(super) fn overrides(file: &mut TomlTable<'_>, chosen: Option<&str>) -> Result<Vec<Override>, BadInput> {
    let mut overrides: Vec<Override> = Vec::new();
    for key in PARTS {
        if let Some(values) = file.list(key)? {
            let mut specs = Vec::with_capacity(values.len());
            for value in values {
                let at = value.at;
                specs.extend(value.alternatives()?.iter().map(|named| (Value::Text(named.spec.to_string()), at)));
            }
            overrides.push(Override { key: key.to_owned(), values: specs, is_preset: false });
        }
    }
    for value in file.take("protocol").map(TomlValue::entries).transpose()?.unwrap_or_default() {
        if KEYS.contains(&value.key.as_str()) && !PARTS.contains(&value.key.as_str()) {
            return Err(value.error(format!("{} belongs above the first [table] of the file", value.key)));
        }
        if overrides.iter().any(|other| other.key == value.key) {
            return Err(value.error(format!("{} is given outside [protocol], too", value.key)));
        }
        let key = value.key.clone();
        let values = value.list()?.into_iter().map(|value| Ok((value.plain()?, value.at)));
        overrides.push(Override { key, values: values.collect::<Result<_, _>>()?, is_preset: false });
    }
    let names = file.list(PRESET)?;
    let known: Option<Vec<(&Preset, usize)>> = match chosen {
        Some(name) => {
            let refused = |message| BadInput { file: "--preset".to_owned(), line: None, message };
            Some(vec![(known_preset(name).map_err(refused)?, 0)])
        }
        None => {
            let known = |value: TomlValue<'_>| {
                Ok((known_preset(value.text()?).map_err(|message| value.error(message))?, value.at))
            };
            names.map(|names| names.into_iter().map(known).collect::<Result<_, BadInput>>()).transpose()?
        }
    };
    if let Some(known) = known {
        if let [(preset, at)] = known[..] {
            let others = preset.values().filter(|(key, _)| !overrides.iter().any(|other| other.key == *key));
            let others = others.map(|(key, value)| Override { key, values: vec![(value, at)], is_preset: true });
            let others: Vec<_> = others.collect();
            overrides.extend(others);
        } else {
            let values = known.into_iter().map(|(preset, at)| (preset.name.into(), at)).collect();
            overrides.push(Override { key: PRESET.to_owned(), values, is_preset: true });
        }
    }
    for Override { key, values, .. } in &overrides {
        for (i, (value, at)) in values.iter().enumerate() {
            if values[..i].iter().any(|(other, _)| other == value) {
                return Err(file.error_at(*at, format!("{key} lists {value} twice")));
            }
        }
    }
    Ok(overrides)
}

/// The preset of this name.
fn known_preset(name: &str) -> Result<&'static Preset, String> {
    preset(name).ok_or_else(|| {
        let near = did_you_mean(&nearest_names(name, presets().iter().map(|preset| preset.name)));
        format!("unknown preset \"{name}\"{near}")
    })
}

/// The scenarios. The faults of `[[fault]]` belong to each of them.
fn scenarios(file: &mut TomlTable<'_>) -> Result<Vec<ScenarioSpec>, BadInput> {
    let common = faults(file)?;
    let Some(values) = file.list("scenario")? else {
        return Ok(vec![ScenarioSpec { name: title(&common), faults: common }]);
    };
    let inherited = common.len().saturating_mul(values.len());
    if inherited > MOST_FAULTS {
        let why = format!("the scenarios have {inherited} faults together; {MOST_FAULTS} are the most");
        return Err(file.error(why));
    }
    let mut scenarios: Vec<ScenarioSpec> = Vec::new();
    for value in values {
        let mut table = value.table(&["name", "fault"])?;
        let own = faults(&mut table)?;
        let faults: Vec<NamedSpec> = common.iter().cloned().chain(own).collect();
        let (name, at) = match table.take("name") {
            Some(value) => (value.text()?.to_owned(), Some(value)),
            None => (title(&faults), None),
        };
        if name.is_empty() || scenarios.iter().any(|other| other.name == name) {
            let why = if name.is_empty() { "has an empty name" } else { "has the name of an earlier one" };
            let message = format!("this scenario {why}; name = \"...\" tells them apart");
            return Err(at.map_or_else(|| table.error(&message), |value| value.error(&message)));
        }
        scenarios.push(ScenarioSpec { name, faults });
    }
    Ok(scenarios)
}

fn faults(table: &mut TomlTable<'_>) -> Result<Vec<NamedSpec>, BadInput> {
    let Some(value) = table.take("fault") else { return Ok(Vec::new()) };
    // An empty list is valid here only: a scenario without faults.
    if value.is_empty_list() {
        return Ok(Vec::new());
    }
    value.list()?.into_iter().map(TomlValue::named).collect()
}

/// The name of a scenario without one: the kinds of its faults.
fn title(faults: &[NamedSpec]) -> String {
    let kinds: Vec<&str> = faults.iter().map(|fault| fault.spec.kind.as_str()).collect();
    if kinds.is_empty() { "none".to_owned() } else { kinds.join("+") }
}
