//! Names of the laws, and the report of a violation.

use std::fmt;

/// A property that every strategy must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Law {
    /// A member never picks itself.
    NeverItself,
    /// A dead, departed or forgotten peer is never picked.
    NeverTheDead,
    /// No peer is picked twice at once.
    Distinct,
    /// As many are picked as were wanted, or all if fewer exist.
    AsManyAsWanted,
    /// Each member is pinged as often as the strategy's bound guarantees, also under churn.
    Bound,
    /// The same seed leads to the same picks.
    Deterministic,
    /// With all members at one location, none gets less than half of the mean number of pings.
    EvenLoad,
    /// A helper is never a target.
    NeverATarget,
    /// A helper is never suspected.
    NeverASuspect,
}

/// Report of a law that a strategy violates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// The violated law.
    pub law: Law,
    /// Description of the violation, with the shortest scenario found.
    pub details: String,
}

impl Law {
    pub(super) fn violated(self, details: impl Into<String>) -> Violation {
        Violation { law: self, details: details.into() }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NeverItself => "never itself",
            Self::NeverTheDead => "never the dead",
            Self::Distinct => "distinct picks",
            Self::AsManyAsWanted => "as many as wanted",
            Self::Bound => "the stated bound",
            Self::Deterministic => "the same seed, the same picks",
            Self::EvenLoad => "an even load at one location",
            Self::NeverATarget => "helpers are no targets",
            Self::NeverASuspect => "helpers are not suspected",
        })
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "violated law: {}\n{}", self.law, self.details)
    }
}

impl std::error::Error for Violation {}
