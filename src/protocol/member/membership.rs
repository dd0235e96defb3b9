//! Beliefs about other members: suspicion, declaration of death, refutation, and the spreading of updates.

use std::cmp::Reverse;
use std::sync::Arc;

use swimlab_selectors::rng::below;
use swimlab_selectors::{Observation, Slot, View};

use super::addressee::Addressee;
use super::{Member, Outbox};
use crate::protocol::event::{Event, EventKind, EventSource};
use crate::protocol::message::{Body, Id, Incarnation, NodeInfo, PeerView, Status, Update, UpdateKind, UserEvent};
use crate::protocol::roster::MemberRecord;
use crate::protocol::table::OngoingSuspicion;
use crate::protocol::time::{Span, Time};

impl Member {
    /// Applies an update.
    pub(super) fn learn(&mut self, now: Time, update: &Update, source: EventSource, out: &mut Outbox) {
        if let UpdateKind::User(event) = &update.kind {
            self.learn_user(now, update, event, source, out);
            return;
        }
        if update.id == self.id {
            return self.learn_of_self(now, update, source, out);
        }
        let Some(slot) = self.table.slot(update.id) else {
            return self.learn_of_unknown(now, update, source, out);
        };
        let MemberRecord { incarnation, status: known, .. } = self.table.record(slot);
        let &Update { incarnation: reported, ref kind, .. } = update;
        let (status, known) = (kind.status().expect("a membership update"), known.expect("it has a slot"));
        let is_dead = !known.is_member();
        if is_dead && self.config.protocol.dead_final && status != Status::Left {
            return;
        }
        let newer = (reported, status) > (incarnation, known);
        match kind {
            UpdateKind::Suspect { by } if reported == incarnation && known == Status::Suspect => {
                self.disclose_at_once(now, slot, out);
                self.confirm(now, slot, *by, source, out);
            }
            _ if !newer => {}
            UpdateKind::Suspect { .. } if is_dead => {} // It implies a return, which only the member's own alive record proves.
            UpdateKind::Suspect { by } => self.suspect(now, slot, reported, *by, source, out),
            UpdateKind::Alive(_) => self.revive(now, slot, update, source, out),
            UpdateKind::Dead | UpdateKind::Left => self.declare(now, slot, status, reported, source, out),
            UpdateKind::User(_) => unreachable!("handled above"),
        }
    }

    /// Suspects a member that did not answer in time, or that `by` suspects.
    pub(super) fn suspect(
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
        let timeout = config.suspicion.timeout(config.period, self.table.members(), 0);
        if timeout == Span::ZERO {
            // Without suspicion a member's own failed probe is a declaration; a peer's suspicion is not.
            if source == EventSource::Own {
                self.declare(now, slot, Status::Dead, incarnation, source, out);
            }
            return;
        }
        let until = now + timeout;
        let suspicion = OngoingSuspicion { since: now, until, by: smallvec::smallvec![by] };
        self.table.set(now, slot, Status::Suspect, incarnation, None, Some(suspicion));
        self.schedule_suspicion_end(until, slot);
        let id = self.table.id(slot);
        out.events.push(Event { about: id, incarnation, kind: EventKind::Suspected, source });
        if source == EventSource::Own && self.config.protocol.tells_suspects_first() {
            return self.tell_suspect(now, slot, incarnation, out);
        }
        self.pass_on(now, Update { id, incarnation, kind: UpdateKind::Suspect { by } }, source.sender(), out);
    }

    /// Declares suspects dead whose time to refute is over.
    pub(super) fn end_suspicions(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let next = self.deadlines.as_ref().and_then(|deadlines| deadlines.suspicions.peek());
            let Some(&Reverse((until, slot))) = next else {
                return self.set_alarm(|alarms| alarms.suspicion = Time::NEVER);
            };
            // Entries of suspicions that ended otherwise are dropped as they surface.
            let current = self.table.suspicion(slot).is_some_and(|suspicion| suspicion.until == until);
            if current && until > now {
                return self.set_alarm(|alarms| alarms.suspicion = until);
            }
            self.deadlines().suspicions.pop();
            if current {
                let incarnation = self.table.incarnation(slot);
                self.declare(now, slot, Status::Dead, incarnation, EventSource::Own, out);
            }
        }
    }

    fn schedule_suspicion_end(&mut self, until: Time, slot: Slot) {
        let suspicions = &mut self.deadlines().suspicions;
        if suspicions.is_empty() {
            suspicions.reserve_exact(1);
        }
        suspicions.push(Reverse((until, slot)));
        self.set_alarm(|alarms| alarms.suspicion = alarms.suspicion.min(until));
    }

    /// Raises this member's incarnation above the claimed one, and spreads it. A claim below it spreads it too where the
    /// group may know of a suspicion, but not yet of its quiet refutation.
    ///
    /// No member claims more of this one than it has heard, so a higher incarnation is an earlier life's, as after a clock
    /// was set back: this life takes a generation of its own above it, so that nothing of the two is taken for the same.
    pub(super) fn refute(&mut self, now: Time, claimed: Incarnation, source: EventSource, out: &mut Outbox) {
        if self.raise_above(claimed, source, out) || self.is_unannounced() {
            self.announce(now, out);
        }
    }

    /// Raises this member's incarnation above the claimed one; returns whether it was not there already.
    pub(super) fn raise_above(&mut self, claimed: Incarnation, source: EventSource, out: &mut Outbox) -> bool {
        if claimed < self.incarnation {
            return false;
        }
        let is_foreign = claimed > self.incarnation;
        self.incarnation = if is_foreign { claimed.next_life() } else { claimed.next() };
        if let Some(rules) = &self.config.health {
            self.health.was_suspected(rules);
        }
        out.events.push(Event { about: self.id, incarnation: self.incarnation, kind: EventKind::SelfRefuted, source });
        true
    }

    /// Replaces this member's own node info, with a new incarnation, and spreads the change.
    pub(super) fn update_node(&mut self, now: Time, node: NodeInfo, out: &mut Outbox) {
        self.incarnation = self.incarnation.next();
        self.update_own_record(now, Some(Arc::new(node)));
        let (about, incarnation) = (self.id, self.incarnation);
        out.events.push(Event { about, incarnation, kind: EventKind::Updated, source: EventSource::Own });
        self.announce(now, out);
    }

    /// Updates this member's own record and spreads it.
    pub(super) fn announce(&mut self, now: Time, out: &mut Outbox) {
        if let Some(cold) = &mut self.cold {
            cold.is_unannounced = false;
        }
        self.update_own_record(now, None);
        self.pass_on(now, self.own_record(), None, out);
    }

    /// Brings this member's own record up to its incarnation, with this node info if it has changed.
    pub(super) fn update_own_record(&mut self, now: Time, node: Option<Arc<NodeInfo>>) {
        let me = self.table.me();
        self.table.set(now, me, Status::Alive, self.incarnation, node, None);
    }

    /// Queues an update, or multicasts it if dissemination works like that and this member is the update's origin.
    pub(super) fn pass_on(&mut self, now: Time, update: Update, source: Option<Id>, out: &mut Outbox) {
        let config = &self.config.protocol;
        if config.dissemination.transmissions(self.table.members()) > 0 {
            let slot = update.kind.status().and_then(|_| self.table.slot(update.id));
            if self.queue.push(update, slot, &*self.config.sizer, source) {
                self.cold().user_events.dropped += 1;
            }
            self.prune_queue();
            if let Some(gossip) = &self.config.gossip
                && self.alarms().gossip == Time::NEVER
            {
                let tick = self.next_tick(now, gossip.interval);
                self.set_alarm(|alarms| alarms.gossip = tick);
            }
        } else if source.is_none() && self.config.multicasts {
            self.multicast(&update, out);
        }
    }

    /// Drops outdated updates from a queue that has grown beyond one update about each member, and as many outdated ones.
    pub(super) fn prune_queue(&mut self) {
        if self.queue.len() - self.queue.user_events() > 2 * self.table.slots() as usize + 64 {
            let table = &self.table;
            self.queue.prune(|slot, update| table.is_current(slot, update));
        }
    }

    /// Sends an update to every member at once.
    pub(super) fn multicast(&mut self, update: &Update, out: &mut Outbox) {
        for slot in 0..self.table.slots() {
            if self.table.pingable(slot) {
                let to = self.addressee_of(slot);
                self.send(to, Body::Gossip, Some(update.clone()), out);
            }
        }
    }

    /// The next tick of the gossip clock. Each member's runs at another phase; ticks without updates are left out.
    fn next_tick(&self, now: Time, interval: Span) -> Time {
        let interval = interval.as_micros();
        let phase = self.timers.period.as_micros() % interval;
        now + Span::from_micros(interval - (now.as_micros() + interval - phase) % interval)
    }

    /// Sends gossip messages to a few members, while there are updates.
    pub(super) fn gossip_tick(&mut self, now: Time, out: &mut Outbox) {
        self.set_alarm(|alarms| alarms.gossip = Time::NEVER);
        let Some(gossip) = self.config.gossip else { return };
        let mut picks = self.gossip_targets(gossip.nodes as usize);
        self.replace_by_dead(now, gossip.to_dead, &mut picks);
        for slot in picks {
            if !self.queue.has_urgent() {
                return;
            }
            let to = self.addressee_of(slot);
            self.send(to, Body::Gossip, None, out);
        }
        if self.queue.has_urgent() {
            self.set_alarm(|alarms| alarms.gossip = now + gossip.interval);
        }
    }

    /// Replaces some picks by members that died within `to_dead`, each as likely as a living member (memberlist's
    /// gossip to the dead), so that they can refute.
    fn replace_by_dead(&mut self, now: Time, to_dead: Span, picks: &mut [Slot]) {
        let recent = self.table.tombstones_since(now - to_dead) as u32;
        if to_dead == Span::ZERO || recent == 0 {
            return;
        }
        let (tombstones, living) = (self.table.tombstones() as u32, self.table.members() - 1);
        for pick in picks {
            let drawn = below(&mut self.rng, living + recent);
            let dead = drawn.checked_sub(living).map(|n| (tombstones - 1 - n) as usize);
            if let Some(slot) = dead.and_then(|n| self.table.tombstone(n, false)) {
                *pick = slot;
            }
        }
    }

    /// Admits a member that is not in the table. Returns whether the update was a valid alive record.
    pub(super) fn admit(&mut self, update: &Update, source: EventSource, out: &mut Outbox) -> bool {
        let UpdateKind::Alive(node) = &update.kind else { return false };
        if node.peer.id != update.id {
            return false;
        }
        if let Some(cold) = &mut self.cold {
            cold.forgotten.remove(update.id);
        }
        let slot = self.table.admit(self.pooled(node), update.incarnation);
        self.observe(Observation::Joined(slot));
        out.events.push(Event { about: update.id, incarnation: update.incarnation, kind: EventKind::Joined, source });
        true
    }

    fn learn_of_self(&mut self, now: Time, update: &Update, source: EventSource, out: &mut Outbox) {
        match &update.kind {
            &UpdateKind::Suspect { by } if self.is_told_first(by, source) => {
                self.refute_quietly(now, update.incarnation, source, out);
            }
            // A departure that this member has not declared itself: an operator took it for dead, or somebody lies.
            UpdateKind::Suspect { .. } | UpdateKind::Dead | UpdateKind::Left => {
                self.refute(now, update.incarnation, source, out);
            }
            UpdateKind::Alive(node) if node.address != self.node().address => {
                self.handle_name_claim(now, update.incarnation, node.address, source, out);
            }
            // An earlier life had a higher incarnation, or the same, if it began in the same second.
            UpdateKind::Alive(node)
                if update.incarnation > self.incarnation
                    || (update.incarnation == self.incarnation && **node != **self.node()) =>
            {
                self.refute(now, update.incarnation, source, out);
            }
            _ => {}
        }
    }

    fn learn_of_unknown(&mut self, now: Time, update: &Update, source: EventSource, out: &mut Outbox) {
        let first_hand = source == EventSource::Heard(update.id);
        match &update.kind {
            UpdateKind::Alive(_) if self.is_newer_than_forgotten(update.id, update.incarnation) => {
                let members = self.table.members();
                let config = Arc::clone(&self.config);
                if !self.cold().admissions.take(now, first_hand, members, &config.protocol) {
                    return;
                }
                // When many members join at once, the seeds spread the updates: a joiner does not pass on other
                // joiners.
                let is_passed_on = self.admit(update, source, out) && !self.is_syncing();
                self.sync_after_news(now);
                if is_passed_on {
                    self.pass_on(now, self.as_held(update), source.sender(), out);
                }
            }
            // Back with its old incarnation: it does not know that it was declared dead. Tell it, so that it refutes.
            UpdateKind::Alive(node) if first_hand => {
                if let Some(incarnation) = self.cold().forgotten.incarnation(update.id) {
                    let to = Addressee { id: update.id, address: node.address, peer_view: PeerView::Dead(incarnation) };
                    self.send(to, Body::Gossip, None, out);
                }
            }
            // A death that overtook the alive record: remembered, so that the latter is not believed.
            UpdateKind::Dead | UpdateKind::Left => {
                let limit = self.config.protocol.reconnect_limit;
                self.cold().forgotten.insert(update.id, update.incarnation, None, limit);
            }
            _ => {}
        }
    }

    /// Reports an application event and passes it on, unless it was seen before. Returns whether it is new.
    pub(super) fn learn_user(
        &mut self,
        now: Time,
        update: &Update,
        event: &Arc<UserEvent>,
        source: EventSource,
        out: &mut Outbox,
    ) -> bool {
        let life = (update.id, update.incarnation.generation);
        if update.id == self.id {
            self.outnumber(now, life.1, event.seq, source, out);
            return false;
        }
        if !self.cold().user_events.is_new(now, life, event.seq) {
            return false;
        }
        self.report_user_event(now, update, event, source, out);
        true
    }

    /// Takes a generation above that of an event in this member's own name that it has not sent: events that it sends
    /// later would have numbers that the others have seen.
    fn outnumber(&mut self, now: Time, generation: u32, seq: u32, source: EventSource, out: &mut Outbox) {
        let last = self.cold.as_ref().map_or(0, |cold| cold.user_events.last_own());
        if (generation, seq) > (self.incarnation.generation, last) {
            self.refute(now, Incarnation { generation, refutations: u32::MAX }.max(self.incarnation), source, out);
        }
    }

    /// Reports an application event, passes it on, and keeps it for state syncs.
    pub(super) fn report_user_event(
        &mut self,
        now: Time,
        update: &Update,
        event: &Arc<UserEvent>,
        source: EventSource,
        out: &mut Outbox,
    ) {
        let kind = EventKind::User(Arc::clone(event));
        out.events.push(Event { about: update.id, incarnation: update.incarnation, kind, source });
        self.pass_on(now, update.clone(), source.sender(), out);
        if self.config.protocol.sync_interval > Span::ZERO {
            self.cold().user_events.keep(now, update);
        }
    }

    /// Counts one more member that suspects a suspect.
    fn confirm(&mut self, now: Time, slot: Slot, by: Id, source: EventSource, out: &mut Outbox) {
        let n = self.table.members();
        let wanted = self.config.protocol.suspicion.confirmations_wanted(n);
        if wanted == 0 {
            return;
        }
        let config = Arc::clone(&self.config);
        let MemberRecord { id, incarnation, .. } = self.table.record(slot);
        let Some(suspicion) = self.table.suspicion_mut(slot) else { return };
        // The first to suspect is not a confirmation.
        if suspicion.by.len() as u32 > wanted || suspicion.by.contains(&by) {
            return;
        }
        suspicion.by.push(by);
        let confirmations = suspicion.by.len() as u32 - 1;
        let timeout = config.protocol.suspicion.timeout(config.protocol.period, n, confirmations);
        let until = (suspicion.since + timeout).max(now);
        suspicion.until = until;
        self.schedule_suspicion_end(until, slot);
        out.events.push(Event { about: id, incarnation, kind: EventKind::Confirmed, source });
        self.pass_on(now, Update { id, incarnation, kind: UpdateKind::Suspect { by } }, source.sender(), out);
    }

    /// Applies a known member's alive record of a higher incarnation.
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
        // Members that believe it alive need not learn at once that it is.
        let is_urgent = match kind {
            Some(EventKind::Refuted) => !self.forget_undisclosed(slot),
            Some(_) => true,
            None => !self.config.protocol.tells_suspects_first(),
        };
        let known = &self.table.node(slot).peer;
        let moved = (known.location, known.zone) != (node.peer.location, node.peer.zone);
        self.table.set(now, slot, Status::Alive, update.incarnation, Some(self.pooled(node)), None);
        if kind == Some(EventKind::Joined) {
            self.observe(Observation::Joined(slot));
        }
        if moved {
            self.observe(Observation::Moved(slot));
        }
        if let Some(kind) = kind {
            out.events.push(Event { about: update.id, incarnation: update.incarnation, kind, source });
        }
        let update = self.as_held(update);
        if is_urgent {
            self.pass_on(now, update, source.sender(), out);
        } else {
            self.pass_on_quietly(update, source.sender());
        }
    }

    /// Marks a member as dead or departed.
    pub(super) fn declare(
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
