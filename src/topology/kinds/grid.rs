//! `grid`: integer positions on a grid, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params, Registry};

use super::params::{lattice, lattice_params};
use crate::topology::lattice::Shape;
use crate::topology::model::{Topology, TopologyContext};

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "A near-square grid of positions; the delay is proportional to the steps along rows and columns.";
    registry.register("grid", about, params(), build);
}

fn params() -> Vec<Param> {
    lattice_params()
}

fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    lattice("grid", Shape::Grid, params)
}
