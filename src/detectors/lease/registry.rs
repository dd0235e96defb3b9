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
    list: Arc<[Heartbeat]>,
}

struct HeldLease {
    holder: Heartbeat,
    until: Time,
}

impl LeaseTable {
    /// The empty table of this registry in this life.
    pub(super) fn new(registry: Id, generation: u32, ttl: Span) -> Self {
        let version = ListVersion { registry, generation, changes: 0 };
        Self { ttl, leases: BTreeMap::new(), ready_at: Time::ZERO, version, list: Arc::default() }
    }

    /// Gives no list until all members have had time to renew their leases.
    pub(super) fn wait(&mut self, now: Time) {
        self.ready_at = now + self.ttl;
    }

    /// Renews a lease, or notes that its holder has left, which the list tells for as long as the lease would have
    /// lasted.
    pub(super) fn renew(&mut self, now: Time, holder: Heartbeat) {
        let until = now + self.ttl;
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
        let before = self.leases.len();
        self.leases.retain(|_, lease| lease.until > now);
        if self.leases.len() < before {
            self.note_change();
        }
        (self.ready_at <= now).then_some((self.version, &self.list))
    }

    fn note_change(&mut self) {
        self.version.changes += 1;
        // Renewals do not change the list, so it does not count them.
        let listed = |lease: &HeldLease| {
            let Heartbeat { count, .. } = lease.holder;
            Heartbeat { count: HeartbeatCount { beats: 0, ..count }, ..lease.holder }
        };
        self.list = self.leases.values().map(listed).collect();
    }
}
