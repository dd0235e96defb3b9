//! One member: the sans-I/O state machine that a world or an agent drives.
//!
//! The call contract: [`Member::start`] once; then [`Member::handle`] for every packet that arrives, [`Member::wake`]
//! once the time of [`Member::deadline`] has come, commands at any time. Each call adds to an [`Outbox`] what is to be
//! sent and what happened, and may change the deadline. Times never go back from call to call.
//!
//! `probe` holds the protocol period, `membership` what is believed of others, `join` and `heal` how members find each
//! other, `name` what happens when two processes go by one name, `whereabouts` the network coordinates of those who learn
//! distances, `timers` when what is due, `prefetch` what memory the next call will read.

mod coordinates;
mod heal;
mod join;
mod membership;
mod name_conflict;
mod prefetch;
mod probe;
mod stall;
mod timers;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use swimlab_selectors::rng::Rng;
use swimlab_selectors::{Context, Helpers, IndexedSelector, MemberSelector, Observation, Slot, View};

use super::broadcast::{Broadcasts, Room};
use super::config::Config;
use super::event::{Event, EventKind, EventSource};
use super::health::Health;
use super::message::{
    Address, Body, Id, Incarnation, MessageKind, NodeInfo, Packet, PeerView, Sizer, Status, Update, UpdateKind,
    Updates, UserEvent,
};
use super::roster::{Record, Roster};
use super::rtt::SlowPeers;
use super::table::Table;
use super::time::{Span, Time};

use heal::Forgotten;
use join::Joining;
use membership::UserEvents;
use name_conflict::NameConflict;
use probe::{Relay, Round};
use timers::{Alarms, Timers};

/// EventKind members of one kind share: settings and strategies.
pub struct MemberConfig {
    /// The protocol's settings.
    pub protocol: Config,
    /// Who is asked for indirect pings.
    pub helpers: Arc<dyn Helpers>,
    /// How many bytes messages take.
    pub sizer: Arc<dyn Sizer>,
}

/// EventKind a call leaves for the driver. Reuse it, and drain it after each call.
#[derive(Debug)]
pub struct Outbox<M = Packet> {
    /// Messages to be sent.
    pub transmits: Vec<Transmit<M>>,
    /// EventKind happened.
    pub events: Vec<Event>,
    /// Room for picks, so that members need none of their own.
    scratch: Vec<Slot>,
}

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Transmit<M = Packet> {
    /// Whom to.
    pub to: Address,
    /// Its size as encoded.
    pub bytes: u32,
    /// Over a stream, not as a datagram: for what is too large.
    pub stream: bool,
    /// A ping of the sender's own probe round, not one made for another member.
    pub direct_ping: bool,
    /// The message.
    pub message: M,
}

impl Transmit {
    /// One to be filled in where it lies.
    const BLANK: Self = Self {
        to: Address { ip: [0; 16], port: 0 },
        bytes: 0,
        stream: false,
        direct_ping: false,
        message: Packet {
            from: 0,
            incarnation: Incarnation::of_generation(0),
            peer_view: PeerView::Unknown,
            body: Body::Gossip,
            updates: Updates::new_const(),
            coordinate: None,
        },
    };
}

/// One member of a group.
///
/// In worlds too large for the cache, each line of memory that an event reads costs as much as its work. So fields that
/// all events read come first, and those that only a member's own periods read come last.
#[repr(C, align(64))]
pub struct Member {
    // For any event.
    config: Arc<MemberConfig>,
    id: Id,
    incarnation: Incarnation,
    queue: Broadcasts,
    table: Table,
    timers: Timers,
    state: State,
    /// Whether `rare` knows slow peers.
    knows_slow: bool,
    /// Whether its sends block.
    stalled: bool,
    /// Whether its selector learns coordinates: those that do not are not asked at each send.
    learns: bool,
    /// Whether its next period begins a period's length after this one, neither late nor slowed down.
    is_regular: bool,
    health: Health,
    // For a period's beginning and its end, and for acks.
    seq: u32,
    /// Whom it will most likely ping next; itself if that is unknown.
    upcoming: Slot,
    round: Round,
    selector: Box<dyn MemberSelector>,
    period: u64,
    /// This period's number since the shared epoch, by its own clock.
    shared_period: u64,
    /// EventKind few members need at any time.
    cold: Option<Box<ColdState>>,
    // Seldom.
    since_epoch: Span,
    strategy_rng: Rng,
    rng: Rng,
    node: Arc<NodeInfo>,
}

/// State that most members do not have most of the time. EventKind those who have it look at in each period comes first.
#[repr(C)]
#[derive(Debug, Default)]
struct ColdState {
    alarms: Alarms,
    name_conflict: Option<NameConflict>,
    /// Tried for ever while no member answers there.
    seeds: Vec<Address>,
    forgotten: Forgotten,
    /// When suspicions end; entries of refuted or changed ones are skipped.
    suspicions: BinaryHeap<Reverse<(Time, Slot)>>,
    relays: Vec<Relay>,
    stall: stall::Stall,
    slow: SlowPeers,
    joining: Option<Joining>,
    user_events: UserEvents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Running,
    Stopped,
}

/// How full a member's bounded stores are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauge {
    /// UpdateKind that waits to be passed on.
    pub broadcasts: usize,
    /// Indirect pings under way for others.
    pub relays: usize,
    /// Forgotten members that are still tried.
    pub forgotten: usize,
    /// Records of the dead and departed.
    pub tombstones: usize,
}

/// Who a member is, and with what luck.
pub struct Identity {
    /// Its card.
    pub node: Arc<NodeInfo>,
    /// Its first incarnation: the driver counts the generations.
    pub incarnation: Incarnation,
    /// By its own clock, how long before the driver's time zero the epoch lies from which all members count periods.
    pub since_epoch: Span,
    /// The selector's random stream.
    pub strategy_rng: Rng,
    /// The random stream for everything else.
    pub rng: Rng,
}

impl Member {
    /// A member that starts from a roster, in which it has the slot `me`.
    pub fn new(
        config: Arc<MemberConfig>,
        identity: Identity,
        roster: Arc<Roster>,
        indexed: &IndexedSelector,
        me: Slot,
    ) -> Self {
        let Identity { node, incarnation, since_epoch, mut strategy_rng, rng } = identity;
        let mut table = Table::new(roster, me);
        if table.incarnation(me) != incarnation {
            table.set(Time::ZERO, me, Status::Alive, incarnation, Some(Arc::clone(&node)), None);
        }
        let shared_period = period_at(Time::ZERO, since_epoch, &config.protocol);
        let mut ctx = Context { view: &table, period: 0, shared_period, has_updates: false, rng: &mut strategy_rng };
        let selector = indexed.new_state(&mut ctx);
        Self {
            config,
            id: node.peer.id,
            incarnation,
            queue: Broadcasts::default(),
            table,
            timers: Timers::OFF,
            state: State::New,
            knows_slow: false,
            stalled: false,
            learns: selector.coordinate().is_some(),
            is_regular: false,
            seq: 0,
            upcoming: me,
            round: Round::default(),
            health: Health::default(),
            selector,
            period: 0,
            shared_period,
            cold: None,
            since_epoch,
            strategy_rng,
            rng,
            node,
        }
    }

    /// Begins: the first period starts at `first_period`. Whoever syncs does so first after a random part of the interval,
    /// so that those who begin together do not all sync in the same second.
    pub fn start(&mut self, now: Time, first_period: Time) {
        self.state = State::Running;
        self.timers.period = first_period.max(now);
        if let Some(interval) = self.config.protocol.sync_interval(self.table.members()) {
            let first = self.within(self.timers.period, interval);
            self.set_alarm(|alarms| alarms.sync = first);
        }
    }

    /// Numbers its pings from here on instead of from 0: answers to a former life's pings then say nothing to this one. To
    /// be called before it starts.
    pub fn number_pings_from(&mut self, seq: u32) {
        self.seq = seq;
    }

    /// When [`Member::wake`] is due; [`Time::NEVER`] once it has left.
    pub fn deadline(&self) -> Time {
        if self.stalled { self.stalled_deadline() } else { self.timers.next() }
    }

    /// Takes a packet that came from `from`.
    pub fn handle(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        if self.state != State::Running {
            return;
        }
        if packet.from == self.id {
            return self.meet_namesake(from, packet, out);
        }
        let sender = packet.from;
        for update in &packet.updates {
            self.learn(now, update, EventSource::Heard(sender), out);
        }
        let anti_entropy = self.config.protocol.anti_entropy;
        if let PeerView::Dead(incarnation) = packet.peer_view
            && anti_entropy
        {
            self.refute(now, incarnation, EventSource::Heard(sender), out);
        }
        // Whoever does not know the truth about us is told it: in the answer, if there is one.
        let stale = anti_entropy && packet.peer_view != PeerView::Member(self.incarnation);
        if let Some(located) = &packet.coordinate {
            self.located(sender, located.at);
        }
        match &packet.body {
            &Body::Ping { seq } => {
                let to = self.addressee(sender, from);
                let first = self.namesake_of(&to, packet.incarnation).or_else(|| stale.then(|| self.own_record()));
                self.send_by(false, to, Body::Ack { seq }, first, false, out);
                return;
            }
            &Body::Ack { seq } => self.acked(now, seq, sender, packet.coordinate.as_ref().and_then(|at| at.hint), out),
            Body::PingReq(request) => self.help(now, sender, from, request, out),
            &Body::IndirectAck { seq, target } => {
                self.answered(now, seq, target);
                self.round.heard_of_helper(seq);
            }
            &Body::Nack { seq, .. } => self.round.heard_of_helper(seq),
            Body::Gossip => {}
            Body::Sync(sync) => {
                self.merge(now, sender, from, sync, out);
                return;
            }
        }
        if stale {
            let (to, record) = (self.addressee(sender, from), self.own_record());
            self.send(to, Body::Gossip, Some(record), false, out);
        }
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Time, out: &mut Outbox) {
        if self.state != State::Running {
            return;
        }
        if self.stalled {
            return self.wake_stalled(now, out);
        }
        if self.timers.alarm <= now && self.alarms().suspicion <= now {
            self.end_suspicions(now, out);
        }
        if self.timers.timeout <= now {
            self.escalate(out);
        }
        if self.timers.alarm <= now && self.alarms().relay <= now {
            self.tend_relays(now, out);
        }
        if self.timers.period <= now {
            self.next_period(now, out);
        }
        if self.timers.alarm <= now {
            self.tend_alarms(now, out);
        }
    }

    /// Says goodbye: its own death record goes to a few members, and nothing more is sent or heard.
    pub fn leave(&mut self, out: &mut Outbox) {
        if self.state != State::Running {
            return;
        }
        let update = Update { id: self.id, incarnation: self.incarnation, kind: UpdateKind::Left };
        if self.config.protocol.dissemination.multicasts() {
            self.multicast(&update, out);
        } else {
            // As many as would have heard it from this member, had it stayed.
            let want = self.config.protocol.dissemination.transmissions(&self.config.protocol, self.table.members());
            for slot in self.choose_gossip(want as usize) {
                let to = self.known(slot);
                self.send(to, Body::Gossip, Some(update.clone()), false, out);
            }
        }
        self.stop();
    }

    /// Replaces the metadata; the others hear of it.
    ///
    /// # Errors
    /// If it is longer than [`NodeInfo::META_LIMIT`] bytes; nothing is changed then.
    pub fn set_meta(&mut self, now: Time, meta: &[u8], out: &mut Outbox) -> Result<(), TooLong> {
        TooLong::check(meta.len(), NodeInfo::META_LIMIT)?;
        self.node = Arc::new(NodeInfo { meta: meta.into(), ..NodeInfo::clone(&self.node) });
        self.incarnation = self.incarnation.next();
        self.announce(now, out);
        Ok(())
    }

    /// Spreads an application's event.
    ///
    /// # Errors
    /// If the name is longer than [`UserEvent::NAME_LIMIT`] bytes or the payload than [`UserEvent::PAYLOAD_LIMIT`].
    pub fn broadcast(&mut self, now: Time, name: &str, payload: &[u8], out: &mut Outbox) -> Result<(), TooLong> {
        TooLong::check(name.len(), UserEvent::NAME_LIMIT)?;
        TooLong::check(payload.len(), UserEvent::PAYLOAD_LIMIT)?;
        let seq = self.cold().user_events.next_own();
        let event = UserEvent { seq, name: name.into(), payload: payload.into() };
        let update = Update { id: self.id, incarnation: self.incarnation, kind: UpdateKind::User(Arc::new(event)) };
        self.pass_on(now, update, None, out);
        Ok(())
    }

    /// Whether it has left, or was displaced by another process of its name: it will never say anything again.
    pub fn is_gone(&self) -> bool {
        self.state == State::Stopped
    }

    /// Its id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Its incarnation.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Its card.
    pub fn node(&self) -> &Arc<NodeInfo> {
        &self.node
    }

    /// EventKind it believes of the group.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// How full its bounded stores are.
    pub fn gauge(&self) -> Gauge {
        Gauge {
            broadcasts: self.queue.len(),
            relays: self.cold.as_ref().map_or(0, |cold| cold.relays.len()),
            forgotten: self.cold.as_ref().map_or(0, |cold| cold.forgotten.len()),
            tombstones: self.table.tombstones(),
        }
    }

    fn stop(&mut self) {
        self.state = State::Stopped;
        self.timers = Timers::OFF;
        self.cold = None;
    }

    /// EventKind follows a period's beginning.
    fn tend_alarms(&mut self, now: Time, out: &mut Outbox) {
        if self.alarms().gossip <= now {
            self.gossip_tick(now, out);
        }
        if self.alarms().sync <= now {
            self.sync_tick(now, out);
        }
        if self.alarms().join <= now {
            self.continue_join(now, out);
        }
    }

    fn cold(&mut self) -> &mut ColdState {
        self.cold.get_or_insert_default()
    }

    /// Sends a packet, with what news fits.
    fn send(&mut self, to: Addressee, body: Body, first: Option<Update>, direct_ping: bool, out: &mut Outbox) {
        let stream = body.kind() == MessageKind::Sync;
        self.send_by(stream, to, body, first, direct_ping, out);
    }

    /// The same for the two that each period sends, ping and ack, and for what may go over a stream or not.
    ///
    /// The busiest place of all. So it is inlined, and a packet is written field by field where it stays: put together
    /// elsewhere and copied, it would be read in larger pieces than it has just been written in, for which the processor
    /// waits until all of it is written.
    #[inline(always)]
    fn send_by(
        &mut self,
        stream: bool,
        to: Addressee,
        body: Body,
        first: Option<Update>,
        direct_ping: bool,
        out: &mut Outbox,
    ) {
        let kind = body.kind();
        let coordinate = self.whereabouts(kind, to.id);
        let config = &*self.config;
        out.transmits.push(Transmit::BLANK);
        let Some(transmit) = out.transmits.last_mut() else { return };
        transmit.to = to.address;
        transmit.stream = stream;
        transmit.direct_ping = direct_ping;
        let Transmit { bytes, message: packet, .. } = transmit;
        packet.from = self.id;
        packet.incarnation = self.incarnation;
        packet.peer_view = to.peer_view;
        packet.body = body;
        packet.coordinate = coordinate;
        *bytes = config.sizer.bare(packet);
        let mut most = if config.protocol.max_updates == 0 { usize::MAX } else { config.protocol.max_updates as usize };
        if let Some(update) = first {
            *bytes += config.sizer.update(&update);
            packet.updates.push(update);
            most = most.saturating_sub(1);
        }
        if !self.queue.is_empty() && config.protocol.dissemination.rides_on(kind) {
            let limit = config.protocol.dissemination.transmissions(&config.protocol, self.table.members());
            let room = Room { bytes: config.protocol.packet_bytes.saturating_sub(*bytes), most, limit };
            let table = &self.table;
            *bytes += self.queue.fill(to.id, room, |slot, update| table.is_current(slot, update), &mut packet.updates);
        }
    }

    /// Someone with a slot.
    fn known(&self, slot: Slot) -> Addressee {
        Addressee::of(&self.table.record(slot))
    }

    /// Whoever sent something, to be answered at the address where it came from.
    fn addressee(&self, id: Id, address: Address) -> Addressee {
        match self.table.slot(id) {
            Some(slot) => Addressee { address, ..self.known(slot) },
            None => Addressee { id, address, peer_view: PeerView::Unknown },
        }
    }

    fn own_record(&self) -> Update {
        Update { id: self.id, incarnation: self.incarnation, kind: UpdateKind::Alive(Arc::clone(&self.node)) }
    }

    /// Lets the chooser pick, with the member's view and the strategy's stream.
    fn choose_gossip(&mut self, want: usize) -> Vec<Slot> {
        let mut picks = Vec::new();
        let has_updates = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx = Context { view: &self.table, period, shared_period, has_updates, rng: &mut self.strategy_rng };
        self.selector.gossip(&mut ctx, want, &mut picks);
        picks
    }

    fn observe(&mut self, kind: Observation) {
        let has_updates = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx = Context { view: &self.table, period, shared_period, has_updates, rng: &mut self.strategy_rng };
        self.selector.observe(&mut ctx, kind);
    }
}

/// The number of the period in which a time falls, counted from the shared epoch.
fn period_at(time: Time, since_epoch: Span, config: &Config) -> u64 {
    (time + since_epoch).as_micros() / config.period.as_micros().max(1)
}

/// Whom a packet is for, and what is known of it.
#[derive(Clone, Copy, Debug)]
struct Addressee {
    id: Id,
    address: Address,
    peer_view: PeerView,
}

impl Addressee {
    #[inline]
    fn of(&Record { id, incarnation, address, status }: &Record) -> Self {
        let peer_view = match status {
            Some(Status::Alive | Status::Suspect) => PeerView::Member(incarnation),
            Some(Status::Dead | Status::Left) => PeerView::Dead(incarnation),
            None => PeerView::Unknown,
        };
        Self { id, address, peer_view }
    }
}

/// Something is longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// Its length, in bytes.
    pub bytes: usize,
    /// The limit.
    pub limit: usize,
}

impl TooLong {
    pub(crate) fn check(bytes: usize, limit: usize) -> Result<(), Self> {
        if bytes <= limit { Ok(()) } else { Err(Self { bytes, limit }) }
    }
}

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes are more than the {} allowed", self.bytes, self.limit)
    }
}

impl std::error::Error for TooLong {}

impl<M> Default for Outbox<M> {
    fn default() -> Self {
        Self { transmits: Vec::new(), events: Vec::new(), scratch: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
