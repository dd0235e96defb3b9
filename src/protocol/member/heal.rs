//! How members find each other again: state sync, trying the dead, forgetting them, folding the table.

use std::collections::{BTreeMap, VecDeque};

use super::*;
use crate::protocol::message::StateSync;

/// The forgotten dead: enough to tell old news from new, and to try them again.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    records: BTreeMap<Id, (Incarnation, Option<Address>)>,
    order: VecDeque<Id>,
}

impl Member {
    /// The most seeds that are kept.
    pub const SEED_LIMIT: usize = 64;

    /// Sets the seeds that never leave the reconnect list; those beyond the first [`Member::SEED_LIMIT`] are left out.
    pub fn set_seeds(&mut self, mut seeds: Vec<Address>) {
        seeds.truncate(Self::SEED_LIMIT);
        seeds.retain(|seed| *seed != self.node.address);
        if !seeds.is_empty() || self.cold.is_some() {
            self.cold().seeds = seeds;
        }
    }

    /// Puts somebody known from a former life onto the reconnect list.
    pub fn remember(&mut self, id: Id, address: Address) {
        let limit = self.config.protocol.reconnect_limit;
        if id != self.id && self.table.slot(id).is_none() {
            self.cold().forgotten.insert(id, Incarnation::default(), Some(address), limit);
        }
    }

    /// Exchanges tables with a random member.
    pub(super) fn sync_tick(&mut self, now: Time, out: &mut Outbox) {
        let Some(interval) = self.config.protocol.sync_interval(self.table.members()) else {
            return self.set_alarm(|alarms| alarms.sync = Time::NEVER);
        };
        self.set_alarm(|alarms| alarms.sync = now + interval);
        self.sync_with_somebody(out);
    }

    pub(super) fn sync_with_somebody(&mut self, out: &mut Outbox) {
        if let Some(slot) = self.choose_gossip(1).first().copied() {
            let to = self.known(slot);
            let sync = StateSync { wants_reply: true, joining: false, records: self.records() };
            self.send(to, Body::Sync(Box::new(sync)), None, false, out);
        }
    }

    /// Takes another member's table.
    pub(super) fn merge(&mut self, now: Time, sender: Id, from: Address, sync: &StateSync, out: &mut Outbox) {
        let trusting = self.is_trusting();
        if !sync.wants_reply {
            self.settle(now, from);
        }
        let mut strangers = 0;
        for record in &sync.records {
            let known = self.table.slot(record.id).is_some() || record.id == self.id;
            match &record.kind {
                UpdateKind::Alive(node) if !known && record.id != sender => {
                    if trusting {
                        self.admit(now, record, EventSource::Heard(sender), false, out);
                    } else if self.outbids_forgotten(record.id, record.incarnation) && strangers < STRANGER_LIMIT {
                        // A third party's word, perhaps old: the stranger is asked itself, and its answer introduces it.
                        strangers += 1;
                        self.seq = self.seq.wrapping_add(1);
                        let to = Addressee { id: record.id, address: node.address, peer_view: PeerView::Unknown };
                        self.send(to, Body::Ping { seq: self.seq }, None, false, out);
                    }
                }
                UpdateKind::Suspect { .. } | UpdateKind::Dead | UpdateKind::Left if !known => {}
                // The sender may have come from behind a partition: its dead get a chance to refute.
                UpdateKind::Dead => {
                    let kind = UpdateKind::Suspect { by: sender };
                    let Update { id, incarnation, .. } = *record;
                    self.learn(now, &Update { id, incarnation, kind }, EventSource::Heard(sender), out);
                }
                _ => self.learn(now, record, EventSource::Heard(sender), out),
            }
        }
        if sync.wants_reply {
            if sync.joining {
                self.sync_soon(now);
            }
            let to = self.addressee(sender, from);
            let sync = StateSync { wants_reply: false, joining: false, records: self.records() };
            self.send(to, Body::Sync(Box::new(sync)), None, false, out);
        }
    }

    /// Forgets those whose records are old enough; what stays is their address, to be tried.
    pub(super) fn bury(&mut self, now: Time, out: &mut Outbox) {
        let before = now - self.config.protocol.dead_retention;
        if before == Time::ZERO || self.table.oldest_grave().is_none_or(|since| since > before) {
            return;
        }
        while let Some((_, entry)) = self.table.forget(before) {
            let id = entry.node.peer.id;
            // Those who left of their own will are not called back.
            let address = (entry.status == Some(Status::Dead)).then_some(entry.node.address);
            let limit = self.config.protocol.reconnect_limit;
            self.cold().forgotten.insert(id, entry.incarnation, address, limit);
            let (incarnation, kind) = (entry.incarnation, EventKind::Forgotten);
            out.events.push(Event { about: id, incarnation, kind, source: EventSource::Own });
        }
    }

    /// Every few periods, tries one of the dead: it may live behind a partition that has healed.
    pub(super) fn reconnect(&mut self, out: &mut Outbox) {
        let every = u64::from(self.config.protocol.reconnect_every);
        let tombstones = self.table.tombstones();
        let (forgotten, seeds) = self.cold.as_ref().map_or((0, 0), |cold| (cold.forgotten.len(), cold.seeds.len()));
        let all = tombstones + forgotten + seeds;
        if every == 0 || all == 0 || !(self.period + self.id % every.max(1)).is_multiple_of(every) {
            return;
        }
        let pick = swimlab_selectors::rng::below(&mut self.rng, all as u32) as usize;
        let to = if pick < tombstones {
            // Who has come back meanwhile does not take the turn of those who have not.
            let mut occupied = (pick..tombstones).chain(0..pick).filter_map(|grave| self.table.grave(grave));
            let Some(slot) = occupied.next() else { return };
            self.known(slot)
        } else if pick < tombstones + forgotten {
            let Some(to) = self.cold().forgotten.nth(pick - tombstones) else { return };
            to
        } else {
            let address = self.cold().seeds[pick - tombstones - forgotten];
            return self.revisit(address, out);
        };
        self.seq = self.seq.wrapping_add(1);
        self.send(to, Body::Ping { seq: self.seq }, None, false, out);
    }

    /// Asks a seed for its table if no member that is known listens there: it may belong to another part of the group.
    fn revisit(&mut self, address: Address, out: &mut Outbox) {
        if !self.is_joining() && !self.table.lives_at(address) {
            let sync = StateSync { wants_reply: true, joining: false, records: self.records() };
            let to = Addressee { id: 0, address, peer_view: PeerView::Unknown };
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
    pub(super) fn outbids_forgotten(&self, id: Id, incarnation: Incarnation) -> bool {
        let forgotten = self.cold.as_ref().and_then(|cold| cold.forgotten.incarnation(id));
        forgotten.is_none_or(|forgotten| incarnation > forgotten)
    }

    /// The whole table as records.
    fn records(&self) -> Vec<Update> {
        let mut records = Vec::with_capacity(self.table.members() as usize);
        for (slot, status, incarnation, node) in self.table.entries() {
            let id = node.peer.id;
            let update = |kind| Update { id, incarnation, kind };
            match status {
                Status::Alive => records.push(update(UpdateKind::Alive(Arc::clone(node)))),
                Status::Suspect => {
                    records.push(update(UpdateKind::Alive(Arc::clone(node))));
                    let by = self
                        .table
                        .suspicion(slot)
                        .and_then(|suspicion| suspicion.by.first().copied())
                        .unwrap_or(self.id);
                    records.push(update(UpdateKind::Suspect { by }));
                }
                Status::Dead => records.push(update(UpdateKind::Dead)),
                Status::Left => records.push(update(UpdateKind::Left)),
            }
        }
        records
    }
}

/// How many strangers are pinged after one sync, so that a forged or stale table does not make us flood others.
const STRANGER_LIMIT: u32 = 32;

impl Forgotten {
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
        Some(Addressee { id, address: address?, peer_view: PeerView::Dead(incarnation) })
    }
}
