//! Sequences of packets, wake-ups, commands and clock steps into one real member.

mod checks;
mod packets;

use std::sync::{Arc, LazyLock};

use swimlab::protocol::{
    Address, Config, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox, Packet, Roster, Span, Time,
    UserEvent, profiles,
};
use swimlab::wire::{PlainSizer, decode};
use swimlab_selectors::rng::{Purpose, mix, stream};
use swimlab_selectors::{DynSelector, Peer};

use crate::bytes::Bytes;
use checks::Checks;

/// Selectors that need no round-trip times.
const SELECTORS: [&str; 8] = [
    "auto",
    "uniform",
    "shuffle",
    "bucket:metric=xor",
    "spatial:metric=ring",
    "neighborhood:metric=xor,radius=2",
    "neighborhood:metric=vivaldi,radius=2",
    "schedule",
];

/// Values that make stores small and times short, so that few steps reach the limits.
const NARROW: &str = "dead_retention=2s,reconnect_limit=2,packet_bytes=256,reconnect_every=1";

/// Ids and addresses that inputs choose from.
const IDS: usize = 24;

/// The most members that know each other from the start.
const MOST_MEMBERS: usize = 8;

/// All profiles, all of them with [`NARROW`] values, and one whose messages are as long as they can be.
static PROFILES: LazyLock<Vec<Config>> = LazyLock::new(|| {
    let names = profiles().entries().iter().map(|entry| entry.name).collect::<Vec<_>>();
    let narrow = names.iter().map(|name| format!("{name}:{NARROW}"));
    let wide = ["swim:prober=batched,direct=16,indirect=2,packet_bytes=256".to_owned()];
    let labels = names.iter().map(|name| (*name).to_owned()).chain(narrow).chain(wide);
    labels.map(|label| label.parse().expect("a profile")).collect()
});

/// A member keeps its own state and its limits whatever it hears, and whatever it is told to do.
pub fn member(bytes: &[u8]) {
    let mut input = Bytes(bytes);
    let mut session = Session::begin(&mut input);
    while !input.is_empty() {
        session.step(&mut input);
    }
}

/// A packet from an input, for corpora.
pub(crate) fn sample_packet(input: &mut Bytes<'_>) -> Option<Packet> {
    packets::packet(input, Incarnation::default())
}

/// A member with its clock.
struct Session {
    member: Member,
    now: Time,
    out: Outbox,
    stalled: bool,
    checks: Checks,
}

impl Session {
    fn begin(input: &mut Bytes<'_>) -> Self {
        let protocol = PROFILES[input.below(PROFILES.len())].clone();
        let selector: DynSelector = SELECTORS[input.below(SELECTORS.len())].parse().expect("a selector");
        let members = 1 + input.below(MOST_MEMBERS);
        let meta = &[7; NodeInfo::META_LIMIT][..input.below(4)];
        let named = NodeInfo { name: "fuzzed".into(), meta: meta.into(), ..NodeInfo::clone(&node(0)) };
        let nodes = [Arc::new(named)].into_iter().chain((1..members).map(node));
        let roster = Arc::new(Roster::of_members(nodes));
        let incarnation = packets::incarnation(input);
        let identity = Identity {
            incarnation,
            since_epoch: Span::from_micros(u64::from(input.u32())),
            strategy_rng: stream(1, Purpose::Selector, 0),
            rng: stream(1, Purpose::Protocol, 0),
        };
        let indexed = selector.build_index(roster.peers());
        let checks = Checks::new(&protocol, incarnation);
        let config = Arc::new(MemberConfig::new(protocol, Arc::new(PlainSizer)).expect("a profile is valid"));
        let mut member = Member::new(config, identity, roster, &indexed, 0);
        member.start(Time::ZERO, Time::ZERO + Span::from_millis(input.u8().into()));
        let mut session = Self { member, now: Time::ZERO, out: Outbox::default(), stalled: false, checks };
        session.check();
        session
    }

    /// One step of the driver.
    fn step(&mut self, input: &mut Bytes<'_>) {
        let (now, out) = (self.now, &mut self.out);
        match input.below(16) {
            // Clock steps, up to some hours.
            0 => self.now += Span::from_micros(u64::from(input.u16()) << input.below(20)),
            1 => self.now += Span::from_millis(input.u8().into()),
            // A step to the deadline, as drivers without load make it.
            2 | 3 if self.member.deadline() != Time::NEVER => self.now = now.max(self.member.deadline()),
            4 => {
                let len = input.u8().into();
                if let Ok(packet) = decode(input.take(len))
                    && !self.stalled
                {
                    self.member.handle(now, address(input), &packet, out);
                }
            }
            5 => {
                let meta = vec![input.u8(); usize::from(input.u16()) % (2 * NodeInfo::META_LIMIT)];
                let room = self.member.meta_room().unwrap_or(0);
                assert_eq!(self.member.set_meta(now, &meta, out).is_ok(), meta.len() <= room);
            }
            6 => {
                let name = "e".repeat(input.below(2 * UserEvent::NAME_LIMIT));
                let payload = vec![0; usize::from(input.u16()) % (2 * UserEvent::PAYLOAD_LIMIT)];
                let _ = self.member.broadcast(now, &name, &payload, out);
            }
            7 => match input.below(8) {
                0 => {
                    self.stalled = true;
                    self.member.stall();
                }
                1 | 2 => {
                    self.stalled = false;
                    self.member.end_stall(now);
                }
                3 => self.member.await_seeds(),
                4 => self.member.end_wait_for_seeds(),
                5 => self.member.ping_address(address(input), out),
                6 => self.member.ask_to_join(address(input), out),
                _ if input.u8() == 0xff => self.member.leave(out),
                _ => {}
            },
            8 => {
                let seeds: Vec<Address> = (0..input.u8()).map(|_| address(input)).collect();
                match input.is_true() {
                    true => self.member.set_seeds(seeds),
                    false => self.member.join(now, seeds, out),
                }
            }
            9 => self.member.remember(packets::id(input), address(input)),
            _ => {
                let packet = packets::packet(input, self.member.incarnation());
                let from = address(input);
                if !self.stalled
                    && let Some(packet) = packet
                {
                    self.member.handle(now, from, &packet, out);
                }
            }
        }
        self.check();
        self.wake();
    }

    /// Wakes the member for as long as it is due.
    fn wake(&mut self) {
        for _ in 0..checks::MOST_WAKES {
            if self.member.deadline() > self.now {
                return;
            }
            self.member.wake(self.now, &mut self.out);
            self.check();
        }
        panic!("at {} the deadline is still {}", self.now, self.member.deadline());
    }

    fn check(&mut self) {
        self.checks.check(&self.member, self.now, self.stalled, &self.out);
        self.out.transmits.clear();
        self.out.events.clear();
    }
}

fn node(n: usize) -> Arc<NodeInfo> {
    Arc::new(NodeInfo::new(Peer::new(id_of(n)), address_of(n)))
}

fn id_of(n: usize) -> u64 {
    mix(n as u64)
}

fn address_of(n: usize) -> Address {
    let mut ip = [0; 16];
    (ip[0], ip[15]) = (0xfd, n as u8);
    Address { ip, port: 7946 }
}

/// An address, most often that of a member.
fn address(input: &mut Bytes<'_>) -> Address {
    address_of(input.below(IDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_profiles_and_selectors_begin() {
        for profile in 0..PROFILES.len() {
            for selector in 0..SELECTORS.len() {
                member(&[profile as u8, selector as u8, 3, 0, 0, 0, 2, 2, 2, 2]);
            }
        }
    }
}
