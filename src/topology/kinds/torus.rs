//! `torus`: integer positions on a torus, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params, Registry};

use super::params::{lattice, lattice_params};
use crate::topology::lattice::Shape;
use crate::topology::model::{Topology, TopologyContext};

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "A near-square grid whose opposite edges are joined; the delay is proportional to the steps along the shorter way.";
    registry.register("torus", about, params(), build);
}

fn params() -> Vec<Param> {
    lattice_params()
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    lattice("torus", Shape::Torus, params)
}
