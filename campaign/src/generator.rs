//! Draws schedules from everything that a laboratory has registered.

use swimlab::experiment::Lab;
use swimlab::protocol::presets;
use swimlab_selectors::rng::{Purpose, Rng, below, bits, stream};
use swimlab_selectors::{Param, Value, ValueRange, metrics};

use super::schedule::{Part, Schedule, is_valid};

/// A registered entry: its name and parameters.
type Entry = (&'static str, Vec<Param>);

/// Draws schedules. The fields restrict what is drawn.
pub struct Generator<'a> {
    lab: &'a Lab,
    /// SWIM's profiles.
    pub profiles: Vec<&'static str>,
    /// Detectors that are not SWIM; drawn once in eight schedules.
    pub detectors: Vec<&'static str>,
    /// The largest group.
    pub most_members: u32,
    selectors: Vec<Entry>,
    helpers: Vec<Entry>,
    topologies: Vec<&'static str>,
    faults: Vec<Entry>,
    metrics: Vec<&'static str>,
}

impl<'a> Generator<'a> {
    /// Draws from all parts of a laboratory that need no file.
    pub fn new(lab: &'a Lab) -> Self {
        Self {
            lab,
            profiles: lab.profiles.entries().iter().map(|entry| entry.name).collect(),
            detectors: lab.detectors.entries().iter().map(|entry| entry.name).collect(),
            most_members: 64,
            selectors: lab.selectors.entries().iter().map(|entry| (entry.name, entry.params.clone())).collect(),
            helpers: lab.helpers.entries().iter().map(|entry| (entry.name, entry.params.clone())).collect(),
            topologies: {
                let entries = lab.topologies.entries().iter();
                entries.filter(|e| e.params.iter().all(|p| p.default.is_some())).map(|entry| entry.name).collect()
            },
            faults: lab.faults.entries().iter().map(|entry| (entry.name, entry.params.clone())).collect(),
            metrics: metrics().entries().iter().map(|entry| entry.name).collect(),
        }
    }

    /// Draws the schedule with this number in the campaign with this seed.
    pub fn draw(&self, seed: u64, number: u64) -> Schedule {
        let rng = &mut stream(seed, Purpose::Faults, number);
        loop {
            let schedule = self.draw_any(rng);
            // A fault may have more targets than there are members, and not every strategy takes every metric.
            if is_valid(&schedule, self.lab) {
                return schedule;
            }
        }
    }

    fn draw_any(&self, rng: &mut Rng) -> Schedule {
        let is_swim = !self.profiles.is_empty() && (self.detectors.is_empty() || below(rng, 8) > 0);
        let profile = if is_swim { one_of(rng, &self.profiles) } else { one_of(rng, &self.detectors) };
        // Mostly small and short: most faults need few members, and many worlds find more than large ones.
        let most_members = [4, 8, 8, 8, 8, 8, 16, 64][below(rng, 8) as usize].min(self.most_members);
        let members = 1 + below(rng, most_members);
        let duration_s = [30, 30, 60, 60, 60, 120, 120, 300][below(rng, 8) as usize];
        let names: Vec<&str> = presets().iter().map(|preset| preset.name).collect();
        let faults = (0..below(rng, 6)).map(|_| self.fault(rng, members, duration_s)).collect();
        Schedule {
            // An experiment file's seeds have 63 bits.
            seed: bits(rng) >> 1,
            profile: Part::of(profile),
            preset: (is_swim && one_in(rng, 2)).then(|| one_of(rng, &names)),
            selector: is_swim.then(|| self.strategy(rng, &self.selectors)),
            helpers: (is_swim && one_in(rng, 2)).then(|| self.strategy(rng, &self.helpers)),
            topology: Part::of(one_of(rng, &self.topologies)),
            members,
            joining: one_in(rng, 4),
            loss_percent: [0, 0, 0, 5, 20][below(rng, 5) as usize],
            duration_s,
            faults,
        }
    }

    /// A selector or helper strategy with its default parameters, and any metric where it takes one.
    fn strategy(&self, rng: &mut Rng, entries: &[Entry]) -> Part {
        let (kind, params) = &entries[below(rng, entries.len() as u32) as usize];
        let mut part = Part::of(kind);
        if let Some(metric) = params.iter().find(|param| param.name == "metric")
            && (metric.default.is_none() || one_in(rng, 2))
        {
            part.params.push((metric.name, Value::Text(one_of(rng, &self.metrics).to_owned())));
        }
        part
    }

    /// A fault at any time of the trial, each of its parameters with any value or its default.
    fn fault(&self, rng: &mut Rng, members: u32, duration_s: u32) -> Part {
        let (kind, params) = &self.faults[below(rng, self.faults.len() as u32) as usize];
        let mut part = Part::of(kind);
        for param in params {
            if param.name == "at" {
                part.params.push((param.name, seconds(below(rng, duration_s * 10), 10)));
            } else if param.name == "count" {
                part.params.push((param.name, Value::Number(f64::from(1 + below(rng, members.div_ceil(3))))));
            } else if param.name == "times" {
                part.params.push((param.name, Value::Number(f64::from(1 + below(rng, 5)))));
            } else if one_in(rng, 2) {
                part.params.push((param.name, value(rng, param, members)));
            }
        }
        part
    }
}

/// Any value of a parameter, of a size that a trial of some minutes has room for.
fn value(rng: &mut Rng, param: &Param, members: u32) -> Value {
    match &param.range {
        ValueRange::Text => Value::Text(target(rng, members)),
        ValueRange::Flag => Value::Flag(one_in(rng, 2)),
        ValueRange::Choice { names } | ValueRange::ChoiceOrSpan { names, .. } => {
            Value::Text((*one_of(rng, names)).to_owned())
        }
        &ValueRange::Count { from, to } => {
            let most = to.min(from.saturating_add([4, 64, 1000][below(rng, 3) as usize]));
            Value::Number(f64::from(from + below(rng, most - from + 1)))
        }
        &ValueRange::Real { from, to } => {
            let hundredths = f64::from(below(rng, 101)) / 100.0;
            Value::Number(from + (to.min(from + 1.0) - from) * hundredths)
        }
        &ValueRange::Span { from_s, to_s } => {
            let tenths = [below(rng, 20), below(rng, 600), below(rng, 3000)][below(rng, 3) as usize];
            let least = (from_s * 1e3).ceil() as u32;
            let most = (to_s.min(1e6) * 1e3) as u32;
            seconds((tenths * 100).clamp(least, most), 1000)
        }
        _ => unreachable!("a kind of range that this generator does not know"),
    }
}

/// Any target of a fault.
fn target(rng: &mut Rng, members: u32) -> String {
    match below(rng, 4) {
        0 => "random".to_owned(),
        1 => format!("share:0.{}", 1 + below(rng, 9)),
        2 => below(rng, members).to_string(),
        _ => {
            let two = (below(rng, members), below(rng, members));
            if two.0 == two.1 { two.0.to_string() } else { format!("{},{}", two.0, two.1) }
        }
    }
}

/// A length of time of `count / per_second` seconds.
fn seconds(count: u32, per_second: u32) -> Value {
    Value::Text(format!("{}ms", u64::from(count) * 1000 / u64::from(per_second)))
}

fn one_in(rng: &mut Rng, n: u32) -> bool {
    below(rng, n) == 0
}

fn one_of<T: Copy>(rng: &mut Rng, items: &[T]) -> T {
    items[below(rng, items.len() as u32) as usize]
}
