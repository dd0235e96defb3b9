//! `planetlab`: 490 nodes of PlanetLab, a testbed of university machines around the globe.

use swimlab_selectors::{Param, Params, Registry};

use super::params::{NET_LATENCY_DATA, local_ms};
use crate::topology::data::{SAME_ZONE_MS, Shipped};
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};

const TITLE: &str = "PlanetLab, 490 nodes, medians over 18 time slices";

static MEDIANS: Shipped = Shipped::new("planetlab.csv.gz", include_bytes!("../data/planetlab.csv.gz"));

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "490 university hosts worldwide with measured median delays and unknown locations.";
    registry.register("planetlab", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![local_ms(SAME_ZONE_MS)]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let sites = MEDIANS.table().names().iter().map(Site::new).collect();
    let site_map = SiteMap::from_table(sites, MEDIANS.table(), params.real("local_ms")?);
    Ok(Topology::new(TITLE, site_map).credit(NET_LATENCY_DATA))
}
