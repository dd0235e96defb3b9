//! The kinds of topology, one file each: parameters, and how it is built.

mod aws;
mod azure;
mod cities;
#[cfg(feature = "experiments")]
mod csv;
mod fat_tree;
mod grid;
mod home;
mod lan;
mod params;
mod planetlab;
mod ring;
mod torus;
mod zones;

use swimlab_selectors::Registry;

#[cfg(feature = "experiments")]
pub use csv::csv_topology;

use super::model::{Topology, TopologyContext};
#[cfg(all(test, feature = "experiments"))]
pub(super) use csv::csv_limits;

/// The built-in kinds of topology.
pub fn topologies() -> Registry<Topology, TopologyContext> {
    let mut registry = Registry::new("topology");
    lan::register(&mut registry);
    ring::register(&mut registry);
    grid::register(&mut registry);
    torus::register(&mut registry);
    fat_tree::register(&mut registry);
    zones::register(&mut registry);
    aws::register(&mut registry);
    azure::register(&mut registry);
    planetlab::register(&mut registry);
    home::register(&mut registry);
    cities::register(&mut registry);
    #[cfg(feature = "experiments")]
    csv::register(&mut registry);
    registry
}
