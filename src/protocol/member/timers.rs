//! Deadlines of a member: those that every member has, and those that few have at any time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hash::{Hash, Hasher};

use swimlab_selectors::Slot;

use crate::protocol::state_hash::StateHash;
use crate::protocol::time::Time;

/// Deadlines that every member has. The driver asks for the earliest after every call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    /// The end of the period.
    pub(super) period: Time,
    /// The probe timeout of this period's pings.
    pub(super) timeout: Time,
    /// The earliest of the [`Alarms`].
    pub(super) alarm: Time,
}

/// The deadlines behind the alarm, boxed: while nothing happens, a member without gossip and state syncs has none.
#[derive(Clone, Debug, Default)]
pub(super) struct Deadlines {
    pub(super) alarms: Alarms,
    /// Ends of suspicions. Entries of refuted or changed suspicions are skipped when they surface.
    pub(super) suspicions: BinaryHeap<Reverse<(Time, Slot)>>,
}

/// Deadlines that few members have at any time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alarms {
    pub(super) gossip: Time,
    pub(super) sync: Time,
    /// The earliest deadline of a relay.
    pub(super) relay: Time,
    /// The earliest end of a suspicion.
    pub(super) suspicion: Time,
    pub(super) join: Time,
    /// The next step about a suspicion of which only the suspect was told.
    pub(super) disclosure: Time,
}

impl Timers {
    pub(super) const OFF: Self = Self { period: Time::NEVER, timeout: Time::NEVER, alarm: Time::NEVER };

    pub(super) fn next(&self) -> Time {
        self.period.min(self.timeout).min(self.alarm)
    }
}

impl Alarms {
    pub(super) const OFF: Self = Self {
        gossip: Time::NEVER,
        sync: Time::NEVER,
        relay: Time::NEVER,
        suspicion: Time::NEVER,
        join: Time::NEVER,
        disclosure: Time::NEVER,
    };

    pub(super) fn next(&self) -> Time {
        let Self { gossip, sync, relay, suspicion, join, disclosure } = *self;
        gossip.min(sync).min(relay).min(suspicion).min(join).min(disclosure)
    }
}

impl Default for Alarms {
    fn default() -> Self {
        Self::OFF
    }
}

impl StateHash for Timers {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { period, timeout, alarm } = *self;
        [period, timeout, alarm].hash_state(reference, hasher);
    }
}

impl StateHash for Deadlines {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { alarms, suspicions } = self;
        alarms.hash_state(reference, hasher);
        // The heap's layout depends on the order of insertion.
        let mut suspicions: Vec<_> = suspicions.iter().map(|Reverse(end)| *end).collect();
        suspicions.sort_unstable();
        suspicions.len().hash(hasher);
        for (until, slot) in suspicions {
            until.hash_state(reference, hasher);
            slot.hash(hasher);
        }
    }
}

impl StateHash for Alarms {
    fn hash_state<H: Hasher>(&self, reference: Time, hasher: &mut H) {
        let Self { gossip, sync, relay, suspicion, join, disclosure } = *self;
        [gossip, sync, relay, suspicion, join, disclosure].hash_state(reference, hasher);
    }
}
