//! The network between members: who is reached, when, and what is lost on the way.

use std::sync::Arc;

use rand::RngExt;
use swimlab_selectors::rng::Rng;

use super::fault::Direction;
use super::observer::{Fate, Index};
use super::stream::{self, Message};
use crate::protocol::{Address, Span, Time};
use crate::topology::Placement;

/// The network of one world.
pub struct Network {
    placement: Arc<Placement>,
    loss: f64,
    /// Faults in force; usually none.
    barriers: Vec<Barrier>,
}

/// How a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
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
pub struct Barrier {
    /// Which fault it belongs to.
    pub fault: u32,
    /// Whom it surrounds, by index.
    pub inside: Vec<bool>,
    /// Which packets it touches, as seen from inside.
    pub direction: Direction,
    /// EventKind happens to those.
    pub effect: BarrierEffect,
}

/// EventKind a barrier does to packets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BarrierEffect {
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

    /// EventKind becomes of a packet of so many bytes. Delay and loss are drawn from `luck`, the sender's own stream.
    ///
    /// A stream takes a round trip to set up and another to carry its data there and the answer back: each of its messages
    /// counts for one round trip. Loss slows it down, and may break it: see [`stream`].
    #[inline(always)]
    pub fn fate(&self, now: Time, ends: (Index, Index), (way, bytes): (Way, u32), luck: &mut Rng) -> Fate {
        match way {
            Way::Datagram => self.fate_of_datagram(now, ends, luck),
            _ => self.fate_over_stream(now, ends, (way, bytes), luck),
        }
    }

    fn fate_of_datagram(&self, now: Time, (from, to): (Index, Index), luck: &mut Rng) -> Fate {
        let delay = self.placement.delay_us(from, to, luck);
        if self.loss > 0.0 && luck.random::<f64>() < self.loss {
            return Fate::Lost;
        }
        if !self.barriers.is_empty()
            && let Some(fate) = self.barred((from, to), luck)
        {
            return fate;
        }
        Fate::Arrives(now + Span::from_micros(u64::from(delay)))
    }

    /// EventKind the faults in force do to a datagram, if anything.
    #[cold]
    fn barred(&self, (from, to): (Index, Index), luck: &mut Rng) -> Option<Fate> {
        for barrier in &self.barriers {
            let touched = barrier.touches(from, to);
            match barrier.effect {
                BarrierEffect::Cut if touched => return Some(Fate::Cut),
                BarrierEffect::Lose(rate) if touched && luck.random::<f64>() < rate => return Some(Fate::Lost),
                _ => {}
            }
        }
        None
    }

    #[cold]
    fn fate_over_stream(
        &self,
        now: Time,
        (from, to): (Index, Index),
        (way, bytes): (Way, u32),
        luck: &mut Rng,
    ) -> Fate {
        let delay = Span::from_micros(u64::from(self.placement.delay_us(from, to, luck)));
        // It needs packets both ways.
        let is_cut = |barrier: &Barrier| {
            barrier.effect == BarrierEffect::Cut && (barrier.touches(from, to) || barrier.touches(to, from))
        };
        if self.barriers.iter().any(is_cut) {
            return Fate::Cut;
        }
        let loss = [self.loss_between(from, to), self.loss_between(to, from)];
        let message = Message { bytes, opens: way == Way::Stream, loss };
        let begun = if let Way::Answer { asked_at } = way { asked_at } else { now };
        let arrives = message.waits(luck).map(|waited| now + waited + delay * 2);
        arrives.filter(|&at| at <= begun + stream::LONGEST).map_or(Fate::Lost, Fate::Arrives)
    }

    /// How likely a packet is lost on this way, by all that loses any.
    fn loss_between(&self, from: Index, to: Index) -> f64 {
        let survives = |sofar: f64, barrier: &Barrier| match barrier.effect {
            BarrierEffect::Lose(rate) if barrier.touches(from, to) => sofar * (1.0 - rate),
            _ => sofar,
        };
        1.0 - self.barriers.iter().fold(1.0 - self.loss, survives)
    }

    /// Puts a fault into force.
    pub fn raise(&mut self, barrier: Barrier) {
        self.barriers.push(barrier);
    }

    /// Ends one barrier of this fault: that around the same members.
    pub fn lower(&mut self, fault: u32, inside: &[bool]) {
        if let Some(at) = self.barriers.iter().position(|barrier| barrier.fault == fault && barrier.inside == inside) {
            self.barriers.remove(at);
        }
    }
}

impl Barrier {
    /// Whether a packet on this way comes to feel it.
    fn touches(&self, from: Index, to: Index) -> bool {
        let (inside_from, inside_to) = (self.inside[from as usize], self.inside[to as usize]);
        let (comes_in, goes_out) = match self.effect {
            BarrierEffect::Cut => (inside_to && !inside_from, inside_from && !inside_to),
            BarrierEffect::Lose(_) => (inside_to, inside_from),
        };
        match self.direction {
            Direction::In => comes_in,
            Direction::Out => goes_out,
            Direction::Both => comes_in || goes_out,
        }
    }
}

/// The address of a member of a world: its number in a unique local network.
pub fn address_of(member: Index) -> Address {
    let mut ip = [0; 16];
    ip[0] = 0xfd;
    ip[12..].copy_from_slice(&member.to_be_bytes());
    Address { ip, port: 7946 }
}

/// Whose address this is, among so many members.
pub fn index_of(address: Address, members: u32) -> Option<Index> {
    let index = u32::from_be_bytes(address.ip[12..].try_into().expect("four bytes"));
    (address.ip[0] == 0xfd && index < members).then_some(index)
}
