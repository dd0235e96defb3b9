//! `aws`: 33 regions of Amazon Web Services as measured by cloudping.co over the year up to July 2025.

use swimlab_selectors::{Param, Params, Registry};

use crate::topology::data::{self, CROSS_ZONE_MS, Listed, SAME_REGION_MS, Shipped};
use crate::topology::jitter::{Jitter, Tail};
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};

const CREDIT: &str = "Round-trip times by cloudping.co (July 2024 to July 2025), through commonwarexyz/monorepo; \
                      within regions by streamr-dev/network (2022); between zones as on IBM Cloud (2026); \
                      coordinates by cloud-regions-info (MIT) and GeoNames (CC BY 4.0)";

static P50: Shipped = Shipped::new("aws_p50.csv", include_bytes!("../data/aws_p50.csv"));
static P90: Shipped = Shipped::new("aws_p90.csv", include_bytes!("../data/aws_p90.csv"));
const PLACES: (&str, &[u8]) = ("aws_places.csv", include_bytes!("../data/aws_places.csv"));

/// AWS calls its zones by letters; no region has more than six.
const LETTERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "33 regions of AWS with measured median delays, split into zones, optionally with measured tails.";
    registry.register("aws", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![
        Param::count("zones", 1, LETTERS.len() as u32, 3, "number of zones in each region"),
        Param::flag(
            "jitter",
            false,
            "draw delays between regions from a distribution with the measured 90th percentile",
        ),
    ]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let zones = params.count("zones")? as usize;
    let regions = data::places(PLACES.0, PLACES.1);
    let sites: Vec<Site> =
        regions.iter().flat_map(|region| LETTERS[..zones].iter().map(|letter| zone(region, letter))).collect();
    let n = sites.len();
    let rtt_us: Vec<f64> = (0..n * n).map(|at| 1e3 * rtt_ms(&regions, at / n, at % n, zones)).collect();
    let mut site_map = SiteMap::from_rtt(sites, &rtt_us)?;
    if params.flag("jitter")? {
        let pairs = (0..n * n).map(|at| tail(at / n / zones, at % n / zones)).collect();
        site_map = site_map.jittered(Jitter::Tails { sites: n as u32, pairs });
    }
    let tails = if params.flag("jitter")? { "medians and 90th percentiles" } else { "medians" };
    let title = format!("AWS, {} regions of {zones} zones, {tails} of July 2024 to July 2025", regions.len());
    Ok(Topology::new(title, site_map).credit(CREDIT))
}

fn zone(region: &Listed, letter: &str) -> Site {
    let name = format!("{}{letter}", region.name);
    Site {
        location: Some(region.location),
        region: Some(region.name.clone()),
        zone: Some(name.clone()),
        ..Site::new(name)
    }
}

/// Between two sites. The diagonal of the cloudping table is not used: it holds several milliseconds of name lookup and
/// service overhead. Within a zone stands the region's own round trip of 2022, for regions that were not measured the
/// median of those that were; between zones of a region the median of IBM Cloud's zones, as none is published for AWS.
fn rtt_ms(regions: &[Listed], from: usize, to: usize, zones: usize) -> f64 {
    let (row, column) = (from / zones, to / zones);
    if row != column {
        return P50.table().get(row, column).expect("every pair of regions is measured");
    }
    let same_region = regions[row].more[0].parse().unwrap_or(SAME_REGION_MS);
    if from == to { same_region } else { CROSS_ZONE_MS }
}

/// Between two regions. Both directions measured the same round trip, so their percentiles are averaged.
fn tail(row: usize, column: usize) -> Tail {
    if row == column {
        return Tail::NONE;
    }
    let mean_us = |shipped: &Shipped| {
        let get = |from, to| shipped.table().get(from, to).expect("every pair of regions is measured");
        1e3 * (get(row, column) + get(column, row)) / 2.0
    };
    Tail::through(mean_us(&P50), mean_us(&P90))
}
