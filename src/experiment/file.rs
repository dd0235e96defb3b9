//! The experiment file: its keys, their types, ranges and defaults. What it names is looked up in `cells`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use swimlab_selectors::{Value, ValueRange, did_you_mean, nearest_names};

use super::environment::{self, Environments};
use super::error::BadInput;
use super::toml_source::{Item, NamedSpec, Table, TomlSource};
use crate::protocol::{Span, preset, presets};

/// The most members of a world, joiners included.
pub const MOST_MEMBERS: u32 = 10_000_000;

/// The most trials of one cell.
pub const MOST_TRIALS: u32 = 1_000_000;

/// The most seconds of warm-up or duration: some eleven days.
pub(super) const LONGEST_S: f64 = 1e6;

/// All keys of an experiment file.
pub(super) static KEYS: LazyLock<Vec<&str>> =
    LazyLock::new(|| KEYS_BEFORE.into_iter().chain(environment::names()).chain(KEYS_AFTER).collect());

const KEYS_BEFORE: [&str; 14] = [
    "name",
    "seed",
    "trials",
    "members",
    "topology",
    "selector",
    "helpers",
    "profile",
    "preset",
    "prober",
    "suspicion",
    "dissemination",
    "loss",
    "baseline",
];

const KEYS_AFTER: [&str; 5] = ["warmup", "duration", "protocol", "fault", "scenario"];

/// The keys that have no default, with an example of each.
const NEEDED: [(&str, &str); 3] = [("topology", "topology = \"lan\""), SELECTOR, ("members", "members = 100")];

/// A profile may have a selector of its own, and rivals need none.
pub(super) const SELECTOR: (&str, &str) = ("selector", "selector = [\"uniform\", \"shuffle\"]");

/// The parts of a profile that have keys of their own outside `[protocol]`.
const PARTS: [&str; 3] = ["prober", "suspicion", "dissemination"];

/// What an experiment file says. Lists are as they stand in the file: at least one value, no two alike.
pub(super) struct File {
    pub name: Option<String>,
    pub seed: u64,
    pub trials: u32,
    pub members: Vec<u32>,
    /// Each with its own sizes, or else those.
    pub topologies: Vec<(NamedSpec, Vec<u32>)>,
    /// None: the profiles' own.
    pub selectors: Vec<NamedSpec>,
    /// None: the profiles' own.
    pub helpers: Vec<NamedSpec>,
    pub profiles: Vec<NamedSpec>,
    /// What `[protocol]` and the parts' own keys set, in the order of the file.
    pub overrides: Vec<Override>,
    pub loss: Vec<f64>,
    pub baseline: Option<NamedSpec>,
    pub environments: Environments,
    pub warmup: Span,
    pub duration: Span,
    pub scenarios: Vec<Scenario>,
}

/// A protocol key and its alternatives.
pub(super) struct Override {
    pub key: String,
    pub values: Vec<(Value, usize)>,
}

/// One alternative of what breaks.
pub(super) struct Scenario {
    pub name: String,
    pub faults: Vec<NamedSpec>,
}

impl File {
    pub fn parse(source: &TomlSource) -> Result<Self, BadInput> {
        let mut file = source.table(&KEYS)?;
        let may_lack = |key: &str| key == SELECTOR.0 && file.has("profile");
        let missing: Vec<_> = NEEDED.iter().filter(|(key, _)| !file.has(key) && !may_lack(key)).collect();
        if !missing.is_empty() {
            let keys: Vec<&str> = missing.iter().map(|(key, _)| *key).collect();
            let examples: Vec<&str> = missing.iter().map(|(_, example)| *example).collect();
            let why = format!("missing: {}; for example {}", keys.join(", "), examples.join("; "));
            return Err(file.complain(why));
        }
        let [topologies, selectors, members] = NEEDED.map(|(key, _)| file.list(key).map(Option::unwrap_or_default));
        let members = distinct(members?, |item| item.count(1, MOST_MEMBERS))?;
        Ok(Self {
            name: file.take("name").map(name).transpose()?,
            seed: file.take("seed").map_or(Ok(1), |item| item.seed())?,
            trials: file.take("trials").map_or(Ok(100), |item| item.count(1, MOST_TRIALS))?,
            topologies: sized(source, all_named(topologies?)?, &members)?,
            members,
            selectors: all_named(selectors?)?,
            helpers: all_named(file.list("helpers")?.unwrap_or_default())?,
            profiles: file.list("profile")?.map_or_else(|| Ok(vec![NamedSpec::unwritten("swim")]), all_named)?,
            loss: numbers(&mut file, "loss", 0.0)?,
            baseline: file.take("baseline").map(Item::named).transpose()?,
            environments: Environments::take(&mut file)?,
            warmup: file.take("warmup").map_or(Ok(Span::from_secs(20)), |item| item.span(0.0, LONGEST_S))?,
            duration: file.take("duration").map_or(Ok(Span::from_secs(60)), |item| item.span(1e-3, LONGEST_S))?,
            overrides: overrides(&mut file)?,
            scenarios: scenarios(&mut file)?,
        })
    }
}

impl File {
    /// How many cells its lists multiply to.
    pub fn cells(&self) -> usize {
        let lists = [
            self.topologies.iter().map(|(_, sizes)| sizes.len()).sum(),
            self.selectors.len(),
            self.scenarios.len(),
            self.loss.len(),
            self.profiles.len(),
            self.helpers.len(),
        ];
        lists
            .into_iter()
            .map(|values| values.max(1))
            .chain(self.environments.lengths())
            .chain(self.overrides.iter().map(|over| over.values.len()))
            .fold(1, usize::saturating_mul)
    }

    /// What trials depend on besides the seed, key by key.
    pub fn describe(&self) -> BTreeMap<String, String> {
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
        for over in &self.overrides {
            description.insert(over.key.clone(), join(over.values.iter().map(|(value, _)| value)));
        }
        for scenario in &self.scenarios {
            description.insert(format!("scenario {}", scenario.name), labels(&scenario.faults));
        }
        description
    }
}

fn join<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    values.into_iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

/// A name that can be a folder's.
fn name(item: Item<'_>) -> Result<String, BadInput> {
    let name = item.text()?;
    let fits = !name.is_empty() && name.len() <= 100 && !name.starts_with('.');
    if fits && name.chars().all(|c| c.is_alphanumeric() || "-_. +".contains(c)) {
        return Ok(name.to_owned());
    }
    let allowed = "up to 100 letters, digits, spaces, dots, dashes, underscores and plus signs, no dot in front";
    Err(item.complain(format!("name must be {allowed}, not \"{name}\"")))
}

/// Reads every item of a list; two that are alike are refused.
pub(super) fn distinct<T: PartialEq>(
    items: Vec<Item<'_>>,
    read: impl Fn(&Item<'_>) -> Result<T, BadInput>,
) -> Result<Vec<T>, BadInput> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        let value = read(&item)?;
        if values.contains(&value) {
            return Err(item.complain(format!("{} lists {} twice", item.key, item.plain()?)));
        }
        values.push(value);
    }
    Ok(values)
}

/// Reads strategies; two with the same label are refused.
fn all_named(items: Vec<Item<'_>>) -> Result<Vec<NamedSpec>, BadInput> {
    let mut labels = BTreeSet::new();
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        let twice = item.complain(format!("{} lists this twice: ", item.key));
        let named = item.named()?;
        let label = named.spec.to_string();
        if !labels.insert(label.clone()) {
            return Err(BadInput { message: twice.message + &label, ..twice });
        }
        all.push(named);
    }
    Ok(all)
}

/// Gives each topology its sizes: those of the file, unless it has a number of its own.
fn sized(source: &TomlSource, all: Vec<NamedSpec>, members: &[u32]) -> Result<Vec<(NamedSpec, Vec<u32>)>, BadInput> {
    let mut sized: Vec<(NamedSpec, Vec<u32>)> = Vec::with_capacity(all.len());
    for named in all {
        let (named, own) = named.without("members");
        let sizes = match own {
            None => members.to_vec(),
            Some((value, at)) => match (ValueRange::Count { from: 1, to: MOST_MEMBERS }).admit(&value) {
                Ok(Value::Number(n)) => vec![n as u32],
                refused => {
                    let why = refused.err().unwrap_or_default();
                    return Err(source.complain(at, format!("{}: members {why}", named.spec)));
                }
            },
        };
        let twice = |(other, others): &&(NamedSpec, Vec<u32>)| {
            other.spec == named.spec && sizes.iter().any(|size| others.contains(size))
        };
        if sized.iter().find(twice).is_some() {
            return Err(named.refuse(source, format!("topology lists {} twice with as many members", named.spec)));
        }
        sized.push((named, sizes));
    }
    Ok(sized)
}

fn numbers(file: &mut Table<'_>, key: &str, default: f64) -> Result<Vec<f64>, BadInput> {
    file.list(key)?.map_or_else(|| Ok(vec![default]), |items| distinct(items, |item| item.real(0.0, 1.0)))
}

/// What the protocol's keys set: the parts, `[protocol]`, and under them a preset.
pub(super) fn overrides(file: &mut Table<'_>) -> Result<Vec<Override>, BadInput> {
    let mut overrides: Vec<Override> = Vec::new();
    for key in PARTS {
        if let Some(items) = file.list(key)? {
            let values = items.into_iter().map(|item| {
                let at = item.at;
                Ok((Value::Text(item.named()?.spec.to_string()), at))
            });
            overrides.push(Override { key: key.to_owned(), values: values.collect::<Result<_, _>>()? });
        }
    }
    for item in file.take("protocol").map(Item::entries).transpose()?.unwrap_or_default() {
        if KEYS.contains(&item.key.as_str()) && !PARTS.contains(&item.key.as_str()) {
            return Err(item.complain(format!("{} belongs above the first [table] of the file", item.key)));
        }
        if overrides.iter().any(|other| other.key == item.key) {
            return Err(item.complain(format!("{} is given outside [protocol], too", item.key)));
        }
        let key = item.key.clone();
        let values = item.list()?.into_iter().map(|item| Ok((item.plain()?, item.at)));
        overrides.push(Override { key, values: values.collect::<Result<_, _>>()? });
    }
    if let Some(item) = file.take("preset") {
        let name = item.text()?;
        let preset = preset(name).ok_or_else(|| {
            let near = did_you_mean(&nearest_names(name, presets().iter().map(|preset| preset.name)));
            item.complain(format!("unknown preset \"{name}\"{near}"))
        })?;
        for (key, value) in preset.values() {
            if !overrides.iter().any(|other| other.key == key) {
                overrides.push(Override { key, values: vec![(value, item.at)] });
            }
        }
    }
    for Override { key, values } in &overrides {
        for (i, (value, at)) in values.iter().enumerate() {
            if values[..i].iter().any(|(other, _)| other == value) {
                return Err(file.complain_at(*at, format!("{key} lists {value} twice")));
            }
        }
    }
    Ok(overrides)
}

/// The alternatives. The faults of `[[fault]]` happen in each of them.
fn scenarios(file: &mut Table<'_>) -> Result<Vec<Scenario>, BadInput> {
    let common = faults(file)?;
    let Some(items) = file.list("scenario")? else {
        return Ok(vec![Scenario { name: title(&common), faults: common }]);
    };
    let mut scenarios: Vec<Scenario> = Vec::new();
    for item in items {
        let mut table = item.table(&["name", "fault"])?;
        let own = faults(&mut table)?;
        let faults: Vec<NamedSpec> = common.iter().cloned().chain(own).collect();
        let (name, at) = match table.take("name") {
            Some(item) => (item.text()?.to_owned(), Some(item)),
            None => (title(&faults), None),
        };
        if name.is_empty() || scenarios.iter().any(|other| other.name == name) {
            let why = if name.is_empty() { "has an empty name" } else { "has the name of an earlier one" };
            let message = format!("this scenario {why}; name = \"...\" tells them apart");
            return Err(at.map_or_else(|| table.complain(&message), |item| item.complain(&message)));
        }
        scenarios.push(Scenario { name, faults });
    }
    Ok(scenarios)
}

fn faults(table: &mut Table<'_>) -> Result<Vec<NamedSpec>, BadInput> {
    let Some(item) = table.take("fault") else { return Ok(Vec::new()) };
    // Unlike elsewhere, an empty list makes sense: a scenario in which nothing breaks.
    if item.is_empty_list() {
        return Ok(Vec::new());
    }
    item.list()?.into_iter().map(Item::named).collect()
}

/// The name of a scenario that has none: its kinds of faults.
fn title(faults: &[NamedSpec]) -> String {
    let kinds: Vec<&str> = faults.iter().map(|fault| fault.spec.kind.as_str()).collect();
    if kinds.is_empty() { "none".to_owned() } else { kinds.join("+") }
}
