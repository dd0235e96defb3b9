//! A session of the page: the opened trial, and the answers to requests.

use serde_json::{Value, json};
use swimlab::course::scenes;
use swimlab::experiment::{
    Cell, Lab, LinkedExperiment, LinkedText, LinkedTrial, MEASURES, Measure, MeasuredValue, TrialLink, Unit,
};
use swimlab::protocol::{Span, Time};
use swimlab::sim::{IdIndex, Setup, SwimFactory, World};

use crate::member_view::MemberView;
use crate::recording::{EFFECTS, EVENT_WORDS, FAULT_WORDS, PACKET_WORDS, Recording};
use crate::request::Request;
use crate::world_view::WorldView;

/// The most members of a world that the page shows.
const MOST_MEMBERS: u32 = 5_000;

/// The longest trial that the page shows, warm-up included: times of recordings are 32-bit microseconds.
const LONGEST: Span = Span::from_secs(4_000);

/// The most trials that one request measures.
const MOST_TRIALS: u32 = 1_000;

/// A session of the page. [`Session::answer`] is all of its interface.
#[derive(Default)]
pub struct Session {
    lab: Lab,
    opened: Option<Opened>,
    words: Vec<u32>,
}

/// The trial of a link.
struct Opened {
    /// The experiment's seed.
    seed: u64,
    worlds: Vec<OpenWorld>,
}

/// One cell of the link.
struct OpenWorld {
    cell: Cell,
    setup: Setup,
    /// The labels of its faults, those of the link last.
    faults: Vec<String>,
    ids: IdIndex,
    /// The world at the time that was last looked at.
    cursor: Option<World<SwimFactory, ()>>,
}

impl Session {
    /// Answers a request in JSON with JSON: what the request asks for, or `{"error": "..."}` with a sentence for the user.
    pub fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let request = serde_json::from_slice::<Request>(request).map_err(|error| error.to_string());
        let response = request.and_then(|request| self.respond(request));
        response.unwrap_or_else(|error| json!({ "error": error })).to_string().into_bytes()
    }

    /// The words beside the last response: after `record` the rows of packets, then those of events, then those of faults.
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    fn respond(&mut self, request: Request) -> Result<Value, String> {
        match request {
            Request::Open { link } => self.open(&link),
            Request::Record { world } => self.record(world),
            Request::Inspect { world, at_us, member } => self.world(world)?.inspect(at_us, member),
            Request::Measure { world, measure, first, count } => self.measure(world, &measure, first, count),
            Request::Link { name, text } => {
                let text = LinkedText::new(name, text);
                Ok(json!({ "link": TrialLink::new(LinkedExperiment::Text(text)).to_string() }))
            }
            Request::Scenes => {
                Ok(json!(scenes().map(|(name, text)| json!({ "name": name, "text": text })).collect::<Vec<_>>()))
            }
        }
    }

    fn open(&mut self, link: &str) -> Result<Value, String> {
        let link = TrialLink::parse(link).map_err(|error| error.to_string())?;
        let trial = link.open(&self.lab, scenes::text).map_err(|error| error.to_string())?;
        let worlds: Vec<OpenWorld> =
            trial.cells.iter().map(|cell| OpenWorld::new(cell, &trial, &link)).collect::<Result<_, _>>()?;
        let seed = link.seed.unwrap_or(trial.experiment.seed);
        let views: Vec<WorldView> = worlds.iter().map(OpenWorld::view).collect();
        let labels: Vec<String> = trial.experiment.cells.iter().map(|cell| cell.key.to_string()).collect();
        let measures = MEASURES
            .iter()
            .map(|measure| json!({ "name": measure.name, "unit": unit_name(measure.unit), "about": measure.about }));
        let profiles =
            self.lab.profiles.entries().iter().map(|entry| json!({ "name": entry.name, "about": entry.about }));
        let response = json!({
            "name": trial.experiment.name,
            "text": trial.experiment.source.text,
            "notices": trial.experiment.notices,
            "trial": trial.trial,
            "cells": labels,
            "shown": if link.cells.is_empty() { vec![0] } else { link.cells.clone() },
            "worlds": views,
            "added_faults": link.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "view": link.view,
            "measures": measures.collect::<Vec<_>>(),
            "profiles": profiles.collect::<Vec<_>>(),
        });
        self.opened = Some(Opened { seed, worlds });
        Ok(response)
    }

    fn world(&mut self, number: usize) -> Result<&mut OpenWorld, String> {
        let opened = self.opened.as_mut().ok_or("no link is open")?;
        opened.worlds.get_mut(number).ok_or_else(|| format!("the link has no cell {number}"))
    }

    fn record(&mut self, number: usize) -> Result<Value, String> {
        let world = self.world(number)?;
        let mut recording = Recording::new(&world.setup);
        let outcome = world.cell.watch(&world.setup, &mut recording);
        let Recording { packets, events, faults, unrecorded, message_kinds, event_kinds, .. } = recording;
        let response = json!({
            "trace_hash": format!("{:016x}", outcome.trace_hash),
            "events_processed": outcome.events,
            "violations": outcome.violations,
            "end_us": outcome.end.as_micros(),
            "packets": packets.len() / PACKET_WORDS,
            "events": events.len() / EVENT_WORDS,
            "faults": faults.len() / FAULT_WORDS,
            "unrecorded": unrecorded,
            "message_kinds": message_kinds,
            "event_kinds": event_kinds,
            "effects": EFFECTS,
        });
        self.words = [packets, events, faults].concat();
        Ok(response)
    }

    fn measure(&mut self, number: usize, measure: &str, first: u32, count: u32) -> Result<Value, String> {
        let measure = Measure::named(measure).ok_or_else(|| format!("there is no measure \"{measure}\""))?;
        if count > MOST_TRIALS {
            return Err(format!("{count} trials: at most {MOST_TRIALS} are measured at once"));
        }
        let opened = self.opened.as_ref().ok_or("no link is open")?;
        let world = opened.worlds.get(number).ok_or_else(|| format!("the link has no cell {number}"))?;
        let trials = (0..count).map(|n| {
            let trial = world.cell.run(opened.seed, first.wrapping_add(n));
            match trial.measured.reading(measure.name) {
                MeasuredValue::Value(value) => json!({ "value": value }),
                MeasuredValue::Censored(after) => json!({ "censored": after }),
                MeasuredValue::Absent => Value::Null,
            }
        });
        Ok(
            json!({ "measure": measure.name, "about": measure.about, "first": first, "trials": trials.collect::<Vec<_>>() }),
        )
    }
}

impl OpenWorld {
    fn new(cell: &Cell, trial: &LinkedTrial, link: &TrialLink) -> Result<Self, String> {
        let setup = trial.setup(cell);
        let hosts = setup.placement.members();
        if hosts > MOST_MEMBERS {
            return Err(format!("{hosts} members: the page shows at most {MOST_MEMBERS}"));
        }
        if setup.warmup + setup.duration > LONGEST {
            return Err(format!("warm-up and duration are longer than {LONGEST}, the most that the page shows"));
        }
        let scenario = trial.experiment.scenarios.iter().find(|scenario| scenario.name == cell.key.scenario);
        let own = scenario.into_iter().flat_map(|scenario| scenario.faults.clone());
        let faults = own.chain(link.faults.iter().map(ToString::to_string)).collect();
        let ids = IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id));
        Ok(Self { cell: cell.clone(), setup, faults, ids, cursor: None })
    }

    fn view(&self) -> WorldView {
        let has_views = self.cell.swim_world(&self.setup, ()).is_some();
        WorldView::of(&self.cell, &self.setup, self.faults.clone(), has_views)
    }

    fn inspect(&mut self, at_us: u64, member: u32) -> Result<Value, String> {
        let hosts = self.setup.placement.members();
        if member >= hosts {
            return Err(format!("there is no member {member}: they count from 0 to {}", hosts - 1));
        }
        let at = Time::from_micros(at_us);
        // Worlds run forwards only.
        self.cursor.take_if(|world| world.time() > at);
        let world = match &mut self.cursor {
            Some(world) => world,
            empty => {
                let world = self.cell.swim_world(&self.setup, ());
                empty.insert(world.ok_or("these members cannot be looked into: they are not SWIM members alone")?)
            }
        };
        world.advance(at);
        let member = world.detector(member).map(|member| MemberView::of(member, &self.ids));
        serde_json::to_value(member).map_err(|error| error.to_string())
    }
}

/// A unit as the page writes it after a number; shares are shown in percent.
fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Seconds => "s",
        Unit::Bytes => "bytes",
        Unit::Messages => "messages",
        Unit::Members => "members",
        Unit::Share => "%",
        _ => "",
    }
}
