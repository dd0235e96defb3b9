//! One file for each kind of topology: what it is, its parameters, how it is built.

pub(super) mod aws;
pub(super) mod azure;
pub(super) mod cities;
#[cfg(feature = "lab")]
pub(super) mod csv;
pub(super) mod fat_tree;
pub(super) mod grid;
pub(super) mod home;
pub(super) mod lan;
pub(super) mod planetlab;
pub(super) mod ring;
pub(super) mod torus;
pub(super) mod zones;

use std::sync::Arc;

use swimlab_selectors::{Param, Params};

use super::Topology;
use super::data::SAME_ZONE_MS;
use super::latency::{half_us, whole_us};
use super::lattice::{Lattice, Shape};
use super::site_map::SiteMap;

/// The longest round trip within a site that is taken as such.
const LONGEST_LOCAL_MS: f64 = 1_000.0;

/// The parameter of those kinds whose data say nothing about two members at one site.
fn local_ms(default: f64) -> Param {
    Param::real("local_ms", 0.002, LONGEST_LOCAL_MS, default, "the round trip between two members at one site")
        .unit("ms")
}

/// The parameters that ring, grid and torus share.
fn lattice_params() -> Vec<Param> {
    vec![
        Param::real("hop_ms", 0.001, 1_000.0, 1.0, "a packet's delay one way for each hop").unit("ms"),
        Param::count("sites", 0, 1 << 24, 0, "the number of positions; 0: one for each member but joiners"),
        local_ms(SAME_ZONE_MS),
    ]
}

/// What ring, grid and torus share.
fn lattice(name: &str, shape: Shape, params: &Params) -> Topology {
    let (hop_ms, sites) = (params.real("hop_ms"), params.count("sites"));
    let (hop_us, local_us) = (whole_us(1e3 * hop_ms), half_us(1e3 * params.real("local_ms")));
    Topology::growing(format!("{name}, {hop_ms} ms per hop one way"), move |members| {
        let sites = if sites == 0 { members } else { sites };
        Arc::new(SiteMap::lattice(Lattice::new(shape, sites, hop_us, local_us)))
    })
}

/// The licence of the data behind `planetlab` and `home` is MIT; this is the citation it comes with.
const NET_LATENCY_DATA: &str = "NetLatency-Data (MIT): R. Zhu, B. Liu, D. Niu, Z. Li, H. V. Zhao, Network Latency \
                                Estimation for Personal Devices: A Matrix Completion Approach, IEEE/ACM Transactions on \
                                Networking 25(2), 2017";
