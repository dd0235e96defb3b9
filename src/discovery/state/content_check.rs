//! The check of contents: an owner learns of copies of its state that have other values than it has written.
//!
//! Versions tell what a copy lacks, as long as only its owner writes a state. Entries that somebody else has invented have
//! versions like any other. So members compare now and then what they show as well: the values without a time to live,
//! as the others end by themselves.
//!
//! ```text
//! A                                   B
//! salt, digest of contents     ────►    equal: no answer, and that is all
//!                              ◄────    the same salt, B's digest
//! salt, digests of parts       ────►
//!                              ◄────    contents of the states in the parts that differ
//! A's and B's contents         ────►    the owner of each state of which they differ
//! ```
//!
//! Only the owner can tell which copy is wrong. It takes another generation then, with which all copies begin anew: see
//! [`take_contradiction`](super::store::StateStore::take_contradiction).

use swimlab_selectors::rng::bits;

use super::delta::Content;
use super::exchange::{ContentCheck, Exchange, Outgoing};
use super::limits::{ANSWER_FACTOR, CONTENT_CHECK_EVERY};
use super::message::{Message, fitting_contents};
use crate::protocol::Id;

impl Exchange {
    /// Sends the digest of contents to the partner of a repair, with every [`CONTENT_CHECK_EVERY`]th one.
    pub(super) fn begin_content_check(&mut self, partner: Id, out: &mut Outgoing) {
        self.repairs_until_check -= 1;
        if self.repairs_until_check > 0 {
            return;
        }
        self.repairs_until_check = CONTENT_CHECK_EVERY;
        let salt = bits(&mut self.rng);
        self.content_check = Some(ContentCheck { partner, salt, is_answered: false });
        let digest = self.store.content_digest(salt);
        out.push((partner, Message::ContentDigest { is_reply: false, salt, digest }.encode(0)));
    }

    pub(super) fn answer_content_digest(&self, from: Id, salt: u64, theirs: u64, out: &mut Outgoing) {
        let digest = self.store.content_digest(salt);
        if digest != theirs {
            out.push((from, Message::ContentDigest { is_reply: true, salt, digest }.encode(0)));
        }
    }

    pub(super) fn handle_content_reply(&mut self, from: Id, salt: u64, out: &mut Outgoing) {
        let (parts, size) = (self.parts(), self.request_size());
        let check = self.content_check.as_mut().filter(|check| (check.partner, check.salt) == (from, salt));
        if let Some(check) = check.filter(|check| !check.is_answered) {
            check.is_answered = true;
            let parts = self.store.content_part_digests(salt, parts);
            out.push((from, Message::ContentParts { salt, parts }.encode(size)));
        }
    }

    /// Answers with the contents of the states in the parts that differ, as many as fit, from a random one on.
    pub(super) fn answer_content_parts(
        &mut self,
        from: Id,
        salt: u64,
        parts: &[u32],
        received: usize,
        out: &mut Outgoing,
    ) {
        let size = (received * ANSWER_FACTOR).min(self.config.mtu);
        let mut contents = self.store.differing_contents(salt, parts);
        self.rotate(&mut contents);
        contents.truncate(fitting_contents(&contents, size));
        if !contents.is_empty() {
            out.push((from, Message::Contents { salt, contents }.encode(0)));
        }
    }

    /// Compares contents with the own state, and, if this member has asked for them, with its copies. Owners are told of
    /// those that differ, as many as the limit of answers allows.
    pub(super) fn handle_contents(
        &mut self,
        from: Id,
        salt: u64,
        contents: &[Content],
        received: usize,
        out: &mut Outgoing,
    ) {
        contents.iter().for_each(|theirs| self.store.check_own(salt, theirs));
        let is_asked = |check: &mut ContentCheck| check.is_answered && (check.partner, check.salt) == (from, salt);
        if self.content_check.take_if(is_asked).is_none() {
            return;
        }
        let mut budget = received * ANSWER_FACTOR;
        for theirs in contents.iter().filter(|theirs| theirs.member != self.store.me()) {
            let Some(ours) = self.store.content_of(salt, theirs.member) else { continue };
            // A copy without any version is not wrong, and one of another life is dropped by whoever follows membership.
            let is_comparable = ours.generation == theirs.generation && ours.version.min(theirs.version) > 0;
            if is_comparable && ours.hash != theirs.hash {
                let report = Message::Contents { salt, contents: vec![*theirs, ours] }.encode(0);
                let Some(rest) = budget.checked_sub(report.len()) else { return };
                budget = rest;
                out.push((theirs.member, report));
            }
        }
    }
}
