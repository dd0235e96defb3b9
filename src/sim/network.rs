//! The network between members: delays from the placement, loss, and the link rules in force.

use std::sync::Arc;

use rand::RngExt;
use swimlab_selectors::rng::{Purpose, Rng, mix, stream};

use super::link::{LinkPacket, LinkRule, LinkVerdict, RuleId, Transport};
use super::observer::{Delivery, MemberIndex};
use super::stream::{self, StreamMessage};
use crate::protocol::{Address, MessageKind, Span};
use crate::topology::Placement;

/// The network of one world.
pub struct Network {
    placement: Arc<Placement>,
    loss: f64,
    /// The rules in force, in the order in which they were added; usually none.
    rules: Vec<(RuleId, Box<dyn LinkRule>)>,
    rules_added: u64,
}

impl Network {
    /// A network between the members of this placement that loses each packet with probability `loss`.
    pub fn new(placement: Arc<Placement>, loss: f64) -> Self {
        Self { placement, loss, rules: Vec::new(), rules_added: 0 }
    }

    /// Draws delay and loss for a packet from `rng`, the sender's own stream.
    ///
    /// A stream takes a round trip to set up and another to carry its data there and the reply back: each of its
    /// messages counts for one round trip. Loss slows it down, and may break it, as it does TCP (RFC 6298).
    #[inline(always)]
    pub fn delivery(&self, packet: &LinkPacket, rng: &mut Rng) -> Delivery {
        match packet.transport {
            Transport::Datagram => self.deliver_datagram(packet, rng),
            _ => self.deliver_over_stream(packet, rng),
        }
    }

    fn deliver_datagram(&self, packet: &LinkPacket, rng: &mut Rng) -> Delivery {
        let delay = self.placement.delay_us(packet.from, packet.to, rng);
        if self.loss > 0.0 && rng.random::<f64>() < self.loss {
            return Delivery::Lost;
        }
        if !self.rules.is_empty()
            && let Some(delivery) = self.apply_rules(packet, rng)
        {
            return delivery;
        }
        Delivery::Arrives(packet.at + Span::from_micros(u64::from(delay)))
    }

    /// Combined effect of the rules in force on a datagram; `None` if all let it pass.
    #[cold]
    fn apply_rules(&self, packet: &LinkPacket, rng: &mut Rng) -> Option<Delivery> {
        for (_, rule) in &self.rules {
            match rule.on_packet(packet) {
                LinkVerdict::Cut => return Some(Delivery::Cut),
                LinkVerdict::Lose(rate) if rng.random::<f64>() < rate => return Some(Delivery::Lost),
                LinkVerdict::Pass | LinkVerdict::Lose(_) => {}
            }
        }
        None
    }

    #[cold]
    fn deliver_over_stream(&self, packet: &LinkPacket, rng: &mut Rng) -> Delivery {
        let delay = Span::from_micros(u64::from(self.placement.delay_us(packet.from, packet.to, rng)));
        // A stream needs packets both ways.
        let (Some(there), Some(back)) = (self.loss_rate(packet), self.loss_rate(&packet.reversed())) else {
            return Delivery::Cut;
        };
        let message =
            StreamMessage { bytes: packet.bytes, opens: packet.transport == Transport::Stream, loss: [there, back] };
        let begun = if let Transport::Answer { asked_at } = packet.transport { asked_at } else { packet.at };
        let arrives = message.waits(rng).map(|waited| packet.at + waited + delay * 2);
        arrives.filter(|&at| at <= begun + stream::LONGEST).map_or(Delivery::Lost, Delivery::Arrives)
    }

    /// The probability of losing a packet on this link by the network or any rule; `None` if a rule cuts the link.
    fn loss_rate(&self, packet: &LinkPacket) -> Option<f64> {
        let mut survives = 1.0 - self.loss;
        for (_, rule) in &self.rules {
            match rule.on_packet(packet) {
                LinkVerdict::Pass => {}
                LinkVerdict::Cut => return None,
                LinkVerdict::Lose(rate) => survives *= 1.0 - rate,
            }
        }
        Some(1.0 - survives)
    }

    /// Puts a rule into force.
    pub fn add_rule(&mut self, rule: impl LinkRule + 'static) -> RuleId {
        let id = RuleId(self.rules_added);
        self.rules_added += 1;
        self.rules.push((id, Box::new(rule)));
        id
    }

    /// Ends a rule; does nothing if it has ended already.
    pub fn remove_rule(&mut self, id: RuleId) {
        self.rules.retain(|(other, _)| *other != id);
    }
}

/// The random stream of one packet: the same in all worlds of this seed in which a packet of this kind goes this way at
/// this time.
#[cold]
pub(super) fn packet_rng(seed: u64, packet: &LinkPacket, kind: MessageKind) -> Rng {
    let way = u64::from(packet.from) << 32 | u64::from(packet.to);
    stream(seed, Purpose::Packet, mix(mix(way) ^ (packet.at.as_micros() << 8 | u64::from(kind.code()))))
}

/// The address of a member of a world: its index in a unique local network.
pub fn address_of(member: MemberIndex) -> Address {
    let mut ip = [0; 16];
    ip[0] = 0xfd;
    ip[12..].copy_from_slice(&member.to_be_bytes());
    Address { ip, port: 7946 }
}

/// The member with this address, in a world of `members`.
pub fn index_of(address: Address, members: u32) -> Option<MemberIndex> {
    let index = u32::from_be_bytes(address.ip[12..].try_into().expect("four bytes"));
    (address.ip[0] == 0xfd && index < members).then_some(index)
}
