//! Reunion of separated members: state sync, attempts to reach dead members, forgetting.

use std::sync::Arc;

use swimlab_selectors::View;
use swimlab_selectors::rng::below;

use super::addressee::Addressee;
use super::table_digest::part_of;
use super::user_events::UserEvents;
use super::{Member, Outbox};
use crate::protocol::event::{Event, EventKind, EventSource};
use crate::protocol::message::{
    Address, Body, Id, Incarnation, Packet, PeerView, StateSync, Status, Update, UpdateKind,
};
use crate::protocol::time::Time;

/// The most unknown members pinged after one state sync, so that a forged or stale table does not make this member
/// flood others; in a large group one for every [`MEMBERS_PER_UNKNOWN_PING`] members.
pub(super) const UNKNOWN_PING_LIMIT: u32 = 32;

/// Members for each of which one more unknown member is pinged.
pub(super) const MEMBERS_PER_UNKNOWN_PING: u32 = 8;

impl Member {
    /// The most seeds kept for reconnection.
    pub const SEED_LIMIT: usize = 64;

    /// Sets the seeds that are tried for good while no known member listens there; its own address and those
    /// beyond the first [`Member::SEED_LIMIT`] others are left out.
    pub fn set_seeds(&mut self, mut seeds: Vec<Address>) {
        seeds.retain(|seed| *seed != self.node().address);
        seeds.truncate(Self::SEED_LIMIT);
        if !self.is_stopped() && (!seeds.is_empty() || self.cold.is_some()) {
            self.cold().seeds = seeds;
        }
    }

    /// Adds a member known from an earlier life to those that are tried again.
    pub fn remember(&mut self, id: Id, address: Address) {
        let limit = self.config.protocol.reconnect_limit;
        if id != self.id && self.table.slot(id).is_none() && !self.is_stopped() {
            self.cold().forgotten.insert(id, Incarnation::default(), Some(address), limit);
        }
    }

    /// Compares tables with a member, or exchanges them.
    pub(super) fn sync_tick(&mut self, now: Time, out: &mut Outbox) {
        if !self.schedule_sync(now) {
            return;
        }
        let cold = self.cold();
        cold.has_asked_for_parts = false;
        // A digest without an answer was lost; after two of them, the partner may know none.
        let unanswered = cold.awaited_digest.take();
        let is_second = unanswered.is_some() && cold.has_missed_digest;
        cold.has_missed_digest = unanswered.is_some() && !is_second;
        let partner = unanswered.filter(|_| is_second).and_then(|id| self.table.slot(id));
        match partner.filter(|slot| self.table.pingable(*slot)) {
            Some(slot) => self.exchange_tables(now, self.addressee_of(slot), out),
            None => self.sync_with_partner(now, out),
        }
    }

    /// Sets the next state sync to one interval from now; returns whether there is one.
    pub(super) fn schedule_sync(&mut self, now: Time) -> bool {
        let interval = self.config.protocol.sync_interval_in(self.table.members());
        self.set_alarm(|alarms| alarms.sync = interval.map_or(Time::NEVER, |interval| now + interval));
        interval.is_some()
    }

    /// Compares tables with a member that the selector chooses, or sends the table to a random one, which answers with its
    /// own.
    pub(super) fn sync_with_partner(&mut self, now: Time, out: &mut Outbox) {
        if self.config.protocol.sync_digests {
            self.compare_tables(now, out);
        } else if let Some(slot) = self.gossip_targets(1).first().copied() {
            let to = self.addressee_of(slot);
            self.exchange_tables(now, to, out);
        }
    }

    /// Asks for the table of a member that has told this one that it was declared dead. Updates do not reach the dead: those
    /// that have joined meanwhile are unknown to this member, as it is to them.
    pub(super) fn catch_up(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        // A table itself, and from the remote address of a stream, at which the sender does not listen.
        if !matches!(packet.body, Body::Sync(_)) {
            let to = self.addressee_at(packet.from, from);
            self.exchange_tables(now, to, out);
        }
    }

    /// Sends the table to a member, or a seed, which answers with its own.
    fn exchange_tables(&mut self, now: Time, to: Addressee, out: &mut Outbox) {
        let mut records = self.records(|_| true);
        records.extend(self.recent_events(now).cloned());
        let sync = StateSync::whole(true, false, records);
        self.send(to, Body::Sync(Box::new(sync)), None, out);
    }

    /// Merges another member's table into this one.
    pub(super) fn merge_table(&mut self, now: Time, sender: Id, from: Address, sync: &StateSync, out: &mut Outbox) {
        let (is_trusting, is_joining) = (self.trusts_tables(), self.is_join_under_way());
        let unknown_ping_limit = UNKNOWN_PING_LIMIT.max(self.table.members() / MEMBERS_PER_UNKNOWN_PING);
        if !sync.wants_reply {
            self.handle_sync_reply(now, from);
            self.handle_parts(now);
        }
        let (mut unknown, mut pinged) = (0, 0);
        for record in &sync.records {
            let known = self.table.slot(record.id).is_some() || record.id == self.id;
            match &record.kind {
                UpdateKind::Alive(node) if !known && record.id != sender => {
                    unknown += 1;
                    let peer_view = self.forgotten_at_or_above(record.id, record.incarnation);
                    let is_newer = peer_view.is_none();
                    if is_newer && is_trusting && self.table.members() < self.config.protocol.member_limit {
                        self.admit(record, EventSource::Heard(sender), out);
                    } else if !(is_newer && is_trusting) && pinged < unknown_ping_limit {
                        // A third party's record, perhaps outdated: the member itself is pinged, and introduces itself, or
                        // rises above the incarnation at which this member has forgotten it.
                        pinged += 1;
                        self.seq = self.seq.wrapping_add(1);
                        let peer_view = peer_view.unwrap_or(PeerView::Unknown);
                        let to = Addressee { id: record.id, address: node.address, peer_view };
                        self.send(to, Body::Ping { seq: self.seq }, None, out);
                    }
                }
                // From before it belonged to the group.
                UpdateKind::User(_) if is_joining => {}
                UpdateKind::User(event) => {
                    let is_new = self.learn_user(now, record, event, EventSource::Heard(sender), out);
                    self.cold().user_events.synced += u64::from(is_new);
                }
                UpdateKind::Suspect { .. } | UpdateKind::Dead | UpdateKind::Left if !known => {}
                // The sender may have been partitioned off: the members it declared dead get a chance to refute.
                UpdateKind::Dead => {
                    let kind = UpdateKind::Suspect { by: sender };
                    let Update { id, incarnation, .. } = *record;
                    self.learn(now, &Update { id, incarnation, kind }, EventSource::Heard(sender), out);
                }
                _ => self.learn(now, record, EventSource::Heard(sender), out),
            }
        }
        if !sync.wants_reply {
            self.cold().last_unknown = unknown;
        }
        if unknown > 0 {
            self.sync_after_difference(now);
        }
        if sync.wants_reply {
            if sync.joining {
                self.sync_soon(now);
            }
            let to = self.addressee_at(sender, from);
            let differs = self.differing_parts(&sync.parts);
            // Digests do not tell of another process with the sender's name. Its record does.
            let is_wanted = |id| differs.is_empty() || id == sender || differs[part_of(id, differs.len())];
            let mut records = self.records(is_wanted);
            if !sync.joining {
                records.extend(self.recent_events(now).cloned());
            }
            let sync = StateSync::whole(false, false, records);
            self.send(to, Body::Sync(Box::new(sync)), None, out);
            let differing = differs.iter().filter(|differs| **differs).count() as u32;
            if differing > 0 {
                self.ask_in_return(now, sender, differing, out);
            }
        }
    }

    /// Forgets dead and departed members whose records are old enough, except for incarnation and address.
    pub(super) fn purge_tombstones(&mut self, now: Time, out: &mut Outbox) {
        let before = now - self.config.protocol.dead_retention;
        if before == Time::ZERO || self.table.oldest_tombstone().is_none_or(|since| since > before) {
            return;
        }
        while let Some((_, entry)) = self.table.forget(before) {
            let id = entry.node.peer.id;
            // Members that left are not tried again.
            let address = (entry.status == Some(Status::Dead)).then_some(entry.node.address);
            let limit = self.config.protocol.reconnect_limit;
            self.cold().forgotten.insert(id, entry.incarnation, address, limit);
            let (incarnation, kind) = (entry.incarnation, EventKind::Forgotten);
            out.events.push(Event { about: id, incarnation, kind, source: EventSource::Own });
        }
    }

    /// Every few periods, tries to reach a dead or forgotten member or a seed: it may be alive beyond a healed
    /// partition. Seeds have every other turn: records that somebody has invented do not keep a member from them.
    pub(super) fn reconnect(&mut self, now: Time, out: &mut Outbox) {
        let every = u64::from(self.config.protocol.reconnect_every);
        let tombstones = self.table.tombstones();
        let (forgotten, seeds) = self.cold.as_ref().map_or((0, 0), |cold| (cold.forgotten.len(), cold.seeds.len()));
        let (records, turn) = (tombstones + forgotten, self.period + self.id % every.max(1));
        if every == 0 || records + seeds == 0 || !turn.is_multiple_of(every) {
            return;
        }
        if seeds > 0 && (records == 0 || (turn / every).is_multiple_of(2)) {
            let pick = below(&mut self.rng, seeds as u32) as usize;
            let address = self.cold().seeds[pick];
            return self.sync_with_seed(now, address, out);
        }
        let pick = below(&mut self.rng, records as u32) as usize;
        let to = if pick < tombstones {
            // Members that have returned are skipped. So are departed ones, unless at least as many are gone as are there:
            // then this member may have been told lies about them.
            let tries_departed = tombstones >= self.table.members() as usize;
            let all = (pick..tombstones).chain(0..pick);
            let mut gone = all.filter_map(|n| self.table.tombstone(n, tries_departed));
            let Some(slot) = gone.next() else { return };
            self.addressee_of(slot)
        } else {
            let Some(to) = self.cold().forgotten.nth(pick - tombstones) else { return };
            to
        };
        self.seq = self.seq.wrapping_add(1);
        self.send(to, Body::Ping { seq: self.seq }, None, out);
    }

    /// Syncs with a seed if no known member listens there: it may belong to another partition.
    fn sync_with_seed(&mut self, now: Time, address: Address, out: &mut Outbox) {
        if !self.is_joining() && !self.table.has_member_at(address) {
            self.exchange_tables(now, Addressee::unknown(0, address), out);
        }
    }

    /// Whether this incarnation of an unknown member is newer than the one at which it was forgotten, if it was.
    pub(super) fn is_newer_than_forgotten(&self, id: Id, incarnation: Incarnation) -> bool {
        self.forgotten_at_or_above(id, incarnation).is_none()
    }

    /// Belief about an unknown member that was forgotten at this incarnation or a higher one; `None` if it was not.
    fn forgotten_at_or_above(&self, id: Id, incarnation: Incarnation) -> Option<PeerView> {
        let forgotten = self.cold.as_ref().and_then(|cold| cold.forgotten.incarnation(id));
        forgotten.filter(|forgotten| *forgotten >= incarnation).map(PeerView::Dead)
    }

    /// The application events of the last two intervals between state syncs, for members that gossip has missed.
    pub(super) fn recent_events(&self, now: Time) -> impl Iterator<Item = &Update> {
        let interval = self.config.protocol.sync_interval_in(self.table.members());
        let since = interval.map(|interval| now - (interval * 2).min(UserEvents::LONGEST_RECENT));
        let kept = self.cold.as_ref().zip(since).map(|(cold, since)| cold.user_events.kept_since(since));
        kept.into_iter().flatten()
    }

    /// The table as records, of the members that `wanted` allows.
    fn records(&self, wanted: impl Fn(Id) -> bool) -> Vec<Update> {
        let mut records = Vec::new();
        for (slot, status, incarnation, node) in self.table.entries() {
            let id = node.peer.id;
            if !wanted(id) {
                continue;
            }
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
