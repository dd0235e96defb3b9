//! State that most members do not have most of the time.

use std::hash::{Hash, Hasher};

use swimlab_selectors::Slot;

use super::admissions::Admissions;
use super::forgotten::Forgotten;
use super::round::{AskedHelpers, Relay};
use super::user_events::UserEvents;
use crate::protocol::event::EventSource;
use crate::protocol::message::{Address, Id, Incarnation};
use crate::protocol::rtt::SlowPeers;
use crate::protocol::state_hash::StateHash;
use crate::protocol::time::{Span, Time};

/// Rarely present state, boxed.
#[derive(Clone, Debug, Default)]
pub(super) struct ColdState {
    pub(super) name_conflict: Option<NameConflict>,
    /// Seeds, tried again while no known member listens there.
    pub(super) seeds: Vec<Address>,
    pub(super) forgotten: Forgotten,
    pub(super) relays: Vec<Relay>,
    /// Suspicions of this member's own of which only the suspects were told.
    pub(super) undisclosed: Vec<Undisclosed>,
    /// Whether this member's incarnation refutes a suspicion that only the accuser knew, and was not announced.
    pub(super) is_unannounced: bool,
    pub(super) helpers: AskedHelpers,
    pub(super) stall: Stall,
    pub(super) slow: SlowPeers,
    pub(super) joining: Option<Joining>,
    /// The member whose digest has not come yet.
    pub(super) awaited_digest: Option<Id>,
    /// Whether the digest before it has not come.
    pub(super) has_missed_digest: bool,
    /// Members that the last table that came in answer named, and this one did not know.
    pub(super) last_unknown: u32,
    /// Requests for differing parts, after comparisons of digests, since one was answered.
    pub(super) requests_without_answer: u8,
    /// Whether a member was asked for the differing parts of its table since the last state sync began.
    pub(super) has_asked_for_parts: bool,
    pub(super) user_events: UserEvents,
    pub(super) admissions: Admissions,
    pub(super) settling: Settling,
}

impl StateHash for ColdState {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self {
            name_conflict,
            seeds,
            forgotten,
            relays,
            undisclosed,
            is_unannounced,
            stall,
            slow,
            joining,
            awaited_digest,
            has_missed_digest,
            last_unknown,
            requests_without_answer,
            has_asked_for_parts,
            user_events,
            helpers,
            admissions,
            settling: _,
        } = self;
        relays.as_slice().hash_state(reference, hasher);
        undisclosed.as_slice().hash_state(reference, hasher);
        user_events.hash_state(reference, hasher);
        admissions.hash_state(reference, hasher);
        (has_missed_digest, last_unknown, requests_without_answer).hash(hasher);
        (
            name_conflict,
            seeds,
            forgotten,
            stall,
            slow,
            joining,
            awaited_digest,
            has_asked_for_parts,
            helpers,
            is_unannounced,
        )
            .hash(hasher);
    }
}

/// A table that may be folded once it has not changed for some periods.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settling {
    /// The table's digest.
    pub(super) digest: u64,
    /// The period in which the table was first seen with it.
    pub(super) since: u64,
}

/// A suspicion of which only the suspect was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Undisclosed {
    pub(super) slot: Slot,
    pub(super) incarnation: Incarnation,
    /// Time of the next step.
    pub(super) at: Time,
    /// Whether the suspect is told once more then.
    pub(super) tells_again: bool,
}

impl StateHash for Undisclosed {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { slot, incarnation, at, tells_again } = self;
        at.hash_state(reference, hasher);
        (slot, incarnation, tells_again).hash(hasher);
    }
}

/// A process at another address that may use this member's id.
#[derive(Clone, Debug, Hash)]
pub(super) struct NameConflict {
    pub(super) address: Address,
    /// The highest incarnation seen of it.
    pub(super) incarnation: Incarnation,
    pub(super) source: EventSource,
    /// The number of challenges it was sent.
    pub(super) pings: u32,
    /// The random number of the challenges, which the answer must return.
    pub(super) seq: u32,
}

/// Loops that are blocked in a send.
#[derive(Clone, Copy, Debug, Default, Hash)]
pub(super) struct Stall {
    pub(super) probing: bool,
    pub(super) gossiping: bool,
}

/// A join under way.
#[derive(Clone, Debug, Hash)]
pub(super) struct Joining {
    pub(super) seeds: Vec<Address>,
    pub(super) next: usize,
    pub(super) phase: JoinPhase,
}

impl Joining {
    /// The seed whose turn it is; `None` if there are no seeds.
    pub(super) fn next_seed(&mut self) -> Option<Address> {
        let seed = self.seeds.get(self.next % self.seeds.len().max(1)).copied();
        self.next += 1;
        seed
    }
}

/// Phases of a join, in order.
#[derive(Clone, Debug, Hash)]
pub(super) enum JoinPhase {
    /// No seed has answered yet; the next one is tried after `wait`.
    Contacting { wait: Span },
    /// A seed has answered. It may not know members that join at the same time, so up to `left` more seeds are asked,
    /// while their answers name new members: the table had `known` members when the last was asked. After one that has not
    /// answered in time a member is asked.
    Syncing { left: u32, known: u32, wait: Span, asked: Address, is_answered: bool },
    /// The group is known, apart from updates that missed this member while hundreds joined at once: each update
    /// reaches each member about retransmit_mult x retransmit_scale times, Poisson distributed, so that among 500
    /// members 500^2 e^-12 = 1.5 of all pairs remain unknown to each other. One more sync with a random member closes
    /// that gap.
    Finishing { is_asked: bool },
}
