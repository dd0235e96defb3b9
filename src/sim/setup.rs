//! What a world is made from: everything about one trial that is not the detector itself.

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, below, stream, unit};

use super::fault::Fault;
use super::observer::MemberIndex;
use crate::protocol::Span;
use crate::topology::{Placement, Topology};

/// One trial's world.
#[derive(Clone)]
pub struct Setup {
    /// Where everybody stands, joiners included ([`joiners_needed`] says how many there can be).
    pub placement: Arc<Placement>,
    /// How many members there are at the start.
    pub members: u32,
    /// The trial's seed: all its random streams come from it.
    pub seed: u64,
    /// How the members begin.
    pub start: Start,
    /// How their periods lie to each other.
    pub phases: Phases,
    /// The protocol period, in which random phases are spread.
    pub period: Span,
    /// How far the members' clocks are off, at most, to either side.
    pub clock_skew: Span,
    /// The probability that the network loses a packet. Streams lose time by it: see [`super::stream`].
    pub loss: f64,
    /// Before this, no fault strikes; fault times count from its end.
    pub warmup: Span,
    /// How long the world runs after the warm-up.
    pub duration: Span,
    /// What breaks.
    pub faults: Vec<Fault>,
}

impl Setup {
    /// A minute among members that know each other, in random phases of periods of a second, without loss or warm-up: what a
    /// world is in which nobody asks for anything else. There is room for those whom the faults let join.
    pub fn new(topology: &Topology, members: u32, seed: u64, faults: Vec<Fault>) -> Self {
        Self {
            placement: Arc::new(topology.place(members, joiners_needed(&faults, members), seed)),
            members,
            seed,
            start: Start::Joined,
            phases: Phases::Random,
            period: Span::from_secs(1),
            clock_skew: Span::ZERO,
            loss: 0.0,
            warmup: Span::ZERO,
            duration: Span::from_secs(60),
            faults,
        }
    }

    /// When a member's first period begins, from its start.
    pub fn phase(&self, member: MemberIndex) -> Span {
        match self.phases {
            Phases::Synchronous => Span::ZERO,
            Phases::Random => {
                let mut rng = stream(self.seed, Purpose::Phases, u64::from(member));
                let period = u32::try_from(self.period.as_micros()).unwrap_or(u32::MAX).max(1);
                Span::from_micros(u64::from(below(&mut rng, period)))
            }
        }
    }

    /// How far the shared epoch lies back at time zero, by a member's own clock: far enough for clocks that are slow.
    /// Time zero is at a random point of the shared period, the same one for all members.
    pub fn since_epoch(&self, member: MemberIndex) -> Span {
        let draw = |who: u64| unit(&mut stream(self.seed, Purpose::Clocks, who));
        EPOCH + self.period.scale(draw(u64::MAX)) - self.clock_skew + self.clock_skew.scale(2.0 * draw(member.into()))
    }
}

/// Longer than any skew.
const EPOCH: Span = Span::from_secs(10_000_000);

/// How the members begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// All know each other.
    Joined,
    /// Each knows only the seeds: the first few members.
    Joining,
}

/// How the members' periods lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phases {
    /// Each begins at a random point of the period.
    Random,
    /// All begin at once.
    Synchronous,
}

/// The most members that these faults can make join.
pub fn joiners_needed(faults: &[Fault], members: u32) -> u32 {
    faults.iter().map(|fault| fault.joiners(members)).fold(0, u32::saturating_add)
}
