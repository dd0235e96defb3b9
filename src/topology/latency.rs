//! Latency models: the delay between two sites, without jitter.

use super::globe::Globe;
use super::lattice::Lattice;
use super::units::half_us;

/// The most sites with a table of delays; a table of this size takes 100 MB.
pub const MAX_SITES: usize = 5_000;

/// Delay of a packet between two sites. An enum, not a trait object: it is asked for every packet.
#[derive(Debug)]
pub(super) enum Latency {
    /// One site: the same for all packets.
    Constant(u32),
    /// One way in microseconds, row by row.
    Matrix { sites: u32, one_way_us: Box<[u32]> },
    /// By hops on a ring, grid or torus.
    Lattice(Lattice),
    /// By the tier that connects two racks.
    Tree(Tree),
    /// By distance on the globe.
    Globe(Globe),
}

/// Racks in pods, with a delay for each tier.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub racks: u32,
    pub racks_per_pod: u32,
    /// One way, microseconds.
    pub in_rack: u32,
    pub in_pod: u32,
    pub across: u32,
}

impl Latency {
    /// From round-trip times in microseconds; the two directions are averaged.
    pub(super) fn matrix(sites: usize, rtt_us: &[f64]) -> Self {
        let one_way = |i: usize, j: usize| half_us((rtt_us[i * sites + j] + rtt_us[j * sites + i]) / 2.0);
        let one_way_us = (0..sites * sites).map(|at| one_way(at / sites, at % sites)).collect();
        Self::Matrix { sites: sites as u32, one_way_us }
    }

    pub(super) fn sites(&self) -> u32 {
        match self {
            Self::Constant(_) => 1,
            Self::Matrix { sites, .. } => *sites,
            Self::Lattice(lattice) => lattice.sites(),
            Self::Tree(tree) => tree.racks,
            Self::Globe(globe) => globe.sites(),
        }
    }

    /// Microseconds one way, at least 1.
    #[inline]
    pub(super) fn one_way_us(&self, from: u32, to: u32) -> u32 {
        match self {
            Self::Constant(delay) => *delay,
            Self::Matrix { sites, one_way_us } => one_way_us[from as usize * *sites as usize + to as usize],
            Self::Lattice(lattice) => lattice.one_way_us(from, to),
            Self::Tree(tree) => tree.one_way_us(from, to),
            Self::Globe(globe) => globe.one_way_us(from, to),
        }
    }

    /// The shortest delay between any two sites, or within one.
    pub(super) fn shortest_us(&self) -> u32 {
        match self {
            Self::Constant(delay) => *delay,
            Self::Matrix { one_way_us, .. } => one_way_us.iter().copied().min().unwrap_or(0),
            Self::Lattice(lattice) => lattice.shortest_us(),
            Self::Tree(tree) => tree.in_rack.min(tree.in_pod).min(tree.across),
            Self::Globe(globe) => globe.shortest_us(),
        }
    }

    /// The longest delay between any two of these sites, or within one of them; 0 if there is none. For more than
    /// [`MAX_SITES`] positions of a lattice it is the lattice's own.
    pub(super) fn longest_us(&self, sites: &[u32]) -> u32 {
        match self {
            // There may be millions of positions: too many to compare every pair.
            Self::Lattice(lattice) if sites.len() > MAX_SITES => lattice.longest_us(),
            Self::Globe(globe) => globe.longest_us(sites),
            _ => {
                let to_all = |&from: &u32| sites.iter().map(move |&to| self.one_way_us(from, to));
                sites.iter().flat_map(to_all).max().unwrap_or(0)
            }
        }
    }
}

impl Tree {
    #[inline]
    fn one_way_us(&self, from: u32, to: u32) -> u32 {
        if from == to {
            self.in_rack
        } else if from / self.racks_per_pod == to / self.racks_per_pod {
            self.in_pod
        } else {
            self.across
        }
    }
}
