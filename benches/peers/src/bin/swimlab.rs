//! The work as a failure detector in swimlab's world: with network, trace hash, observers and checkers, as all detectors.

use std::process::ExitCode;

use swimlab::protocol::{Address, MessageKind, Outbox, Span, Time, Transmit};
use swimlab::selectors::Spec;
use swimlab::selectors::rng::{Purpose, Rng, below, stream};
use swimlab::sim::{FailureDetector, MemberIndex, Setup, World, address_of};
use swimlab::topology::{TopologyContext, topologies};

use swimlab_peers::work::{LATENCY_US, PERIOD_US, SEED, TALLY, Work};

struct PingOne {
    next_period: Time,
    rng: Rng,
    me: MemberIndex,
    others: u32,
    is_pinged: bool,
}

impl FailureDetector for PingOne {
    type Message = MessageKind;

    fn start(&mut self, _: Time, first_period: Time, _: &mut Outbox<MessageKind>) {
        self.next_period = first_period;
    }

    fn handle(&mut self, now: Time, from: Address, message: &MessageKind, out: &mut Outbox<MessageKind>) {
        if *message == MessageKind::Ping {
            TALLY.ping(now.as_micros(), &mut self.is_pinged);
            out.transmits.push(Transmit::datagram(from, 8, MessageKind::Ack));
        } else {
            TALLY.ack();
        }
    }

    fn wake(&mut self, now: Time, out: &mut Outbox<MessageKind>) {
        TALLY.period();
        self.next_period = now + Span::from_micros(PERIOD_US);
        let other = (self.me + 1 + below(&mut self.rng, self.others)) % (self.others + 1);
        out.transmits.push(Transmit::ping(address_of(other), 8, MessageKind::Ping));
    }

    fn deadline(&self) -> Time {
        self.next_period
    }

    fn kind(message: &MessageKind) -> MessageKind {
        *message
    }
}

fn world(work: Work) -> impl FnOnce() {
    let (low, high) = LATENCY_US;
    let (middle_ms, spread_ms) = ((low + high) as f64 / 2e3, (high - low) as f64 / 2e3);
    let lan = Spec::parse(&format!("lan:delay_ms={middle_ms},jitter=uniform,spread_ms={spread_ms}"));
    let lan = lan.and_then(|lan| topologies().build(&lan, &TopologyContext::default())).expect("a network's label");
    let mut setup = Setup::new(&lan, work.members, SEED, Vec::new());
    setup.duration = Span::from_micros(work.end_us());
    let others = work.members - 1;
    let member = move |me, _generation| {
        let rng = stream(SEED, Purpose::Other(0), u64::from(me));
        PingOne { next_period: Time::NEVER, rng, me, others, is_pinged: false }
    };
    let mut world = World::new(&setup, member, ());
    // Starts the members.
    world.advance(Time::ZERO);
    move || world.advance(setup.end())
}

fn main() -> ExitCode {
    swimlab_peers::measure(world)
}
