//! `ring`: integer positions on a ring, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params};

use crate::topology::lattice::Shape;
use crate::topology::{Topology, TopologyContext};

pub const ABOUT: &str = "A ring of positions; delay by steps along it, the shorter way round.";

pub fn params() -> Vec<Param> {
    super::lattice_params()
}

pub fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    Ok(super::lattice("ring", Shape::Ring, params))
}
