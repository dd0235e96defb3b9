//! `ring`: integer positions on a ring, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params, Registry};

use super::params::{lattice, lattice_params};
use crate::topology::lattice::Shape;
use crate::topology::model::{Topology, TopologyContext};

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "A ring of positions; delay by steps along it, the shorter way round.";
    registry.register("ring", about, params(), build);
}

fn params() -> Vec<Param> {
    lattice_params()
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    lattice("ring", Shape::Ring, params)
}
