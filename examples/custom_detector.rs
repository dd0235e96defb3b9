//! A failure detector of your own, `ping-1`, in one world and in experiments beside SWIM:
//!
//! ```sh
//! cargo run --release --example custom_detector                       # a world of 1,000 members, one of which crashes
//! cargo run --release --example custom_detector -- list detectors     # with arguments: all commands of swimlab
//! cargo run --release --example custom_detector -- run mine.toml      # with profile = ["swim", "ping-1"] in the file
//! ```
//!
//! Three steps lead there, less than 60 lines in all:
//!
//! 1. Implement [`FailureDetector`] for one member. Its documentation says what the world calls when, and what may go
//!    into the outbox. What is left out here has defaults: nobody joins by asking, and those who leave say nothing.
//! 2. Write a function that creates the members of a [`Setup`]: here it returns a closure.
//! 3. Register it under a name in a [`Lab`]; experiment files then name it under `profile`, like any other.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;

use swimlab::detectors::worlds_of;
use swimlab::experiment::Lab;
use swimlab::protocol::{Address, Event, EventKind, Id, MessageKind, Outbox, Span, Time, Transmit};
use swimlab::selectors::Spec;
use swimlab::selectors::rng::{Purpose, Rng, below, stream};
use swimlab::sim::{Crash, FailureDetector, Fault, MemberIndex, Observer, Sent, Setup, World, address_of, index_of};
use swimlab::topology::{TopologyContext, topologies};

const PERIOD: Span = Span::from_secs(1);

/// Pings a random member in each period. One that has not answered by the next is dead, until it answers again.
pub struct PingOne {
    me: MemberIndex,
    /// The ids of those that are members from the start: the group for good.
    ids: Arc<[Id]>,
    rng: Rng,
    next_period: Time,
    unanswered: Option<MemberIndex>,
    dead: BTreeSet<MemberIndex>,
}

impl FailureDetector for PingOne {
    /// Messages have no content but their kind, ping or ack.
    type Message = MessageKind;

    fn start(&mut self, _: Time, first_period: Time, _: &mut Outbox<MessageKind>) {
        self.next_period = first_period;
    }

    fn handle(&mut self, _: Time, from: Address, message: &MessageKind, out: &mut Outbox<MessageKind>) {
        if *message == MessageKind::Ping {
            out.transmits.push(Transmit::datagram(from, 8, MessageKind::Ack));
        } else if let Some(other) = index_of(from, self.ids.len() as u32) {
            self.unanswered.take_if(|unanswered| *unanswered == other);
            if self.dead.remove(&other) {
                out.events.push(Event::own(self.ids[other as usize], EventKind::Joined));
            }
        }
    }

    fn wake(&mut self, now: Time, out: &mut Outbox<MessageKind>) {
        let found_dead = self.unanswered.take().filter(|silent| self.dead.insert(*silent));
        out.events.extend(found_dead.map(|silent| Event::own(self.ids[silent as usize], EventKind::Died)));
        self.next_period = now + PERIOD;
        let n = self.ids.len() as u32;
        // A group of one has nobody else to ping.
        let other = (self.me + 1 + below(&mut self.rng, (n - 1).max(1))) % n;
        self.unanswered = Some(other);
        out.transmits.push(Transmit::ping(address_of(other), 8, MessageKind::Ping));
    }

    fn deadline(&self) -> Time {
        self.next_period
    }

    /// Observers see this, and so do reports and timelines.
    fn kind(message: &MessageKind) -> MessageKind {
        *message
    }
}

/// Creates the members of this setup. A member that restarts begins another life, with other random numbers.
pub fn members(setup: &Setup) -> impl FnMut(MemberIndex, u32) -> PingOne + use<> {
    let ids: Arc<[Id]> = setup.placement.peers.iter().take(setup.members as usize).map(|peer| peer.id).collect();
    let seed = setup.seed;
    move |me, generation| {
        let rng = stream(seed, Purpose::Other(1), u64::from(generation) << 32 | u64::from(me));
        let (ids, next_period, dead) = (Arc::clone(&ids), Time::NEVER, BTreeSet::new());
        PingOne { me, ids, rng, next_period, unanswered: None, dead }
    }
}

/// All built-in parts, and this detector. `vec![]` are its parameters: it has none.
pub fn lab() -> Lab {
    let mut lab = Lab::default();
    let about = "Detector: pings one random member each period, and believes dead who does not answer by the next.";
    lab.detectors.register("ping-1", about, vec![], |_, ()| Ok(worlds_of(PERIOD, members)));
    lab
}

/// Counts messages.
struct Messages(u64);

impl Observer for Messages {
    fn sent(&mut self, _: &Sent) {
        self.0 += 1;
    }
}

/// Runs the command that the arguments name; without any a world of 1,000 members for a minute, in which one crashes.
pub fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        return swimlab::cli::main(lab());
    }
    let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).expect("a built-in topology");
    let mut crash = Fault::new(Crash);
    crash.at = Span::from_secs(10);
    let setup = Setup::new(&lan, 1000, 1, vec![crash]);
    let mut world = World::new(&setup, members(&setup), Messages(0));
    world.advance(setup.end());
    println!("{:.0} messages per second", world.observer().0 as f64 / setup.end().as_secs_f64());
    let informed = world.detectors().filter(|(_, member)| !member.dead.is_empty()).count();
    println!(
        "{informed} of {} survivors have noticed the crash: they do not tell each other",
        world.detectors().count()
    );
    ExitCode::SUCCESS
}
