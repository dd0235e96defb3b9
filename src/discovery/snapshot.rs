//! A catalog at one moment, to be read while the catalog goes on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::change::Change;
use super::filter::Filter;
use super::instance::{CatalogMember, Instance};
use super::shared::SharedView;
use crate::protocol::Id;

/// A catalog at one moment. Cheap to clone, and never changed.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub(super) index: u64,
    pub(super) members: Arc<BTreeMap<u64, Arc<CatalogMember>>>,
    pub(super) services: BTreeMap<Box<str>, Arc<[Instance]>>,
    pub(super) shared: Arc<SharedView>,
    /// The latest changes, oldest first.
    pub(super) changes: VecDeque<Arc<Change>>,
}

/// Answer to the question what has changed since an index.
#[derive(Clone, Debug, PartialEq)]
pub enum Since {
    /// These changes, oldest first.
    Changes(Vec<Arc<Change>>),
    /// So many changes that this number of them is no longer kept: the snapshot itself has the present state.
    Missed(u64),
}

impl Snapshot {
    /// The number of the latest change.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The alive and suspected members, by id.
    pub fn members(&self) -> impl Iterator<Item = &Arc<CatalogMember>> {
        self.members.values()
    }

    /// The member with this id, if it is alive or suspected.
    pub fn member(&self, id: Id) -> Option<&Arc<CatalogMember>> {
        self.members.get(&id)
    }

    /// The names of all services that have an instance, in alphabetic order.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        self.services.keys().map(|name| &**name)
    }

    /// The instances of a service, the readiest first, then by the members' names. The name's case does not matter.
    pub fn instances(&self, service: &str) -> &[Instance] {
        self.services.get(&*service.to_ascii_lowercase()).map_or(&[], |instances| instances)
    }

    /// The instances of all services, by service, that a filter lets through.
    pub fn filtered<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Instance> {
        self.services.values().flat_map(|instances| instances.iter()).filter(|instance| filter.allows(instance))
    }

    /// The values that the group shares.
    pub fn shared(&self) -> &SharedView {
        &self.shared
    }

    /// The changes after this index.
    pub fn since(&self, index: u64) -> Since {
        let oldest = self.changes.front().map_or(self.index + 1, |change| change.index);
        if index + 1 < oldest {
            return Since::Missed(oldest - index - 1);
        }
        Since::Changes(self.changes.iter().filter(|change| change.index > index).cloned().collect())
    }
}
