//! State sync by digests: two members compare what they know, and one of them asks for the parts that differ.
//!
//! Digests are sums of hashes, so that the order of the tables does not matter. They cover the members with their
//! incarnations, and recent application events. Suspicions pass before they could be compared, and records of the dead
//! are kept for different times.

use swimlab_selectors::Context;
use swimlab_selectors::rng::mix;

use super::addressee::Addressee;
use super::{Member, Outbox};
use crate::protocol::message::{Address, Body, Id, Incarnation, StateSync, Update, UpdateKind};
use crate::protocol::time::Time;

/// The most requests for parts in a row that have no answer and are followed by another comparison soon: after more,
/// streams do not seem to get through.
pub(super) const UNANSWERED_LIMIT: u8 = 2;

impl Member {
    /// Sends the digest of the table to a member that the selector chooses, which answers with its own.
    pub(super) fn compare_tables(&mut self, now: Time, out: &mut Outbox) {
        let Some(slot) = self.selector.sync_partner(&mut context!(self)) else { return };
        let to = self.addressee_of(slot);
        self.cold().awaited_digest = Some(to.id);
        self.retry_sync(now);
        let digest = self.table_digest(now);
        self.send(to, Body::Digest { wants_reply: true, digest }, None, out);
    }

    /// Handles another member's digest: answers it, or asks for what differs if it is an answer.
    pub(super) fn handle_digest(
        &mut self,
        now: Time,
        sender: Id,
        from: Address,
        wants_reply: bool,
        theirs: u64,
        out: &mut Outbox,
    ) {
        let to = self.addressee_at(sender, from);
        if wants_reply {
            let digest = self.table_digest(now);
            return self.send(to, Body::Digest { wants_reply: false, digest }, None, out);
        }
        let Some(cold) = &mut self.cold else { return };
        // Only the one that was asked causes an exchange of tables, and once.
        if cold.awaited_digest.take_if(|id| *id == sender).is_some() {
            cold.has_missed_digest = false;
            self.schedule_sync(now);
            if self.table_digest(now) == theirs {
                return self.finish_join();
            }
            let cold = self.cold();
            cold.requests_without_answer = cold.requests_without_answer.saturating_add(1);
            if cold.requests_without_answer <= UNANSWERED_LIMIT {
                self.retry_sync(now);
            }
            self.ask_for_parts(to, out);
        }
    }

    /// Notes that a table has come, or the parts of one: the next state sync can wait.
    pub(super) fn handle_parts(&mut self, now: Time) {
        if self.cold.as_mut().is_some_and(|cold| std::mem::take(&mut cold.requests_without_answer) > 0) {
            self.schedule_sync(now);
        }
    }

    /// Brings the next state sync forward, for the case that there is no answer in this one, which moves it on.
    fn retry_sync(&mut self, now: Time) {
        let retry = now + self.config.protocol.period * 2;
        self.set_alarm(|alarms| alarms.sync = alarms.sync.min(retry));
    }

    /// Asks a member for the parts of its table that differ. This one expects as many new members as the last table had.
    pub(super) fn ask_for_parts(&mut self, to: Addressee, out: &mut Outbox) {
        let expected = self.cold().last_unknown;
        self.ask_for_differing(to, expected, out);
    }

    /// Asks a member for parts in return, of which at least these differ, and which may know what this one does not; once
    /// between two state syncs, so that nobody can make this member open connections at will. After that, the next sync
    /// comes forward.
    pub(super) fn ask_in_return(&mut self, now: Time, sender: Id, differing: u32, out: &mut Outbox) {
        let Some(slot) = self.table.slot(sender) else { return };
        if self.cold().has_asked_for_parts {
            self.sync_after_difference(now);
        } else {
            self.ask_for_differing(self.addressee_of(slot), differing, out);
        }
    }

    /// Asks for the parts that differ, with the own record for the case that the member does not know this one.
    fn ask_for_differing(&mut self, to: Addressee, expected: u32, out: &mut Outbox) {
        self.cold().has_asked_for_parts = true;
        let parts = self.part_digests(parts_for(self.table.members(), expected));
        let sync = StateSync { parts, ..StateSync::whole(true, self.is_join_under_way(), vec![self.own_record()]) };
        self.send(to, Body::Sync(Box::new(sync)), None, out);
    }

    /// Whether each part of the table has a digest other than this.
    pub(super) fn differing_parts(&self, theirs: &[u32]) -> Vec<bool> {
        if theirs.is_empty() {
            return Vec::new();
        }
        let ours = self.part_digests(theirs.len());
        ours.iter().zip(theirs).map(|(ours, theirs)| ours != theirs).collect()
    }

    fn table_digest(&self, now: Time) -> u64 {
        self.recent_events(now).map(event_hash).fold(self.table.digest(), u64::wrapping_add)
    }

    pub(super) fn part_digests(&self, parts: usize) -> Vec<u32> {
        let mut digests = vec![0_u32; parts];
        for (_, _, incarnation, node) in self.table.entries().filter(|(_, status, ..)| status.is_member()) {
            let id = node.peer.id;
            let digest = &mut digests[part_of(id, parts)];
            *digest = digest.wrapping_add(incarnation.hash_with(id) as u32);
        }
        digests
    }
}

/// The part of a table that a member belongs to.
pub(super) fn part_of(id: Id, parts: usize) -> usize {
    (mix(id) % parts as u64) as usize
}

/// The number of parts for a group of `n` of which `differing` records differ. A digest takes 5 bytes and a record some
/// 70: about as many bytes go into the digests as into the records of the parts that differ.
fn parts_for(n: u32, differing: u32) -> usize {
    const BYTES_RATIO: u64 = 14;
    ((u64::from(n) * u64::from(differing.max(1)) * BYTES_RATIO).isqrt() as usize).clamp(16, StateSync::PART_LIMIT)
}

fn event_hash(update: &Update) -> u64 {
    let seq = if let UpdateKind::User(event) = &update.kind { event.seq } else { 0 };
    mix(Incarnation::of_generation(update.incarnation.generation).hash_with(update.id) ^ mix(seq.into()))
}
