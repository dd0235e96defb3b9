//! Dissemination: which messages carry updates, how often, and which are sent for the updates' sake alone.

use std::fmt;

use super::config_error::ConfigError;
use super::message::MessageKind;
use super::scale::Scale;
use super::time::Span;

/// Strategy for spreading updates. All answers but [`Dissemination::transmissions`] are read once per
/// [`MemberConfig`](super::MemberConfig).
pub trait Dissemination: fmt::Debug + Send + Sync {
    /// Whether queued updates ride on messages of this kind.
    fn rides_on(&self, kind: MessageKind) -> bool;

    /// The number of times that a member sends one update in a group of `n`; 0: it is not passed on.
    fn transmissions(&self, n: u32) -> u32;

    /// Whether the first member to notice something sends it to every other at once.
    fn multicasts(&self) -> bool {
        false
    }

    /// Gossip messages between the probes; `None`: there are none.
    fn gossip(&self) -> Option<GossipTick> {
        None
    }

    /// Whether a ping to a suspect always carries the suspicion (Lifeguard's buddy system, section IV-C).
    fn is_buddy(&self) -> bool {
        false
    }

    /// Checks the strategy's own parameters.
    ///
    /// # Errors
    /// Names the parameter that is out of range.
    fn validate(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// Multicast: the first member to notice something sends it to every member at once, and none passes it on (SWIM 2002,
/// section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Multicast;

/// Infection-style dissemination: updates ride on pings, acks and ping requests (SWIM 2002, section 4.1), optionally
/// with gossip messages between the probes and Lifeguard's buddy system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piggyback {
    /// Each member sends an update this times `scale`(n) times. 3 in the 2002 paper, 4 in memberlist. More
    /// transmissions reach the last members sooner and cost bytes. From 1 to 100.
    pub mult: u32,
    /// Growth with the group, rounded up.
    pub scale: Scale,
    /// Gossip messages between the probes (memberlist); `None`: updates only ride on probes.
    pub gossip: Option<GossipTick>,
    /// Whether a ping to a suspect always carries the suspicion (Lifeguard, section IV-C).
    pub buddy: bool,
}

/// Gossip between the probes: while there are updates, a few members get them at a fixed interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GossipTick {
    /// The time between two rounds. 200 ms in memberlist on a LAN, 500 ms on a WAN. Longer than zero.
    pub interval: Span,
    /// Receivers per round. 3 in memberlist on a LAN, 4 on a WAN.
    pub nodes: u32,
    /// The time for which dead members still get gossip messages, so that they can refute; zero: not at all. 30 s in
    /// memberlist on a LAN. No longer than dead members are remembered.
    pub to_dead: Span,
}

impl Piggyback {
    /// Updates that ride only on probes, `mult` times `scale`(n) times.
    pub const fn new(mult: u32, scale: Scale) -> Self {
        Self { mult, scale, gossip: None, buddy: false }
    }

    /// Adds gossip messages between the probes.
    #[must_use]
    pub const fn with_gossip(mut self, gossip: GossipTick) -> Self {
        self.gossip = Some(gossip);
        self
    }

    /// Makes pings to suspects always carry the suspicion.
    #[must_use]
    pub const fn with_buddy(mut self) -> Self {
        self.buddy = true;
        self
    }
}

impl GossipTick {
    /// Rounds of gossip messages to `nodes` living members each.
    pub const fn new(interval: Span, nodes: u32) -> Self {
        Self { interval, nodes, to_dead: Span::ZERO }
    }
}

impl Dissemination for Multicast {
    fn rides_on(&self, _: MessageKind) -> bool {
        false
    }

    fn transmissions(&self, _: u32) -> u32 {
        0
    }

    fn multicasts(&self) -> bool {
        true
    }
}

impl Dissemination for Piggyback {
    fn rides_on(&self, kind: MessageKind) -> bool {
        kind != MessageKind::Sync
    }

    fn transmissions(&self, n: u32) -> u32 {
        self.mult * self.scale.whole(n)
    }

    fn gossip(&self) -> Option<GossipTick> {
        self.gossip
    }

    fn is_buddy(&self) -> bool {
        self.buddy
    }

    fn validate(&self) -> Result<(), ConfigError> {
        ConfigError::check((1..=100).contains(&self.mult), "retransmit_mult", self.mult, "from 1 to 100")?;
        let interval = self.gossip.map_or(Span::from_secs(1), |gossip| gossip.interval);
        ConfigError::check(interval > Span::ZERO, "gossip_interval", interval, "longer than 0s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn updates_are_sent_as_often_as_the_formula_says() {
        let piggyback = Piggyback { mult: 4, scale: Scale::Log10, gossip: None, buddy: false };
        for n in [1, 2, 9, 10, 11, 99, 100, 101, 999, 1000, 123_456, 1_000_000] {
            let formula = 4 * f64::from(n + 1).log10().ceil() as u32;
            assert_eq!(piggyback.transmissions(n), formula, "n = {n}");
        }
    }
}
