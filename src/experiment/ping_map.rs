//! One trial per strategy and topology, watched for pictures: who pings whom, and how far bytes travel.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use swimlab_selectors::Location;

use super::error::Error;
use super::{Cell, Experiment, trial_seed};
use crate::protocol::Time;
use crate::sim::{Observer, Sent};
use crate::topology::Placement;

/// The traffic of trial 0 of a cell, between areas and by distance. Traffic is counted after the warm-up, as all traffic is.
#[derive(Clone, Debug, PartialEq)]
pub struct PingMap {
    /// The topology's label.
    pub topology: String,
    /// The selector's label.
    pub selector: String,
    /// The areas that members are in: regions, or zones where there are none, or sites. Empty if all are in one, or in
    /// more than [`MOST_NODES`].
    pub nodes: Vec<Node>,
    /// Direct pings from one node to another: `pings[from * nodes + to]`.
    pub pings: Vec<u32>,
    /// Traffic by the round trip between sender and receiver, in ascending order, without empty classes.
    pub classes: Vec<Class>,
}

/// An area that members are in.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The location of one of its members, if that is known.
    pub location: Option<Location>,
    /// The locations of its members, each once, as far as they are known.
    pub members_at: Vec<Location>,
}

/// What is sent over distances of one class. There are four to an octave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// Round trips in this class are shorter than this, in microseconds.
    pub below_us: u64,
    /// Bytes handed to the network.
    pub bytes: u64,
    /// Direct pings.
    pub pings: u64,
}

/// More areas than these make no picture.
pub const MOST_NODES: usize = 600;

/// A world larger than this is not run once more for a picture.
const MOST_MEMBERS: u32 = 10_000;

impl Experiment {
    /// Runs trial 0 of the first cell of each pair of topology and selector, in their order. A world of more than
    /// 10,000 members, and a trial that panics, have none.
    ///
    /// # Errors
    /// If the system grants no threads.
    pub fn sketches(&self, threads: usize) -> Result<Vec<PingMap>, Error> {
        let mut first: Vec<&Cell> = Vec::new();
        for cell in self.cells.iter().filter(|cell| cell.key.members <= MOST_MEMBERS) {
            let same =
                |other: &&Cell| (&other.key.topology, &other.key.selector) == (&cell.key.topology, &cell.key.selector);
            if !first.iter().any(same) {
                first.push(cell);
            }
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads { threads, why: error.to_string() })?;
        let ping_map = |cell: &&Cell| catch_unwind(AssertUnwindSafe(|| cell.ping_map(self.seed))).ok();
        let sketches: Vec<Option<PingMap>> = pool.install(|| first.par_iter().map(ping_map).collect());
        Ok(sketches.into_iter().flatten().collect())
    }
}

impl Cell {
    /// Runs trial 0 and counts its traffic.
    fn ping_map(&self, seed: u64) -> PingMap {
        let setup = self.setup(trial_seed(seed, 0));
        let from = Time::ZERO + setup.warmup;
        let (nodes, node_of) = nodes(&setup.placement);
        let mut recorder = TrafficRecorder {
            placement: &setup.placement,
            window: from..from + setup.duration,
            pings: vec![0; nodes.len() * nodes.len()],
            nodes: nodes.len(),
            node_of,
            classes: [Class::default(); CLASSES],
        };
        self.watch(&setup, &mut recorder);
        let TrafficRecorder { pings, classes, .. } = recorder;
        let class = |(at, class): (usize, Class)| Class { below_us: lower_bound_us(at + 1), ..class };
        let used = classes.into_iter().enumerate().map(class).filter(|class| class.bytes > 0);
        let (topology, selector) = (self.key.topology.clone(), self.key.selector.clone());
        PingMap { topology, selector, nodes, pings, classes: used.collect() }
    }
}

/// Counts pings and bytes while a world runs.
struct TrafficRecorder<'a> {
    placement: &'a Placement,
    window: std::ops::Range<Time>,
    nodes: usize,
    /// Each member's node; empty if there are no nodes.
    node_of: Vec<u32>,
    pings: Vec<u32>,
    classes: [Class; CLASSES],
}

impl Observer for TrafficRecorder<'_> {
    fn sent(&mut self, sent: &Sent) {
        // A member may send to an address that no member ever had.
        if !self.window.contains(&sent.at) || sent.to >= self.placement.members() {
            return;
        }
        let class = &mut self.classes[class_of(self.placement.rtt_us(sent.from, sent.to))];
        class.bytes += u64::from(sent.bytes);
        if sent.direct_ping {
            class.pings += 1;
            if self.nodes > 0 {
                let [from, to] = [sent.from, sent.to].map(|member| self.node_of[member as usize] as usize);
                self.pings[from * self.nodes + to] += 1;
            }
        }
    }
}

/// The areas of a placement, and each member's.
fn nodes(placement: &Placement) -> (Vec<Node>, Vec<u32>) {
    let members = 0..placement.members();
    let many = |names: Option<&[String]>| names.filter(|names| names.len() > 1).map(<[String]>::to_vec);
    let (names, node_of): (Vec<String>, Vec<u32>) = if let Some(names) = many(placement.regions()) {
        (names, members.map(|member| u32::from(placement.region_of(member))).collect())
    } else if let Some(names) = many(placement.zones()) {
        (names, members.map(|member| u32::from(placement.zone_of(member))).collect())
    } else if (2..=MOST_NODES as u32).contains(&placement.sites()) {
        let names = (0..placement.sites()).map(|site| placement.site_name(site)).collect();
        (names, members.map(|member| placement.site_of(member)).collect())
    } else {
        return (Vec::new(), Vec::new());
    };
    if names.len() > MOST_NODES {
        return (Vec::new(), Vec::new());
    }
    let mut nodes: Vec<Node> =
        names.into_iter().map(|name| Node { name, location: None, members_at: Vec::new() }).collect();
    for (peer, &node) in placement.peers.iter().zip(&node_of) {
        let node = &mut nodes[node as usize];
        node.location = node.location.or(peer.location);
        node.members_at.extend(peer.location.filter(|location| !node.members_at.contains(location)));
    }
    (nodes, node_of)
}

/// Classes for all round trips that fit into 32 bits.
const CLASSES: usize = 124;

/// The class of a round trip: below 4 us one for each, then four to an octave.
fn class_of(rtt_us: u32) -> usize {
    if rtt_us < 4 {
        return rtt_us as usize;
    }
    let octave = 31 - rtt_us.leading_zeros();
    4 * (octave as usize - 1) + (rtt_us >> (octave - 2) & 3) as usize
}

/// The shortest round trip of a class.
fn lower_bound_us(class: usize) -> u64 {
    match class {
        0..4 => class as u64,
        _ => (4 + class as u64 % 4) << (class / 4 - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Lab, TomlSource};

    #[test]
    fn every_round_trip_is_in_the_class_that_encloses_it() {
        let mut rtts: Vec<u32> = (0..5_000).collect();
        rtts.extend((0..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1_u32 << bit).saturating_add(1)]));
        for rtt in rtts.into_iter().chain([u32::MAX]) {
            let class = class_of(rtt);
            let bounds = lower_bound_us(class)..lower_bound_us(class + 1);
            assert!(class < CLASSES && bounds.contains(&u64::from(rtt)), "{rtt}: {class}, {bounds:?}");
        }
    }

    #[test]
    fn a_sketch_counts_the_pings_and_bytes_of_its_trial() {
        let file = "topology = 'aws'\nmembers = 66\nselector = ['shuffle', { kind = 'neighborhood', radius = 1, \
                    metric = 'rtt', escape = 0.1 }]\ntrials = 1\nwarmup = '5s'\nduration = '20s'\n";
        let experiment = Experiment::parse(&TomlSource::text("s.toml", file), &Lab::default()).unwrap();
        let sketches = experiment.sketches(1).unwrap();
        assert_eq!(sketches, experiment.sketches(2).unwrap());
        let near = |ping_map: &PingMap| -> f64 {
            let own: u32 =
                (0..ping_map.nodes.len()).map(|node| ping_map.pings[node * (ping_map.nodes.len() + 1)]).sum();
            f64::from(own) / f64::from(ping_map.pings.iter().sum::<u32>())
        };
        assert_eq!(sketches.len(), 2);
        assert_eq!(sketches[0].nodes.len(), 33);
        assert!(near(&sketches[0]) < 0.1 && near(&sketches[1]) > 0.6, "{} {}", near(&sketches[0]), near(&sketches[1]));
        for (ping_map, cell) in sketches.iter().zip(&experiment.cells) {
            let measured = cell.run(experiment.seed, 0).measured;
            let bytes: u64 = ping_map.classes.iter().map(|class| class.bytes).sum();
            let column = crate::experiment::measures::index_of("bytes_sent").unwrap();
            assert_eq!(measured.readings[column].value(), Some(bytes as f64));
            let pings: u64 = ping_map.classes.iter().map(|class| class.pings).sum();
            assert_eq!(u64::from(ping_map.pings.iter().sum::<u32>()), pings);
        }
    }
}
