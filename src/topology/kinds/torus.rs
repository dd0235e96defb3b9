//! `torus`: integer positions on a torus, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params};

use crate::topology::lattice::Shape;
use crate::topology::{Topology, TopologyContext};

pub const ABOUT: &str = "A near-square grid whose edges are joined; delay by steps, the shorter way round.";

pub fn params() -> Vec<Param> {
    super::lattice_params()
}

pub fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    Ok(super::lattice("torus", Shape::Torus, params))
}
