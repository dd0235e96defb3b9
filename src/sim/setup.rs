//! The description of one trial: everything but the detector itself.

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, below, stream, unit};

use super::faults::Fault;
use super::observer::MemberIndex;
use super::threads::Threads;
use crate::protocol::{Span, Time};
use crate::topology::{Placement, Topology};

/// The description of one trial.
#[derive(Clone)]
#[non_exhaustive]
pub struct Setup {
    /// Placement of all members, joiners included ([`joiners_needed`] says how many there can be).
    pub placement: Arc<Placement>,
    /// The number of members at the start.
    pub members: u32,
    /// The trial's seed: all its random streams derive from it.
    pub seed: u64,
    /// Whether members know each other at the start.
    pub start: Start,
    /// Offsets of their periods from each other.
    pub phases: Phases,
    /// The protocol period, over which random phases are spread.
    pub period: Span,
    /// The largest error of a member's clock, to either side.
    pub clock_skew: Span,
    /// The probability that the network loses a packet. Streams lose time by it: see
    /// [`Network::delivery`](super::Network::delivery).
    pub loss: f64,
    /// The time before the first fault; fault times count from its end.
    pub warmup: Span,
    /// Run time of the world after the warm-up.
    pub duration: Span,
    /// Source of the random numbers for delay and loss of packets.
    pub network_draws: NetworkDraws,
    /// The faults.
    pub faults: Vec<Fault>,
    /// The number of threads on which the world may run.
    pub threads: Threads,
}

impl Setup {
    /// A trial with the defaults: a minute, periods of a second with random phases, members that know each other, no
    /// loss, no warm-up, and room for the members that the faults let join.
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
            network_draws: NetworkDraws::BySender,
            warmup: Span::ZERO,
            duration: Span::from_secs(60),
            faults,
            threads: Threads::ONE,
        }
    }

    /// The time at which its world ends: warm-up plus duration.
    pub fn end(&self) -> Time {
        Time::ZERO + self.warmup + self.duration
    }

    /// The time from a member's start to its first period.
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

    /// The time since the shared epoch at time zero, by a member's own clock; positive for slow clocks too. Time zero
    /// is at a random point of the shared period, the same one for all members.
    pub fn since_epoch(&self, member: MemberIndex) -> Span {
        let draw = |member: u64| unit(&mut stream(self.seed, Purpose::Clocks, member));
        EPOCH + self.period.scale(draw(u64::MAX)) - self.clock_skew + self.clock_skew.scale(2.0 * draw(member.into()))
    }
}

/// Longer than any skew.
const EPOCH: Span = Span::from_secs(10_000_000);

/// Whether members know each other at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// All know each other.
    Joined,
    /// Each knows only the seeds: the first few members.
    Joining,
}

/// Offsets of the members' periods from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phases {
    /// Each starts at a random point of the period.
    Random,
    /// All start at once.
    Synchronous,
}

/// Source of the random numbers for delay and loss of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkDraws {
    /// The sender's random stream: each packet takes the next numbers.
    BySender,
    /// The packet itself, by sender, receiver, kind and time of sending. Two worlds of the same seed lose and delay the
    /// datagrams that both send alike, whatever else they send; what becomes of a stream depends on its length, too.
    /// Packets of one world that agree in all four draw the same numbers.
    ByPacket,
}

/// The most members that these faults can make join.
pub fn joiners_needed(faults: &[Fault], members: u32) -> u32 {
    faults.iter().map(|fault| fault.joiners(members)).fold(0, u32::saturating_add)
}
