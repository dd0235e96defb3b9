//! State of a probe round, and of indirect pings made for other members.

use std::hash::{Hash, Hasher};

use smallvec::SmallVec;
use swimlab_selectors::Slot;

use crate::protocol::message::{Id, Incarnation, PeerAddress};
use crate::protocol::state_hash::StateHash;
use crate::protocol::time::Time;

/// The direct pings of one period.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    pub(super) seq: u32,
    /// The sequence number of the pings over streams; 0 before there are any.
    pub(super) stream_seq: u32,
    pub(super) sent_at: Time,
    /// Answers, nacks among them, that helpers were asked for and that they gave.
    pub(super) asked: u16,
    pub(super) answers: u16,
    /// Nearly always one.
    pub(super) targets: SmallVec<[Probed; 1]>,
}

/// A target of a direct ping.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct Probed {
    pub(super) slot: Slot,
    pub(super) id: Id,
    pub(super) incarnation: Incarnation,
    pub(super) answered: bool,
}

/// The helpers asked in one round, and the targets that each was asked for: nobody else's answers count.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct AskedHelpers {
    seq: u32,
    asked: Vec<(Id, Id)>,
}

/// An indirect ping under way for another member.
#[derive(Clone, Debug)]
pub(super) struct Relay {
    pub(super) seq: u32,
    pub(super) target: Id,
    pub(super) origin: PeerAddress,
    pub(super) origin_seq: u32,
    pub(super) nack_at: Time,
    pub(super) ends_at: Time,
}

impl Round {
    /// Counts a helper's answer: the target's ack, or a nack.
    pub(super) fn count_answer(&mut self, seq: u32) {
        self.answers = self.answers.saturating_add(u16::from(seq == self.seq));
    }
}

impl AskedHelpers {
    /// Replaces the helpers of an earlier round by those of the round with this sequence number, none so far.
    pub(super) fn begin(&mut self, seq: u32) {
        self.seq = seq;
        self.asked.clear();
    }

    /// Notes that a helper is asked to ping some targets.
    pub(super) fn add(&mut self, helper: Id, targets: &[PeerAddress]) {
        self.asked.extend(targets.iter().map(|target| (helper, target.id)));
    }

    /// Whether a helper was asked for a target in the round with this sequence number.
    pub(super) fn contains(&self, seq: u32, helper: Id, target: Id) -> bool {
        self.seq == seq && self.asked.contains(&(helper, target))
    }
}

impl Relay {
    /// Time of its next step.
    pub(super) fn due(&self) -> Time {
        self.nack_at.min(self.ends_at)
    }
}

impl StateHash for Round {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { seq, stream_seq, sent_at, asked, answers, targets } = self;
        sent_at.hash_state(reference, hasher);
        (seq, stream_seq, asked, answers, targets).hash(hasher);
    }
}

impl StateHash for Relay {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { seq, target, origin, origin_seq, nack_at, ends_at } = self;
        nack_at.hash_state(reference, hasher);
        ends_at.hash_state(reference, hasher);
        (seq, target, origin, origin_seq).hash(hasher);
    }
}
