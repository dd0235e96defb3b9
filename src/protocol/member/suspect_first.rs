//! Suspicions of which the suspect is told first: most come from lost packets, and are refuted within a round trip. The
//! others need not know of those.

use swimlab_selectors::Slot;

use super::cold::Undisclosed;
use super::{Member, Outbox};
use crate::protocol::event::EventSource;
use crate::protocol::message::{Body, Id, Incarnation, Update, UpdateKind};
use crate::protocol::time::{Span, Time};

impl Member {
    /// Tells a suspect of this member's own suspicion, and nobody else for half a period.
    pub(super) fn tell_suspect(&mut self, now: Time, slot: Slot, incarnation: Incarnation, out: &mut Outbox) {
        let at = now + self.step();
        self.cold().undisclosed.push(Undisclosed { slot, incarnation, at, tells_again: true });
        self.set_alarm(|alarms| alarms.disclosure = alarms.disclosure.min(at));
        self.send_suspicion(slot, incarnation, out);
    }

    /// Tells suspects once more, or the others of suspicions that were not refuted within half a period.
    pub(super) fn disclose_suspicions(&mut self, now: Time, out: &mut Outbox) {
        let step = self.step();
        let (due, mut rest): (Vec<_>, Vec<_>) =
            self.cold().undisclosed.drain(..).partition(|undisclosed| undisclosed.at <= now);
        for undisclosed in due {
            let Undisclosed { slot, incarnation, tells_again, .. } = undisclosed;
            if self.table.suspicion(slot).is_none() || self.table.incarnation(slot) != incarnation {
                continue;
            }
            if tells_again {
                rest.push(Undisclosed { at: now + step, tells_again: false, ..undisclosed });
                self.send_suspicion(slot, incarnation, out);
            } else {
                self.pass_on(now, self.own_suspicion(slot, incarnation), None, out);
            }
        }
        let next = rest.iter().map(|undisclosed| undisclosed.at).min().unwrap_or(Time::NEVER);
        self.cold().undisclosed = rest;
        self.set_alarm(|alarms| alarms.disclosure = next);
    }

    /// Discloses this member's own suspicion of a suspect at once: another member has disclosed one.
    pub(super) fn disclose_at_once(&mut self, now: Time, slot: Slot, out: &mut Outbox) {
        if self.forget_undisclosed(slot) {
            let incarnation = self.table.incarnation(slot);
            self.pass_on(now, self.own_suspicion(slot, incarnation), None, out);
        }
    }

    /// Removes a suspicion from those to be disclosed; returns whether it was among them.
    pub(super) fn forget_undisclosed(&mut self, slot: Slot) -> bool {
        let Some(cold) = &mut self.cold else { return false };
        let before = cold.undisclosed.len();
        cold.undisclosed.retain(|undisclosed| undisclosed.slot != slot);
        cold.undisclosed.len() < before
    }

    /// Whether a suspicion of this member may be known to its accuser alone: the accuser itself has sent it.
    pub(super) fn is_told_first(&self, by: Id, source: EventSource) -> bool {
        self.config.protocol.tells_suspects_first() && source == EventSource::Heard(by)
    }

    /// Raises this member's incarnation above the claimed one; messages that are sent anyway spread it.
    pub(super) fn refute_quietly(&mut self, now: Time, claimed: Incarnation, source: EventSource, out: &mut Outbox) {
        if self.raise_above(claimed, source, out) {
            self.cold().is_unannounced = true;
            self.update_own_record(now, None);
            self.pass_on_quietly(self.own_record(), None);
        }
    }

    /// Queues an update about a member for messages that are sent anyway, if dissemination works like that.
    pub(super) fn pass_on_quietly(&mut self, update: Update, source: Option<Id>) {
        if self.config.protocol.dissemination.transmissions(self.table.members()) > 0 {
            let slot = self.table.slot(update.id);
            self.queue.push_quietly(update, slot, &*self.config.sizer, source);
            self.prune_queue();
        }
    }

    /// Whether this member's incarnation has not been announced.
    pub(super) fn is_unannounced(&self) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.is_unannounced)
    }

    /// Time between the steps, of which there are two.
    fn step(&self) -> Span {
        self.config.protocol.period.scale(0.25)
    }

    fn send_suspicion(&mut self, slot: Slot, incarnation: Incarnation, out: &mut Outbox) {
        let (to, update) = (self.addressee_of(slot), self.own_suspicion(slot, incarnation));
        self.send(to, Body::Gossip, Some(update), out);
    }

    fn own_suspicion(&self, slot: Slot, incarnation: Incarnation) -> Update {
        Update { id: self.table.id(slot), incarnation, kind: UpdateKind::Suspect { by: self.id } }
    }
}
