//! The network between members: who is reached, when, and what is lost on the way.

use std::sync::Arc;

use rand::RngExt;
use swimlab_selectors::rng::Rng;

use super::fault::Direction;
use super::observer::{Delivery, MemberIndex};
use super::stream::{self, Message};
use crate::protocol::{Address, Span, Time};
use crate::topology::Placement;

/// The network of one world.
pub struct Network {
    placement: Arc<Placement>,
    loss: f64,
    /// Faults in force; usually none.
    barriers: Vec<LinkRule>,
}

/// How a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By itself.
    Datagram,
    /// Over a stream of its own.
    Stream,
    /// As an answer, over the stream on which the question came.
    Answer {
        /// When the question was sent.
        asked_at: Time,
    },
}

/// A fault of the network around some members.
#[derive(Debug)]
pub struct LinkRule {
    /// Which fault it belongs to.
    pub fault: u32,
    /// Whom it surrounds, by index.
    pub inside: Vec<bool>,
    /// Which packets it touches, as seen from inside.
    pub direction: Direction,
    /// What happens to those.
    pub effect: LinkEffect,
}

/// What a barrier does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LinkEffect {
    /// Those that cross it are swallowed.
    Cut,
    /// Those from or to the inside are lost with this probability, neighbours within it included.
    Lose(f64),
}

impl Network {
    /// A network between the members of this placement.
    pub fn new(placement: Arc<Placement>, loss: f64) -> Self {
        Self { placement, loss, barriers: Vec::new() }
    }

    /// What becomes of a packet of so many bytes. Delay and loss are drawn from `luck`, the sender's own stream.
    ///
    /// A stream takes a round trip to set up and another to carry its data there and the answer back: each of its messages
    /// counts for one round trip. Loss slows it down, and may break it: see [`stream`].
    #[inline(always)]
    pub fn delivery(
        &self,
        now: Time,
        ends: (MemberIndex, MemberIndex),
        (transport, bytes): (Transport, u32),
        luck: &mut Rng,
    ) -> Delivery {
        match transport {
            Transport::Datagram => self.fate_of_datagram(now, ends, luck),
            _ => self.fate_over_stream(now, ends, (transport, bytes), luck),
        }
    }

    fn fate_of_datagram(&self, now: Time, (from, to): (MemberIndex, MemberIndex), luck: &mut Rng) -> Delivery {
        let delay = self.placement.delay_us(from, to, luck);
        if self.loss > 0.0 && luck.random::<f64>() < self.loss {
            return Delivery::Lost;
        }
        if !self.barriers.is_empty()
            && let Some(delivery) = self.barred((from, to), luck)
        {
            return delivery;
        }
        Delivery::Arrives(now + Span::from_micros(u64::from(delay)))
    }

    /// What the faults in force do to a datagram, if anything.
    #[cold]
    fn barred(&self, (from, to): (MemberIndex, MemberIndex), luck: &mut Rng) -> Option<Delivery> {
        for barrier in &self.barriers {
            let touched = barrier.touches(from, to);
            match barrier.effect {
                LinkEffect::Cut if touched => return Some(Delivery::Cut),
                LinkEffect::Lose(rate) if touched && luck.random::<f64>() < rate => return Some(Delivery::Lost),
                _ => {}
            }
        }
        None
    }

    #[cold]
    fn fate_over_stream(
        &self,
        now: Time,
        (from, to): (MemberIndex, MemberIndex),
        (transport, bytes): (Transport, u32),
        luck: &mut Rng,
    ) -> Delivery {
        let delay = Span::from_micros(u64::from(self.placement.delay_us(from, to, luck)));
        // It needs packets both ways.
        let is_cut = |barrier: &LinkRule| {
            barrier.effect == LinkEffect::Cut && (barrier.touches(from, to) || barrier.touches(to, from))
        };
        if self.barriers.iter().any(is_cut) {
            return Delivery::Cut;
        }
        let loss = [self.loss_between(from, to), self.loss_between(to, from)];
        let message = Message { bytes, opens: transport == Transport::Stream, loss };
        let begun = if let Transport::Answer { asked_at } = transport { asked_at } else { now };
        let arrives = message.waits(luck).map(|waited| now + waited + delay * 2);
        arrives.filter(|&at| at <= begun + stream::LONGEST).map_or(Delivery::Lost, Delivery::Arrives)
    }

    /// How likely a packet is lost on this way, by all that loses any.
    fn loss_between(&self, from: MemberIndex, to: MemberIndex) -> f64 {
        let survives = |sofar: f64, barrier: &LinkRule| match barrier.effect {
            LinkEffect::Lose(rate) if barrier.touches(from, to) => sofar * (1.0 - rate),
            _ => sofar,
        };
        1.0 - self.barriers.iter().fold(1.0 - self.loss, survives)
    }

    /// Puts a fault into force.
    pub fn raise(&mut self, barrier: LinkRule) {
        self.barriers.push(barrier);
    }

    /// Ends one barrier of this fault: that around the same members.
    pub fn lower(&mut self, fault: u32, inside: &[bool]) {
        if let Some(at) = self.barriers.iter().position(|barrier| barrier.fault == fault && barrier.inside == inside) {
            self.barriers.remove(at);
        }
    }
}

impl LinkRule {
    /// Whether a packet on this way comes to feel it.
    fn touches(&self, from: MemberIndex, to: MemberIndex) -> bool {
        let (inside_from, inside_to) = (self.inside[from as usize], self.inside[to as usize]);
        let (comes_in, goes_out) = match self.effect {
            LinkEffect::Cut => (inside_to && !inside_from, inside_from && !inside_to),
            LinkEffect::Lose(_) => (inside_to, inside_from),
        };
        match self.direction {
            Direction::In => comes_in,
            Direction::Out => goes_out,
            Direction::Both => comes_in || goes_out,
        }
    }
}

/// The address of a member of a world: its number in a unique local network.
pub fn address_of(member: MemberIndex) -> Address {
    let mut ip = [0; 16];
    ip[0] = 0xfd;
    ip[12..].copy_from_slice(&member.to_be_bytes());
    Address { ip, port: 7946 }
}

/// Whose address this is, among so many members.
pub fn index_of(address: Address, members: u32) -> Option<MemberIndex> {
    let index = u32::from_be_bytes(address.ip[12..].try_into().expect("four bytes"));
    (address.ip[0] == 0xfd && index < members).then_some(index)
}
