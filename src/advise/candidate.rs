//! A candidate: a detector with all its settings, as experiment files and agents name them.

use std::fmt::Write;

use swimlab_selectors::{Spec, Value, parse_seconds};

use crate::experiment::Lab;
use crate::protocol::{Config, Span, preset};

/// A detector with all its settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The profile or other detector, with the settings that differ from its own and from the preset's.
    pub profile: Spec,
    /// The preset; `None` for detectors that are not SWIM, and without one.
    pub preset: Option<&'static str>,
    /// The selector; `None` for that of the profile, and for detectors that are not SWIM.
    pub selector: Option<Spec>,
    /// The helpers; `None` for those of the profile.
    pub helpers: Option<Spec>,
}

/// The settings that are times and grow with the period.
const TIMES: [&str; 9] = [
    "period",
    "probe_timeout",
    "gossip_interval",
    "timeout",
    "ttl",
    "poll",
    "max_interval",
    "initial_interval",
    "min_deviation",
];

impl Candidate {
    /// A detector as its registry has it.
    pub fn of(profile: Spec) -> Self {
        Self { profile, preset: None, selector: None, helpers: None }
    }

    /// The profile's spec with the values of the preset.
    fn effective(&self) -> Spec {
        match self.preset.and_then(preset) {
            Some(preset) => preset.under(self.profile.clone()),
            None => self.profile.clone(),
        }
    }

    /// The protocol's configuration; `None` if it is no SWIM member.
    pub fn config(&self, lab: &Lab) -> Option<Config> {
        lab.profiles.build(&self.effective(), &()).ok()
    }

    /// Whether an agent can run it.
    pub fn is_swim(&self, lab: &Lab) -> bool {
        lab.profiles.entry(&self.profile.kind).is_ok()
    }

    /// The value of a setting in seconds, the registry's default included.
    pub(super) fn seconds(&self, key: &str, lab: &Lab) -> Option<f64> {
        if let Some(Value::Text(text)) = self.effective().values.get(key) {
            return parse_seconds(text);
        }
        self.default_of(key, lab)
    }

    /// The value of a setting that is a number, the registry's default included.
    pub(super) fn number(&self, key: &str, lab: &Lab) -> Option<f64> {
        match self.effective().values.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => self.default_of(key, lab),
        }
    }

    /// The registry's default of a setting; times in seconds.
    fn default_of(&self, key: &str, lab: &Lab) -> Option<f64> {
        let profile = lab.profiles.entry(&self.profile.kind).map(|entry| &entry.params);
        let params = profile.or_else(|_| lab.detectors.entry(&self.profile.kind).map(|entry| &entry.params)).ok()?;
        match params.iter().find(|param| param.name == key)?.default {
            Some(Value::Number(number)) => Some(number),
            _ => None,
        }
    }

    /// The period in seconds.
    pub(super) fn period_s(&self, lab: &Lab) -> f64 {
        self.seconds("period", lab).unwrap_or(1.0)
    }

    /// The same with a setting.
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.profile = self.profile.with(key, value);
        self
    }

    /// The same with a time, in seconds, rounded to three digits.
    pub(super) fn with_seconds(self, key: &str, seconds: f64) -> Self {
        self.with(key, rounded(seconds).to_string().as_str())
    }

    /// The same with all times multiplied by this factor; the period is rounded down to three digits, and the others
    /// keep their share of it.
    pub(super) fn scaled(&self, factor: f64, lab: &Lab) -> Self {
        let old = self.period_s(lab);
        let new = rounded_down(old * factor).as_secs_f64();
        let mut scaled = self.clone();
        for key in TIMES {
            let Some(seconds) = self.seconds(key, lab) else { continue };
            match self.uses(key, lab) {
                true => scaled = scaled.with_seconds(key, seconds * new / old),
                false => drop(scaled.profile.values.remove(key)),
            }
        }
        scaled
    }

    /// The settings besides the period: other times count in periods, to a twentieth, as rounding changes them.
    pub(super) fn structure(&self, lab: &Lab) -> String {
        let mut structure = self.scaled(1.0 / self.period_s(lab), lab);
        for key in TIMES {
            if let Some(periods) = structure.seconds(key, lab).filter(|_| structure.uses(key, lab)) {
                structure = structure.with_seconds(key, libm::round(periods * 20.0) / 20.0);
            }
        }
        structure.label()
    }

    /// Whether a time has an effect: all SWIM profiles have a gossip interval, used or not.
    fn uses(&self, key: &str, lab: &Lab) -> bool {
        let has_gossip = |config: Config| config.dissemination.gossip().is_some();
        key != "gossip_interval" || self.config(lab).is_some_and(has_gossip)
    }

    /// The lines of an experiment or agent file that name it.
    pub fn toml(&self, lab: &Lab) -> String {
        let mut text = String::new();
        if !self.is_swim(lab) {
            let _ = writeln!(text, "profile = {:?}", self.profile.to_string());
            return text;
        }
        let _ = writeln!(text, "profile = {:?}", self.profile.kind);
        if let Some(preset) = self.preset {
            let _ = writeln!(text, "preset = {preset:?}");
        }
        for (key, spec) in [("selector", &self.selector), ("helpers", &self.helpers)] {
            if let Some(spec) = spec {
                let _ = writeln!(text, "{key} = {:?}", spec.to_string());
            }
        }
        text
    }

    /// The table `[protocol]` of its settings; empty if it has none of its own, or is no SWIM member.
    pub fn protocol_toml(&self, lab: &Lab) -> String {
        if !self.is_swim(lab) || self.profile.values.is_empty() {
            return String::new();
        }
        let mut text = "\n[protocol]\n".to_owned();
        for (key, value) in &self.profile.values {
            let _ = match value {
                Value::Text(value) => writeln!(text, "{key} = {value:?}"),
                value => writeln!(text, "{key} = {value}"),
            };
        }
        text
    }

    /// The detector for tables: profile and preset.
    pub fn detector(&self) -> String {
        match self.preset {
            Some(preset) => format!("{} ({preset})", self.profile.kind),
            None => self.profile.kind.clone(),
        }
    }

    /// The settings for tables: selector, helpers, and what differs from the profile and the preset.
    pub fn settings(&self) -> String {
        let named = [("", &self.selector), ("helpers=", &self.helpers)];
        let named = named.into_iter().filter_map(|(name, spec)| Some(format!("{name}{}", spec.as_ref()?)));
        let values = self.profile.values.iter().map(|(key, value)| format!("{key}={value}"));
        named.chain(values).collect::<Vec<_>>().join(" ")
    }

    /// Detector and settings in one line.
    pub fn label(&self) -> String {
        let settings = self.settings();
        if settings.is_empty() { self.detector() } else { format!("{} {settings}", self.detector()) }
    }
}

/// A time of three significant digits.
fn rounded(seconds: f64) -> Span {
    digits(seconds, libm::round)
}

/// A time of three significant digits, not longer.
fn rounded_down(seconds: f64) -> Span {
    digits(seconds, |value| libm::floor(value + 1e-9))
}

fn digits(seconds: f64, round: fn(f64) -> f64) -> Span {
    let unit = libm::pow(10.0, libm::floor(libm::log10(seconds)) - 2.0).max(1e-6);
    Span::from_secs_f64((round(seconds / unit) * unit).max(1e-6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_times_grow_together() {
        let lab = Lab::default();
        let swim = Candidate { preset: Some("lan"), ..Candidate::of(Spec::of("swim")) };
        let scaled = swim.scaled(1.2345, &lab);
        assert_eq!(scaled.settings(), "gossip_interval=246ms period=1.23s probe_timeout=615ms");
        assert_eq!(scaled.config(&lab).unwrap().period, Span::from_millis(1230));
        let plain = Candidate { preset: None, ..scaled };
        assert_eq!(plain.scaled(1.0, &lab).settings(), "period=1.23s probe_timeout=615ms", "it has no gossip");
        let heartbeats = Candidate::of(Spec::parse("all-to-all:period=1s,timeout=4.5s").unwrap());
        assert_eq!(heartbeats.scaled(2.0, &lab).settings(), "period=2s timeout=9s");
        let lease = Candidate::of(Spec::of("lease"));
        assert_eq!(lease.scaled(0.1, &lab).settings(), "period=300ms poll=100ms ttl=1s");
    }

    #[test]
    fn candidates_that_differ_in_their_period_and_by_rounding_have_one_structure() {
        let lab = Lab::default();
        let structure = |label: &str| Candidate::of(Spec::parse(label).unwrap()).structure(&lab);
        let one = structure("swim:indirect=6,period=490ms,probe_timeout=245ms");
        assert_eq!(one, structure("swim:indirect=6,period=493ms,probe_timeout=246ms"));
        assert_ne!(one, structure("swim:indirect=5,period=490ms,probe_timeout=245ms"));
        assert_ne!(one, structure("swim:indirect=6,period=490ms,probe_timeout=98ms"));
        assert_eq!(
            structure("all-to-all:period=500ms,timeout=2.25s"),
            structure("all-to-all:period=1.1s,timeout=4.96s")
        );
    }

    #[test]
    fn its_files_name_what_was_tried() {
        let lab = Lab::default();
        let candidate = Candidate {
            preset: Some("lan"),
            selector: Some(Spec::of("auto")),
            ..Candidate::of(Spec::parse("swim:indirect=5,period=2s").unwrap())
        };
        assert_eq!(candidate.toml(&lab), "profile = \"swim\"\npreset = \"lan\"\nselector = \"auto\"\n");
        assert_eq!(candidate.protocol_toml(&lab), "\n[protocol]\nindirect = 5\nperiod = \"2s\"\n");
        assert_eq!(candidate.label(), "swim (lan) auto indirect=5 period=2s");
        let majority = Candidate::of(Spec::parse("majority:timeout=9s").unwrap());
        assert_eq!(majority.toml(&lab), "profile = \"majority:timeout=9s\"\n");
        assert!(!majority.is_swim(&lab) && candidate.is_swim(&lab));
    }
}
