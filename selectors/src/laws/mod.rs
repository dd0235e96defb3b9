//! Laws that every strategy must keep, as a test kit for built-in strategies and for a user's own (feature `laws`).
//!
//! A strategy is driven through a model of one member's view ([`Group`]) by scenarios: members join, also in the slots
//! of forgotten ones, are suspected, die, return and are forgotten, and the roster is indexed again. proptest generates
//! the scenarios, the same ones in each run, and reduces one that violates a law to a short one.
//!
//! ```
//! use swimlab_selectors::{DynSelector, Shuffle, laws};
//!
//! laws::check(|| DynSelector::new("shuffle", Shuffle));
//! ```
//!
//! [`Member`] drives one member period by period, for tests of what a strategy does beyond the laws.

mod even_load;
mod frequency;
mod group;
mod helpers;
mod law;
mod member;
mod roster;
mod scenario;
mod shared_view;
mod single_member;

use std::sync::Arc;

use crate::selector::{DynSelector, Helpers};

pub use group::{Group, Status};
pub use law::{Law, Violation};
pub use member::Member;
pub use roster::{PeerGenerator, peer_generators};

/// Panics with the name of the law if the selector violates one.
pub fn check(make: impl Fn() -> DynSelector) {
    Laws::default().check(make);
}

/// Panics with the name of the law if the helper strategy violates one.
pub fn check_helpers(make: impl Fn() -> Arc<dyn Helpers>) {
    Laws::default().check_helpers(make);
}

/// Settings for checking the laws.
///
/// ```
/// use swimlab_selectors::laws::Laws;
/// use swimlab_selectors::{DynSelector, Uniform};
///
/// let mut laws = Laws::default();
/// laws.scenarios = 8;
/// assert_eq!(laws.find_violation(|| DynSelector::new("uniform", Uniform)), None);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Laws {
    /// Number of scenarios for each of `peers`. 48 by default.
    pub scenarios: u32,
    /// Maximum number of initial members of a group, from 1. 24 by default.
    pub members: u32,
    /// Kinds of rosters, by the generator of their peers. [`peer_generators`] by default.
    pub peers: Vec<PeerGenerator>,
    /// Whether [`Law::EvenLoad`] is checked. True by default.
    ///
    /// The law is about members that the metric does not distinguish, so it does not hold where ids are distances, as
    /// with the metric `xor`.
    pub even_load: bool,
}

impl Default for Laws {
    fn default() -> Self {
        Self { scenarios: 48, members: 24, peers: peer_generators(), even_load: true }
    }
}

impl Laws {
    /// Panics with the name of the law if the selector violates one.
    pub fn check(&self, make: impl Fn() -> DynSelector) {
        if let Some(violation) = self.find_violation(make) {
            panic!("{violation}");
        }
    }

    /// Returns the first violation of a law by the selector.
    pub fn find_violation(&self, make: impl Fn() -> DynSelector) -> Option<Violation> {
        let label = make().label().to_owned();
        let check_all = || {
            for &generator in &self.peers {
                self.for_each_scenario(|scenario| single_member::check(&make, scenario, generator))?;
                self.for_each_scenario(|scenario| shared_view::check(&make, scenario, generator))?;
                frequency::check(&make, generator)?;
            }
            if self.even_load { even_load::check(&make) } else { Ok(()) }
        };
        let violation = check_all().err()?;
        Some(Violation { details: format!("{label}: {}", violation.details), ..violation })
    }

    /// Panics with the name of the law if the helper strategy violates one.
    pub fn check_helpers(&self, make: impl Fn() -> Arc<dyn Helpers>) {
        if let Some(violation) = self.find_helper_violation(make) {
            panic!("{violation}");
        }
    }

    /// Returns the first violation of a law by the helper strategy.
    pub fn find_helper_violation(&self, make: impl Fn() -> Arc<dyn Helpers>) -> Option<Violation> {
        let check = |&generator: &PeerGenerator| {
            self.for_each_scenario(|scenario| helpers::check(&make, scenario, generator)).err()
        };
        self.peers.iter().find_map(check)
    }

    fn for_each_scenario(&self, check: impl Fn(&scenario::Scenario) -> Result<(), Violation>) -> Result<(), Violation> {
        scenario::for_each(self.scenarios, self.members, check)
    }
}
