//! `zones`: the regions and availability zones of IBM Cloud as measured by IBM in the summer of 2026.

use std::collections::BTreeMap;

use swimlab_selectors::{Param, Params, Registry};

use crate::topology::data::{self, Shipped};
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};

const TITLE: &str = "IBM Cloud, 40 zones in 13 regions, means of 18 July to 16 August 2026";

const CREDIT: &str = "Round-trip times published in the documentation of IBM Cloud VPC (August 2026); \
                      coordinates by GeoNames (CC BY 4.0)";

static REGIONS: Shipped = Shipped::new("ibm_regions.csv", include_bytes!("../data/ibm_regions.csv"));
const ZONES: (&str, &[u8]) = ("ibm_zones.csv", include_bytes!("../data/ibm_zones.csv"));
const PLACES: (&str, &[u8]) = ("ibm_places.csv", include_bytes!("../data/ibm_places.csv"));

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "40 zones in 13 regions of IBM Cloud, with measured delays within and between zones and regions.";
    registry.register("zones", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![]
}

fn build(_: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let (sites, rtt_us) = measured();
    Ok(Topology::new(TITLE, SiteMap::from_rtt(sites, &rtt_us)?).credit(CREDIT))
}

/// The zones in the order of the file, and the round-trip times between them: between zones of one region as measured
/// for this very pair, between regions as measured for the regions.
fn measured() -> (Vec<Site>, Vec<f64>) {
    let places: BTreeMap<_, _> =
        data::places(PLACES.0, PLACES.1).into_iter().map(|at| (at.name, at.location)).collect();
    let pairs = data::rows(ZONES.0, ZONES.1);
    let own = |row: &&Vec<String>| row[1] == row[2];
    let sites: Vec<Site> = pairs
        .iter()
        .filter(own)
        .map(|row| Site {
            location: Some(places[&row[0]]),
            region: Some(row[0].clone()),
            zone: Some(row[1].clone()),
            ..Site::new(row[1].as_str())
        })
        .collect();
    let in_region: BTreeMap<(&str, &str), f64> =
        pairs.iter().map(|row| ((row[1].as_str(), row[2].as_str()), row[3].parse().expect(ZONES.0))).collect();
    let regions = REGIONS.table();
    let index = |site: &Site| regions.names().iter().position(|name| Some(name) == site.region.as_ref());
    let rows: Vec<usize> = sites.iter().map(|site| index(site).expect("a known region")).collect();
    let rtt_ms = |from: usize, to: usize| {
        let pair = (sites[from].name.as_str(), sites[to].name.as_str());
        in_region.get(&pair).copied().or_else(|| regions.get(rows[from], rows[to])).expect("every pair is measured")
    };
    let n = sites.len();
    let rtt_us = (0..n * n).map(|at| 1e3 * rtt_ms(at / n, at % n)).collect();
    (sites, rtt_us)
}
