//! Joining: a member contacts seeds until it knows the group.

use swimlab_selectors::View;
use swimlab_selectors::rng::unit;

use super::addressee::Addressee;
use super::cold::{JoinPhase, Joining};
use super::{Lifecycle, Member, Outbox};
use crate::protocol::message::{Address, Body, Id, StateSync};
use crate::protocol::time::{Span, Time};

/// The longest pause between two attempts to join, in periods.
pub(super) const LONGEST_JOIN_WAIT: u64 = 30;

/// A number of periods that is more than an update takes to spread. A joiner that knows the group syncs once more within
/// it, and members that hear of a joiner do so between one and three times as long after.
const SPREADING_PERIODS: u64 = 5;

impl Member {
    /// Joins the group through any of these seeds. They are tried in turn, with growing pauses, until one answers.
    pub fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox) {
        if seeds.is_empty() || self.lifecycle != Lifecycle::Running {
            return;
        }
        let wait = self.config.protocol.period;
        self.cold().joining = Some(Joining { seeds, next: 0, phase: JoinPhase::Contacting { wait } });
        self.continue_join(now, out);
        self.pass_on(now, self.own_record(), None, out);
    }

    /// Begins a join whose seeds are not known yet: they follow by [`Member::join`], or by [`Member::ask_to_join`].
    pub fn await_seeds(&mut self) {
        if self.is_stopped() {
            return;
        }
        let wait = self.config.protocol.period;
        self.cold().joining = Some(Joining { seeds: Vec::new(), next: 0, phase: JoinPhase::Contacting { wait } });
    }

    /// Ends a join that awaits seeds: there are none, apart from this member.
    pub fn end_wait_for_seeds(&mut self) {
        if let Some(cold) = &mut self.cold {
            cold.joining = cold.joining.take().filter(|joining| !joining.seeds.is_empty());
        }
    }

    /// Ends a join that no seed has answered; members that have become known meanwhile stay.
    pub fn give_up_join(&mut self) {
        if self.is_joining() {
            self.cold().joining = None;
            self.set_alarm(|alarms| alarms.join = Time::NEVER);
        }
    }

    /// Asks the member at this address for its table during a join, beside the seeds.
    pub fn ask_to_join(&mut self, address: Address, out: &mut Outbox) {
        if self.is_stopped() {
            return;
        }
        // The member's id is not known yet. Id 0 is only compared with the sources of updates.
        self.ask_for_table(Addressee::unknown(0, address), out);
    }

    fn ask_for_table(&mut self, to: Addressee, out: &mut Outbox) {
        let sync = StateSync::whole(true, true, vec![self.own_record()]);
        self.send(to, Body::Sync(Box::new(sync)), None, out);
    }

    /// Pings an address without expecting an answer.
    pub fn ping_address(&mut self, address: Address, out: &mut Outbox) {
        if self.is_stopped() {
            return;
        }
        self.seq = self.seq.wrapping_add(1);
        self.send(Addressee::unknown(0, address), Body::Ping { seq: self.seq }, None, out);
    }

    /// Pings a member beside the probe rounds, with the returned number: silence has no consequences. `None` if it is not
    /// known as alive or suspected, or this member has stopped.
    pub fn ping_member(&mut self, id: Id, out: &mut Outbox) -> Option<u32> {
        let slot = self.table.slot(id).filter(|&slot| self.table.pingable(slot))?;
        if self.is_stopped() {
            return None;
        }
        self.seq = self.seq.wrapping_add(1);
        self.send(self.addressee_of(slot), Body::Ping { seq: self.seq }, None, out);
        Some(self.seq)
    }

    /// Whether a join is under way that no seed has answered yet.
    pub fn is_joining(&self) -> bool {
        matches!(self.joining(), Some(JoinPhase::Contacting { .. }))
    }

    /// Whether a join is under way, also after a seed has answered.
    pub(super) fn is_join_under_way(&self) -> bool {
        self.joining().is_some()
    }

    /// The next step of a join: another seed.
    pub(super) fn continue_join(&mut self, now: Time, out: &mut Outbox) {
        let (period, members) = (self.config.protocol.period, self.table.members());
        self.set_alarm(|alarms| alarms.join = Time::NEVER);
        let Some(joining) = &mut self.cold().joining else { return };
        match &mut joining.phase {
            JoinPhase::Contacting { wait } => {
                let then = now + double(wait, period);
                let seed = joining.next_seed();
                self.set_alarm(|alarms| alarms.join = then);
                if let Some(seed) = seed {
                    self.ask_to_join(seed, out);
                }
            }
            JoinPhase::Syncing { left, known, is_answered, .. }
                if *left == 0 || (*is_answered && *known == members) =>
            {
                joining.phase = JoinPhase::Finishing { is_asked: false };
                self.stagger_syncs(now);
            }
            JoinPhase::Syncing { left, known, wait, is_answered, .. } => {
                (*left, *known) = (*left - 1, members);
                let was_answered = std::mem::replace(is_answered, false);
                // A seed that many ask at once may answer late: each gets more time than the last.
                let then = now + double(wait, period);
                self.set_alarm(|alarms| alarms.join = then);
                self.ask_for_rest(was_answered, out);
            }
            JoinPhase::Finishing { is_asked: true } => self.cold().joining = None,
            JoinPhase::Finishing { is_asked } => {
                *is_asked = true;
                self.set_alarm(|alarms| alarms.join = now + period * LONGEST_JOIN_WAIT);
                self.sync_with_partner(now, out);
            }
        }
    }

    /// Asks the next seed for what this member does not know of its table; or, where the last one has too much to do to
    /// answer, a member: it knows what seeds have told it.
    fn ask_for_rest(&mut self, was_answered: bool, out: &mut Outbox) {
        let seed = self.cold().joining.as_mut().and_then(Joining::next_seed);
        let seed = seed.filter(|_| was_answered || self.table.members() == 1);
        let to = match seed {
            Some(address) => Addressee::unknown(0, address),
            None => match self.gossip_targets(1).first() {
                Some(&slot) => self.addressee_of(slot),
                None => return,
            },
        };
        if let Some(Joining { phase: JoinPhase::Syncing { asked, .. }, .. }) = &mut self.cold().joining {
            *asked = to.address;
        }
        if self.config.protocol.sync_digests {
            self.ask_for_parts(to, out);
        } else {
            self.ask_for_table(to, out);
        }
    }

    /// Whether the member still asks for members that joined at the same time.
    pub(super) fn is_syncing(&self) -> bool {
        matches!(self.joining(), Some(JoinPhase::Syncing { .. }))
    }

    /// Whether members in a table are admitted without a ping: in the first table that a joiner gets, and in those it asks
    /// for until its join is over. A member that is alone because it has declared all others dead trusts no table: it has
    /// to tell their old records from new ones.
    pub(super) fn trusts_tables(&self) -> bool {
        match self.joining() {
            None => false,
            Some(JoinPhase::Contacting { .. }) => self.table.members() == 1,
            Some(JoinPhase::Syncing { .. } | JoinPhase::Finishing { .. }) => true,
        }
    }

    /// Advances the join after a seed or member at `from` has answered with its table.
    pub(super) fn handle_sync_reply(&mut self, now: Time, from: Address) {
        let (left, period) = (self.config.protocol.join_syncs, self.config.protocol.period);
        let Some(cold) = &mut self.cold else { return };
        match &mut cold.joining {
            Some(joining) if left > 0 && matches!(joining.phase, JoinPhase::Contacting { .. }) => {
                joining.phase = JoinPhase::Syncing { left, known: 0, wait: period, asked: from, is_answered: true };
                self.set_alarm(|alarms| alarms.join = now + period);
            }
            // Only the one asked last counts: the late answer of an earlier one says little when it names no new member.
            Some(Joining { phase: JoinPhase::Syncing { asked, is_answered, wait, .. }, .. }) if from == *asked => {
                (*is_answered, *wait) = (true, period);
                self.set_alarm(|alarms| alarms.join = alarms.join.min(now + period));
            }
            Some(Joining { phase: JoinPhase::Contacting { .. }, .. }) => self.end_join(),
            _ => self.finish_join(),
        }
    }

    /// Ends a join after its last answer. Members in later tables are pinged first.
    pub(super) fn finish_join(&mut self) {
        if matches!(self.joining(), Some(JoinPhase::Finishing { is_asked: true })) {
            self.end_join();
        }
    }

    fn end_join(&mut self) {
        self.cold().joining = None;
        self.set_alarm(|alarms| alarms.join = Time::NEVER);
    }

    fn joining(&self) -> Option<&JoinPhase> {
        Some(&self.cold.as_ref()?.joining.as_ref()?.phase)
    }

    /// Schedules the next state syncs of a member that knows the group now, at random times: members that joined
    /// together must not all sync in the same second.
    fn stagger_syncs(&mut self, now: Time) {
        let config = &self.config.protocol;
        let (interval, anti_entropy) = (config.sync_interval_in(self.table.members()), config.anti_entropy);
        if let Some(interval) = interval {
            let first = self.random_time_within(now, interval);
            self.set_alarm(|alarms| alarms.sync = first);
        }
        if interval.is_none() || !anti_entropy {
            return self.cold().joining = None;
        }
        let last = self.random_time_within(now, self.config.protocol.period * SPREADING_PERIODS);
        self.set_alarm(|alarms| alarms.join = last);
    }

    /// Brings the next state sync forward, for a member that joiners use as a seed: it may itself not know those that
    /// joined through other seeds.
    pub(super) fn sync_soon(&mut self, now: Time) {
        let config = &self.config.protocol;
        if config.anti_entropy && config.join_syncs > 0 && config.sync_interval_in(1).is_some() {
            let soon = now + config.period * SPREADING_PERIODS;
            if self.alarms().sync > soon {
                self.set_alarm(|alarms| alarms.sync = soon);
            }
        }
    }

    /// Brings the next state sync forward after news of an unknown member: others may have missed it, and this member
    /// other news of that time. Comparing digests costs little; whole tables are not exchanged more often.
    pub(super) fn sync_after_news(&mut self, now: Time) {
        self.sync_within(now, SPREADING_PERIODS, SPREADING_PERIODS * 3);
    }

    /// Brings the next state sync forward after one that has named unknown members: they are not on their way to this one,
    /// nor to others.
    pub(super) fn sync_after_difference(&mut self, now: Time) {
        self.sync_within(now, 1, 3);
    }

    /// Brings the next state sync forward to a random time, from `earliest` to `latest` in periods from now.
    fn sync_within(&mut self, now: Time, earliest: u64, latest: u64) {
        let config = &self.config.protocol;
        if !config.sync_digests || self.is_join_under_way() {
            return;
        }
        let (earliest, longest) = (now + config.period * earliest, config.period * (latest - earliest));
        let due = self.alarms().sync;
        if due > earliest + longest && due < Time::NEVER {
            let at = self.random_time_within(earliest, longest);
            self.set_alarm(|alarms| alarms.sync = at);
        }
    }

    /// A random time within `longest` from now on.
    pub(super) fn random_time_within(&mut self, now: Time, longest: Span) -> Time {
        now + longest.scale(unit(&mut self.rng))
    }
}

/// Doubles a wait up to the longest, and returns what it was.
fn double(wait: &mut Span, period: Span) -> Span {
    std::mem::replace(wait, (*wait * 2).min(period * LONGEST_JOIN_WAIT))
}
