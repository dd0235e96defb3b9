//! Where members are, and how long a packet takes between them.
//!
//! A [`Topology`] is built by name from the registry [`topologies`]; [`Topology::place`] puts the members of one trial
//! onto its sites; the [`Placement`] answers every question about delay and locality from then on. A kind is one file
//! in `kinds/` and one line below. The kinds, their data and their assumptions are described in docs/topologies.md.
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
mod placement;
mod site_map;
mod table;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use swimlab_selectors::Registry;

pub use placement::Placement;
pub use site_map::{MAX_SITES, Site, SiteMap};

#[cfg(feature = "lab")]
use kinds::csv;
use kinds::{aws, azure, cities, fat_tree, grid, home, lan, planetlab, ring, torus, zones};

/// What a topology needs to know of its surroundings when it is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TopologyContext {
    /// Where relative paths start: the experiment file's directory. Empty: the current directory.
    pub dir: PathBuf,
}

/// A description of a network on which members can be placed.
#[derive(Clone)]
pub struct Topology {
    title: String,
    attribution: Option<String>,
    plan: Plan,
}

/// The ground for so many members: most kinds have one ground for all, a ring grows with its members.
type Plan = Arc<dyn Fn(u32) -> Arc<SiteMap> + Send + Sync>;

/// All kinds of topology that swimlab brings along.
pub fn topologies() -> Registry<Topology, TopologyContext> {
    let mut registry = Registry::new("topology");
    registry.register("lan", lan::ABOUT, lan::params(), lan::build);
    registry.register("ring", ring::ABOUT, ring::params(), ring::build);
    registry.register("grid", grid::ABOUT, grid::params(), grid::build);
    registry.register("torus", torus::ABOUT, torus::params(), torus::build);
    registry.register("fat-tree", fat_tree::ABOUT, fat_tree::params(), fat_tree::build);
    registry.register("zones", zones::ABOUT, zones::params(), zones::build);
    registry.register("aws", aws::ABOUT, aws::params(), aws::build);
    registry.register("azure", azure::ABOUT, azure::params(), azure::build);
    registry.register("planetlab", planetlab::ABOUT, planetlab::params(), planetlab::build);
    registry.register("home", home::ABOUT, home::params(), home::build);
    registry.register("cities", cities::ABOUT, cities::params(), cities::build);
    #[cfg(feature = "lab")]
    registry.register("csv", csv::ABOUT, csv::params(), csv::build);
    registry
}

impl Topology {
    /// A topology whose sites are the same for any number of members.
    pub fn new(title: impl Into<String>, site_map: SiteMap) -> Self {
        let site_map = Arc::new(site_map);
        Self::growing(title, move |_| Arc::clone(&site_map))
    }

    /// A topology whose sites depend on the number of members, founders only.
    pub fn growing(title: impl Into<String>, plan: impl Fn(u32) -> Arc<SiteMap> + Send + Sync + 'static) -> Self {
        Self { title: title.into(), attribution: None, plan: Arc::new(plan) }
    }

    /// The same topology, with the words by which its data ask to be credited.
    pub fn credit(mut self, attribution: impl Into<String>) -> Self {
        self.attribution = Some(attribution.into());
        self
    }

    /// A line for reports: what this is, how large, and from when its data are.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Whom the data behind this are owed to, where there are any.
    pub fn attribution(&self) -> Option<&str> {
        self.attribution.as_deref()
    }

    /// Puts members `0..members` and joiners `members..members + joiners` onto the sites.
    ///
    /// Members go round robin over the sites in their order. When they are fewer than the sites, the sites are shuffled
    /// first, so that they sit on a sample of them, drawn from the seed's placement stream. Joiners continue the round
    /// robin. Where sites have weights, the seats are dealt in proportion to them (see [`Site::weight`]).
    pub fn place(&self, members: u32, joiners: u32, seed: u64) -> Placement {
        Placement::new(self, (self.plan)(members), members, joiners, seed)
    }
}

impl std::fmt::Debug for Topology {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topology").field("title", &self.title).finish_non_exhaustive()
    }
}
