//! The candidates: every family of detectors with its settings, each placed near the targets by its closed forms.
//!
//! A family is a row of [`FAMILIES`]. All SWIM profiles and all detectors of the lab's registries are tried, registered
//! ones of a program's own included: those without a family of their own as they are, with their period adapted.

use swimlab_selectors::{Spec, Value};

use super::candidate::Candidate;
use super::closed_forms::{Forecast, forecast, helpers_for};
use super::question::{Clocks, Question};
use super::units::shown_bytes;
use crate::experiment::Lab;
use crate::topology::Placement;

/// The share of the time to declare at which candidates are placed: forecasts are good to about this.
const ROOM: f64 = 0.95;

/// A ping and one through a helper need this many of the longest round trips.
const ROUND_TRIPS: f64 = 3.0;

/// A candidate that sends this many times the bytes of the most frugal one cannot win, and is not tried.
const HOPELESS: f64 = 30.0;

/// The candidates, and those that closed forms have ruled out.
pub(super) struct Space {
    pub candidates: Vec<Placed>,
    /// Each with the reason.
    pub left_out: Vec<(String, String)>,
}

/// A candidate with what is known before any trial.
#[derive(Clone)]
pub(super) struct Placed {
    pub candidate: Candidate,
    /// `None` for detectors without closed forms.
    pub forecast: Option<Forecast>,
}

impl Placed {
    /// Whether a closed form tells that false deaths are within the target.
    pub(super) fn is_proven(&self, question: &Question) -> bool {
        let bound = self.forecast.and_then(|forecast| forecast.false_deaths);
        bound.is_some_and(|bound| bound.per_month <= question.false_deaths.per_month())
    }
}

/// A question with what the search looks up all the time.
pub(super) struct Site<'a> {
    pub question: &'a Question,
    pub placement: &'a Placement,
    pub lab: &'a Lab,
}

/// All candidates for a question.
pub(super) fn candidates(site: &Site<'_>) -> Space {
    let mut space = Space { candidates: Vec::new(), left_out: Vec::new() };
    let profiles = site.lab.profiles.entries().iter().map(|entry| entry.name);
    let detectors = site.lab.detectors.entries().iter().map(|entry| entry.name);
    let mut all: Vec<Candidate> = profiles.chain(detectors).flat_map(|name| family(name, site)).collect();
    all.dedup();
    for candidate in all {
        match site.placed(candidate) {
            Ok(placed) => space.candidates.push(placed),
            Err(why) => space.left_out.push(why),
        }
    }
    space.leave_out_costly(site.question.bytes);
    space
}

/// The candidates of one profile or detector, before their times are adapted.
fn family(name: &'static str, site: &Site<'_>) -> Vec<Candidate> {
    let of = || Candidate::of(Spec::of(name));
    match name {
        "swim" => swims(site),
        "all-to-all" | "majority" => heartbeats(name, site.question),
        "gossip-heartbeat" => vec![
            of().with("fanout", 1_u32).with("fail_mult", 2.0),
            of().with("fanout", 1_u32).with("fail_mult", 4.0),
            of().with("fanout", 3_u32).with("fail_mult", 2.0),
        ],
        "phi-accrual" => {
            // All of its times in proportion to the period.
            let base = of().with("max_interval", "10s").with("initial_interval", "5s").with("min_deviation", "100ms");
            let fanout = |fanout: u32| base.clone().with("fanout", fanout);
            vec![fanout(1), fanout(3), fanout(3).with("threshold", 12.0)]
        }
        "lease" => {
            let with = |registries: u32, renewals: f64, poll: f64| {
                of().with("registries", registries)
                    .with_seconds("period", 1.0)
                    .with_seconds("ttl", renewals)
                    .with_seconds("poll", poll)
            };
            // A lease lasts for two or three renewals.
            vec![with(1, 3.2, 1.0), with(3, 3.2, 1.0), with(3, 2.2, 1.0), with(3, 2.2, 2.0)]
        }
        // Published variants with their own settings; their period is adapted, and the selector varied.
        _ if site.lab.profiles.entry(name).is_ok() => {
            let own = of();
            let auto = Candidate { selector: Some(Spec::of("auto")), ..of() };
            if site.question.clocks == Clocks::None { vec![own] } else { vec![own, auto] }
        }
        _ => vec![of()],
    }
}

/// SWIM by itself and with the preset `lan`: selectors, suspicions, helpers, pings per period.
fn swims(site: &Site<'_>) -> Vec<Candidate> {
    let mut all = Vec::new();
    for preset in [None, Some("lan")] {
        for selector in site.selectors() {
            for mult in SUSPICIONS {
                let base = Candidate { preset, selector: Some(selector.clone()), ..Candidate::of(Spec::of("swim")) };
                let base = base.with("suspicion_mult", mult);
                for helpers in site.helpers(&base) {
                    all.push(base.clone().with("indirect", helpers));
                }
            }
        }
    }
    all
}

/// Multiples of log10(n+1) periods, at least one.
const SUSPICIONS: [f64; 3] = [2.0, 3.0, 4.0];

/// Periods of the shortest suspicion that is tried. A shorter one cannot be refuted in time, and without any a member
/// that stands still for a period is declared dead at once.
const SHORTEST_SUSPICION: f64 = 2.0;

/// Heartbeats to all: with as many in a timeout as keep false deaths below the target by the closed form, one less and
/// one more.
fn heartbeats(name: &'static str, question: &Question) -> Vec<Candidate> {
    let of =
        |missed: f64| Candidate::of(Spec::of(name)).with_seconds("period", 1.0).with_seconds("timeout", missed + 0.5);
    // A majority errs far less often than its members: two heartbeats in a timeout may be enough.
    let least = if name == "majority" { 2 } else { missed_heartbeats(question) };
    (least.saturating_sub(1).max(1)..=least + 1).map(|missed| of(f64::from(missed))).collect()
}

/// The heartbeats that must be lost in a row for a false death, so that there are few enough of them.
fn missed_heartbeats(question: &Question) -> u32 {
    let pairs = f64::from(question.members) * f64::from(question.members - 1);
    let window = question.declare_within.as_secs_f64();
    let month = super::units::HOURS_PER_MONTH * 3600.0;
    let is_enough = |missed: &u32| {
        let rate = pairs * month / (window / (f64::from(*missed) + 0.5)) * libm::pow(question.loss, f64::from(*missed));
        rate <= question.false_deaths.per_month()
    };
    (2..60).find(is_enough).unwrap_or(60)
}

impl Site<'_> {
    /// The selectors that SWIM is tried with.
    pub(super) fn selectors(&self) -> Vec<Spec> {
        let mut selectors = vec![Spec::of("shuffle")];
        if self.question.clocks == Clocks::Ntp {
            selectors.push(Spec::of("auto"));
        }
        if self.placement.regions().is_some() {
            selectors
                .push(Spec::of("neighborhood").with("metric", "hierarchy").with("radius", 8_u32).with("escape", 0.167));
        }
        selectors
    }

    /// The numbers of helpers that are tried: memberlist's three, what PM(F) asks for, and one more.
    fn helpers(&self, candidate: &Candidate) -> Vec<u32> {
        let pings = self.adapted(candidate).map(|(candidate, _)| 1.0 / candidate.period_s(self.lab)).unwrap_or(1.0);
        let question = self.question;
        let least = helpers_for(question.members, question.loss, pings, question.false_deaths.per_month());
        let most = question.members.saturating_sub(2);
        let mut counts: Vec<u32> = [Some(3), least].into_iter().flatten().map(|count| count.min(most)).collect();
        counts.sort_unstable();
        counts.dedup();
        counts
    }

    /// The candidate with its times such that a crash is declared in time, by its closed forms.
    pub(super) fn adapted(&self, candidate: &Candidate) -> Option<(Candidate, Forecast)> {
        let target = ROOM * self.question.declare_within.as_secs_f64();
        let mut candidate = candidate.clone();
        // Times are rounded, and a probe timeout is at least a round trip: the second pass corrects for both.
        for _ in 0..2 {
            let forecast = forecast(&candidate, self.question, self.placement, self.lab)?;
            candidate = self.with_room_for_pings(candidate.scaled(target / forecast.declared_s, self.lab));
        }
        let forecast = forecast(&candidate, self.question, self.placement, self.lab)?;
        Some((candidate, forecast))
    }

    /// The candidate with a probe timeout that a round trip fits into, if the period leaves room for one through
    /// helpers.
    fn with_room_for_pings(&self, candidate: Candidate) -> Candidate {
        let Some(config) = candidate.config(self.lab) else { return candidate };
        let (longest, period) = (self.longest_rtt_s(), config.period.as_secs_f64());
        let needed = 1.2 * longest;
        match config.probe_timeout.as_secs_f64() < needed && needed < 0.4 * period {
            true => candidate.with_seconds("probe_timeout", needed),
            false => candidate,
        }
    }

    fn longest_rtt_s(&self) -> f64 {
        f64::from(self.placement.longest_rtt_us()) / 1e6
    }

    /// The candidate with its times adapted and its forecast, or its label and the reason why it is not tried.
    pub(super) fn placed(&self, candidate: Candidate) -> Result<Placed, (String, String)> {
        let Some((adapted, forecast)) = self.adapted(&candidate) else {
            // Of a detector without closed forms nothing is known but its period.
            let share = self.question.declare_within.as_secs_f64() / 10.0;
            let scaled = candidate.scaled(share / candidate.period_s(self.lab), self.lab);
            return Ok(Placed { candidate: scaled, forecast: None });
        };
        if let Some(config) = adapted.config(self.lab) {
            let suspicion = config.suspicion.timeout(config.period, self.question.members, u32::MAX);
            if suspicion < config.period.scale(SHORTEST_SUSPICION) {
                let why = format!(
                    "a suspicion of {suspicion} is too short: a live member that stands still is declared dead"
                );
                return Err((adapted.label(), why));
            }
        }
        let (period, rtts) = (adapted.period_s(self.lab), ROUND_TRIPS * self.longest_rtt_s());
        if adapted.is_swim(self.lab) && period < rtts {
            let why = format!("a period of {period:.3} s leaves no time for three round trips ({rtts:.3} s)");
            return Err((adapted.label(), why));
        }
        Ok(Placed { candidate: adapted, forecast: Some(forecast) })
    }

    /// The candidate with its forecast, without any change.
    pub(super) fn as_it_is(&self, candidate: &Candidate) -> Placed {
        let forecast = forecast(candidate, self.question, self.placement, self.lab);
        Placed { candidate: candidate.clone(), forecast }
    }

    /// The candidate with its times adapted, if closed forms say how.
    pub(super) fn adapted_or_as_it_is(&self, candidate: &Candidate) -> Placed {
        match self.adapted(candidate) {
            Some((candidate, forecast)) => Placed { candidate, forecast: Some(forecast) },
            None => self.as_it_is(candidate),
        }
    }

    /// The candidate with as many helpers as PM(F) asks for here; heartbeats with as many in a timeout.
    pub(super) fn with_helpers_for(&self, candidate: &Candidate) -> Candidate {
        if candidate.is_swim(self.lab) {
            return match self.helpers(candidate).last() {
                Some(&helpers) => candidate.clone().with("indirect", helpers),
                None => candidate.clone(),
            };
        }
        match candidate.profile.kind.as_str() {
            "all-to-all" => {
                let (missed, period) = (f64::from(missed_heartbeats(self.question)), candidate.period_s(self.lab));
                candidate.clone().with_seconds("timeout", (missed + 0.5) * period)
            }
            _ => candidate.clone(),
        }
    }

    /// Candidates like this one: the settings next to each of its own.
    pub(super) fn neighbors(&self, of: &Candidate) -> Vec<Candidate> {
        let mut all: Vec<Candidate> = Vec::new();
        if of.is_swim(self.lab) {
            let mult = of.number("suspicion_mult", self.lab).unwrap_or(4.0);
            let is_free =
                |candidate: &Candidate| !matches!(candidate.profile.values.get("suspicion"), Some(Value::Text(_)));
            if is_free(of) {
                let steps = [mult - 0.5, mult + 0.5, mult + 1.0].into_iter().filter(|mult| *mult >= SUSPICIONS[0]);
                all.extend(steps.map(|mult| of.clone().with("suspicion_mult", mult)));
            }
            let helpers = of.number("indirect", self.lab).unwrap_or(3.0);
            let most = f64::from(self.question.members.saturating_sub(2));
            let counts = [helpers - 1.0, helpers + 1.0].into_iter().filter(|count| (1.0..=most).contains(count));
            all.extend(counts.map(|count| of.clone().with("indirect", count)));
            all.push(self.with_helpers_for(of));
            let direct = of.number("direct", self.lab).unwrap_or(1.0);
            all.push(of.clone().with("direct", if direct == 1.0 { 2.0 } else { direct - 1.0 }));
            for selector in self.selectors() {
                all.push(Candidate { selector: Some(selector), ..of.clone() });
            }
            // In one region all helpers are alike.
            if self.placement.regions().is_some() {
                let helpers = ["regional", "uniform"].map(|helpers| Some(Spec::of(helpers)));
                all.extend(helpers.map(|helpers| Candidate { helpers, ..of.clone() }));
            }
            if of.profile.kind == "swim" {
                let preset = if of.preset.is_some() { None } else { Some("lan") };
                all.push(Candidate { preset, ..of.clone() });
            }
            return all;
        }
        if let (Some(timeout), period) = (of.seconds("timeout", self.lab), of.period_s(self.lab)) {
            let missed = libm::floor(timeout / period);
            let steps = [missed - 1.0, missed + 1.0].into_iter().filter(|missed| *missed >= 1.0);
            all.extend(steps.map(|missed| of.clone().with_seconds("timeout", (missed + 0.5) * period)));
        }
        if let (Some(ttl), Some(poll), period) =
            (of.seconds("ttl", self.lab), of.seconds("poll", self.lab), of.period_s(self.lab))
        {
            all.extend([0.5, 2.0].map(|factor| of.clone().with_seconds("poll", poll * factor)));
            all.extend([2.2, 3.2].map(|renewals| of.clone().with_seconds("ttl", renewals * period)));
            debug_assert!(ttl > period);
        }
        all
    }
}

impl Space {
    /// Leaves out what sends far more than the most frugal candidate or than the target allows.
    fn leave_out_costly(&mut self, target: Option<f64>) {
        let bytes = |placed: &Placed| placed.forecast.map(|forecast| forecast.bytes);
        let least = self.candidates.iter().filter_map(bytes).fold(f64::INFINITY, f64::min);
        // Forecasts of bytes are rough.
        let most = (HOPELESS * least).min(target.map_or(f64::INFINITY, |target| 2.0 * target).max(least * 2.0));
        let (kept, costly): (Vec<Placed>, Vec<Placed>) =
            self.candidates.drain(..).partition(|placed| bytes(placed).is_none_or(|bytes| bytes <= most));
        self.candidates = kept;
        self.left_out.extend(costly.into_iter().map(|placed| {
            let sent = shown_bytes(bytes(&placed).unwrap_or_default());
            let why = match target.filter(|target| bytes(&placed).is_some_and(|bytes| bytes > *target)) {
                Some(target) => format!("it sends {sent} by its closed form; {} are allowed", shown_bytes(target)),
                None => format!("it sends {sent} by its closed form, the most frugal one {}", shown_bytes(least)),
            };
            (placed.candidate.label(), why)
        }));
    }
}
