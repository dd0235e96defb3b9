//! `grid`: integer positions on a grid, as far from each other as hops lie between.

use swimlab_selectors::{Param, Params};

use crate::topology::lattice::Shape;
use crate::topology::{Topology, TopologyContext};

pub const ABOUT: &str = "A near-square grid of positions; delay by steps along rows and columns.";

pub fn params() -> Vec<Param> {
    super::lattice_params()
}

pub fn build(params: &Params, _: &TopologyContext) -> Result<Topology, String> {
    Ok(super::lattice("grid", Shape::Grid, params))
}
