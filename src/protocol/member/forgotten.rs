//! Forgotten members: what remains of dead and departed members after
//! [`Config::dead_retention`](crate::protocol::Config).

use std::collections::{BTreeMap, VecDeque};

use super::addressee::Addressee;
use crate::protocol::message::{Address, Id, Incarnation, PeerView};

/// Incarnations and addresses of forgotten members: enough to tell old updates from new ones and to try the members
/// again.
#[derive(Clone, Debug, Default, Hash)]
pub(super) struct Forgotten {
    records: BTreeMap<Id, (Incarnation, Option<Address>)>,
    /// The order of insertion, the oldest first.
    order: VecDeque<Id>,
}

impl Forgotten {
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Adds a member; beyond `limit` members the oldest is dropped. A member without an address is not tried again.
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

    /// Drops a member that has returned.
    pub(super) fn remove(&mut self, id: Id) {
        if self.records.remove(&id).is_some() {
            self.order.retain(|&other| other != id);
        }
    }

    /// The incarnation at which a member was forgotten.
    pub(super) fn incarnation(&self, id: Id) -> Option<Incarnation> {
        self.records.get(&id).map(|&(incarnation, _)| incarnation)
    }

    /// The n-th oldest, if it is one to be tried again.
    pub(super) fn nth(&self, n: usize) -> Option<Addressee> {
        let id = *self.order.get(n)?;
        let &(incarnation, address) = self.records.get(&id)?;
        Some(Addressee { id, address: address?, peer_view: PeerView::Dead(incarnation) })
    }
}
