//! Repair: two members compare digests, then digests of parts, then versions, and send each other what is missing.
//!
//! ```text
//! A                              B
//! digest (11 bytes)        ────►   equal: no answer, and that is all
//!                          ◄────   digest
//! digests of parts         ────►
//!                          ◄────   versions of the members in the parts that differ
//! deltas that B lacks      ────►
//! request for what A lacks ────►
//!                          ◄────   deltas that A lacks, largest number of entries first
//! digests of parts         ────►   and so on, while A learns something and the digests differ
//! ```
//!
//! Each answer is at most [`ANSWER_FACTOR`] times as long as what it answers. Requests are padded to that part of a
//! datagram, so that one round moves a whole datagram at least.

use std::cmp::{Ordering, Reverse};

use swimlab_selectors::rng::below;

use super::delta::{Delta, StateVersion};
use super::exchange::{Exchange, Outgoing, Partners, RepairRound};
use super::limits::{ANSWER_FACTOR, ROUND_LIMIT};
use super::member_state::Applied;
use super::message::{Message, delta_size, parts_that_fit, room_for_deltas, room_for_entries, truncate_versions};
use crate::protocol::{Id, Time};

impl Exchange {
    /// Sends the digest of all states to one member.
    pub(super) fn begin_repair(&mut self, partners: &mut impl Partners, out: &mut Outgoing) {
        // Those that have something compare it with those that have nothing yet, too.
        if self.store.is_blank() {
            return;
        }
        let Some(partner) = partners.for_repair() else { return };
        self.round = Some(RepairRound { partner, digest: None, left: ROUND_LIMIT });
        out.push((partner, Message::Digest { is_reply: false, digest: self.store.digest() }.encode(0)));
        self.begin_content_check(partner, out);
    }

    pub(super) fn answer_digest(&self, from: Id, theirs: u64, out: &mut Outgoing) {
        let digest = self.store.digest();
        if digest != theirs {
            out.push((from, Message::Digest { is_reply: true, digest }.encode(0)));
        }
    }

    pub(super) fn handle_digest_reply(&mut self, from: Id, theirs: u64, out: &mut Outgoing) {
        let round = self.round.as_mut().filter(|round| round.partner == from && round.digest.is_none());
        if let Some(round) = round {
            round.digest = Some(theirs);
            self.continue_repair(from, out);
        }
    }

    /// Sends the partner of the current round the digests of parts, if the states differ and the round is not over.
    fn continue_repair(&mut self, from: Id, out: &mut Outgoing) {
        let digest = self.store.digest();
        let (parts, size) = (self.parts(), self.request_size());
        let Some(round) = self.round.as_mut().filter(|round| round.partner == from) else { return };
        if round.digest == Some(digest) || round.left == 0 {
            self.round = None;
            return;
        }
        round.left -= 1;
        out.push((from, Message::Parts(self.store.part_digests(parts)).encode(size)));
    }

    /// The number of parts whose digests are compared: about as many bytes of digests as of versions in one part.
    pub(super) fn parts(&self) -> usize {
        (self.store.len() * 4).isqrt().clamp(16, parts_that_fit(self.config.mtu))
    }

    /// Answers with the versions of the members in the parts that differ, as many as fit.
    pub(super) fn answer_parts(&mut self, from: Id, parts: &[u32], received: usize, out: &mut Outgoing) {
        let size = (received * ANSWER_FACTOR).min(self.config.mtu);
        let mut versions = self.store.differing(parts);
        self.shuffle_and_truncate(&mut versions, size);
        if !versions.is_empty() {
            out.push((from, Message::Versions(versions).encode(self.request_size().min(size))));
        }
    }

    /// Keeps as many versions as fit, from a random one on, those of states that are known here first.
    fn shuffle_and_truncate(&mut self, versions: &mut Vec<StateVersion>, size: usize) {
        self.rotate(versions);
        versions.sort_by_key(|row| row.version == 0);
        truncate_versions(versions, size);
    }

    /// Lets a list begin with a random one.
    pub(super) fn rotate<T>(&mut self, list: &mut [T]) {
        if !list.is_empty() {
            list.rotate_left(below(&mut self.rng, list.len() as u32) as usize);
        }
    }

    /// Answers versions with what their sender lacks, and asks for what is lacking here.
    pub(super) fn answer_versions(
        &mut self,
        now: Time,
        from: Id,
        versions: Vec<StateVersion>,
        received: usize,
        out: &mut Outgoing,
    ) {
        let mut budget = received * ANSWER_FACTOR;
        let older = versions.iter().filter(|theirs| self.store.compare(theirs) == Some(Ordering::Less));
        let mut wanted: Vec<StateVersion> = older.filter_map(|theirs| self.store.known(theirs.member)).collect();
        wanted.dedup_by_key(|row| row.member);
        if let Some(request) = self.request_of(wanted, budget / ANSWER_FACTOR) {
            budget -= request.len();
            out.push((from, request));
        }
        self.send_deltas(now, from, versions, budget, out);
    }

    /// A request of at most `size` bytes for what follows these versions.
    fn request_of(&mut self, mut wanted: Vec<StateVersion>, size: usize) -> Option<Vec<u8>> {
        let size = size.min(self.config.mtu);
        self.shuffle_and_truncate(&mut wanted, size);
        (!wanted.is_empty()).then(|| Message::Request(wanted).encode(self.request_size().min(size)))
    }

    /// Sends a member what follows these versions, in as many datagrams as `budget` bytes allow. States of which it lacks
    /// the largest number of entries come first ("scuttle-depth", van Renesse et al. 2008).
    pub(super) fn send_deltas(
        &self,
        now: Time,
        to: Id,
        mut versions: Vec<StateVersion>,
        mut budget: usize,
        out: &mut Outgoing,
    ) {
        versions.sort_unstable_by_key(|row| row.member);
        versions.dedup_by_key(|row| row.member);
        versions.retain(|theirs| self.store.compare(theirs) == Some(Ordering::Greater));
        versions.sort_by_cached_key(|theirs| Reverse(self.store.missing_at(theirs)));
        let mut datagrams: Vec<Vec<Delta<'_>>> = Vec::new();
        let mut deltas: Vec<Delta<'_>> = Vec::new();
        let mut room = room_for_deltas(budget.min(self.config.mtu));
        let mut waiting = versions.into_iter();
        let mut next = waiting.next();
        while let Some(theirs) = next {
            if let Some(cut) = room_for_entries(room).and_then(|room| self.store.after(now, &theirs, room)) {
                let Delta { member, generation, to, collected, .. } = cut.delta;
                let rest = StateVersion { member, generation, version: to, collected };
                next = if cut.is_complete { waiting.next() } else { Some(rest) };
                room -= delta_size(&cut.delta);
                deltas.push(cut.delta);
            } else if deltas.is_empty() {
                // Not even an empty datagram has room for it.
                next = waiting.next();
            } else {
                budget -= deltas.iter().map(delta_size).sum::<usize>().min(budget);
                datagrams.push(std::mem::take(&mut deltas));
                room = room_for_deltas(budget.min(self.config.mtu));
            }
        }
        datagrams.push(deltas);
        datagrams.retain(|deltas| !deltas.is_empty());
        let count = datagrams.len();
        for (number, deltas) in (1..).zip(datagrams) {
            out.push((to, Message::Deltas { is_last: number == count, deltas }.encode(0)));
        }
    }

    /// Applies the answer to versions. The round goes on if something of it was new.
    pub(super) fn handle_deltas(
        &mut self,
        now: Time,
        from: Id,
        deltas: &[Delta<'_>],
        is_last: bool,
        out: &mut Outgoing,
    ) {
        let mut is_new = false;
        for delta in deltas {
            is_new |= self.store.apply(now, delta, false) == Applied::Newer;
        }
        if is_last && is_new {
            self.continue_repair(from, out);
        }
    }
}
