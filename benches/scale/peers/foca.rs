//! The `foca` crate as a machine in the same world.
//!
//! Its settings are as near to the profile's as it has them; extensions beyond SWIM with suspicion are off. Its identity
//! is one number and its codec its own, so messages are bytes, encoded and decoded as foca does; timers wait in a heap of
//! the adapter's. foca has a timer at each probe timeout whether the ping was answered or not, so it counts one event more
//! per member and period.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use ::foca::{Config, Foca, Identity, Member, NoCustomBroadcast, Notification, PostcardCodec, Runtime, State, Timer};
use serde::{Deserialize, Serialize};
use swimlab::protocol::{
    Address, Event, Gauge, Id, Incarnation, Kind, Kit, Outbox, Source, Span, Status, Time, Transmit, What,
};
use swimlab::sim::{Breed, Index, Machine, Promise, Setup, address_of};
use swimlab_selectors::rng::{Purpose, Rng, stream};

/// Makes foca members that all know each other.
pub struct FocaBreed {
    config: Config,
    /// The ids of all, by index.
    ids: Arc<[Id]>,
    seed: u64,
}

impl FocaBreed {
    /// The members of this setup.
    pub fn new(setup: &Setup, kit: &Kit) -> Self {
        let settings = &kit.settings;
        let suspicion = settings.suspicion.timeout(settings, setup.members, 0);
        let transmissions = settings.dissemination.transmissions(settings, setup.members);
        let config = Config {
            probe_period: duration(settings.period),
            probe_rtt: duration(settings.probe_timeout),
            num_indirect_probes: NonZeroUsize::new(settings.indirect as usize).expect("helpers"),
            max_transmissions: u8::try_from(transmissions).ok().and_then(NonZeroU8::new).expect("a few"),
            suspect_to_down_after: duration(suspicion),
            remove_down_after: Some(duration(settings.dead_retention)),
            max_packet_size: NonZeroUsize::new(settings.packet_bytes as usize).expect("room"),
            notify_down_members: false,
            periodic_announce: None,
            periodic_announce_to_down_members: None,
            periodic_gossip: None,
        };
        Self { config, ids: setup.placement.peers.iter().map(|peer| peer.id).collect(), seed: setup.seed }
    }
}

impl Breed for FocaBreed {
    type Machine = FocaMember;

    fn founder(&mut self, member: Index) -> FocaMember {
        let rng = stream(self.seed, Purpose::Protocol, u64::from(member));
        FocaMember {
            foca: Foca::new(Node(member), self.config.clone(), rng, PostcardCodec),
            timers: BinaryHeap::new(),
            ids: Arc::clone(&self.ids),
        }
    }

    fn newcomer(&mut self, _: Index, _: u32) -> FocaMember {
        unreachable!("nobody joins in these trials")
    }

    fn promise(&self) -> Promise {
        let limits = Gauge { broadcasts: self.ids.len(), ..Gauge::default() };
        Promise { limits, settles: None, heals: None, returns_refuted: true }
    }
}

/// A foca member and its timers.
pub struct FocaMember {
    foca: Foca<Node, PostcardCodec, Rng, NoCustomBroadcast>,
    timers: Timers,
    ids: Arc<[Id]>,
}

type Timers = BinaryHeap<Reverse<(Time, Timer<Node>)>>;

/// A member's identity and address: its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node(Index);

impl Identity for Node {
    type Addr = Index;

    fn renew(&self) -> Option<Self> {
        None
    }

    fn addr(&self) -> Index {
        self.0
    }

    fn win_addr_conflict(&self, _: &Self) -> bool {
        unreachable!("an address is an identity here")
    }
}

impl Machine for FocaMember {
    type Message = Vec<u8>;
    const HOT_BYTES: usize = size_of::<Self>();

    fn start(&mut self, _: Time, first_period: Time, out: &mut Outbox<Vec<u8>>) {
        let me = *self.foca.identity();
        let others = (0..self.ids.len() as Index).map(Node).filter(|&other| other != me);
        let alive = others.map(Member::alive);
        let runtime = Driver { now: first_period, out, timers: &mut self.timers, ids: &self.ids };
        self.foca.apply_many(alive, false, runtime).expect("others that are alive");
        out.events.clear(); // Everyone is there from the start: nobody has joined.
        // foca waits for a whole period before its first probe; here all begin with their first.
        let first = self.timers.drain().map(|Reverse((_, timer))| Reverse((first_period, timer)));
        self.timers = first.collect();
    }

    fn join(&mut self, _: Time, _: Vec<Address>, _: &mut Outbox<Vec<u8>>) {
        unreachable!("nobody joins in these trials")
    }

    fn leave(&mut self, _: Time, _: &mut Outbox<Vec<u8>>) {
        unreachable!("nobody leaves in these trials")
    }

    fn handle(&mut self, now: Time, _: Address, message: &Vec<u8>, out: &mut Outbox<Vec<u8>>) {
        let runtime = Driver { now, out, timers: &mut self.timers, ids: &self.ids };
        self.foca.handle_data(message, runtime).expect("a message of foca's own");
    }

    fn wake(&mut self, now: Time, out: &mut Outbox<Vec<u8>>) {
        while let Some(Reverse((due, _))) = self.timers.peek()
            && *due <= now
        {
            let Reverse((_, timer)) = self.timers.pop().expect("just seen");
            let runtime = Driver { now, out, timers: &mut self.timers, ids: &self.ids };
            self.foca.handle_timer(timer, runtime).expect("a timer of foca's own, in time");
        }
    }

    fn deadline(&self) -> Time {
        self.timers.peek().map_or(Time::NEVER, |Reverse((due, _))| *due)
    }

    /// A header begins with sender, incarnation and receiver, each a number in groups of seven bits; then comes what the
    /// message is for.
    fn kind(message: &Vec<u8>) -> Kind {
        let after = |bytes: &mut std::slice::Iter<'_, u8>| bytes.any(|byte| byte & 0x80 == 0);
        let mut bytes = message.iter();
        (0..3).for_each(|_| assert!(after(&mut bytes), "a whole header"));
        match bytes.next() {
            Some(0 | 3) => Kind::Ping,
            Some(1 | 4) => Kind::Ack,
            Some(2) => Kind::PingReq,
            Some(5) => Kind::Relayed,
            Some(6 | 7) => Kind::Sync,
            _ => Kind::Gossip,
        }
    }

    fn believes(&self, id: Id) -> Option<Status> {
        let is_meant = |member: &&Member<Node>| self.ids[member.id().0 as usize] == id;
        self.foca.iter_membership_state().find(is_meant).map(|member| match member.state() {
            State::Alive => Status::Alive,
            State::Suspect => Status::Suspect,
            State::Down => Status::Dead,
        })
    }

    fn members(&self) -> u32 {
        self.foca.num_members() as u32 + 1
    }

    fn gauge(&self) -> Gauge {
        Gauge { broadcasts: self.foca.updates_backlog(), ..Gauge::default() }
    }
}

/// What foca asks of its driver.
struct Driver<'a> {
    now: Time,
    out: &'a mut Outbox<Vec<u8>>,
    timers: &'a mut Timers,
    ids: &'a [Id],
}

impl Runtime<Node> for Driver<'_> {
    fn notify(&mut self, notification: Notification<'_, Node>) {
        let (node, what) = match notification {
            Notification::MemberUp(node) => (node, What::Joined),
            Notification::MemberDown(node) => (node, What::Died),
            _ => return,
        };
        // foca does not say at which incarnation, nor who told.
        let (about, incarnation) = (self.ids[node.0 as usize], Incarnation::default());
        self.out.events.push(Event { about, incarnation, what, source: Source::Own });
    }

    fn send_to(&mut self, to: Node, data: &[u8]) {
        let (to, bytes) = (address_of(to.0), data.len() as u32);
        self.out.transmits.push(Transmit { to, bytes, stream: false, direct_ping: false, message: data.to_vec() });
    }

    fn submit_after(&mut self, timer: Timer<Node>, after: Duration) {
        let after = Span::from_micros(u64::try_from(after.as_micros()).expect("less than ages"));
        self.timers.push(Reverse((self.now + after, timer)));
    }
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(span.as_micros())
}
