//! Services in a trial, as `[discovery]` in an experiment file asks for: clients that look a service up in the catalog of
//! their member, and members that change a load figure.
//!
//! Lookups are no part of the world: a catalog is answered from what a member's failure detector has reported, so clients
//! are an observer, and the world runs as it does without them. Changes are a part of it where members exchange states:
//! [`StateMember`](state_member::StateMember) is the SWIM member with the exchange beside it that agents run.
//! docs/measures.md has the definitions.

mod catalogs;
mod clients;
mod keys;
mod propagation;
mod recorder;
mod state_member;
#[cfg(test)]
mod tests;

use std::fmt;

pub(super) use keys::DiscoveryLists;
#[cfg(test)]
pub(super) use keys::MOST_CLIENTS;
pub use keys::discovery_keys;
pub(super) use propagation::{CHANGE_BYTES, KNOWN_BYTES, SharedPropagation};
pub(super) use recorder::{DiscoveryReadings, DiscoveryRecorder};
pub(super) use state_member::StateFactory;
use swimlab_selectors::rng::{Purpose, below, stream};

use super::share::parse_share;
use crate::protocol::Span;
use crate::sim::{MemberIndex, Setup};

/// The most members, joiners included, of a world with `[discovery]`: each has a catalog of all others.
pub(super) const MOST_DISCOVERY_MEMBERS: u32 = 2048;

/// Services and clients of a cell's trials.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DiscoveryConfig {
    /// The members that offer the service.
    pub instances: Instances,
    /// Number of clients, each at a random member.
    pub clients: u32,
    /// Requests of a client per second, at random times (Poisson).
    pub request_rate: f64,
    /// The choice among the instances of an answer.
    pub choice: InstanceChoice,
    /// Time for which a client keeps an answer; zero: it looks the service up for each request.
    pub cache: Span,
    /// Time between two changes of a member's load figure; zero: there are none, and no state is exchanged.
    pub change_every: Span,
    /// Time to live of a load figure; zero: it does not expire.
    pub change_ttl: Span,
}

/// The members that offer the service.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Instances {
    /// This number of the initial members, chosen at random.
    Count(u32),
    /// This share of them, from 0 to 1, rounded up.
    Share(f64),
}

/// A client's choice among the instances of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InstanceChoice {
    /// Any of them.
    Random,
    /// One with the shortest round trip from the client's member, which may be that member itself; any of several.
    Nearest,
}

impl Default for DiscoveryConfig {
    /// All members offer the service, ten clients send a request per second each to a random instance, no answer is kept,
    /// and nothing changes.
    fn default() -> Self {
        Self {
            instances: Instances::Share(1.0),
            clients: 10,
            request_rate: 1.0,
            choice: InstanceChoice::Random,
            cache: Span::ZERO,
            change_every: Span::ZERO,
            change_ttl: Span::from_secs(30),
        }
    }
}

impl Instances {
    /// The number of instances among this number of initial members.
    fn among(self, members: u32) -> u32 {
        match self {
            Self::Count(count) => count.min(members),
            Self::Share(share) => libm::ceil(share * f64::from(members)) as u32,
        }
    }

    /// Whether each member of the trial, joiners included, offers the service. A joiner does with the probability of an
    /// initial member.
    fn of_trial(self, setup: &Setup) -> Vec<bool> {
        let mut rng = stream(setup.seed, Purpose::Clients, u64::MAX);
        let (initial, all) = (setup.members, setup.placement.members());
        let count = self.among(initial);
        let mut offers = vec![false; all as usize];
        let mut left = count;
        for member in 0..initial {
            // Selection sampling (Knuth 3.4.2, algorithm S).
            if below(&mut rng, initial - member) < left {
                offers[member as usize] = true;
                left -= 1;
            }
        }
        (initial..all).for_each(|joiner: MemberIndex| offers[joiner as usize] = below(&mut rng, initial) < count);
        offers
    }

    fn parse(text: &str) -> Result<Self, String> {
        parse_share(text).map(Self::Share)
    }
}

impl fmt::Display for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Share(share) => write!(f, "{}%", share * 100.0),
        }
    }
}

impl InstanceChoice {
    const ALL: [Self; 2] = [Self::Random, Self::Nearest];

    /// The name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Nearest => "nearest",
        }
    }
}
