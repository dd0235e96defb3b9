//! What is believed of others: learning news, doubting, declaring dead, refuting, passing on.

use std::collections::VecDeque;

use super::*;
use crate::protocol::table::Doubt;
use crate::protocol::time::Span;
use swimlab_selectors::rng::below;

/// Application events that have been seen, so that each is reported once.
#[derive(Debug, Default)]
pub(super) struct UserEvents {
    own: u32,
    seen: VecDeque<(Id, u32, u32)>,
}

impl Member {
    /// Takes a piece of news.
    pub(super) fn learn(&mut self, now: Time, update: &Update, source: Source, out: &mut Outbox) {
        if let News::User(event) = &update.news {
            return self.learn_user(now, update, event, source, out);
        }
        if update.id == self.id {
            return self.learn_of_self(now, update, source, out);
        }
        let Some(slot) = self.table.slot(update.id) else {
            return self.learn_of_stranger(now, update, source, out);
        };
        let Record { incarnation, status: known, .. } = self.table.record(slot);
        let &Update { incarnation: told, ref news, .. } = update;
        let (status, known) = (news.status().expect("membership news"), known.expect("it has a slot"));
        let buried = !known.is_member();
        if buried && self.kit.settings.dead_final && status != Status::Left {
            return;
        }
        let newer = (told, status) > (incarnation, known);
        match news {
            News::Suspect { by } if told == incarnation && known == Status::Suspect => {
                self.confirm(now, slot, *by, source, out);
            }
            _ if !newer => {}
            News::Suspect { .. } if buried => {} // It is alive by implication only: wait for its own word.
            News::Suspect { by } => self.doubt(now, slot, told, *by, source, out),
            News::Alive(_) => self.revive(now, slot, update, source, out),
            News::Dead | News::Left => self.end(now, slot, status, told, source, out),
            News::User(_) => unreachable!("handled above"),
        }
    }

    /// Somebody did not answer in time, or somebody says so.
    pub(super) fn doubt(
        &mut self,
        now: Time,
        slot: Slot,
        incarnation: Incarnation,
        by: Id,
        source: Source,
        out: &mut Outbox,
    ) {
        if let Some(doubt) = self.table.doubt(slot)
            && self.table.incarnation(slot) == incarnation
        {
            debug_assert!(!doubt.by.is_empty());
            return self.confirm(now, slot, by, source, out);
        }
        let settings = &self.kit.settings;
        let timeout = settings.suspicion.timeout(settings, self.table.members(), 0);
        if timeout == Span::ZERO {
            // Without suspicion only one's own probe declares somebody dead; hearsay waits for the declaration.
            if source == Source::Own {
                self.end(now, slot, Status::Dead, incarnation, source, out);
            }
            return;
        }
        let until = now + timeout;
        let doubt = Doubt { since: now, until, by: smallvec::smallvec![by] };
        self.table.set(now, slot, Status::Suspect, incarnation, None, Some(doubt));
        self.time_doubt(until, slot);
        let id = self.table.id(slot);
        out.events.push(Event { about: id, incarnation, what: What::Suspected, source });
        self.pass_on(now, Update { id, incarnation, news: News::Suspect { by } }, source.sender(), out);
    }

    /// Declares those dead whose time to refute is over.
    pub(super) fn end_doubts(&mut self, now: Time, out: &mut Outbox) {
        loop {
            let next = self.rare.as_ref().and_then(|rare| rare.doubts.peek());
            let Some(&Reverse((until, slot))) = next else {
                return self.set_alarm(|alarms| alarms.doubt = Time::NEVER);
            };
            // The heap keeps entries of suspicions that ended otherwise: drop them as they surface.
            let current = self.table.doubt(slot).is_some_and(|doubt| doubt.until == until);
            if current && until > now {
                return self.set_alarm(|alarms| alarms.doubt = until);
            }
            self.rare().doubts.pop();
            if current {
                let incarnation = self.table.incarnation(slot);
                self.end(now, slot, Status::Dead, incarnation, Source::Own, out);
            }
        }
    }

    fn time_doubt(&mut self, until: Time, slot: Slot) {
        let doubts = &mut self.rare().doubts;
        if doubts.is_empty() {
            doubts.reserve_exact(1);
        }
        doubts.push(Reverse((until, slot)));
        self.set_alarm(|alarms| alarms.doubt = alarms.doubt.min(until));
    }

    /// Raises one's own incarnation above what somebody claims, and lets everyone know.
    pub(super) fn refute(&mut self, now: Time, claimed: Incarnation, source: Source, out: &mut Outbox) {
        if claimed < self.incarnation {
            return;
        }
        self.incarnation = claimed.next();
        if self.kit.settings.prober.judges_health() {
            self.health.was_accused(self.kit.settings.health_limit);
        }
        out.events.push(Event { about: self.id, incarnation: self.incarnation, what: What::Accused, source });
        self.announce(now, out);
    }

    /// Writes one's own record anew and passes it on.
    pub(super) fn announce(&mut self, now: Time, out: &mut Outbox) {
        let me = self.table.me();
        self.table.set(now, me, Status::Alive, self.incarnation, Some(Arc::clone(&self.card)), None);
        self.pass_on(now, self.own_record(), None, out);
    }

    /// Queues news, or sends it to everyone at once if that is how news spreads and we are its first source.
    pub(super) fn pass_on(&mut self, now: Time, update: Update, source: Option<Id>, out: &mut Outbox) {
        let settings = &self.kit.settings;
        if settings.dissemination.transmissions(settings, self.table.members()) > 0 {
            let slot = update.news.status().and_then(|_| self.table.slot(update.id));
            self.queue.push(update, slot, &*self.kit.sizer, source);
            // One piece about each member, and as much again that is overtaken: beyond that, sweep.
            if self.queue.len() > 2 * self.table.slots() as usize + 64 {
                let table = &self.table;
                self.queue.prune(|slot, update| table.is_current(slot, update));
            }
            if let Some((interval, _)) = settings.dissemination.gossip_tick(settings)
                && self.alarms().gossip == Time::NEVER
            {
                let tick = self.next_tick(now, interval);
                self.set_alarm(|alarms| alarms.gossip = tick);
            }
        } else if source.is_none() && settings.dissemination.multicasts() {
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
        let settings = &self.kit.settings;
        let Some((interval, nodes)) = settings.dissemination.gossip_tick(settings) else { return };
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
        let since = now - self.kit.settings.gossip_to_dead;
        let recent = self.table.graves_since(since) as u32;
        if self.kit.settings.gossip_to_dead == Span::ZERO || recent == 0 {
            return;
        }
        let (graves, living) = (self.table.graves() as u32, self.table.members() - 1);
        for pick in picks {
            let drawn = below(&mut self.rng, living + recent);
            if let Some(slot) = drawn.checked_sub(living).and_then(|n| self.table.grave((graves - 1 - n) as usize)) {
                *pick = slot;
            }
        }
    }

    /// Admits a member that is not in the table, on its own word or on fresh news.
    pub(super) fn admit(&mut self, now: Time, update: &Update, source: Source, pass_on: bool, out: &mut Outbox) {
        let News::Alive(card) = &update.news else { return };
        if card.peer.id != update.id {
            return;
        }
        if let Some(rare) = &mut self.rare {
            rare.buried.remove(update.id);
        }
        let slot = self.table.admit(Arc::clone(card), update.incarnation);
        self.observe(Observation::Joined(slot));
        out.events.push(Event { about: update.id, incarnation: update.incarnation, what: What::Joined, source });
        // Of many who join at once each would tell all others what the seeds are telling everybody anyhow: a joiner leaves
        // the news of other joiners to those who know the group.
        if pass_on && !self.is_settling() {
            self.pass_on(now, update.clone(), source.sender(), out);
        }
    }

    fn learn_of_self(&mut self, now: Time, update: &Update, source: Source, out: &mut Outbox) {
        match &update.news {
            News::Suspect { .. } | News::Dead => self.refute(now, update.incarnation, source, out),
            News::Alive(card) if card.address != self.card.address => {
                self.hear_of_rival(now, update.incarnation, card.address, source, out);
            }
            // A former life knew more: outbid it.
            News::Alive(_) if update.incarnation > self.incarnation => {
                self.refute(now, update.incarnation, source, out);
            }
            _ => {}
        }
    }

    fn learn_of_stranger(&mut self, now: Time, update: &Update, source: Source, out: &mut Outbox) {
        let first_hand = source == Source::Heard(update.id);
        match &update.news {
            News::Alive(_) if self.outbids_burial(update.id, update.incarnation) => {
                self.admit(now, update, source, true, out);
            }
            // Back with its old incarnation: it does not know yet that it was buried. Tell it, so that it refutes.
            News::Alive(card) if first_hand => {
                if let Some(incarnation) = self.rare().buried.incarnation(update.id) {
                    let to = Addressee { id: update.id, address: card.address, seen: Seen::Dead(incarnation) };
                    self.send(to, Body::Gossip, None, false, out);
                }
            }
            // News of a death that overtook the news of the life: remember it, so that the latter is not believed.
            News::Dead | News::Left => {
                let limit = self.kit.settings.reconnect_limit;
                self.rare().buried.insert(update.id, update.incarnation, None, limit);
            }
            _ => {}
        }
    }

    fn learn_user(&mut self, now: Time, update: &Update, event: &Arc<UserEvent>, source: Source, out: &mut Outbox) {
        let key = (update.id, update.incarnation.generation, event.seq);
        if update.id == self.id || !self.rare().user_events.is_new(key) {
            return;
        }
        let what = What::User(Arc::clone(event));
        out.events.push(Event { about: update.id, incarnation: update.incarnation, what, source });
        self.pass_on(now, update.clone(), source.sender(), out);
    }

    /// One more doubts a suspect.
    fn confirm(&mut self, now: Time, slot: Slot, by: Id, source: Source, out: &mut Outbox) {
        let n = self.table.members();
        let wanted = self.kit.settings.suspicion.confirmations_wanted(&self.kit.settings, n);
        if wanted == 0 {
            return;
        }
        let kit = Arc::clone(&self.kit);
        let Record { id, incarnation, .. } = self.table.record(slot);
        let Some(doubt) = self.table.doubt_mut(slot) else { return };
        // The first doubter is none of the confirmations.
        if doubt.by.len() as u32 > wanted || doubt.by.contains(&by) {
            return;
        }
        doubt.by.push(by);
        let timeout = kit.settings.suspicion.timeout(&kit.settings, n, doubt.by.len() as u32 - 1);
        let until = (doubt.since + timeout).max(now);
        doubt.until = until;
        self.time_doubt(until, slot);
        out.events.push(Event { about: id, incarnation, what: What::Confirmed, source });
        self.pass_on(now, Update { id, incarnation, news: News::Suspect { by } }, source.sender(), out);
    }

    /// A known member speaks up with a higher incarnation.
    fn revive(&mut self, now: Time, slot: Slot, update: &Update, source: Source, out: &mut Outbox) {
        let News::Alive(card) = &update.news else { return };
        if card.peer.id != update.id {
            return;
        }
        let what = match self.table.status(slot) {
            Some(Status::Suspect) => Some(What::Refuted),
            Some(Status::Alive) => (self.table.card(slot) != card).then_some(What::Updated),
            _ => Some(What::Joined),
        };
        let known = &self.table.card(slot).peer;
        let moved = (known.location, known.zone) != (card.peer.location, card.peer.zone);
        self.table.set(now, slot, Status::Alive, update.incarnation, Some(Arc::clone(card)), None);
        if what == Some(What::Joined) {
            self.observe(Observation::Joined(slot));
        }
        if moved {
            self.observe(Observation::Moved(slot));
        }
        if let Some(what) = what {
            out.events.push(Event { about: update.id, incarnation: update.incarnation, what, source });
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
        source: Source,
        out: &mut Outbox,
    ) {
        let id = self.table.id(slot);
        let was_member = self.table.status(slot).is_some_and(Status::is_member);
        self.table.set(now, slot, status, incarnation, None, None);
        if let Some(rare) = &mut self.rare {
            rare.slow.forget(slot);
        }
        if was_member {
            self.observe(Observation::Left(slot));
            let what = if status == Status::Left { What::Left } else { What::Died };
            out.events.push(Event { about: id, incarnation, what, source });
        }
        let news = if status == Status::Left { News::Left } else { News::Dead };
        self.pass_on(now, Update { id, incarnation, news }, source.sender(), out);
    }
}

impl Source {
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
        if self.seen.contains(&key) {
            return false;
        }
        if self.seen.len() == Self::LIMIT {
            self.seen.pop_front();
        }
        self.seen.push_back(key);
        true
    }
}
