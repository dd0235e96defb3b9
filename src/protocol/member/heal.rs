//! How members find each other again: state sync, trying the dead, forgetting them, folding the table.

use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::protocol::message::Sync;

/// The forgotten dead: enough to tell old news from new, and to try them again.
#[derive(Debug, Default)]
pub(super) struct Buried {
    records: BTreeMap<Id, (Incarnation, Option<Address>)>,
    order: VecDeque<Id>,
}

impl Member {
    /// The most seeds that are kept.
    pub const SEED_LIMIT: usize = 64;

    /// Sets the seeds that never leave the reconnect list; those beyond the first [`Member::SEED_LIMIT`] are left out.
    pub fn set_seeds(&mut self, mut seeds: Vec<Address>) {
        seeds.truncate(Self::SEED_LIMIT);
        seeds.retain(|seed| *seed != self.card.address);
        if !seeds.is_empty() || self.rare.is_some() {
            self.rare().seeds = seeds;
        }
    }

    /// Puts somebody known from a former life onto the reconnect list.
    pub fn remember(&mut self, id: Id, address: Address) {
        let limit = self.kit.settings.reconnect_limit;
        if id != self.id && self.table.slot(id).is_none() {
            self.rare().buried.insert(id, Incarnation::default(), Some(address), limit);
        }
    }

    /// Exchanges tables with a random member.
    pub(super) fn sync_tick(&mut self, now: Time, out: &mut Outbox) {
        let Some(interval) = self.kit.settings.sync_interval(self.table.members()) else {
            return self.set_alarm(|alarms| alarms.sync = Time::NEVER);
        };
        self.set_alarm(|alarms| alarms.sync = now + interval);
        self.sync_with_somebody(out);
    }

    pub(super) fn sync_with_somebody(&mut self, out: &mut Outbox) {
        if let Some(slot) = self.choose_gossip(1).first().copied() {
            let to = self.known(slot);
            let sync = Sync { wants_reply: true, joining: false, records: self.records() };
            self.send(to, Body::Sync(Box::new(sync)), None, false, out);
        }
    }

    /// Takes another member's table.
    pub(super) fn merge(&mut self, now: Time, sender: Id, from: Address, sync: &Sync, out: &mut Outbox) {
        let trusting = self.is_trusting();
        if !sync.wants_reply {
            self.settle(now, from);
        }
        let mut strangers = 0;
        for record in &sync.records {
            let known = self.table.slot(record.id).is_some() || record.id == self.id;
            match &record.news {
                News::Alive(card) if !known && record.id != sender => {
                    if trusting {
                        self.admit(now, record, Source::Heard(sender), false, out);
                    } else if self.outbids_burial(record.id, record.incarnation) && strangers < STRANGER_LIMIT {
                        // A third party's word, perhaps old: the stranger is asked itself, and its answer introduces it.
                        strangers += 1;
                        self.seq = self.seq.wrapping_add(1);
                        let to = Addressee { id: record.id, address: card.address, seen: Seen::Unknown };
                        self.send(to, Body::Ping { seq: self.seq }, None, false, out);
                    }
                }
                News::Suspect { .. } | News::Dead | News::Left if !known => {}
                // The sender may have come from behind a partition: its dead get a chance to refute.
                News::Dead => {
                    let news = News::Suspect { by: sender };
                    let Update { id, incarnation, .. } = *record;
                    self.learn(now, &Update { id, incarnation, news }, Source::Heard(sender), out);
                }
                _ => self.learn(now, record, Source::Heard(sender), out),
            }
        }
        if sync.wants_reply {
            if sync.joining {
                self.sync_soon(now);
            }
            let to = self.addressee(sender, from);
            let sync = Sync { wants_reply: false, joining: false, records: self.records() };
            self.send(to, Body::Sync(Box::new(sync)), None, false, out);
        }
    }

    /// Forgets those whose records are old enough; what stays is their address, to be tried.
    pub(super) fn bury(&mut self, now: Time, out: &mut Outbox) {
        let before = now - self.kit.settings.dead_retention;
        if before == Time::ZERO || self.table.oldest_grave().is_none_or(|since| since > before) {
            return;
        }
        while let Some((_, entry)) = self.table.forget(before) {
            let id = entry.card.peer.id;
            // Those who left of their own will are not called back.
            let address = (entry.status == Some(Status::Dead)).then_some(entry.card.address);
            let limit = self.kit.settings.reconnect_limit;
            self.rare().buried.insert(id, entry.incarnation, address, limit);
            let (incarnation, what) = (entry.incarnation, What::Forgotten);
            out.events.push(Event { about: id, incarnation, what, source: Source::Own });
        }
    }

    /// Every few periods, tries one of the dead: it may live behind a partition that has healed.
    pub(super) fn reconnect(&mut self, out: &mut Outbox) {
        let every = u64::from(self.kit.settings.reconnect_every);
        let graves = self.table.graves();
        let (buried, seeds) = self.rare.as_ref().map_or((0, 0), |rare| (rare.buried.len(), rare.seeds.len()));
        let all = graves + buried + seeds;
        if every == 0 || all == 0 || !(self.period + self.id % every.max(1)).is_multiple_of(every) {
            return;
        }
        let pick = swimlab_selectors::rng::below(&mut self.rng, all as u32) as usize;
        let to = if pick < graves {
            // Who has come back meanwhile does not take the turn of those who have not.
            let mut occupied = (pick..graves).chain(0..pick).filter_map(|grave| self.table.grave(grave));
            let Some(slot) = occupied.next() else { return };
            self.known(slot)
        } else if pick < graves + buried {
            let Some(to) = self.rare().buried.nth(pick - graves) else { return };
            to
        } else {
            let address = self.rare().seeds[pick - graves - buried];
            return self.revisit(address, out);
        };
        self.seq = self.seq.wrapping_add(1);
        self.send(to, Body::Ping { seq: self.seq }, None, false, out);
    }

    /// Asks a seed for its table if no member that is known listens there: it may belong to another part of the group.
    fn revisit(&mut self, address: Address, out: &mut Outbox) {
        if !self.is_joining() && !self.table.lives_at(address) {
            let sync = Sync { wants_reply: true, joining: false, records: self.records() };
            let to = Addressee { id: 0, address, seen: Seen::Unknown };
            self.send(to, Body::Sync(Box::new(sync)), None, false, out);
        }
    }

    /// Makes the differences the new roster, once they are many.
    pub(super) fn rebase_if_grown(&mut self) {
        if self.table.wants_rebase() {
            let peers = self.table.rebase();
            self.selector.reindex(peers);
        }
    }

    /// Whether this incarnation of a stranger is newer than what is remembered of its death, if anything.
    pub(super) fn outbids_burial(&self, id: Id, incarnation: Incarnation) -> bool {
        let buried = self.rare.as_ref().and_then(|rare| rare.buried.incarnation(id));
        buried.is_none_or(|buried| incarnation > buried)
    }

    /// The whole table as records.
    fn records(&self) -> Vec<Update> {
        let mut records = Vec::with_capacity(self.table.members() as usize);
        for (slot, status, incarnation, card) in self.table.entries() {
            let id = card.peer.id;
            let update = |news| Update { id, incarnation, news };
            match status {
                Status::Alive => records.push(update(News::Alive(Arc::clone(card)))),
                Status::Suspect => {
                    records.push(update(News::Alive(Arc::clone(card))));
                    let by = self.table.doubt(slot).and_then(|doubt| doubt.by.first().copied()).unwrap_or(self.id);
                    records.push(update(News::Suspect { by }));
                }
                Status::Dead => records.push(update(News::Dead)),
                Status::Left => records.push(update(News::Left)),
            }
        }
        records
    }
}

/// How many strangers are pinged after one sync, so that a forged or stale table does not make us flood others.
const STRANGER_LIMIT: u32 = 32;

impl Buried {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Adds one; the oldest makes room.
    pub(super) fn insert(&mut self, id: Id, incarnation: Incarnation, address: Option<Address>, limit: u32) {
        if limit == 0 {
            return;
        }
        if let Some((known, at)) = self.records.get_mut(&id) {
            *known = incarnation.max(*known);
            *at = address.or(*at);
            return;
        }
        while self.order.len() >= limit as usize {
            if let Some(oldest) = self.order.pop_front() {
                self.records.remove(&oldest);
            }
        }
        self.records.insert(id, (incarnation, address));
        self.order.push_back(id);
    }

    /// Drops one, who is back.
    pub(super) fn remove(&mut self, id: Id) {
        if self.records.remove(&id).is_some() {
            self.order.retain(|&other| other != id);
        }
    }

    /// Its incarnation when it was buried.
    pub(super) fn incarnation(&self, id: Id) -> Option<Incarnation> {
        self.records.get(&id).map(|&(incarnation, _)| incarnation)
    }

    fn nth(&self, n: usize) -> Option<Addressee> {
        let id = *self.order.get(n)?;
        let &(incarnation, address) = self.records.get(&id)?;
        Some(Addressee { id, address: address?, seen: Seen::Dead(incarnation) })
    }
}
