//! The leases that a registry keeps, and the list that it makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::message::ListVersion;
use crate::detectors::{Heartbeat, HeartbeatCount};
use crate::protocol::{Id, Span, Time};

/// The leases of a registry.
pub(super) struct LeaseTable {
    ttl: Span,
    leases: BTreeMap<Id, HeldLease>,
    /// No list is given out before: a registry that has restarted waits until all members have had time to renew.
    ready_at: Time,
    version: ListVersion,
    /// The list of this version, once somebody has asked for it.
    list: Option<Arc<[Heartbeat]>>,
    /// No lease ends before.
    none_ends_before: Time,
}

struct HeldLease {
    holder: Heartbeat,
    until: Time,
}

impl LeaseTable {
    /// The empty table of this registry in this life.
    pub(super) fn new(registry: Id, generation: u32, ttl: Span) -> Self {
        let version = ListVersion { registry, generation, changes: 0 };
        let none_ends_before = Time::NEVER;
        Self { ttl, leases: BTreeMap::new(), ready_at: Time::ZERO, version, list: None, none_ends_before }
    }

    /// Gives no list until all members have had time to renew their leases.
    pub(super) fn wait(&mut self, now: Time) {
        self.ready_at = now + self.ttl;
    }

    /// Renews a lease, or notes that its holder has left, which the list tells for as long as the lease would have
    /// lasted.
    pub(super) fn renew(&mut self, now: Time, holder: Heartbeat) {
        let until = now + self.ttl;
        self.none_ends_before = self.none_ends_before.min(until);
        let changes = match self.leases.get_mut(&holder.id) {
            Some(lease) if holder.count <= lease.holder.count => return,
            Some(lease) => {
                let before = std::mem::replace(lease, HeldLease { holder, until }).holder;
                (before.count.generation, before.left) != (holder.count.generation, holder.left)
            }
            None => {
                self.leases.insert(holder.id, HeldLease { holder, until });
                true
            }
        };
        if changes {
            self.note_change();
        }
    }

    /// The list with its version; `None` while it is not given out.
    pub(super) fn list(&mut self, now: Time) -> Option<(ListVersion, &Arc<[Heartbeat]>)> {
        // All members ask again and again, so looking at all leases each time would take the square of their number.
        if self.none_ends_before <= now {
            self.end_leases(now);
        }
        let leases = &self.leases;
        let list = self.list.get_or_insert_with(|| leases.values().map(HeldLease::listed).collect());
        (self.ready_at <= now).then_some((self.version, list))
    }

    fn end_leases(&mut self, now: Time) {
        let before = self.leases.len();
        self.leases.retain(|_, lease| lease.until > now);
        self.none_ends_before = self.leases.values().map(|lease| lease.until).min().unwrap_or(Time::NEVER);
        if self.leases.len() < before {
            self.note_change();
        }
    }

    fn note_change(&mut self) {
        self.version.changes += 1;
        self.list = None;
    }
}

impl HeldLease {
    /// Its entry in the list. Renewals do not change the list, so it does not count them.
    fn listed(&self) -> Heartbeat {
        let Heartbeat { count, .. } = self.holder;
        Heartbeat { count: HeartbeatCount { beats: 0, ..count }, ..self.holder }
    }
}
