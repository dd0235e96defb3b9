//! `home`: 99 personal devices of the Seattle testbed, slow and with heavy tails.

use swimlab_selectors::registry::{Param, Params};

use crate::topology::data::{SAME_ZONE_MS, Shipped};
use crate::topology::ground::{Ground, Site};
use crate::topology::jitter::{Jitter, Quantiles};
use crate::topology::{Base, Topology};

pub const ABOUT: &str =
    "99 personal devices with measured median delays and, unless switched off, heavy-tailed jitter.";

const TITLE: &str = "Seattle, 99 personal devices, medians over 688 time slices";

static MEDIANS: Shipped = Shipped::new("home.csv.gz", include_bytes!("../data/home.csv.gz"));

pub fn params() -> Vec<Param> {
    vec![
        Param::flag("jitter", true, "multiply each delay by a factor from the measured spread over time"),
        super::local_ms(SAME_ZONE_MS),
    ]
}

pub fn build(params: &Params, _: &Base) -> Result<Topology, String> {
    let sites = MEDIANS.table().names().iter().map(Site::new).collect();
    let mut ground = Ground::from_table(sites, MEDIANS.table(), params.real("local_ms"));
    if params.flag("jitter") {
        ground = ground.jittered(Jitter::Factor(Quantiles::new(&ONE_WAY_FACTOR)));
    }
    Ok(Topology::new(TITLE, ground).credit(super::NET_LATENCY_DATA))
}

const ONE_WAY_FACTOR: [(f64, f64); 2] = [(0.0, 1.0), (1.0, 1.0)];
