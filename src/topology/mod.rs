//! Topologies: where members are, and how long a packet takes between them.
//!
//! A [`Topology`] is built by name from the registry [`topologies`], or from sites and round-trip times of your own
//! ([`SiteMap::from_rtt`]). [`Topology::place`] assigns the members of one trial to its sites; the resulting
//! [`Placement`] answers every question about delay, zone and region. A kind is one file in `kinds/` with a `register`
//! function, and one line in [`topologies`]. docs/topologies.md describes the kinds, their data and their assumptions.
//!
//! ```
//! use swimlab::topology::{TopologyContext, topologies};
//! use swimlab_selectors::Spec;
//!
//! let topology = topologies().build(&Spec::parse("aws:zones=3")?, &TopologyContext::default())?;
//! let placement = topology.place(99, 0, 1);
//! let site = |name: &str| (0..99).find(|&m| placement.site_name(placement.site_of(m)) == name).unwrap();
//! assert_eq!(placement.rtt_us(site("us-east-1a"), site("eu-west-1a")), 69_680);
//! # Ok::<(), swimlab_selectors::SpecError>(())
//! ```

mod assign;
mod data;
mod globe;
mod jitter;
mod kinds;
mod latency;
mod lattice;
#[cfg(test)]
mod limit_table;
mod model;
mod placement;
mod site_map;
mod table;
#[cfg(test)]
mod tests;
mod units;

#[cfg(feature = "experiments")]
pub use kinds::csv_topology;
pub use kinds::topologies;
pub use latency::MAX_SITES;
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use model::{InputFile, Topology, TopologyContext};
pub use placement::Placement;
pub use site_map::{Site, SiteMap};
