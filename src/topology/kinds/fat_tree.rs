//! `fat-tree`: racks in pods under a common core, as in one data center.

use swimlab_selectors::{Param, Params, Registry};

use crate::topology::data::{CROSS_ZONE_MS, SAME_ZONE_MS};
use crate::topology::latency::{Latency, Tree};
use crate::topology::model::{Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};
use crate::topology::units::half_us;

/// Nothing published tells the round trip within a rack; half of that within a zone is an assumption.
const SAME_RACK_MS: f64 = SAME_ZONE_MS / 2.0;

const LONGEST_MS: f64 = 1_000.0;

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about =
        "A k-ary fat tree of k pods with k/2 racks each; the delay depends on the tier that connects two racks.";
    registry.register("fat-tree", about, params(), build);
}

fn params() -> Vec<Param> {
    let tier = |name, default, about| Param::real(name, 0.002, LONGEST_MS, default, about).unit("ms");
    vec![
        Param::count("k", 2, 64, 8, "number of pods, even; each has k/2 racks"),
        tier("rack_ms", SAME_RACK_MS, "round-trip time within a rack (the default is an assumption)"),
        tier("pod_ms", SAME_ZONE_MS, "round-trip time between racks of a pod"),
        tier("core_ms", CROSS_ZONE_MS, "round-trip time between pods"),
    ]
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    let k = params.count("k")?;
    if !k.is_multiple_of(2) {
        return Err(format!("k must be even, not {k}"));
    }
    let tier = |name| Ok::<_, String>(half_us(1e3 * params.real(name)?));
    let (in_rack, in_pod, across) = (tier("rack_ms")?, tier("pod_ms")?, tier("core_ms")?);
    if !(in_rack <= in_pod && in_pod <= across) {
        return Err("rack_ms, pod_ms and core_ms must not decrease in this order".to_owned());
    }
    let tree = Tree { racks: k * k / 2, racks_per_pod: k / 2, in_rack, in_pod, across };
    let racks = (0..tree.racks).map(|index| rack(index / tree.racks_per_pod, index % tree.racks_per_pod)).collect();
    let title = format!("fat tree, {} racks in {k} pods", tree.racks);
    Ok(Topology::new(title, SiteMap::assemble(racks, Latency::Tree(tree))))
}

fn rack(pod: u32, rack: u32) -> Site {
    let (pod, rack) = (format!("pod{pod}"), format!("rack{rack}"));
    Site { zone: Some(pod.clone()), rack: Some(rack.clone()), ..Site::new(format!("{pod}/{rack}")) }
}
