//! The network between members: who is reached, when, and what is lost on the way.

use std::sync::Arc;

use rand::RngExt;
use swimlab_selectors::rng::Rng;

use super::fault::Direction;
use super::observer::{Fate, Index};
use crate::protocol::{Address, Span, Time};
use crate::topology::Placement;

/// The network of one world.
pub struct Network {
    placement: Arc<Placement>,
    loss: f64,
    /// Faults in force; usually none.
    barriers: Vec<Barrier>,
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
    /// What happens to those.
    pub effect: BarrierEffect,
}

/// What a barrier does to packets.
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

    /// What becomes of a packet. A stream takes a round trip to set up and another to carry its data there and the
    /// answer back: each of its messages counts for one round trip, and none is lost by chance.
    /// Delay and loss are drawn from `luck`, the sender's own stream.
    #[inline]
    pub fn fate(&self, now: Time, (from, to): (Index, Index), is_stream: bool, luck: &mut Rng) -> Fate {
        let delay = self.placement.delay_us(from, to, luck);
        if self.loss > 0.0 && luck.random::<f64>() < self.loss && !is_stream {
            return Fate::Lost;
        }
        if !self.barriers.is_empty()
            && let Some(fate) = self.barred((from, to), is_stream, luck)
        {
            return fate;
        }
        let delay = Span::from_micros(u64::from(delay));
        Fate::Arrives(now + if is_stream { delay * 2 } else { delay })
    }

    /// What the faults in force do to a packet, if anything.
    fn barred(&self, (from, to): (Index, Index), is_stream: bool, luck: &mut Rng) -> Option<Fate> {
        for barrier in &self.barriers {
            let (inside_from, inside_to) = (barrier.inside[from as usize], barrier.inside[to as usize]);
            let (comes_in, goes_out) = match barrier.effect {
                BarrierEffect::Cut => (inside_to && !inside_from, inside_from && !inside_to),
                BarrierEffect::Lose(_) => (inside_to, inside_from),
            };
            let touched = match barrier.direction {
                Direction::In => comes_in,
                Direction::Out => goes_out,
                Direction::Both => comes_in || goes_out,
            };
            // A stream needs packets both ways.
            let cut_stream = is_stream && (comes_in || goes_out);
            match barrier.effect {
                BarrierEffect::Cut if touched || cut_stream => return Some(Fate::Cut),
                BarrierEffect::Lose(rate) if touched && !is_stream && luck.random::<f64>() < rate => {
                    return Some(Fate::Lost);
                }
                _ => {}
            }
        }
        None
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
