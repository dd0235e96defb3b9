//! Parameters and builders that several kinds share.

use std::sync::Arc;

use swimlab_selectors::{Param, Params};

use crate::topology::data::SAME_ZONE_MS;
use crate::topology::lattice::{Lattice, Shape};
use crate::topology::model::Topology;
use crate::topology::site_map::SiteMap;
use crate::topology::units::{half_us, whole_us};

/// The longest round trip within a site that is accepted.
const LONGEST_LOCAL_MS: f64 = 1_000.0;

/// The parameter of the kinds whose data do not cover two members at one site.
pub(super) fn local_ms(default: f64) -> Param {
    Param::real("local_ms", 0.002, LONGEST_LOCAL_MS, default, "round-trip time between two members at one site")
        .unit("ms")
}

/// The parameters of ring, grid and torus.
pub(super) fn lattice_params() -> Vec<Param> {
    vec![
        Param::real("hop_ms", 0.001, 1_000.0, 1.0, "one-way delay of a packet per hop").unit("ms"),
        Param::count("sites", 0, 1 << 24, 0, "number of positions; 0: one for each initial member"),
        local_ms(SAME_ZONE_MS),
    ]
}

/// Builds a ring, grid or torus.
pub(super) fn lattice(name: &str, shape: Shape, params: &Params) -> Result<Topology, String> {
    let (hop_ms, sites) = (params.real("hop_ms")?, params.count("sites")?);
    let (hop_us, local_us) = (whole_us(1e3 * hop_ms), half_us(1e3 * params.real("local_ms")?));
    Ok(Topology::growing(format!("{name}, {hop_ms} ms per hop one way"), move |members| {
        let sites = if sites == 0 { members } else { sites };
        Arc::new(SiteMap::lattice(Lattice::new(shape, sites, hop_us, local_us)))
    }))
}

/// The citation that the data behind `planetlab` and `home` (MIT license) ask for.
pub(super) const NET_LATENCY_DATA: &str = "NetLatency-Data (MIT): R. Zhu, B. Liu, D. Niu, Z. Li, H. V. Zhao, Network Latency \
                                Estimation for Personal Devices: A Matrix Completion Approach, IEEE/ACM Transactions on \
                                Networking 25(2), 2017";
