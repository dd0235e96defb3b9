//! EventKind is believed of others: learning news, doubting, declaring dead, refuting, passing on.

use std::collections::VecDeque;

use super::*;
use crate::protocol::table::OngoingSuspicion;
use crate::protocol::time::Span;
use swimlab_selectors::rng::below;

/// Application events that have been seen, so that each is reported once.
#[derive(Debug, Default)]
pub(super) struct UserEvents {
    own: u32,
    peer_view: VecDeque<(Id, u32, u32)>,
}

impl Member {
    /// Takes a piece of news.
    pub(super) fn learn(&mut self, now: Time, update: &Update, source: EventSource, out: &mut Outbox) {
        if let UpdateKind::User(event) = &update.kind {
            return self.learn_user(now, update, event, source, out);
        }
        if update.id == self.id {
            return self.learn_of_self(now, update, source, out);
        }
        let Some(slot) = self.table.slot(update.id) else {
            return self.learn_of_stranger(now, update, source, out);
        };
        let Record { incarnation, status: known, .. } = self.table.record(slot);
        let &Update { incarnation: told, ref kind, .. } = update;
        let (status, known) = (kind.status().expect("membership news"), known.expect("it has a slot"));
        let forgotten = !known.is_member();
        if forgotten && self.config.protocol.dead_final && status != Status::Left {
            return;
        }
        let newer = (told, status) > (incarnation, known);
        match kind {
            UpdateKind::Suspect { by } if told == incarnation && known == Status::Suspect => {
                self.confirm(now, slot, *by, source, out);
            }
            _ if !newer => {}
            UpdateKind::Suspect { .. } if forgotten => {} // It is alive by implication only: wait for its own word.
            UpdateKind::Suspect { by } => self.suspicion(now, slot, told, *by, source, out),
            UpdateKind::Alive(_) => self.revive(now, slot, update, source, out),
            UpdateKind::Dead | UpdateKind::Left => self.end(now, slot, status, told, source, out),
            UpdateKind::User(_) => unreachable!("handled above"),
        }
    }

    /// Somebody did not answer in time, or somebody says so.
    pub(super) fn suspicion(
        &mut self,
        now: Time,
        slot: Slot,
        incarnation: Incarnation,
        by: Id,
        source: EventSource,
        out: &mut Outbox,
    ) {
        if let Some(suspicion) = self.table.suspicion(slot)
            && self.table.incarnation(slot) == incarnation
        {
            debug_assert!(!suspicion.by.is_empty());
            return self.confirm(now, slot, by, source, out);
        }
        let config = &self.config.protocol;
        let timeout = config.suspicion.timeout(config, self.table.members(), 0);
        if timeout == Span::ZERO {
            // Without suspicion only one's own probe declares somebody dead; hearsay waits for the declaration.
            if source == EventSource::Own {
                self.end(now, slot, Status::Dead, incarnation, source, out);
            }
            return;
        }
        let until = now + timeout;
        let suspicion = OngoingSuspicion { since: now, until, by: smallvec::smallvec![by] };
        self.table.set(now, slot, Status::Suspect, incarnation, None, Some(suspicion));
        self.schedule_suspicion_end(until, slot);
        let id = self.table.id(slot);
        out.events.push(Event { about: id, incarnation, kind: EventKind::Suspected, source });
        self.pass_on(now, Update { id, incarnation, kind: UpdateKind::Suspect { by } }, source.sender(), out);
    }

    /// Declares those dead whose time to refute is over.
    pub(super) fn end_suspicions(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let next = self.cold.as_ref().and_then(|cold| cold.suspicions.peek());
            let Some(&Reverse((until, slot))) = next else {
                return self.set_alarm(|alarms| alarms.suspicion = Time::NEVER);
            };
            // The heap keeps entries of suspicions that ended otherwise: drop them as they surface.
            let current = self.table.suspicion(slot).is_some_and(|suspicion| suspicion.until == until);
            if current && until > now {
                return self.set_alarm(|alarms| alarms.suspicion = until);
            }
            self.cold().suspicions.pop();
            if current {
                let incarnation = self.table.incarnation(slot);
                self.end(now, slot, Status::Dead, incarnation, EventSource::Own, out);
            }
        }
    }

    fn schedule_suspicion_end(&mut self, until: Time, slot: Slot) {
        let suspicions = &mut self.cold().suspicions;
        if suspicions.is_empty() {
            suspicions.reserve_exact(1);
        }
        suspicions.push(Reverse((until, slot)));
        self.set_alarm(|alarms| alarms.suspicion = alarms.suspicion.min(until));
    }

    /// Raises one's own incarnation above what somebody claims, and lets everyone know.
    pub(super) fn refute(&mut self, now: Time, claimed: Incarnation, source: EventSource, out: &mut Outbox) {
        if claimed < self.incarnation {
            return;
        }
        self.incarnation = claimed.next();
        if self.config.protocol.prober.judges_health() {
            self.health.was_accused(self.config.protocol.health_limit);
        }
        out.events.push(Event { about: self.id, incarnation: self.incarnation, kind: EventKind::SelfRefuted, source });
        self.announce(now, out);
    }

    /// Writes one's own record anew and passes it on.
    pub(super) fn announce(&mut self, now: Time, out: &mut Outbox) {
        let me = self.table.me();
        self.table.set(now, me, Status::Alive, self.incarnation, Some(Arc::clone(&self.node)), None);
        self.pass_on(now, self.own_record(), None, out);
    }

    /// Queues news, or sends it to everyone at once if that is how news spreads and we are its first source.
    pub(super) fn pass_on(&mut self, now: Time, update: Update, source: Option<Id>, out: &mut Outbox) {
        let config = &self.config.protocol;
        if config.dissemination.transmissions(config, self.table.members()) > 0 {
            let slot = update.kind.status().and_then(|_| self.table.slot(update.id));
            self.queue.push(update, slot, &*self.config.sizer, source);
            // One piece about each member, and as much again that is overtaken: beyond that, sweep.
            if self.queue.len() > 2 * self.table.slots() as usize + 64 {
                let table = &self.table;
                self.queue.prune(|slot, update| table.is_current(slot, update));
            }
            if let Some((interval, _)) = config.dissemination.gossip_tick(config)
                && self.alarms().gossip == Time::NEVER
            {
                let tick = self.next_tick(now, interval);
                self.set_alarm(|alarms| alarms.gossip = tick);
            }
        } else if source.is_none() && config.dissemination.multicasts() {
            self.multicast(&update, out);
        }
    }

    /// Sends news to every member at once.
    pub(super) fn multicast(&mut self, update: &Update, out: &mut Outbox) {
        for slot in 0..self.table.slots() {
            if self.table.pingable(slot) {
                let to = self.known(slot);
                self.send(to, Body::Gossip, Some(update.clone()), false, out);
            }
        }
    }

    /// Gossip ticks like a clock of its own, each member's at another moment, and ticks without news are left out.
    fn next_tick(&self, now: Time, interval: Span) -> Time {
        let interval = interval.as_micros();
        let phase = self.timers.period.as_micros() % interval;
        now + Span::from_micros(interval - (now.as_micros() + interval - phase) % interval)
    }

    /// Between the probes: what news there is goes to a few members.
    pub(super) fn gossip_tick(&mut self, now: Time, out: &mut Outbox) {
        self.set_alarm(|alarms| alarms.gossip = Time::NEVER);
        let config = &self.config.protocol;
        let Some((interval, nodes)) = config.dissemination.gossip_tick(config) else { return };
        let mut picks = self.choose_gossip(nodes);
        self.exchange_for_dead(now, &mut picks);
        for slot in picks {
            if self.queue.is_empty() {
                return;
            }
            let to = self.known(slot);
            self.send(to, Body::Gossip, None, false, out);
        }
        if !self.queue.is_empty() {
            self.set_alarm(|alarms| alarms.gossip = now + interval);
        }
    }

    /// Puts the recently dead into the places of some picks, each as likely as a living member (memberlist's gossip to the
    /// dead): they can refute only what they hear.
    fn exchange_for_dead(&mut self, now: Time, picks: &mut [Slot]) {
        let since = now - self.config.protocol.gossip_to_dead;
        let recent = self.table.graves_since(since) as u32;
        if self.config.protocol.gossip_to_dead == Span::ZERO || recent == 0 {
            return;
        }
        let (tombstones, living) = (self.table.tombstones() as u32, self.table.members() - 1);
        for pick in picks {
            let drawn = below(&mut self.rng, living + recent);
            if let Some(slot) = drawn.checked_sub(living).and_then(|n| self.table.grave((tombstones - 1 - n) as usize))
            {
                *pick = slot;
            }
        }
    }

    /// Admits a member that is not in the table, on its own word or on fresh news.
    pub(super) fn admit(&mut self, now: Time, update: &Update, source: EventSource, pass_on: bool, out: &mut Outbox) {
        let UpdateKind::Alive(node) = &update.kind else { return };
        if node.peer.id != update.id {
            return;
        }
        if let Some(cold) = &mut self.cold {
            cold.forgotten.remove(update.id);
        }
        let slot = self.table.admit(Arc::clone(node), update.incarnation);
        self.observe(Observation::Joined(slot));
        out.events.push(Event { about: update.id, incarnation: update.incarnation, kind: EventKind::Joined, source });
        // Of many who join at once each would tell all others what the seeds are telling everybody anyhow: a joiner leaves
        // the news of other joiners to those who know the group.
        if pass_on && !self.is_settling() {
            self.pass_on(now, update.clone(), source.sender(), out);
        }
    }

    fn learn_of_self(&mut self, now: Time, update: &Update, source: EventSource, out: &mut Outbox) {
        match &update.kind {
            UpdateKind::Suspect { .. } | UpdateKind::Dead => self.refute(now, update.incarnation, source, out),
            UpdateKind::Alive(node) if node.address != self.node.address => {
                self.handle_name_claim(now, update.incarnation, node.address, source, out);
            }
            // A former life knew more: outbid it.
            UpdateKind::Alive(_) if update.incarnation > self.incarnation => {
                self.refute(now, update.incarnation, source, out);
            }
            _ => {}
        }
    }

    fn learn_of_stranger(&mut self, now: Time, update: &Update, source: EventSource, out: &mut Outbox) {
        let first_hand = source == EventSource::Heard(update.id);
        match &update.kind {
            UpdateKind::Alive(_) if self.outbids_forgotten(update.id, update.incarnation) => {
                self.admit(now, update, source, true, out);
            }
            // Back with its old incarnation: it does not know yet that it was buried. Tell it, so that it refutes.
            UpdateKind::Alive(node) if first_hand => {
                if let Some(incarnation) = self.cold().forgotten.incarnation(update.id) {
                    let to = Addressee { id: update.id, address: node.address, peer_view: PeerView::Dead(incarnation) };
                    self.send(to, Body::Gossip, None, false, out);
                }
            }
            // UpdateKind of a death that overtook the news of the life: remember it, so that the latter is not believed.
            UpdateKind::Dead | UpdateKind::Left => {
                let limit = self.config.protocol.reconnect_limit;
                self.cold().forgotten.insert(update.id, update.incarnation, None, limit);
            }
            _ => {}
        }
    }

    fn learn_user(
        &mut self,
        now: Time,
        update: &Update,
        event: &Arc<UserEvent>,
        source: EventSource,
        out: &mut Outbox,
    ) {
        let key = (update.id, update.incarnation.generation, event.seq);
        if update.id == self.id || !self.cold().user_events.is_new(key) {
            return;
        }
        let kind = EventKind::User(Arc::clone(event));
        out.events.push(Event { about: update.id, incarnation: update.incarnation, kind, source });
        self.pass_on(now, update.clone(), source.sender(), out);
    }

    /// One more doubts a suspect.
    fn confirm(&mut self, now: Time, slot: Slot, by: Id, source: EventSource, out: &mut Outbox) {
        let n = self.table.members();
        let wanted = self.config.protocol.suspicion.confirmations_wanted(&self.config.protocol, n);
        if wanted == 0 {
            return;
        }
        let config = Arc::clone(&self.config);
        let Record { id, incarnation, .. } = self.table.record(slot);
        let Some(suspicion) = self.table.suspicion_mut(slot) else { return };
        // The first doubter is none of the confirmations.
        if suspicion.by.len() as u32 > wanted || suspicion.by.contains(&by) {
            return;
        }
        suspicion.by.push(by);
        let timeout = config.protocol.suspicion.timeout(&config.protocol, n, suspicion.by.len() as u32 - 1);
        let until = (suspicion.since + timeout).max(now);
        suspicion.until = until;
        self.schedule_suspicion_end(until, slot);
        out.events.push(Event { about: id, incarnation, kind: EventKind::Confirmed, source });
        self.pass_on(now, Update { id, incarnation, kind: UpdateKind::Suspect { by } }, source.sender(), out);
    }

    /// A known member speaks up with a higher incarnation.
    fn revive(&mut self, now: Time, slot: Slot, update: &Update, source: EventSource, out: &mut Outbox) {
        let UpdateKind::Alive(node) = &update.kind else { return };
        if node.peer.id != update.id {
            return;
        }
        let kind = match self.table.status(slot) {
            Some(Status::Suspect) => Some(EventKind::Refuted),
            Some(Status::Alive) => (self.table.node(slot) != node).then_some(EventKind::Updated),
            _ => Some(EventKind::Joined),
        };
        let known = &self.table.node(slot).peer;
        let moved = (known.location, known.zone) != (node.peer.location, node.peer.zone);
        self.table.set(now, slot, Status::Alive, update.incarnation, Some(Arc::clone(node)), None);
        if kind == Some(EventKind::Joined) {
            self.observe(Observation::Joined(slot));
        }
        if moved {
            self.observe(Observation::Moved(slot));
        }
        if let Some(kind) = kind {
            out.events.push(Event { about: update.id, incarnation: update.incarnation, kind, source });
        }
        self.pass_on(now, update.clone(), source.sender(), out);
    }

    /// A member is dead, or left.
    fn end(
        &mut self,
        now: Time,
        slot: Slot,
        status: Status,
        incarnation: Incarnation,
        source: EventSource,
        out: &mut Outbox,
    ) {
        let id = self.table.id(slot);
        let was_member = self.table.status(slot).is_some_and(Status::is_member);
        self.table.set(now, slot, status, incarnation, None, None);
        if let Some(cold) = &mut self.cold {
            cold.slow.forget(slot);
        }
        if was_member {
            self.observe(Observation::Left(slot));
            let kind = if status == Status::Left { EventKind::Left } else { EventKind::Died };
            out.events.push(Event { about: id, incarnation, kind, source });
        }
        let kind = if status == Status::Left { UpdateKind::Left } else { UpdateKind::Dead };
        self.pass_on(now, Update { id, incarnation, kind }, source.sender(), out);
    }
}

impl EventSource {
    fn sender(self) -> Option<Id> {
        match self {
            Self::Own => None,
            Self::Heard(id) => Some(id),
        }
    }
}

impl UserEvents {
    /// How many events are remembered, to tell new from old.
    const LIMIT: usize = 512;

    pub(super) fn next_own(&mut self) -> u32 {
        self.own += 1;
        self.own
    }

    fn is_new(&mut self, key: (Id, u32, u32)) -> bool {
        if self.peer_view.contains(&key) {
            return false;
        }
        if self.peer_view.len() == Self::LIMIT {
            self.peer_view.pop_front();
        }
        self.peer_view.push_back(key);
        true
    }
}
