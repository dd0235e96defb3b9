//! The laws that every strategy must keep, as a test kit: for the built-in ones and for a stranger's.
//!
//! A strategy is driven through a model of one member's view ([`Group`]): members join, also in the place of forgotten
//! ones, are suspected, die, return and are forgotten, and the roster is surveyed anew, as a script says that proptest
//! writes, shortens when a law is broken, and always writes alike.
//!
//! ```
//! use swimlab_selectors::strategies::Shuffle;
//! use swimlab_selectors::{DynSelector, laws};
//!
//! laws::check(|| DynSelector::new("shuffle", Shuffle));
//! ```

mod fairness;
mod group;
mod helping;
mod member;
mod rosters;
mod script;
mod together;
mod trial;

use std::fmt;
use std::sync::Arc;

use crate::selector::{DynSelector, Helpers};

pub use group::{Group, Standing};
pub use member::Member;
pub use rosters::{Maker, makers};

/// Panics with the name of the law if the strategy breaks one.
pub fn check(make: impl Fn() -> DynSelector) {
    Laws::default().check(make);
}

/// Panics with the name of the law if the choice of helpers breaks one.
pub fn check_helpers(make: impl Fn() -> Arc<dyn Helpers>) {
    Laws::default().check_helpers(make);
}

/// The laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// A member never pings, asks or gossips with itself.
    NeverOneself,
    /// Nobody dead, departed or forgotten is chosen.
    NeverTheDead,
    /// Nobody is chosen twice at once.
    Distinct,
    /// As many are chosen as were wanted, or all there are.
    AsManyAsWanted,
    /// Everyone is pinged as often as the strategy's bound says, also under churn.
    Bound,
    /// The same seed makes the same choices.
    Deterministic,
    /// Of members at one place nobody is pinged less than half as often as the others.
    NobodyOverlooked,
    /// A helper is none of the silent targets.
    NeverATarget,
    /// A helper is not suspected.
    NeverASuspect,
}

/// A law that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The law.
    pub law: Law,
    /// EventKind happened.
    pub story: String,
}

/// EventKind the laws are checked with.
#[derive(Clone)]
pub struct Laws {
    /// How many scripts are played for each kind of roster.
    pub scripts: u32,
    /// The most members of a group, from 1.
    pub members: u32,
    /// The kinds of rosters: each makes a peer at a time.
    pub makers: Vec<Maker>,
    /// Whether [`Law::NobodyOverlooked`] holds. It is about members whom the strategy cannot tell apart by distance, so
    /// it does not hold where ids are distances that favour some, as with the metric `xor`.
    pub even: bool,
}

impl Default for Laws {
    /// 48 scripts with up to 24 members for each of [`makers`].
    fn default() -> Self {
        Self { scripts: 48, members: 24, makers: makers(), even: true }
    }
}

impl Laws {
    /// Panics with the name of the law if the strategy breaks one.
    pub fn check(&self, make: impl Fn() -> DynSelector) {
        if let Err(breach) = self.judge(make) {
            panic!("{breach}");
        }
    }

    /// The law that the strategy breaks, if it does.
    pub fn judge(&self, make: impl Fn() -> DynSelector) -> Result<(), Breach> {
        let label = make().label().to_owned();
        let judge = || {
            for maker in &self.makers {
                script::play_scripts(self, |script| trial::play(&make, script, *maker))?;
                script::play_scripts(self, |script| together::play(&make, script, *maker))?;
                fairness::pings_as_often_as_promised(&make, *maker)?;
            }
            if self.even { fairness::overlooks_nobody(&make) } else { Ok(()) }
        };
        judge().map_err(|Breach { law, story }| Breach { law, story: format!("{label}: {story}") })
    }

    /// Panics with the name of the law if the choice of helpers breaks one.
    pub fn check_helpers(&self, make: impl Fn() -> Arc<dyn Helpers>) {
        if let Err(breach) = self.judge_helpers(make) {
            panic!("{breach}");
        }
    }

    /// The law that the choice of helpers breaks, if it does.
    pub fn judge_helpers(&self, make: impl Fn() -> Arc<dyn Helpers>) -> Result<(), Breach> {
        for maker in &self.makers {
            script::play_scripts(self, |script| helping::play(&make, script, *maker))?;
        }
        Ok(())
    }
}

impl Law {
    fn breach(self, story: impl Into<String>) -> Breach {
        Breach { law: self, story: story.into() }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverOneself => "never oneself",
            Self::NeverTheDead => "never the dead",
            Self::Distinct => "distinct picks",
            Self::AsManyAsWanted => "as many as wanted",
            Self::Bound => "the stated bound",
            Self::Deterministic => "the same seed, the same picks",
            Self::NobodyOverlooked => "nobody is overlooked by all",
            Self::NeverATarget => "helpers are no targets",
            Self::NeverASuspect => "helpers are not suspected",
        })
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken law: {}\n{}", self.law, self.story)
    }
}

impl std::error::Error for Breach {}
