//! One member: the sans-I/O state machine that a simulated world or an agent drives.
//!
//! The call contract: [`Member::start`] once; then [`Member::handle`] for every packet that arrives, [`Member::wake`]
//! when the time of [`Member::deadline`] has come, commands at any time. Each call adds messages and events to an
//! [`Outbox`], and may change the deadline. Times never go back from call to call.
//!
//! `probe` holds the protocol period, `membership` the beliefs about other members, `suspect_first` suspicions of which
//! the suspect is told first, `join` and `heal` how members find each other, `force_leave` departures on an operator's
//! word, `name_conflict` two processes of one name, `direct` messages of applications, `coordinates` the network
//! coordinates, `send` packets with updates, `table_digest` the comparison of tables, `stall` blocked sends, `prefetch`
//! memory, `state` copies and hashes of members, `locality` what the selector regards as near, `inspection` what pages show
//! of a running member.
//! The other files hold state: `timers`, `round`, `forgotten`, `user_events`, `admissions` and `cold`.

/// The context of a selector call: borrows the fields it needs, so that the selector can be borrowed beside it.
macro_rules! context {
    ($member:expr) => {
        Context {
            view: &$member.table,
            period: $member.period,
            shared_period: $member.shared_period,
            has_updates: $member.queue.has_urgent(),
            rng: &mut $member.strategy_rng,
        }
    };
}

mod addressee;
mod admissions;
mod broadcast_error;
mod cold;
mod config;
mod coordinates;
mod direct;
mod fold;
mod force_leave;
mod forgotten;
mod heal;
mod inspection;
mod join;
#[cfg(test)]
mod limit_table;
mod locality;
mod membership;
mod name_conflict;
mod outbox;
mod prefetch;
mod probe;
mod round;
mod send;
mod stall;
mod state;
mod suspect_first;
mod table_digest;
#[cfg(test)]
mod tests;
mod timers;
mod user_events;

use std::sync::Arc;

use swimlab_selectors::rng::Rng;
use swimlab_selectors::{Context, IndexedSelector, MemberSelector, Slot, View};

use super::broadcast::{Broadcasts, USER_EVENT_LIMIT};
use super::config::Config;
use super::event::EventSource;
use super::health::HealthScore;
use super::message::{
    Address, Body, Id, Incarnation, NodeInfo, Packet, PeerView, Status, Update, UpdateKind, UserEvent,
};
use super::roster::Roster;
use super::table::MembershipTable;
use super::time::{Span, Time};
use cold::ColdState;
use round::Round;
use send::SendMode;
use timers::{Alarms, Deadlines, Timers};

pub use broadcast_error::{BroadcastError, TooLong};
pub use config::MemberConfig;
pub use direct::DirectError;
pub use force_leave::ForceLeaveError;
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use outbox::{Outbox, Transmit};

/// One member of a group.
///
/// In worlds too large for the cache, each line of memory that an event reads costs as much as its work. Fields that
/// all events read therefore come first, and those that only a member's own periods read come last.
#[repr(C, align(64))]
pub struct Member {
    // Read by every event.
    config: Arc<MemberConfig>,
    id: Id,
    incarnation: Incarnation,
    queue: Broadcasts,
    table: MembershipTable,
    timers: Timers,
    lifecycle: Lifecycle,
    /// Whether `cold` holds slow peers.
    knows_slow: bool,
    /// Whether sends block.
    stalled: bool,
    /// Whether the selector learns coordinates: others are not asked at each send.
    has_coordinates: bool,
    /// Whether the selector counts periods by the clock.
    follows_clock: bool,
    /// Whether the selector observes the pings that arrive in this period.
    observes_pings: bool,
    /// Whether the next period begins exactly a period's length after this one, neither late nor stretched.
    is_regular: bool,
    health: HealthScore,
    // Read by a period's beginning and end, and by acks.
    seq: u32,
    /// The most likely next target; the member itself if unknown.
    upcoming: Slot,
    round: Round,
    selector: Box<dyn MemberSelector>,
    period: u64,
    /// The number of this period since the shared epoch, by the member's own clock.
    shared_period: u64,
    deadlines: Option<Box<Deadlines>>,
    cold: Option<Box<ColdState>>,
    // Read rarely.
    since_epoch: Span,
    strategy_rng: Rng,
    rng: Rng,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lifecycle {
    New,
    Running,
    Stopped,
}

/// Fill levels of a member's bounded stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gauge {
    /// Queued updates.
    pub broadcasts: usize,
    /// Indirect pings under way for other members.
    pub relays: usize,
    /// Forgotten members that are still tried.
    pub forgotten: usize,
    /// Records of dead and departed members.
    pub tombstones: usize,
}

impl Gauge {
    /// Sets the number of queued updates.
    #[must_use]
    pub const fn with_broadcasts(mut self, broadcasts: usize) -> Self {
        self.broadcasts = broadcasts;
        self
    }
}

/// A member's identity and random streams.
pub struct Identity {
    /// The first incarnation; the driver counts generations.
    pub incarnation: Incarnation,
    /// The time from the epoch that all members count periods from to the driver's time zero, by the member's own
    /// clock.
    pub since_epoch: Span,
    /// The selector's random stream.
    pub strategy_rng: Rng,
    /// The random stream for everything else.
    pub rng: Rng,
}

impl Member {
    /// A member that starts from a roster, in which it occupies slot `me`.
    pub fn new(
        config: Arc<MemberConfig>,
        identity: Identity,
        roster: Arc<Roster>,
        indexed: &IndexedSelector,
        me: Slot,
    ) -> Self {
        let Identity { incarnation, since_epoch, mut strategy_rng, rng } = identity;
        let mut table = MembershipTable::new(roster, me);
        if table.incarnation(me) != incarnation {
            table.set(Time::ZERO, me, Status::Alive, incarnation, None, None);
        }
        let shared_period = period_at(Time::ZERO, since_epoch, &config.protocol);
        let mut ctx = Context { view: &table, period: 0, shared_period, has_updates: false, rng: &mut strategy_rng };
        let selector = indexed.new_state(&mut ctx);
        Self {
            config,
            id: table.id(me),
            incarnation,
            queue: Broadcasts::default(),
            table,
            timers: Timers::OFF,
            lifecycle: Lifecycle::New,
            knows_slow: false,
            stalled: false,
            has_coordinates: selector.coordinate().is_some(),
            follows_clock: selector.follows_clock(),
            observes_pings: false,
            is_regular: false,
            seq: 0,
            upcoming: me,
            round: Round::default(),
            health: HealthScore::default(),
            selector,
            period: 0,
            shared_period,
            deadlines: None,
            cold: None,
            since_epoch,
            strategy_rng,
            rng,
        }
    }

    /// Starts the member; its first period begins at `first_period`. The first state sync comes after a random part of
    /// the interval, so that members that start together do not all sync in the same second.
    pub fn start(&mut self, now: Time, first_period: Time) {
        self.lifecycle = Lifecycle::Running;
        self.timers.period = first_period.max(now);
        if let Some(interval) = self.config.protocol.sync_interval_in(self.table.members()) {
            let first = self.random_time_within(self.timers.period, interval);
            self.set_alarm(|alarms| alarms.sync = first);
        }
    }

    /// The most application events that may wait in the queue when this member adds one of its own. The rest of the queue is
    /// for those of others: seven more members may send as many at once before an event is dropped.
    pub const OWN_EVENT_LIMIT: usize = USER_EVENT_LIMIT / 8;

    /// Numbers application events from `seq` on instead of from 0. Two lives of one generation that count from different
    /// numbers, the later one from a higher number, do not share an event. To be called before [`Member::start`].
    pub fn number_events_from(&mut self, seq: u32) {
        self.cold().user_events.number_from(seq);
    }

    /// Numbers pings from `seq` on instead of from 0, so that acks to an earlier life's pings do not match. To be called
    /// before [`Member::start`].
    pub fn number_pings_from(&mut self, seq: u32) {
        self.seq = seq;
    }

    /// The time from the shared epoch to the driver's time zero, by which periods are counted.
    pub fn since_epoch(&self) -> Span {
        self.since_epoch
    }

    /// Sets the time from the shared epoch to the driver's time zero, after the member's clock was set. The next period
    /// is the first that is counted by it.
    pub fn set_since_epoch(&mut self, since_epoch: Span) {
        self.since_epoch = since_epoch;
        self.is_regular = false;
    }

    /// The time at which [`Member::wake`] is due; [`Time::NEVER`] once the member has stopped.
    pub fn deadline(&self) -> Time {
        if self.stalled { self.stalled_deadline() } else { self.timers.next() }
    }

    /// Handles a packet that came from `from`.
    pub fn handle(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        if self.lifecycle != Lifecycle::Running {
            return;
        }
        if packet.from == self.id {
            return self.handle_own_id(now, from, packet, out);
        }
        let sender = packet.from;
        let mut was_dead = false;
        for update in &packet.updates {
            was_dead |= update.id == self.id
                && matches!(update.kind, UpdateKind::Dead | UpdateKind::Left)
                && update.incarnation >= self.incarnation;
            self.learn(now, update, EventSource::Heard(sender), out);
        }
        let anti_entropy = self.config.protocol.anti_entropy;
        if let PeerView::Dead(incarnation) = packet.peer_view
            && anti_entropy
        {
            was_dead |= incarnation >= self.incarnation;
            self.refute(now, incarnation, EventSource::Heard(sender), out);
        }
        if was_dead && anti_entropy {
            self.catch_up(now, from, packet, out);
        }
        // A sender with an outdated record of this member gets the current one: on the answer, if there is one.
        let stale = anti_entropy && packet.peer_view != PeerView::Member(self.incarnation);
        if let Some(coordinate) = &packet.coordinate {
            self.observe_coordinate(sender, coordinate.at);
        }
        match &packet.body {
            &Body::Ping { seq } => {
                if self.observes_pings && packet.updates.is_empty() {
                    self.observe_ping(sender);
                }
                let to = self.addressee_at(sender, from);
                let displacing = self.displacing_record(&to, packet.incarnation);
                let first = displacing.or_else(|| stale.then(|| self.own_record()));
                self.send_by(SendMode::Datagram, to, Body::Ack { seq }, first, out);
                return;
            }
            &Body::Ack { seq } => {
                let hint = packet.coordinate.as_ref().and_then(|coordinate| coordinate.hint);
                self.handle_ack(now, seq, sender, hint, out);
            }
            Body::PingReq(request) => self.relay_pings(now, sender, from, request, out),
            &Body::IndirectAck { seq, target } => {
                if self.has_asked(seq, sender, target) {
                    self.mark_answered(now, seq, target);
                    self.round.count_answer(seq);
                }
            }
            &Body::Nack { seq, target } => {
                if self.has_asked(seq, sender, target) {
                    self.round.count_answer(seq);
                }
            }
            Body::Gossip => {}
            Body::Sync(sync) => {
                self.merge_table(now, sender, from, sync, out);
                return;
            }
            &Body::Digest { wants_reply, digest } => {
                self.handle_digest(now, sender, from, wants_reply, digest, out);
            }
            Body::Direct(message) => self.report_direct(sender, from, message, out),
        }
        if stale {
            let (to, record) = (self.addressee_at(sender, from), self.own_record());
            self.send(to, Body::Gossip, Some(record), out);
        }
    }

    /// Does what is due.
    pub fn wake(&mut self, now: Time, out: &mut Outbox) {
        if self.lifecycle != Lifecycle::Running {
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
            self.run_relays(now, out);
        }
        if self.timers.period <= now {
            self.next_period(now, out);
        }
        if self.timers.alarm <= now {
            self.run_alarms(now, out);
        }
    }

    /// The least number of members that get a member's departure directly, if there are as many.
    pub const LEAVE_RECEIVERS: usize = 8;

    /// Leaves the group: a few members get the member's departure, and nothing more is sent or handled.
    pub fn leave(&mut self, out: &mut Outbox) {
        if self.lifecycle != Lifecycle::Running {
            return;
        }
        let update = Update { id: self.id, incarnation: self.incarnation, kind: UpdateKind::Left };
        if self.config.multicasts {
            self.multicast(&update, out);
        } else {
            // As many members as this one would have sent the update to, had it stayed. It cannot tell the others later.
            let want = self.config.protocol.dissemination.transmissions(self.table.members());
            for slot in self.gossip_targets((want as usize).max(Self::LEAVE_RECEIVERS)) {
                let to = self.addressee_of(slot);
                self.send(to, Body::Gossip, Some(update.clone()), out);
            }
        }
        self.stop();
    }

    /// Replaces the metadata and spreads the change; nothing happens once the member has stopped.
    ///
    /// # Errors
    /// If it is longer than [`Member::meta_room`] bytes; nothing is changed then.
    pub fn set_meta(&mut self, now: Time, meta: &[u8], out: &mut Outbox) -> Result<(), TooLong> {
        TooLong::check(meta.len(), self.meta_room().unwrap_or(0))?;
        if !self.is_stopped() {
            self.update_node(now, NodeInfo { meta: meta.into(), ..NodeInfo::clone(self.node()) }, out);
        }
        Ok(())
    }

    /// Spreads an application event, and reports it like those of others: every member reports the same events.
    ///
    /// Gossip brings it to each other member with a probability close to 1, not with certainty. Where there are state
    /// syncs ([`Config::sync_interval`]), each carries the events of the last two intervals (5 minutes at most, the
    /// latest 256 events and 64 KiB), so that what gossip misses comes within an interval or two; a member that is
    /// unreachable for longer misses it.
    ///
    /// # Errors
    /// If the name or the payload is too long, the member has stopped, or too many events wait to be sent: then it is to
    /// be tried again later.
    pub fn broadcast(&mut self, now: Time, name: &str, payload: &[u8], out: &mut Outbox) -> Result<(), BroadcastError> {
        TooLong::check(name.len(), UserEvent::NAME_LIMIT)?;
        TooLong::check(payload.len(), UserEvent::PAYLOAD_LIMIT)?;
        if self.is_stopped() {
            return Err(BroadcastError::Stopped);
        }
        if self.queue.user_events() >= Self::OWN_EVENT_LIMIT {
            return Err(BroadcastError::QueueFull);
        }
        let seq = match self.cold().user_events.next_own() {
            Some(seq) => seq,
            None => self.number_events_anew(now, out),
        };
        let event = Arc::new(UserEvent { seq, name: name.into(), payload: payload.into() });
        let kind = UpdateKind::User(Arc::clone(&event));
        let update = Update { id: self.id, incarnation: self.incarnation, kind };
        self.report_user_event(now, &update, &event, EventSource::Own, out);
        Ok(())
    }

    /// Takes a new generation, in which events are counted from the first on.
    fn number_events_anew(&mut self, now: Time, out: &mut Outbox) -> u32 {
        self.take_next_generation(now, out);
        self.cold().user_events.next_own().unwrap_or(1)
    }

    /// Takes the next generation, as if it had started anew, and announces it. What others have of an earlier one, and what
    /// was invented about it, counts no more.
    pub fn take_next_generation(&mut self, now: Time, out: &mut Outbox) {
        if self.lifecycle == Lifecycle::Running {
            self.incarnation = self.incarnation.next_life();
            self.announce(now, out);
            self.cold().user_events.number_from(0);
        }
    }

    /// Whether the member has left, or was displaced by another process of its name; it stays silent for good.
    pub fn is_stopped(&self) -> bool {
        self.lifecycle == Lifecycle::Stopped
    }

    /// Continues with other random streams: the selector's, and the one for everything else.
    pub fn set_streams(&mut self, strategy_rng: Rng, rng: Rng) {
        (self.strategy_rng, self.rng) = (strategy_rng, rng);
    }

    /// The member's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The configuration that the group shares.
    pub fn config(&self) -> &MemberConfig {
        &self.config
    }

    /// The member's incarnation.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// Id, address, name and metadata.
    pub fn node(&self) -> &Arc<NodeInfo> {
        self.table.node(self.table.me())
    }

    /// The member's view of the group.
    pub fn table(&self) -> &MembershipTable {
        &self.table
    }

    /// Fill levels of the bounded stores.
    pub fn gauge(&self) -> Gauge {
        Gauge {
            broadcasts: self.queue.len(),
            relays: self.cold.as_ref().map_or(0, |cold| cold.relays.len()),
            forgotten: self.cold.as_ref().map_or(0, |cold| cold.forgotten.len()),
            tombstones: self.table.tombstones(),
        }
    }

    /// The local health multiplier's score: 0 is perfect health, and a member that shows signs of being slow itself makes its
    /// periods and timeouts (score + 1) times as long. Always 0 with a prober that does not keep one.
    pub fn health_score(&self) -> u16 {
        self.health.score()
    }

    /// The number of application events that were dropped from a full queue before they had been passed on as often as
    /// others. Members that got them from nobody else miss them.
    pub fn dropped_user_events(&self) -> u64 {
        self.cold.as_ref().map_or(0, |cold| cold.user_events.dropped)
    }

    /// The number of application events that gossip has missed: a state sync has brought them first.
    pub fn synced_user_events(&self) -> u64 {
        self.cold.as_ref().map_or(0, |cold| cold.user_events.synced)
    }

    /// The number of times that an unknown member was not admitted, because there were too many: see
    /// [`Config::admission_rate`] and [`Config::member_limit`].
    pub fn refused_members(&self) -> u64 {
        self.cold.as_ref().map_or(0, |cold| cold.admissions.refused)
    }

    fn stop(&mut self) {
        self.lifecycle = Lifecycle::Stopped;
        self.timers = Timers::OFF;
        self.deadlines = None;
        self.cold = None;
    }

    /// Does what is due besides suspicions and relays, after the period.
    fn run_alarms(&mut self, now: Time, out: &mut Outbox) {
        if self.alarms().gossip <= now {
            self.gossip_tick(now, out);
        }
        if self.alarms().disclosure <= now {
            self.disclose_suspicions(now, out);
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

    fn deadlines(&mut self) -> &mut Deadlines {
        self.deadlines.get_or_insert_default()
    }

    fn alarms(&self) -> Alarms {
        self.deadlines.as_ref().map_or(Alarms::OFF, |deadlines| deadlines.alarms)
    }

    fn set_alarm(&mut self, set: impl FnOnce(&mut Alarms)) {
        let alarms = &mut self.deadlines().alarms;
        set(alarms);
        self.timers.alarm = alarms.next();
    }
}

/// The number of the period that contains `time`, counted from the shared epoch.
fn period_at(time: Time, since_epoch: Span, config: &Config) -> u64 {
    (time + since_epoch).as_micros() / config.period.as_micros().max(1)
}
