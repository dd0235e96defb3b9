//! `ring`: integer positions on a ring, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params, Registry};

use super::params::{lattice, lattice_params};
use crate::topology::lattice::Shape;
use crate::topology::model::{Topology, TopologyContext};

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "A ring of positions; the delay is proportional to the steps along the shorter way.";
    registry.register("ring", about, params(), build);
}

fn params() -> Vec<Param> {
    lattice_params()
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    lattice("ring", Shape::Ring, params)
}
