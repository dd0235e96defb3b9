//! `planetlab`: 490 nodes of PlanetLab, a testbed of university machines around the globe.

use swimlab_selectors::{Param, Params};

use crate::topology::data::{SAME_ZONE_MS, Shipped};
use crate::topology::site_map::{Site, SiteMap};
use crate::topology::{Topology, TopologyContext};

pub const ABOUT: &str = "490 machines of universities around the globe with measured median delays; places unknown.";

const TITLE: &str = "PlanetLab, 490 nodes, medians over 18 time slices";

static MEDIANS: Shipped = Shipped::new("planetlab.csv.gz", include_bytes!("../data/planetlab.csv.gz"));

pub fn params() -> Vec<Param> {
    vec![super::local_ms(SAME_ZONE_MS)]
}

pub fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let sites = MEDIANS.table().names().iter().map(Site::new).collect();
    let site_map = SiteMap::from_table(sites, MEDIANS.table(), params.real("local_ms"));
    Ok(Topology::new(TITLE, site_map).credit(super::NET_LATENCY_DATA))
}
