//! `home`: 99 personal devices of the Seattle testbed, slow and with heavy tails.

use swimlab_selectors::{Param, Params, Registry};

use super::params::{NET_LATENCY_DATA, local_ms};
use crate::topology::data::{SAME_ZONE_MS, Shipped};
use crate::topology::jitter::{Jitter, Quantiles};
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};

const TITLE: &str = "Seattle, 99 personal devices, medians over 688 time slices";

static MEDIANS: Shipped = Shipped::new("home.csv.gz", include_bytes!("../data/home.csv.gz"));

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "99 personal devices with measured median delays and heavy-tailed jitter, which can be switched off.";
    registry.register("home", about, params(), build);
}

fn params() -> Vec<Param> {
    vec![
        Param::flag("jitter", true, "multiply each delay by a factor from the measured variation over time"),
        local_ms(SAME_ZONE_MS),
    ]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let sites = MEDIANS.table().names().iter().map(Site::new).collect();
    let mut site_map = SiteMap::from_table(sites, MEDIANS.table(), params.real("local_ms")?);
    if params.flag("jitter")? {
        site_map = site_map.jittered(Jitter::Factor(Quantiles::new(&ONE_WAY_FACTOR)));
    }
    Ok(Topology::new(TITLE, site_map).credit(NET_LATENCY_DATA))
}

/// The factor of one packet's delay, such that a round trip, two packets with a draw each, has the spread that was
/// measured over time: round-trip time over the pair's own median, pooled over all pairs and 688 time slices.
///
/// The knots above 0.8 lie at the square roots of the published probabilities (0.7 to 0.9999) and were fitted
/// numerically until the mean of two draws met the published quantiles there. Below, the shape is set by hand around 1:
/// no law for independent packets meets a median of 1 and the measured fast side (a tenth of the round trips below
/// 0.69) at once, so the fast side is left out. The slowest packet in ten thousand ends the table: nothing slower is
/// drawn.
const ONE_WAY_FACTOR: [(f64, f64); 16] = [
    (0.0, 0.69),
    (0.1, 0.91),
    (0.25, 1.0),
    (0.6, 1.0),
    (0.7, 1.05),
    (0.8367, 2.241),
    (0.866, 3.049),
    (0.8944, 3.748),
    (0.9487, 6.569),
    (0.9747, 13.12),
    (0.9899, 24.15),
    (0.995, 37.02),
    (0.9975, 55.49),
    (0.9995, 102.7),
    (0.9999, 524.4),
    (1.0, 524.4),
];

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::rng::{Purpose, stream, unit};

    #[test]
    fn the_slow_half_of_round_trips_is_as_measured() {
        let (factor, mut rng) = (Quantiles::new(&ONE_WAY_FACTOR), stream(1, Purpose::Network, 0));
        let mut draw = || factor.at(unit(&mut rng));
        let mut round_trips: Vec<f64> = (0..1_000_000).map(|_| (draw() + draw()) / 2.0).collect();
        round_trips.sort_by(f64::total_cmp);
        // Probability, measured quantile, tolerance: wider where a million draws leave few beyond.
        for (probability, measured, tolerance) in [
            (0.4, 1.0, 0.01),
            (0.5, 1.0, 0.05),
            (0.7, 1.6818, 0.02),
            (0.8, 2.5, 0.02),
            (0.9, 4.2222, 0.02),
            (0.95, 7.6, 0.02),
            (0.99, 20.0, 0.02),
            (0.999, 58.5, 0.1),
            (0.9999, 262.6316, 0.25),
        ] {
            let drawn = round_trips[(probability * 1e6) as usize];
            assert!((drawn / measured - 1.0).abs() < tolerance, "{drawn} for {measured} at {probability}");
        }
    }
}
