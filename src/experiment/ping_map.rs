//! Traffic of one trial per selector and topology, for the maps of the report: pings between areas, bytes by distance.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use swimlab_selectors::Location;

use super::Experiment;
use super::cell::Cell;
use super::error::Error;
use super::seed::trial_seed;
use crate::protocol::Time;
use crate::sim::{Observer, Sent};
use crate::topology::Placement;

/// Traffic of trial 0 of a cell after the warm-up, between areas and by distance.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PingMap {
    /// Label of the topology.
    pub topology: String,
    /// Label of the selector.
    pub selector: String,
    /// The areas that members are in: regions, else zones, else sites. Empty if all members are in one area, or in more
    /// than 600.
    pub nodes: Vec<MapNode>,
    /// Direct pings from one node to another: `pings[from * nodes + to]`.
    pub pings: Vec<u32>,
    /// Traffic by the round trip between sender and receiver, in ascending order, without empty classes.
    pub classes: Vec<DistanceClass>,
}

/// An area that members are in.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MapNode {
    /// Name of the area.
    pub name: String,
    /// Location of one of its members, if known.
    pub location: Option<Location>,
    /// The distinct known locations of its members.
    pub members_at: Vec<Location>,
}

/// Traffic over round-trip times of one class. There are four classes to a factor of two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistanceClass {
    /// Exclusive upper bound of the round-trip times of the class, in microseconds.
    pub below_us: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Direct pings sent.
    pub pings: u64,
}

/// The maximum number of areas; more are not legible.
pub(super) const MOST_NODES: usize = 600;

/// The maximum number of members of a world that is run again for a map.
pub(super) const MOST_MEMBERS: u32 = 10_000;

impl Experiment {
    /// Runs trial 0 of the first cell of each pair of topology and selector, in the order of the cells. Worlds of more
    /// than 10,000 members and trials that panic are left out.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn ping_maps(&self, threads: usize) -> Result<Vec<PingMap>, Error> {
        let mut seen = HashSet::new();
        let mut first: Vec<&Cell> = self.cells.iter().filter(|cell| cell.key.members <= MOST_MEMBERS).collect();
        first.retain(|cell| seen.insert((&cell.key.topology, &cell.key.selector)));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| Error::Threads { threads, why: error.to_string() })?;
        let ping_map = |cell: &&Cell| catch_unwind(AssertUnwindSafe(|| cell.ping_map(self.seed))).ok();
        let ping_maps: Vec<Option<PingMap>> = pool.install(|| first.par_iter().map(ping_map).collect());
        Ok(ping_maps.into_iter().flatten().collect())
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
            classes: [DistanceClass::default(); CLASSES],
        };
        self.watch(&setup, &mut recorder);
        let TrafficRecorder { pings, classes, .. } = recorder;
        let class = |(at, class): (usize, DistanceClass)| DistanceClass { below_us: lower_bound_us(at + 1), ..class };
        let used = classes.into_iter().enumerate().map(class).filter(|class| class.bytes > 0);
        let (topology, selector) = (self.key.topology.clone(), self.key.selector.clone());
        PingMap { topology, selector, nodes, pings, classes: used.collect() }
    }
}

/// An observer that counts pings and bytes.
struct TrafficRecorder<'a> {
    placement: &'a Placement,
    window: std::ops::Range<Time>,
    nodes: usize,
    /// Index of each member's node; empty if there are no nodes.
    node_of: Vec<u32>,
    pings: Vec<u32>,
    classes: [DistanceClass; CLASSES],
}

impl Observer for TrafficRecorder<'_> {
    fn sent(&mut self, sent: &Sent) {
        // Members may send to addresses that belong to no member.
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

/// The areas of a placement, and the index of each member's area.
fn nodes(placement: &Placement) -> (Vec<MapNode>, Vec<u32>) {
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
    let mut nodes: Vec<MapNode> =
        names.into_iter().map(|name| MapNode { name, location: None, members_at: Vec::new() }).collect();
    for (peer, &node) in placement.peers.iter().zip(&node_of) {
        let node = &mut nodes[node as usize];
        node.location = node.location.or(peer.location);
        node.members_at.extend(peer.location.filter(|location| !node.members_at.contains(location)));
    }
    (nodes, node_of)
}

/// Number of classes for round-trip times of up to 32 bits.
const CLASSES: usize = 124;

/// The class of a round-trip time: one per microsecond below 4 us, then four to a factor of two.
fn class_of(rtt_us: u32) -> usize {
    if rtt_us < 4 {
        return rtt_us as usize;
    }
    let octave = 31 - rtt_us.leading_zeros();
    4 * (octave as usize - 1) + (rtt_us >> (octave - 2) & 3) as usize
}

/// The shortest round-trip time of a class, in microseconds.
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
    use crate::topology::{Site, SiteMap, Topology};

    #[test]
    fn every_round_trip_time_lies_within_the_bounds_of_its_class() {
        let mut rtts: Vec<u32> = (0..5_000).collect();
        rtts.extend((0..32).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1_u32 << bit).saturating_add(1)]));
        for rtt in rtts.into_iter().chain([u32::MAX]) {
            let class = class_of(rtt);
            let bounds = lower_bound_us(class)..lower_bound_us(class + 1);
            assert!(class < CLASSES && bounds.contains(&u64::from(rtt)), "{rtt}: {class}, {bounds:?}");
        }
    }

    #[test]
    fn a_ping_map_counts_the_pings_and_bytes_of_its_trial() {
        let file = "topology = 'aws'\nmembers = 66\nselector = ['shuffle', { kind = 'neighborhood', radius = 1, \
                    metric = 'rtt', escape = 0.1 }]\ntrials = 1\nwarmup = '5s'\nduration = '20s'\n";
        let experiment = Experiment::parse(&TomlSource::text("s.toml", file), &Lab::default()).unwrap();
        let ping_maps = experiment.ping_maps(1).unwrap();
        assert_eq!(ping_maps, experiment.ping_maps(2).unwrap());
        let near = |ping_map: &PingMap| -> f64 {
            let own: u32 =
                (0..ping_map.nodes.len()).map(|node| ping_map.pings[node * (ping_map.nodes.len() + 1)]).sum();
            f64::from(own) / f64::from(ping_map.pings.iter().sum::<u32>())
        };
        assert_eq!(ping_maps.len(), 2);
        assert_eq!(ping_maps[0].nodes.len(), 33);
        assert!(
            near(&ping_maps[0]) < 0.1 && near(&ping_maps[1]) > 0.6,
            "{} {}",
            near(&ping_maps[0]),
            near(&ping_maps[1])
        );
        for (ping_map, cell) in ping_maps.iter().zip(&experiment.cells) {
            let measured = cell.run(experiment.seed, 0).measured;
            let bytes: u64 = ping_map.classes.iter().map(|class| class.bytes).sum();
            assert_eq!(measured.reading("bytes_sent").value(), Some(bytes as f64));
            let pings: u64 = ping_map.classes.iter().map(|class| class.pings).sum();
            assert_eq!(u64::from(ping_map.pings.iter().sum::<u32>()), pings);
        }
    }

    #[test]
    fn worlds_beyond_the_largest_have_no_map() {
        let maps = |members: u32| {
            let file = format!(
                "topology = 'lan'\nmembers = {members}\nselector = 'shuffle'\nwarmup = '0s'\nduration = '1ms'\n"
            );
            let experiment = Experiment::parse(&TomlSource::text("s.toml", file), &Lab::default()).unwrap();
            experiment.ping_maps(1).unwrap().len()
        };
        assert_eq!([MOST_MEMBERS, MOST_MEMBERS + 1].map(maps), [1, 0]);
    }

    #[test]
    fn a_map_has_as_many_areas_as_are_legible() {
        let areas = |sites: usize| {
            let map = SiteMap::from_rtt(vec![Site::new("a"); sites], &vec![1000.0; sites * sites]).unwrap();
            nodes(&Topology::new("many", map).place(sites as u32, 0, 1)).0.len()
        };
        assert_eq!([MOST_NODES, MOST_NODES + 1].map(areas), [MOST_NODES, 0]);
    }
}
